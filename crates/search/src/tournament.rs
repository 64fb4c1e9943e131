//! Evolution by tournament selection without removal (section 3 of the paper).
//!
//! The paper's controller, beside what does it here:
//!
//! ```text
//! M = {}                                               TournamentEvolution::population, filled by update
//! Q = 200 random genotypes                             suggest, while trial <= initial
//! whenever a worker is idle:                           Search::suggest says when (fixed by in_flight)
//!     tournament = 5 % of M, drawn at random           tournament()
//!     parent     = the fittest of the tournament       fittest()
//!     child      = mutate(parent), once                Genotype::mutate
//!     Q          = Q + child                           the ledger's propose
//! a worker: pop a genotype from Q, train, evaluate,
//!     M = M + (genotype -> fitness)                    update; nobody is ever removed
//! ```

use hnas_genome::{Genotype, MutationRule, SearchSpace};
use rand::rngs::ChaCha8Rng;
use rand::seq::index;

use crate::{FinishedTrial, Fitness, Fraction, Mutations, Strategy, Suggestion, TrialId};

/// The first `initial` trials are random; every later one is a mutated tournament winner.
///
/// - A tournament holds [`Fraction::of`] the successful trials seen so far, drawn without replacement.
/// - The fittest wins; of equals, the older trial.
/// - A failed trial never takes part. While no trial has succeeded, genotypes are random.
#[derive(Clone, Debug)]
pub struct TournamentEvolution {
    space: SearchSpace,
    mutations: Mutations,
    initial: u64,
    fraction: Fraction,
    rule: MutationRule,
    /// The successful trials, in the order of their ids.
    population: Vec<Individual>,
}

#[derive(Clone, Debug)]
struct Individual {
    id: TrialId,
    genotype: Genotype,
    fitness: Fitness,
}

impl TournamentEvolution {
    /// Evolution in `space` from `initial` genotypes (the paper's 200), each `mutations` (1000) mutations from the
    /// trivial one, with tournaments of `fraction` (5 %) of the population and children mutated by `rule`.
    pub fn new(
        space: SearchSpace,
        mutations: Mutations,
        initial: u64,
        fraction: Fraction,
        rule: MutationRule,
    ) -> TournamentEvolution {
        TournamentEvolution { space, mutations, initial, fraction, rule, population: Vec::new() }
    }

    /// Draws the members of one tournament, without replacement, as places in the population.
    fn tournament(&self, rng: &mut ChaCha8Rng) -> index::IndexVec {
        index::sample(rng, self.population.len(), self.fraction.of(self.population.len()))
    }

    /// The fittest of `members`; of equals the older one. `None` when there are none.
    fn fittest(&self, members: &index::IndexVec) -> Option<&Individual> {
        members
            .iter()
            .map(|place| &self.population[place])
            .max_by(|a, b| a.fitness.cmp(&b.fitness).then(b.id.cmp(&a.id)))
    }
}

impl Strategy for TournamentEvolution {
    fn suggest(&self, trial: TrialId, rng: &mut ChaCha8Rng) -> Suggestion {
        let founding = trial.0 <= self.initial || self.population.is_empty();
        let parent = if founding { None } else { self.fittest(&self.tournament(rng)) };
        match parent {
            Some(parent) => Suggestion::child(parent.id, parent.genotype.mutate(self.rule, rng)),
            None => Suggestion::founder(Genotype::random(&self.space, self.mutations.get(), rng)),
        }
    }

    fn update(&mut self, trial: &FinishedTrial) {
        if let Some(fitness) = trial.fitness {
            self.population.push(Individual { id: trial.id, genotype: trial.genotype.clone(), fitness });
        }
    }
}
