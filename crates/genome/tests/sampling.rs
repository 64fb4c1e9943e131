//! Random genotypes and mutations: the exact draws, and what they amount to.

use expect_test::expect;
use hnas_genome::{Genotype, MutationRule, Primitive, SearchSpace};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};

/// The paper's order of draws, written down a second time.
#[test]
fn mutation_draws_level_motif_successor_predecessor_operation() {
    for (space, levels) in [(SearchSpace::hierarchical(), 2..=3), (SearchSpace::flat(), 2..=2)] {
        for rule in [MutationRule::Uniform, MutationRule::MustChange] {
            let [mut rng, mut by_hand] = [(); 2].map(|()| ChaCha8Rng::seed_from_u64(7));
            let mut genotype = Genotype::random(&space, 1000, &mut ChaCha8Rng::seed_from_u64(8)).genotype;
            for _ in 0..500 {
                let sampled = genotype.mutate(rule, &mut rng);
                let mutation = sampled.mutation.expect("a child has a mutation");
                let mut draw = |range: std::ops::RangeInclusive<usize>| {
                    let range = (*range.start() as u32)..=(*range.end() as u32);
                    by_hand.random_range(range) as usize
                };
                for redraw in 0..=sampled.redraws {
                    let level = if levels.clone().count() == 1 { 2 } else { draw(levels.clone()) };
                    let motif = draw(0..=space.level(level).motifs - 1);
                    let to = draw(2..=space.level(level).nodes);
                    let from = draw(1..=to - 1);
                    let old = genotype.motif(level, motif).operation(from, to);
                    // None first, then the pool.
                    let mut choices: Vec<Option<usize>> =
                        std::iter::once(None).chain((0..space.pool(level)).map(Some)).collect();
                    match rule {
                        MutationRule::Uniform => {}
                        MutationRule::MustChange => choices.retain(|choice| *choice != old),
                    }
                    let new = choices[draw(0..=choices.len() - 1)];
                    if redraw == sampled.redraws {
                        let drawn = (mutation.level, mutation.motif, mutation.from, mutation.to);
                        assert_eq!(drawn, (level, motif, from, to));
                        assert_eq!((mutation.old, mutation.new), (old, new));
                    }
                }
                genotype = sampled.genotype;
            }
            assert_eq!(rng.next_u64(), by_hand.next_u64(), "nothing else was drawn");
        }
    }
}

