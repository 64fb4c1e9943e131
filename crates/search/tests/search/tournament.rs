//! Who wins a tournament.

use std::collections::BTreeMap;

use hnas_genome::{Genotype, MutationRule, SearchSpace};
use hnas_search::{
    FinishedTrial, Fitness, Fraction, Mutations, Strategy, TournamentEvolution, TrialId, suggestion_rng,
};

/// Evolution after trials with these fitnesses, the first being trial 1; `None` failed.
fn after(fraction: f64, fitnesses: &[Option<f64>]) -> TournamentEvolution {
    let space = SearchSpace::hierarchical();
    let fraction = Fraction::new(fraction).unwrap();
    let mutations = Mutations::new(20).unwrap();
    let mut evolution = TournamentEvolution::new(space.clone(), mutations, 1, fraction, MutationRule::MustChange);
    for (fitness, id) in fitnesses.iter().zip(1..) {
        let id = TrialId(id);
        let genotype = Genotype::random(&space, 20, &mut suggestion_rng(9, id)).genotype;
        evolution.update(&FinishedTrial { id, genotype, fitness: fitness.map(|value| Fitness::new(value).unwrap()) });
    }
    evolution
}

/// How often each trial is the parent in 2000 suggestions; 0 for a random genotype.
fn parents(evolution: &TournamentEvolution) -> BTreeMap<u64, u32> {
    let mut parents = BTreeMap::new();
    for id in (2..=2001).map(TrialId) {
        let suggestion = evolution.suggest(id, &mut suggestion_rng(4, id));
        *parents.entry(suggestion.parent.map_or(0, |parent| parent.0)).or_default() += 1;
    }
    parents
}

#[test]
fn a_tournament_of_all_is_won_by_the_fittest() {
    // Drawn with replacement, the fittest of eight would be missing in a third of the tournaments.
    let fitnesses = [0.1, 0.4, 0.2, 0.8, 0.3, 0.7, -1.0, 0.0].map(Some);
    assert_eq!(parents(&after(1.0, &fitnesses)), BTreeMap::from([(4, 2000)]));
}

#[test]
fn a_tournament_is_drawn_without_replacement_and_evenly() {
    // Trial i has fitness i, and five of ten take part. The weakest four can never win. The number of tournaments that
    // trial i wins is C(i - 1, 4) of C(10, 5) = 252.
    let fitnesses: Vec<Option<f64>> = (1..=10).map(|fitness| Some(f64::from(fitness))).collect();
    let parents = parents(&after(0.5, &fitnesses));
    assert_eq!(parents.keys().copied().collect::<Vec<_>>(), [5, 6, 7, 8, 9, 10]);
    for (trial, share) in [(5, 1.0), (6, 5.0), (7, 15.0), (8, 35.0), (9, 70.0), (10, 126.0)] {
        let expected: f64 = 2000.0 * share / 252.0;
        let deviation = (f64::from(parents[&trial]) - expected) / expected.sqrt();
        assert!(deviation.abs() < 4.0, "trial {trial}: {} wins, {expected:.1} expected", parents[&trial]);
    }
}

#[test]
fn ties_go_to_the_older_trial() {
    assert_eq!(parents(&after(1.0, &[0.5, 0.9, 0.9, 0.1, 0.9].map(Some))), BTreeMap::from([(2, 2000)]));
    assert_eq!(parents(&after(1.0, &[0.0, -0.0, 0.0].map(Some))), BTreeMap::from([(1, 2000)]));
    assert_eq!(parents(&after(1.0, &[-0.0, 0.0].map(Some))), BTreeMap::from([(1, 2000)]));
}

#[test]
fn a_failed_trial_never_wins() {
    let parents = parents(&after(0.05, &[None, Some(0.1), None, Some(0.2), None]));
    assert_eq!(parents.keys().copied().collect::<Vec<_>>(), [2, 4]);
    assert!(parents.values().all(|&wins| wins > 900), "a tournament of one is a draw: {parents:?}");
}

#[test]
fn without_a_successful_trial_genotypes_are_random() {
    assert_eq!(parents(&after(0.5, &[None, None])), BTreeMap::from([(0, 2000)]));
    assert_eq!(parents(&after(0.5, &[])), BTreeMap::from([(0, 2000)]));
}

#[test]
fn a_child_is_its_parent_with_one_mutation() {
    let evolution = after(1.0, &[Some(0.5)]);
    let parent = Genotype::random(&SearchSpace::hierarchical(), 20, &mut suggestion_rng(9, TrialId(1))).genotype;
    for id in (2..200).map(TrialId) {
        let child = evolution.suggest(id, &mut suggestion_rng(4, id));
        let mutation = child.mutation.unwrap();
        let edge =
            |genotype: &Genotype| genotype.motif(mutation.level, mutation.motif).operation(mutation.from, mutation.to);
        assert_eq!((edge(&parent), edge(&child.genotype)), (mutation.old, mutation.new));
        assert_ne!(mutation.old, mutation.new, "the rule is that it changes");
    }
}

#[test]
fn the_size_of_a_tournament_is_rounded_up() {
    let size = |fraction, count| Fraction::new(fraction).unwrap().of(count);
    for (fraction, count, expected) in [
        // The paper's, from one to all of its trials.
        (0.05, 1, 1),
        (0.05, 20, 1),
        (0.05, 21, 2),
        (0.05, 200, 10),
        (0.05, 201, 11),
        (0.05, 7000, 350),
        // Whole numbers but for rounding.
        (0.07, 100, 7),
        (0.29, 100, 29),
        (0.1, 30, 3),
        (1.0, 5, 5),
        (1e-300, 5, 1),
        (0.5, 0, 0),
    ] {
        assert_eq!(size(fraction, count), expected, "{fraction} of {count}");
    }
    for percent in 1..=100 {
        for count in 1..=2000_usize {
            assert_eq!(size(f64::from(percent) / 100.0, count), (count * percent as usize).div_ceil(100));
        }
    }
}
