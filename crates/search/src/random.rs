//! Random search (section 3 of the paper).
//!
//! ```text
//! for i in 1 ..= N:                                    trials of any order, all in parallel
//!     genotype_i = 1000 random mutations of the        RandomSearch::suggest
//!                  trivial genotype
//!     fitness_i  = evaluate(genotype_i)                a worker
//! return the fittest of the N genotypes                read off the ledger
//! ```

use hnas_genome::{Genotype, SearchSpace};
use rand::rngs::ChaCha8Rng;

use crate::{FinishedTrial, Mutations, Strategy, Suggestion, TrialId};

/// Every genotype is drawn afresh: the trivial one, mutated `mutations` times. Learns nothing from finished trials.
#[derive(Clone, Debug)]
pub struct RandomSearch {
    space: SearchSpace,
    mutations: Mutations,
}

impl RandomSearch {
    /// Random search in `space`; `mutations` is the length of the random walk (the paper's 1000).
    pub fn new(space: SearchSpace, mutations: Mutations) -> RandomSearch {
        RandomSearch { space, mutations }
    }
}

impl Strategy for RandomSearch {
    fn suggest(&self, _trial: TrialId, rng: &mut ChaCha8Rng) -> Suggestion {
        Suggestion::founder(Genotype::random(&self.space, self.mutations.get(), rng))
    }

    fn update(&mut self, _trial: &FinishedTrial) {}
}
