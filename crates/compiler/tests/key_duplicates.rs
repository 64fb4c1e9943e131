//! How often the key finds the same network again in the paper's hierarchical space: what it is there for.
//!
//! The expected numbers were found by simulation with another implementation.

use std::collections::HashSet;

use hnas_compiler::{Graph, NetworkKey, Shape, Skeleton, assemble, cost, optimize};
use hnas_genome::{Genotype, MutationRule, SearchSpace};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

fn network(genotype: &Genotype) -> Graph {
    let graph = assemble(genotype, &Skeleton::cifar_small(), Shape::new(3, 32, 32));
    optimize(graph.expect("the paper's networks can be built"))
}

fn key(genotype: &Genotype) -> NetworkKey {
    network(genotype).key()
}

/// Mutations that leave the network as it is, by the first reason that holds: the operation drawn was the old one; no edge
/// of the cell carries the motif; the edge is dead, or the network it gives is isomorphic.
#[derive(Clone, Copy, Debug, Default)]
struct Neutral {
    same_operation: usize,
    unused_motif: usize,
    same_network: usize,
    mutations: usize,
}

#[test]
fn a_third_of_all_mutations_leave_the_network_as_it_is() {
    let space = SearchSpace::hierarchical();
    let neutral: Vec<Neutral> = (0..800u64)
        .into_par_iter()
        .map(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let parent = Genotype::random(&space, 1000, &mut rng).genotype;
            let parent_key = key(&parent);
            let is_named = |motif: usize| parent.cell().edges().any(|edge| edge.op == motif);
            let mut neutral = Neutral { mutations: 8, ..Neutral::default() };
            for _ in 0..neutral.mutations {
                let child = parent.mutate(MutationRule::Uniform, &mut rng);
                let mutation = child.mutation.expect("a mutated genotype says what changed");
                let is_same = key(&child.genotype) == parent_key;
                if mutation.old == mutation.new {
                    assert!(is_same, "nothing changed");
                    neutral.same_operation += 1;
                } else if mutation.level == 2 && !is_named(mutation.motif) {
                    assert!(is_same, "no edge of the cell carries the motif");
                    neutral.unused_motif += 1;
                } else {
                    neutral.same_network += usize::from(is_same);
                }
            }
            neutral
        })
        .collect();
    let mutations: usize = neutral.iter().map(|neutral| neutral.mutations).sum();
    let share =
        |count: fn(&Neutral) -> usize| 100.0 * neutral.iter().map(count).sum::<usize>() as f64 / mutations as f64;
    let shares = [share(|n| n.same_operation), share(|n| n.unused_motif), share(|n| n.same_network)];
    let all = shares.iter().sum::<f64>();
    println!(
        "{all:.1} % of {mutations} mutations: same operation, unused motif, dead or isomorphic edge: {shares:.1?}"
    );
    assert!((29.0..37.0).contains(&all), "{all:.1} % instead of about 32 %");
    for (found, expected) in shares.iter().zip([14.0, 9.0, 9.0]) {
        assert!((found - expected).abs() < 3.0, "{found:.1} % instead of about {expected} %");
    }
}

#[test]
fn evolution_meets_many_networks_again_that_its_genotypes_do_not_show() {
    let space = SearchSpace::hierarchical();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (initial, children) = (100, 900);
    let mut population: Vec<(Genotype, u64)> = Vec::new();
    let (mut networks, mut genotypes) = (HashSet::new(), HashSet::new());
    let (mut repeated, mut shown) = (0, 0);
    for trial in 0..initial + children {
        let genotype = if trial < initial {
            Genotype::random(&space, 1000, &mut rng).genotype
        } else {
            // Tournament selection of 5 %, for the largest network: parents and children are about as fit.
            let drawn = (0..population.len().div_ceil(20)).map(|_| rng.random_range(0..population.len()));
            let winner = drawn.max_by_key(|&index| population[index].1).expect("the population is not empty");
            population[winner].0.mutate(MutationRule::Uniform, &mut rng).genotype
        };
        let graph = network(&genotype);
        let (is_new_network, is_new_genotype) = (networks.insert(graph.key()), genotypes.insert(genotype.clone()));
        if trial >= initial {
            repeated += usize::from(!is_new_network);
            shown += usize::from(!is_new_genotype);
        }
        population.push((genotype, cost(&graph).total.parameters));
    }
    let share = |count: usize| 100.0 * count as f64 / children as f64;
    println!("{:.1} % of {children} children repeat a network, {:.1} % a genotype", share(repeated), share(shown));
    assert!((20.0..60.0).contains(&share(repeated)), "{repeated} of {children} children repeat a network");
    assert!(shown < repeated, "{shown} repeated genotypes, {repeated} repeated networks");
}
