//! The key against VF2 on networks one and two edges apart: equal keys for isomorphic networks, and for no others (C5).

use std::collections::HashMap;

use hnas_compiler::NetworkKey;
use hnas_genome::{Edge, Genotype, Motif};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;

use isomorphism::Network;
use networks::{graph, map_motifs, one_cell, spaces};

mod isomorphism;
mod networks;

/// Every genotype that differs in one edge.
fn neighbours(genotype: &Genotype) -> Vec<Genotype> {
    let space = genotype.space();
    let mut all = Vec::new();
    for level in 2..=space.top() {
        for (index, motif) in genotype.motifs(level).iter().enumerate() {
            let places = (2..=motif.nodes()).flat_map(|to| (1..to).map(move |from| (from, to)));
            for (from, to) in places {
                let kept: Vec<Edge> = motif.edges().filter(|edge| (edge.from, edge.to) != (from, to)).collect();
                let choices = (0..space.pool(level)).map(Some).chain([None]);
                for op in choices.filter(|&op| op != motif.operation(from, to)) {
                    let edges = kept.iter().copied().chain(op.map(|op| Edge { from, to, op }));
                    let changed = Motif::new(motif.nodes(), edges).expect("the edge is forward");
                    let mut levels = map_motifs(genotype, |_, _, motif| motif.clone());
                    levels[level - 2][index] = changed;
                    // The few without a way from source to sink are no genotypes.
                    all.extend(Genotype::new(space.clone(), levels));
                }
            }
        }
    }
    all
}

/// Pairs of networks that the key and VF2 were asked about.
#[derive(Clone, Copy, Debug, Default)]
struct Compared {
    same: usize,
    different: usize,
    /// Different ones with the same operations, shapes, degrees and depths.
    look_alikes: usize,
    gave_up: usize,
}

impl Compared {
    fn check(&mut self, a: &(NetworkKey, Network), b: &(NetworkKey, Network)) {
        match a.1.is_same(&b.1) {
            Some(same) => {
                assert_eq!(a.0 == b.0, same, "the keys are {} and {}, but VF2 says {same}", a.0, b.0);
                self.same += usize::from(same);
                self.different += usize::from(!same);
                self.look_alikes += usize::from(!same && a.1.labels == b.1.labels);
            }
            None => self.gave_up += 1,
        }
    }

    fn plus(self, other: Compared) -> Compared {
        Compared {
            same: self.same + other.same,
            different: self.different + other.different,
            look_alikes: self.look_alikes + other.look_alikes,
            gave_up: self.gave_up + other.gave_up,
        }
    }
}

#[test]
fn c5_keys_are_equal_exactly_for_isomorphic_networks() {
    let spaces = spaces();
    let skeleton = one_cell();
    let compared = (0..48u64).into_par_iter().map(|seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let case = usize::try_from(seed).expect("below 48");
        let parent = Genotype::random(&spaces[case % spaces.len()], 200, &mut rng).genotype;
        let judged = |genotype: &Genotype| {
            let graph = graph(genotype, &skeleton);
            (graph.key(), Network::new(&graph))
        };
        let mut compared = Compared::default();
        let parent_network = judged(&parent);
        // The canonical graph is the network itself, so nothing is missing from the description.
        let canonical = graph(&parent, &skeleton).canonical();
        compared.check(&parent_network, &(canonical.key(), Network::new(&canonical)));
        let networks: Vec<(NetworkKey, Network)> = neighbours(&parent).iter().map(judged).collect();
        for network in &networks {
            compared.check(&parent_network, network);
        }
        // Neighbours of one parent that look alike are two edges apart: the hardest pairs there are.
        let mut alike: HashMap<Vec<_>, Vec<usize>> = HashMap::new();
        for (index, network) in networks.iter().enumerate() {
            alike.entry(network.1.labels.clone()).or_default().push(index);
        }
        for group in alike.values() {
            for pair in group.windows(2) {
                compared.check(&networks[pair[0]], &networks[pair[1]]);
            }
            for &index in &group[1..] {
                compared.check(&networks[group[0]], &networks[index]);
            }
        }
        compared
    });
    let compared = compared.reduce(Compared::default, Compared::plus);
    println!("{compared:?}");
    let all = compared.same + compared.different + compared.gave_up;
    assert!(compared.same > 1000 && compared.different > 5000, "{compared:?}");
    assert!(compared.gave_up * 100 <= all, "VF2 gave up too often: {compared:?}");
}
