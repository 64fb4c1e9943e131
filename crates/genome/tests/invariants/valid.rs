//! Arbitrary spaces, motifs and genotypes, all of them valid.

use hnas_genome::{Edge, Genotype, Level, Merge, Motif, MutationRule, Primitive, SearchSpace, SpaceError};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Small spaces of every kind: one to four levels, each with a few motifs of a few nodes.
pub(crate) fn spaces() -> impl Strategy<Value = SearchSpace> {
    let primitives = proptest::sample::subsequence(Primitive::ALL.to_vec(), 1..=Primitive::ALL.len()).prop_shuffle();
    let level = (1..=4_usize, 2..=5_usize, proptest::option::of(proptest::sample::select(Primitive::ALL.to_vec())));
    let levels = proptest::collection::vec(level, 1..=4);
    let merge = prop_oneof![Just(Merge::Concat), Just(Merge::Sum)];
    (primitives, levels, merge).prop_map(|(mut primitives, levels, merge)| {
        if !primitives.contains(&Primitive::Identity) {
            primitives.push(Primitive::Identity);
        }
        let top = levels.len() - 1;
        let levels = levels.into_iter().enumerate().map(|(i, (motifs, nodes, followed_by))| {
            let motifs = if i == top { 1 } else { motifs };
            Level { motifs, nodes, followed_by }
        });
        let levels: Vec<Level> = levels.collect();
        match SearchSpace::new(primitives.clone(), levels.clone(), merge) {
            Err(SpaceError::NothingToChoose) => {
                primitives.push(Primitive::MaxPool3x3);
                SearchSpace::new(primitives, levels, merge).expect("built to be valid")
            }
            space => space.expect("built to be valid"),
        }
    })
}

/// All motifs of a space, edge by edge, whether or not the sink of the cell can be reached.
pub(crate) fn motifs(space: SearchSpace) -> impl Strategy<Value = (SearchSpace, Vec<Vec<Motif>>)> {
    let operations: Vec<_> = (2..=space.top())
        .flat_map(|level| {
            let edges = space.level(level).nodes * (space.level(level).nodes - 1) / 2 * space.level(level).motifs;
            vec![proptest::option::of(0..space.pool(level)); edges]
        })
        .collect();
    operations.prop_map(move |operations| {
        let mut operations = operations.into_iter();
        let levels = space.levels().iter().map(|level| {
            let mut motif = || {
                let places = (2..=level.nodes).flat_map(|to| (1..to).map(move |from| (from, to)));
                let edges = places.filter_map(|(from, to)| {
                    let op = operations.next().expect("one an edge")?;
                    Some(Edge { from, to, op })
                });
                Motif::new(level.nodes, edges.collect::<Vec<_>>()).expect("built to be valid")
            };
            (0..level.motifs).map(|_| motif()).collect()
        });
        let levels = levels.collect();
        (space.clone(), levels)
    })
}

pub(crate) fn genotypes() -> impl Strategy<Value = Genotype> {
    let named = prop_oneof![spaces(), Just(SearchSpace::hierarchical()), Just(SearchSpace::flat())];
    (named, 0..200_usize, any::<u64>())
        .prop_map(|(space, n, seed)| Genotype::random(&space, n, &mut ChaCha8Rng::seed_from_u64(seed)).genotype)
}

pub(crate) fn rules() -> impl Strategy<Value = MutationRule> {
    prop_oneof![Just(MutationRule::Uniform), Just(MutationRule::MustChange)]
}
