//! A fixed list of genotypes: a published cell, or the finalists of another search.

use rand::rngs::ChaCha8Rng;

use crate::{FinishedTrial, GenotypeList, Strategy, Suggestion, TrialId};

/// Trial i is the i-th genotype of the list; after the last comes the first again, so that more trials than genotypes
/// evaluate each of them several times.
#[derive(Clone, Debug)]
pub struct Given(GenotypeList);

impl Given {
    /// The genotypes of `list`, in its order.
    pub fn new(list: GenotypeList) -> Given {
        Given(list)
    }
}

impl Strategy for Given {
    fn suggest(&self, trial: TrialId, _rng: &mut ChaCha8Rng) -> Suggestion {
        let genotypes = self.0.as_slice();
        // Ids start at 1. The remainder is below the length of a list in memory, so it fits in a usize.
        let index = (trial.0.saturating_sub(1) % genotypes.len() as u64) as usize;
        Suggestion { genotype: genotypes[index].clone(), parent: None, mutation: None, redraws: 0 }
    }

    fn update(&mut self, _trial: &FinishedTrial) {}
}