/// Pins the values themselves: they must be the same on every platform and after every update of `rand`.
#[test]
fn a_fixed_seed_gives_a_fixed_sequence_of_mutations() {
    fn sequence(space: SearchSpace, rule: MutationRule) -> String {
        let mut rng = ChaCha8Rng::seed_from_u64(1711);
        let mut genotype = Genotype::identity_chain(&space);
        let mut lines = String::new();
        for _ in 0..8 {
            let sampled = genotype.mutate(rule, &mut rng);
            let mutation = sampled.mutation.expect("a child has a mutation");
            lines += &format!("{} ({} redraws)\n", mutation.describe(&space), sampled.redraws);
            genotype = sampled.genotype;
        }
        lines
    }
    expect![[r#"
        level 2, motif 1: 1->2 Identity becomes Separable3x3 (0 redraws)
        level 3, motif 1: 2->5 none becomes Motif4 (0 redraws)
        level 3, motif 1: 1->2 Motif1 becomes Motif2 (0 redraws)
        level 3, motif 1: 1->2 Motif2 becomes Motif6 (0 redraws)
        level 2, motif 6: 2->4 none becomes Separable3x3 (0 redraws)
        level 2, motif 5: 2->3 Identity becomes AvgPool3x3 (0 redraws)
        level 2, motif 5: 1->2 Identity becomes MaxPool3x3 (0 redraws)
        level 2, motif 2: 1->3 none becomes Depthwise3x3 (0 redraws)
    "#]]
    .assert_eq(&sequence(SearchSpace::hierarchical(), MutationRule::Uniform));
    expect![[r#"
        level 2, motif 1: 1->2 Identity becomes Separable3x3 (0 redraws)
        level 3, motif 1: 2->5 none becomes Motif4 (0 redraws)
        level 3, motif 1: 1->2 Motif1 becomes Motif2 (0 redraws)
        level 3, motif 1: 1->2 Motif2 becomes Motif6 (0 redraws)
        level 2, motif 6: 2->4 none becomes MaxPool3x3 (0 redraws)
        level 2, motif 5: 2->3 Identity becomes MaxPool3x3 (0 redraws)
        level 2, motif 5: 1->2 Identity becomes MaxPool3x3 (0 redraws)
        level 2, motif 2: 1->3 none becomes Separable3x3 (0 redraws)
    "#]]
    .assert_eq(&sequence(SearchSpace::hierarchical(), MutationRule::MustChange));
    expect![[r#"
        level 2, motif 1: 1->2 Identity becomes Conv1x1 (0 redraws)
        level 2, motif 1: 3->10 none becomes Identity (0 redraws)
        level 2, motif 1: 6->8 none becomes Conv1x1 (0 redraws)
        level 2, motif 1: 1->4 none becomes Separable3x3 (0 redraws)
        level 2, motif 1: 2->4 none becomes Identity (0 redraws)
        level 2, motif 1: 7->11 none becomes Depthwise3x3 (0 redraws)
        level 2, motif 1: 2->3 Identity becomes Depthwise3x3 (0 redraws)
        level 2, motif 1: 1->10 none becomes MaxPool3x3 (0 redraws)
    "#]]
    .assert_eq(&sequence(SearchSpace::flat(), MutationRule::Uniform));
}

#[test]
fn a_fixed_seed_gives_a_fixed_random_genotype() {
    let sampled = Genotype::random(&SearchSpace::hierarchical(), 1000, &mut ChaCha8Rng::seed_from_u64(0));
    assert_eq!((sampled.mutation, sampled.redraws), (None, 0));
    expect![[r#"
        (
            space: (primitives: [Conv1x1, Depthwise3x3, Separable3x3, MaxPool3x3, AvgPool3x3, Identity], levels: [(motifs: 6, nodes: 4, followed_by: Some(Conv1x1)), (motifs: 1, nodes: 5, followed_by: None)], merge: Concat),
            levels: [
                [ // level 2
                    ["1->2 Separable3x3", "1->3 Depthwise3x3", "2->4 Depthwise3x3", "3->4 Depthwise3x3"],
                    ["1->2 Identity", "1->3 Separable3x3", "2->3 Conv1x1", "1->4 Conv1x1", "2->4 MaxPool3x3"],
                    ["1->2 AvgPool3x3", "1->3 Separable3x3", "2->3 Identity", "1->4 AvgPool3x3", "2->4 Conv1x1", "3->4 MaxPool3x3"],
                    ["1->2 Identity", "1->3 Conv1x1", "2->3 Identity", "1->4 Depthwise3x3", "3->4 MaxPool3x3"],
                    ["1->2 AvgPool3x3", "1->3 Depthwise3x3", "2->3 MaxPool3x3", "1->4 Separable3x3", "2->4 Identity", "3->4 Separable3x3"],
                    ["1->2 Conv1x1", "1->3 Depthwise3x3", "2->3 AvgPool3x3", "2->4 Identity"],
                ],
                [ // level 3
                    ["1->2 Motif4", "1->4 Motif3", "2->4 Motif1", "3->4 Motif1", "1->5 Motif3", "2->5 Motif3", "3->5 Motif4", "4->5 Motif2"],
                ],
            ],
        )"#]].assert_eq(&sampled.genotype.to_ron());
}

#[test]
fn no_mutations_give_the_identity_chain() {
    expect![[r#"
        (
            space: (primitives: [Conv1x1, Depthwise3x3, Separable3x3, MaxPool3x3, AvgPool3x3, Identity], levels: [(motifs: 6, nodes: 4, followed_by: Some(Conv1x1)), (motifs: 1, nodes: 5, followed_by: None)], merge: Concat),
            levels: [
                [ // level 2
                    ["1->2 Identity", "2->3 Identity", "3->4 Identity"],
                    ["1->2 Identity", "2->3 Identity", "3->4 Identity"],
                    ["1->2 Identity", "2->3 Identity", "3->4 Identity"],
                    ["1->2 Identity", "2->3 Identity", "3->4 Identity"],
                    ["1->2 Identity", "2->3 Identity", "3->4 Identity"],
                    ["1->2 Identity", "2->3 Identity", "3->4 Identity"],
                ],
                [ // level 3
                    ["1->2 Motif1", "2->3 Motif1", "3->4 Motif1", "4->5 Motif1"],
                ],
            ],
        )"#]].assert_eq(&Genotype::identity_chain(&SearchSpace::hierarchical()).to_ron());
    for space in [SearchSpace::hierarchical(), SearchSpace::flat()] {
        let sampled = Genotype::random(&space, 0, &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(sampled.genotype, Genotype::identity_chain(&space));
    }
}

/// With every operation drawn uniformly, 0.27 % of hierarchical genotypes are no networks (823 of 300,000, drawn and
/// checked by another program). After 1000 mutations the walk should be no different: 27 of 10,000, give or take 5.
#[test]
fn about_three_random_hierarchical_genotypes_in_a_thousand_are_redrawn() {
    let space = SearchSpace::hierarchical();
    let mut rng = ChaCha8Rng::seed_from_u64(2018);
    let redraws: u32 = (0..10_000).map(|_| Genotype::random(&space, 1000, &mut rng).redraws).sum();
    assert!((12..=45).contains(&redraws), "{redraws} redraws");
}

/// After 1000 mutations each of the 7 choices of an edge is about equally likely.
#[test]
fn operations_of_random_genotypes_are_uniform() {
    for space in [SearchSpace::hierarchical(), SearchSpace::flat()] {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut present = vec![0_u32; 6];
        let genotypes = 500;
        for _ in 0..genotypes {
            let genotype = Genotype::random(&space, 1000, &mut rng).genotype;
            for level in 2..=space.top() {
                for edge in genotype.motifs(level).iter().flat_map(|motif| motif.edges().collect::<Vec<_>>()) {
                    present[edge.op] += 1;
                }
            }
        }
        let expected = f64::from(genotypes) * space.edges() as f64 / 7.0;
        for count in &present {
            // Five standard deviations, and some room for the identities that no mutation has met.
            let room = 5.0 * expected.sqrt() + 0.02 * expected;
            assert!((f64::from(*count) - expected).abs() < room, "{present:?}, expected {expected}");
        }
    }
}

#[test]
fn an_unsized_random_stream_draws_the_same() {
    let space = SearchSpace::hierarchical();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let expected = Genotype::random(&space, 100, &mut rng).genotype.mutate(MutationRule::Uniform, &mut rng);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let rng: &mut dyn Rng = &mut rng;
    let drawn = Genotype::random(&space, 100, rng).genotype.mutate(MutationRule::Uniform, rng);
    assert_eq!(drawn, expected);
}

#[test]
fn a_space_with_two_genotypes_is_walked_between_them() {
    // One edge, two primitives: none is never valid, so a change is always to the other primitive.
    let text = "(primitives: [Identity, MaxPool3x3], levels: [(motifs: 1, nodes: 2, followed_by: None)], merge: Sum)";
    let space: SearchSpace = ron::from_str(text).expect("valid");
    assert_eq!(space.primitives(), [Primitive::Identity, Primitive::MaxPool3x3]);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut genotype = Genotype::identity_chain(&space);
    let mut redraws = 0;
    for step in 1..=100 {
        let sampled = genotype.mutate(MutationRule::MustChange, &mut rng);
        genotype = sampled.genotype;
        redraws += sampled.redraws;
        assert_eq!(genotype.cell().operation(1, 2), Some(step % 2));
    }
    assert!((60..=140).contains(&redraws), "half of the draws are none: {redraws} redraws");
}
