//! What one arm came to: the numbers of the scorecard, the winner, and its ancestry.

use std::collections::{BTreeMap, BTreeSet};

use hnas_genome::Genotype;
use hnas_ledger::{Outcome, Trial, Verdict};
use hnas_search::TrialId;
use serde::Serialize;

use crate::Arm;
use crate::statistics::{Sample, median, sample};

/// One arm and what it came to.
pub(crate) struct Summary<'a> {
    pub(crate) arm: &'a Arm,
    pub(crate) counts: Counts,
    /// The best trial; of equal ones the first.
    pub(crate) best: Option<(&'a Trial, f64)>,
    pub(crate) median: Option<f64>,
    /// The genotype that won: the arm's, else that of the best trial.
    pub(crate) winner: Option<&'a Genotype>,
    /// From the random genotype it began with to the winner itself; empty when the winner is no trial of the search.
    pub(crate) ancestry: Vec<&'a Trial>,
    /// Accuracy on the test split.
    pub(crate) test: Option<Sample>,
    /// Parameters of the winner as a large model.
    pub(crate) final_parameters: Option<u64>,
    /// Seconds of all trials and of all final runs, over all workers.
    pub(crate) search_seconds: f64,
    pub(crate) final_seconds: f64,
}

/// How the trials of a search went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Trials that are over.
    pub(crate) evaluations: u64,
    /// With a fitness.
    pub(crate) scored: u64,
    /// Without, refused ones included.
    pub(crate) failed: u64,
    /// Trials whose network an earlier trial had too.
    pub(crate) repeats: u64,
    /// Repeats that were given the earlier fitness without training.
    pub(crate) reused: u64,
    /// Trials that a cost limit refused.
    pub(crate) refused: u64,
    /// Draws thrown away since they were not networks.
    pub(crate) redraws: u64,
    /// Networks that differ.
    pub(crate) networks: u64,
    /// How many trials failed for each reason; refused ones under the limit's reason.
    pub(crate) failures: BTreeMap<String, u64>,
}

/// The fitness of a trial; `None` when it failed.
pub(crate) fn fitness(trial: &Trial) -> Option<f64> {
    match &trial.outcome {
        Outcome::Scored { fitness, runs: _ } => Some(fitness.get()),
        Outcome::Failed { reason: _ } => None,
    }
}

impl<'a> Summary<'a> {
    pub(crate) fn of(arm: &'a Arm) -> Summary<'a> {
        let scored = || arm.search.iter().filter_map(|trial| Some((trial, fitness(trial)?)));
        let best = first_best(scored());
        let won = match &arm.winner {
            Some(winner) => first_best(scored().filter(|(trial, _)| trial.proposal.genotype == *winner)),
            None => best,
        };
        let accuracies = arm.finals.iter().filter_map(|run| run.test_accuracy);
        Summary {
            arm,
            counts: Counts::of(&arm.search),
            best,
            median: median(scored().map(|(_, fitness)| fitness)),
            winner: arm.winner.as_ref().or(best.map(|(trial, _)| &trial.proposal.genotype)),
            ancestry: won.map_or_else(Vec::new, |(trial, _)| ancestry(&arm.search, trial)),
            test: sample(accuracies),
            final_parameters: arm.finals.first().map(|run| run.parameters),
            search_seconds: seconds(arm.search.iter().map(|trial| trial.seconds)),
            final_seconds: seconds(arm.finals.iter().map(|run| run.seconds)),
        }
    }

    /// Trials with their fitness, in the order of their ids.
    pub(crate) fn scored(&self) -> impl Iterator<Item = (&'a Trial, f64)> + use<'a> {
        self.arm.search.iter().filter_map(|trial| Some((trial, fitness(trial)?)))
    }

    /// Each trial that was better than all before it, with its fitness.
    pub(crate) fn records(&self) -> Vec<(TrialId, f64)> {
        let mut records: Vec<(TrialId, f64)> = Vec::new();
        for (trial, fitness) in self.scored() {
            if records.last().is_none_or(|(_, best)| fitness > *best) {
                records.push((trial.proposal.id, fitness));
            }
        }
        records
    }
}

impl Counts {
    fn of(trials: &[Trial]) -> Counts {
        let mut counts = Counts::default();
        let mut networks = BTreeSet::new();
        for trial in trials {
            let proposal = &trial.proposal;
            counts.evaluations += 1;
            counts.repeats += u64::from(proposal.same_as.is_some());
            counts.redraws += u64::from(proposal.redraws);
            networks.insert(&proposal.key);
            match &proposal.verdict {
                Verdict::Evaluate => {}
                Verdict::Reuse(_) => counts.reused += 1,
                Verdict::Refuse(_) => counts.refused += 1,
            }
            match &trial.outcome {
                Outcome::Scored { fitness: _, runs: _ } => counts.scored += 1,
                Outcome::Failed { reason } => {
                    counts.failed += 1;
                    *counts.failures.entry(reason.clone()).or_default() += 1;
                }
            }
        }
        counts.networks = networks.len() as u64;
        counts
    }
}

/// The trial with the largest fitness; of equal ones the first.
fn first_best<'a>(trials: impl Iterator<Item = (&'a Trial, f64)>) -> Option<(&'a Trial, f64)> {
    trials.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// The chain of parents up to `last`, oldest first. It ends where a parent is not among the trials; a parent that is no
/// older than its child, which a sound ledger does not have, ends it too, so that no chain is endless.
fn ancestry<'a>(trials: &'a [Trial], last: &'a Trial) -> Vec<&'a Trial> {
    let by_id: BTreeMap<TrialId, &Trial> = trials.iter().map(|trial| (trial.proposal.id, trial)).collect();
    let parent = |child: &&'a Trial| {
        let id = child.proposal.parent.filter(|id| *id < child.proposal.id)?;
        by_id.get(&id).copied()
    };
    let mut chain: Vec<&Trial> = std::iter::successors(Some(last), parent).collect();
    chain.reverse();
    chain
}

fn seconds(all: impl Iterator<Item = f64>) -> f64 {
    // Not `sum`: that of nothing is -0.0, which would be shown with its sign.
    all.filter(|seconds| seconds.is_finite()).fold(0.0, |sum, seconds| sum + seconds)
}
