//! What a ledger keeps: a proposal, who works on it, and how it ended.

use std::time::Duration;

use hnas_genome::{Genotype, Mutation};
use hnas_search::{FinishedTrial, Fitness, TrialId};
use serde::{Deserialize, Serialize};

/// A genotype to evaluate, with all that is known before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Its number in the study: 1, 2, 3, ...
    pub id: TrialId,
    /// What to evaluate.
    pub genotype: Genotype,
    /// The key of the network it is assembled into, in hexadecimal.
    pub key: String,
    /// The trial it was bred from.
    pub parent: Option<TrialId>,
    /// The mutation that made it from its parent.
    pub mutation: Option<Mutation>,
    /// Draws thrown away before it, since they were not networks or above a limit of the study.
    pub redraws: u32,
    /// Trainable parameters of the network.
    pub parameters: u64,
    /// Multiplications with addition of one forward pass of one image.
    pub multiply_adds: u64,
    /// An earlier trial with the same network, as visible when this one was proposed.
    pub same_as: Option<TrialId>,
    /// What the worker is to do.
    pub verdict: Verdict,
}

/// What is to be done with a proposal. Whatever it is, a worker leases the trial and records an outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// Train and evaluate the network.
    Evaluate,
    /// Record this fitness, known from earlier trials of the same network, without training.
    Reuse(Fitness),
    /// Record a failure without training: a cost limit refused the network, for this reason.
    Refuse(String),
}

/// One training of a trial's network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Seed of its weights and of the order of its data.
    pub seed: u64,
    /// Part of the evaluated images that was classified correctly, 0 to 1.
    pub accuracy: f64,
    /// Part of them whose class was among the five likeliest, where that is of interest; not written otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_5: Option<f64>,
    /// Mean cross-entropy over the evaluated images, in nats.
    pub loss: f64,
    /// Seconds of training and evaluation.
    pub seconds: f64,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// With a fitness.
    Scored {
        /// The fitness.
        fitness: Fitness,
        /// The trainings it is the mean of; none when it was reused.
        runs: Vec<Run>,
    },
    /// Without.
    Failed {
        /// Why: one sentence for people.
        reason: String,
    },
}

/// The right to evaluate a trial, until it runs out. `(proposal.id, attempt)` tells one lease of a study from all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    /// What to evaluate.
    pub proposal: Proposal,
    /// How often this trial has been leased, this time included.
    pub attempt: u32,
    /// Who leased it.
    pub worker: String,
    /// When it was leased, by the ledger's clock: seconds since 1970.
    pub leased_unix: f64,
    /// How long it lasts from the time it was leased or renewed. Renew it a few times within.
    pub ttl: Duration,
}

/// A trial that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Its place in the order in which trials of the study finished: 1, 2, 3, ... without gaps.
    pub seq: i64,
    /// What was evaluated.
    pub proposal: Proposal,
    /// How it ended.
    pub outcome: Outcome,
    /// Who recorded the outcome.
    pub worker: String,
    /// Which lease of the trial it was recorded under.
    pub attempt: u32,
    /// Seconds from that lease to the record, by the ledger's clock.
    pub seconds: f64,
    /// When it was recorded, by the ledger's clock: seconds since 1970.
    pub finished_unix: i64,
}

impl Trial {
    /// What a search is told of this trial.
    pub fn finished(&self) -> FinishedTrial {
        let fitness = match &self.outcome {
            Outcome::Scored { fitness, runs: _ } => Some(*fitness),
            Outcome::Failed { reason: _ } => None,
        };
        FinishedTrial { id: self.proposal.id, genotype: self.proposal.genotype.clone(), fitness }
    }
}

/// How far a study is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Trials proposed: those with the ids `1 ..= proposed`.
    pub proposed: u64,
    /// Trials nobody works on: never leased, or their lease ran out.
    pub waiting: u64,
    /// Trials leased.
    pub leased: u64,
    /// Trials finished, failures included.
    pub finished: u64,
}
