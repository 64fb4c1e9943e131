//! Golden draws: a seed gives the same search for ever. If one of these changes, every published seed means another
//! search, and the change has to be a decision.

use std::fmt::Write;

use expect_test::{Expect, expect};
use hnas_genome::SearchSpace;
use hnas_search::{TrialId, suggestion_rng};
use rand::Rng;

use crate::fitness::separables;
use crate::simulation::Simulation;

#[test]
fn the_random_numbers_of_a_suggestion() {
    let first = |seed, trial| suggestion_rng(seed, TrialId(trial)).next_u64();
    let numbers = [first(0, 1), first(0, 2), first(1, 1), first(u64::MAX, u64::MAX)];
    expect![[r#"
        [
            4336158409074580307,
            4721819989964053579,
            2908828015006077653,
            2436151103571983924,
        ]
    "#]]
    .assert_debug_eq(&numbers);
}

/// Twelve trials: their parents, mutations and fitness.
fn check(plan: &str, space: SearchSpace, in_flight: usize, expected: Expect) {
    let simulation = Simulation { plan, space: space.clone(), fitness: separables, trials: 12, in_flight, seed: 1 };
    let mut table = String::new();
    for ((suggestion, fitness), id) in simulation.run().into_iter().zip(1..) {
        let fitness = fitness.unwrap();
        let origin = match (suggestion.parent, suggestion.mutation) {
            (Some(parent), Some(mutation)) => format!("{parent}, {}", mutation.describe(&space)),
            (_, _) => "random".to_owned(),
        };
        writeln!(table, "{id}: fitness {fitness}, {origin}").unwrap();
    }
    expected.assert_eq(&table);
}

#[test]
fn the_draws_of_evolution() {
    let plan = "Tournament(mutations: 1000, initial: 4, fraction: 0.5, rule: Uniform)";
    check(
        plan,
        SearchSpace::hierarchical(),
        1,
        expect![[r#"
        1: fitness 5, random
        2: fitness 6, random
        3: fitness 7, random
        4: fitness 3, random
        5: fitness 7, 3, level 2, motif 2: 2->3 MaxPool3x3 becomes Depthwise3x3
        6: fitness 7, 5, level 3, motif 1: 1->4 Motif3 becomes none
        7: fitness 7, 5, level 2, motif 3: 1->2 Depthwise3x3 becomes Depthwise3x3
        8: fitness 7, 6, level 2, motif 3: 1->4 AvgPool3x3 becomes none
        9: fitness 7, 3, level 2, motif 6: 1->2 Identity becomes Depthwise3x3
        10: fitness 7, 3, level 3, motif 1: 4->5 Motif3 becomes Motif1
        11: fitness 7, 3, level 3, motif 1: 1->4 Motif3 becomes Motif1
        12: fitness 7, 5, level 2, motif 4: 2->3 Conv1x1 becomes Depthwise3x3
    "#]],
    );
    check(
        plan,
        SearchSpace::flat(),
        3,
        expect![[r#"
        1: fitness 8, random
        2: fitness 10, random
        3: fitness 9, random
        4: fitness 8, random
        5: fitness 11, 2, level 2, motif 1: 1->2 Identity becomes Separable3x3
        6: fitness 9, 3, level 2, motif 1: 5->7 Conv1x1 becomes MaxPool3x3
        7: fitness 10, 2, level 2, motif 1: 2->4 Identity becomes Conv1x1
        8: fitness 9, 3, level 2, motif 1: 2->5 Conv1x1 becomes AvgPool3x3
        9: fitness 11, 5, level 2, motif 1: 5->6 Identity becomes none
        10: fitness 11, 5, level 2, motif 1: 1->8 none becomes AvgPool3x3
        11: fitness 11, 5, level 2, motif 1: 3->8 none becomes MaxPool3x3
        12: fitness 10, 7, level 2, motif 1: 3->5 none becomes MaxPool3x3
    "#]],
    );
}

#[test]
fn the_draws_of_random_search() {
    check(
        "Random(mutations: 1000)",
        SearchSpace::hierarchical(),
        1,
        expect![[r#"
        1: fitness 5, random
        2: fitness 6, random
        3: fitness 7, random
        4: fitness 3, random
        5: fitness 3, random
        6: fitness 4, random
        7: fitness 3, random
        8: fitness 5, random
        9: fitness 3, random
        10: fitness 5, random
        11: fitness 5, random
        12: fitness 5, random
    "#]],
    );
}
