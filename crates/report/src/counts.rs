//! How the trials of a search went, in numbers.

use std::collections::{BTreeMap, HashSet};
use std::ops::AddAssign;

use hnas_ledger::{Outcome, Trial, Verdict};
use serde::Serialize;

/// How the trials of one or more searches went.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Counts {
    /// Trials that are over.
    pub(crate) evaluations: u64,
    /// With a fitness.
    pub(crate) scored: u64,
    /// Without, refused ones included.
    pub(crate) failed: u64,
    /// Trials that were trained and scored.
    pub(crate) trained: u64,
    /// Trainings that were averaged into fitnesses.
    pub(crate) trainings: u64,
    /// Trials whose genotype an earlier trial of the same search had too.
    pub(crate) repeated_genotypes: u64,
    /// Trials whose network an earlier trial of the same search had too, whatever the genotype.
    pub(crate) repeated_networks: u64,
    /// Repeats that were given the earlier fitness without training.
    pub(crate) reused: u64,
    /// Trials that a cost limit refused.
    pub(crate) refused: u64,
    /// Draws thrown away since they were not networks or above a limit.
    pub(crate) redraws: u64,
    /// Networks that differ, search by search.
    pub(crate) networks: u64,
    /// How many trials failed for each reason; refused ones under the limit's reason.
    pub(crate) failures: BTreeMap<String, u64>,
    /// Seconds of all trials, over all workers.
    pub(crate) seconds: f64,
}

impl Counts {
    /// The counts of one search, whose trials are in the order of their ids.
    pub(crate) fn of(trials: &[Trial]) -> Counts {
        let mut counts = Counts::default();
        for (trial, repeat) in trials.iter().zip(repeats(trials)) {
            counts.evaluations += 1;
            counts.repeated_genotypes += u64::from(repeat.genotype);
            counts.repeated_networks += u64::from(repeat.network);
            counts.networks += u64::from(!repeat.network);
            counts.redraws += u64::from(trial.proposal.redraws);
            counts.seconds += if trial.seconds.is_finite() { trial.seconds } else { 0.0 };
            match &trial.proposal.verdict {
                Verdict::Evaluate => {}
                Verdict::Reuse(_) => counts.reused += 1,
                Verdict::Refuse(_) => counts.refused += 1,
            }
            match &trial.outcome {
                Outcome::Scored { fitness: _, runs } => {
                    counts.scored += 1;
                    counts.trained += u64::from(!runs.is_empty());
                    counts.trainings += runs.len() as u64;
                }
                Outcome::Failed { reason } => {
                    counts.failed += 1;
                    *counts.failures.entry(reason.clone()).or_default() += 1;
                }
            }
        }
        counts
    }
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        // Named one by one, so that a new field cannot be forgotten.
        let Counts {
            evaluations,
            scored,
            failed,
            trained,
            trainings,
            repeated_genotypes,
            repeated_networks,
            reused,
            refused,
            redraws,
            networks,
            failures,
            seconds,
        } = other;
        self.evaluations += evaluations;
        self.scored += scored;
        self.failed += failed;
        self.trained += trained;
        self.trainings += trainings;
        self.repeated_genotypes += repeated_genotypes;
        self.repeated_networks += repeated_networks;
        self.reused += reused;
        self.refused += refused;
        self.redraws += redraws;
        self.networks += networks;
        self.seconds += seconds;
        for (reason, number) in failures {
            *self.failures.entry(reason.clone()).or_default() += number;
        }
    }
}

/// Whether an earlier trial of the search had the same genotype, and whether one had the same network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    pub(crate) genotype: bool,
    pub(crate) network: bool,
}

/// For each trial, in the order given, what earlier ones had already.
pub(crate) fn repeats(trials: &[Trial]) -> Vec<Repeat> {
    let (mut genotypes, mut networks) = (HashSet::new(), HashSet::new());
    let proposals = trials.iter().map(|trial| &trial.proposal);
    proposals
        .map(|proposal| Repeat {
            genotype: !genotypes.insert(&proposal.genotype),
            network: !networks.insert(&proposal.key),
        })
        .collect()
}
