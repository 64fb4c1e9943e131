//! Trials of the size of a search's.

use hnas_genome::{Genotype, SearchSpace};
use hnas_ledger::{Outcome, Proposal, Run, Verdict};
use hnas_search::{Fitness, TrialId, suggestion_rng};

/// A random genotype.
pub(crate) fn proposal(id: u64) -> Proposal {
    let genotype = Genotype::random(&SearchSpace::hierarchical(), 100, &mut suggestion_rng(1, TrialId(id))).genotype;
    Proposal {
        id: TrialId(id),
        genotype,
        key: format!("{id:064x}"),
        parent: None,
        mutation: None,
        redraws: 0,
        parameters: 500_000,
        multiply_adds: 50_000_000,
        same_as: None,
        verdict: Verdict::Evaluate,
    }
}

/// Four runs.
pub(crate) fn outcome(id: u64) -> Outcome {
    let accuracy = 1.0 / (1.0 + id as f64);
    let run = Run { seed: id, accuracy, top_5: None, loss: 1.0, seconds: 900.0 };
    Outcome::Scored { fitness: Fitness::new(accuracy).expect("finite"), runs: vec![run; 4] }
}
