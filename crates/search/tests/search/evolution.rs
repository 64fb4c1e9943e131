//! Does evolution find better genotypes than random search with the same number of evaluations?

use std::cmp::Ordering;

use hnas_genome::{Genotype, SearchSpace};
use hnas_search::Fitness;

use crate::fitness::{rugged, rugged_with_failures, separables};
use crate::simulation::Simulation;

const RANDOM: &str = "Random(mutations: 200)";
const TOURNAMENT: &str = "Tournament(mutations: 200, initial: 50, fraction: 0.05, rule: Uniform)";

/// A one-sided sign test over 40 pairs of searches of 700 trials, a pair for each seed. If the two were equally good,
/// evolution would pass it with a probability below 1 in 1000.
fn check(space: &SearchSpace, fitness: fn(&Genotype) -> Option<Fitness>, in_flight: &[usize]) {
    let best =
        |plan, in_flight, seed| Simulation { plan, space: space.clone(), fitness, trials: 700, in_flight, seed }.best();
    // Random search learns nothing, so the number in flight does not matter to it.
    let random: Vec<Fitness> = (1..=40).map(|seed| best(RANDOM, 1, seed)).collect();
    for &in_flight in in_flight {
        let compared: Vec<Ordering> =
            random.iter().zip(1..).map(|(random, seed)| best(TOURNAMENT, in_flight, seed).cmp(random)).collect();
        let count = |outcome| compared.iter().filter(|&&pair| pair == outcome).count() as u32;
        let (wins, losses) = (count(Ordering::Greater), count(Ordering::Less));
        let chance = probability_of_at_least(wins, wins + losses);
        assert!(chance < 1e-3, "{in_flight} in flight: {wins} wins, {losses} losses, by chance {chance:.3}");
    }
}

/// The probability of `wins` or more heads in `count` throws of a coin.
fn probability_of_at_least(wins: u32, count: u32) -> f64 {
    let mut ways = 1.0;
    let mut sum = 0.0;
    for heads in 0..=count {
        if heads >= wins {
            sum += ways;
        }
        ways *= f64::from(count - heads) / f64::from(heads + 1);
    }
    sum / 2.0_f64.powi(count as i32)
}

#[test]
fn the_sign_test_knows_its_coins() {
    assert_eq!(
        [(0, 0), (0, 5), (1, 1), (2, 3), (3, 3)].map(|(wins, count)| probability_of_at_least(wins, count)),
        [1.0, 1.0, 0.5, 0.5, 0.125]
    );
    assert!((probability_of_at_least(30, 40) - 0.001_111).abs() < 1e-6);
}

#[test]
fn evolution_beats_random_search_on_a_smooth_hill() {
    check(&SearchSpace::hierarchical(), separables, &[1, 8, 64]);
}

#[test]
fn evolution_beats_random_search_on_a_rugged_landscape() {
    check(&SearchSpace::hierarchical(), rugged, &[1, 8, 64]);
}

#[test]
fn evolution_beats_random_search_on_flat_genotypes() {
    check(&SearchSpace::flat(), rugged, &[1, 64]);
}

#[test]
fn evolution_beats_random_search_when_trials_fail() {
    check(&SearchSpace::hierarchical(), rugged_with_failures, &[8]);
}
