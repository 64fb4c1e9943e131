//! Decision: trial n is bred from exactly the results of trials `1 ..= n - in_flight`, whatever finished when.

use hnas_genome::SearchSpace;
use hnas_search::{FinishedTrial, MOST_REDRAWS, SearchError, TrialId, visible};

use crate::fitness::rugged_with_failures;
use crate::simulation::{Simulation, finished_trial};

fn simulation(in_flight: usize) -> Simulation<'static> {
    let plan = "Tournament(mutations: 50, initial: 10, fraction: 0.2, rule: Uniform)";
    let space = SearchSpace::hierarchical();
    Simulation { plan, space, fitness: rugged_with_failures, trials: 120, in_flight, seed: 3 }
}

#[test]
fn visible_trials_end_in_flight_before() {
    let seen = |trial, in_flight| visible(TrialId(trial), in_flight);
    assert_eq!([seen(1, 1), seen(2, 1), seen(3, 1)], [0, 1, 2], "one after the other");
    assert_eq!([seen(1, 200), seen(200, 200), seen(201, 200), seen(7000, 200)], [0, 0, 1, 6800]);
    assert_eq!([seen(0, 1), seen(5, 0), seen(5, usize::MAX)], [0, 4, 0]);
}

#[test]
fn the_order_in_which_workers_finish_changes_nothing() {
    for in_flight in [1, 7, 20] {
        let simulation = simulation(in_flight);
        let expected = simulation.run();
        assert!(expected.iter().any(|(suggestion, _)| suggestion.parent.is_some_and(|parent| parent.0 > 10)));
        for workers in [1, 2, 7] {
            for timing in 0..5 {
                assert_eq!(simulation.run_with(workers, timing), expected, "{workers} workers, timing {timing}");
            }
        }
    }
}

#[test]
fn the_number_in_flight_is_part_of_the_search() {
    assert_ne!(simulation(1).run(), simulation(7).run());
}

#[test]
fn a_child_has_a_parent_that_it_may_see() {
    let trials = simulation(20).run();
    for ((suggestion, _), n) in trials.iter().zip(1..) {
        if let Some(parent) = suggestion.parent {
            assert!(parent.0 <= visible(TrialId(n), 20), "trial {n}, parent {parent}");
        }
    }
}

#[test]
fn a_suggestion_waits_for_what_it_has_to_see_and_for_nothing_else() {
    let simulation = simulation(3);
    let trials = simulation.run();
    let mut search = simulation.search();
    for expected in 1..=3 {
        assert_eq!(search.suggest().unwrap().0, TrialId(expected));
    }
    assert_eq!(search.suggest(), None, "trial 4 has to see trial 1");
    search.finish(finished_trial(TrialId(3), &trials)).unwrap();
    search.finish(finished_trial(TrialId(2), &trials)).unwrap();
    assert_eq!(search.suggest(), None);
    assert_eq!(search.next(), TrialId(4));
    search.finish(finished_trial(TrialId(1), &trials)).unwrap();
    let suggested: Vec<_> = std::iter::from_fn(|| search.suggest()).collect();
    assert_eq!(suggested.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [4, 5, 6]);
    assert!(suggested.iter().zip(&trials[3..]).all(|((_, suggestion), (expected, _))| suggestion == expected));
}

#[test]
fn a_search_resumes_where_it_was_whatever_is_finished() {
    let simulation = simulation(7);
    let trials = simulation.run();
    // The controller died after it proposed trial `proposed`; all up to `finished` are finished, and a few later ones.
    for (proposed, finished) in [(0, 0), (5, 0), (40, 34), (40, 38), (40, 40), (119, 113)] {
        let mut search = simulation.search().starting_at(TrialId(proposed + 1));
        for id in (1..=finished).rev() {
            search.finish(finished_trial(TrialId(id), &trials)).unwrap();
        }
        let (id, suggestion) = search.suggest().unwrap();
        assert_eq!((id, &suggestion), (TrialId(proposed + 1), &trials[proposed as usize].0));
    }
}

#[test]
fn a_trial_finishes_once() {
    let simulation = simulation(1);
    let trials = simulation.run();
    let mut search = simulation.search();
    let finish = |id| finished_trial(TrialId(id), &trials);
    search.suggest().unwrap();
    search.finish(finish(1)).unwrap();
    assert_eq!(search.finish(finish(1)), Err(SearchError::FinishedTwice(TrialId(1))), "still held");
    search.suggest().unwrap();
    assert_eq!(search.finish(finish(1)), Err(SearchError::FinishedTwice(TrialId(1))), "part of the strategy");
    let zero = FinishedTrial { id: TrialId(0), ..finish(1) };
    assert_eq!(search.finish(zero), Err(SearchError::TrialZero));
}

#[test]
fn a_trial_finishes_only_when_it_was_suggested() {
    let simulation = simulation(3);
    let trials = simulation.run();
    let finish = |id| finished_trial(TrialId(id), &trials);
    let refused = |trial, next| Err(SearchError::NotSuggested { trial: TrialId(trial), next: TrialId(next) });
    let mut search = simulation.search();
    assert_eq!(search.finish(finish(1)), refused(1, 1));
    search.suggest().unwrap();
    assert_eq!(search.finish(finish(2)), refused(2, 2));
    assert_eq!(search.finish(finish(1)), Ok(()));
    let message = search.finish(finish(100)).unwrap_err().to_string();
    assert_eq!(message, "trial 100 finished, but the next trial to be suggested is only 2");
    // What was refused left nothing behind.
    assert_eq!(search.suggest().unwrap(), (TrialId(2), trials[1].0.clone()));
    assert_eq!(search.finish(finish(2)), Ok(()));

    let mut resumed = simulation.search().starting_at(TrialId(41));
    assert_eq!(resumed.finish(finish(41)), refused(41, 41));
    assert_eq!(resumed.finish(finish(40)), Ok(()), "suggested in an earlier life");
}

#[test]
fn what_is_turned_down_is_drawn_again_and_counted() {
    let simulation = simulation(5);
    let mut free = simulation.search();
    let (_, first) = free.suggest().unwrap();
    // The same trial with another genotype, and the next ones as they would have been.
    let mut bound = simulation.search();
    let (_, other) = bound.suggest_among(|genotype| *genotype != first.genotype).unwrap();
    assert_ne!(other.genotype, first.genotype);
    assert_eq!(other.redraws, first.redraws + 1);
    assert_eq!(bound.suggest(), free.suggest());
    // What nothing satisfies comes to an end, counted.
    let (id, last) = bound.suggest_among(|_| false).unwrap();
    assert_eq!(id, TrialId(3));
    assert!(last.redraws >= MOST_REDRAWS, "{}", last.redraws);
}
