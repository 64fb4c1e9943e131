//! The one question a search asks: which genotype next?

use hnas_genome::{Genotype, Mutation, Sampled};
use rand::rngs::ChaCha8Rng;

use crate::{FinishedTrial, TrialId};

/// A genotype to evaluate, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// What to evaluate.
    pub genotype: Genotype,
    /// The trial it was bred from; `None` for a genotype without parent.
    pub parent: Option<TrialId>,
    /// The mutation that made it from its parent's genotype.
    pub mutation: Option<Mutation>,
    /// Draws thrown away: the sink of the cell was not reachable from its source, or whoever asked turned them down
    /// ([`Search::suggest_among`](crate::Search::suggest_among)).
    pub redraws: u32,
}

impl Suggestion {
    /// A genotype that was drawn without a parent.
    pub(crate) fn founder(sampled: Sampled) -> Suggestion {
        let Sampled { genotype, mutation: _, redraws } = sampled;
        Suggestion { genotype, parent: None, mutation: None, redraws }
    }

    /// A genotype that was drawn by mutating that of trial `parent`.
    pub(crate) fn child(parent: TrialId, sampled: Sampled) -> Suggestion {
        let Sampled { genotype, mutation, redraws } = sampled;
        Suggestion { genotype, parent: Some(parent), mutation, redraws }
    }
}

/// Decides which genotype to evaluate next.
///
/// Invariant S1: [`suggest`](Strategy::suggest) changes nothing. What a strategy knows is a fold of
/// [`update`](Strategy::update) over finished trials in the order of their ids, and everything random comes from the
/// generator it is handed, so a suggestion is a function of the plan, the trials seen and the generator.
///
/// A [`Search`](crate::Search) calls both in the right order; use it rather than a bare strategy.
pub trait Strategy: Send {
    /// The genotype of trial `trial`.
    fn suggest(&self, trial: TrialId, rng: &mut ChaCha8Rng) -> Suggestion;

    /// Takes in a finished trial. Called once for each trial, in the order of their ids.
    fn update(&mut self, trial: &FinishedTrial);
}
