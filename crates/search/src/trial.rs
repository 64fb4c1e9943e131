//! What a search knows of the past: numbered trials with a genotype and a fitness.

use std::cmp::Ordering;
use std::fmt;

use hnas_genome::Genotype;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The number of a trial: 1 for the first proposal of a search, then 2, 3, ... without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrialId(pub u64);

impl fmt::Display for TrialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How good a genotype is; more is better. The paper's is the mean validation accuracy, between 0 and 1, of four
/// training runs (section 4 of the paper).
///
/// Invariant S2: finite. There is no other way in than [`Fitness::new`], reading included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Fitness(f64);

/// A fitness that is not a number, or infinite.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("a fitness is a finite number, not {0}")]
pub struct FitnessError(pub f64);

impl Fitness {
    /// A fitness of `value`.
    ///
    /// # Errors
    ///
    /// When `value` is not a number or infinite: a training that diverged has failed and has no fitness.
    pub fn new(value: f64) -> Result<Fitness, FitnessError> {
        // Adding zero turns -0.0 into 0.0, so that equal values are also the same in the total order below.
        if value.is_finite() { Ok(Fitness(value + 0.0)) } else { Err(FitnessError(value)) }
    }

    /// The number itself, finite.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Eq for Fitness {}

impl PartialOrd for Fitness {
    fn partial_cmp(&self, other: &Fitness) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fitness {
    fn cmp(&self, other: &Fitness) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl TryFrom<f64> for Fitness {
    type Error = FitnessError;

    fn try_from(value: f64) -> Result<Fitness, FitnessError> {
        Fitness::new(value)
    }
}

impl From<Fitness> for f64 {
    fn from(fitness: Fitness) -> f64 {
        fitness.0
    }
}

impl fmt::Display for Fitness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A trial that is over, as a strategy sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedTrial {
    /// Its number.
    pub id: TrialId,
    /// The genotype that was evaluated.
    pub genotype: Genotype,
    /// Its fitness; `None` when the trial failed.
    pub fitness: Option<Fitness>,
}
