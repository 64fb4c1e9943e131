//! Proposals and outcomes for tests: functions of the trial's number alone.

use hnas_genome::{Genotype, MutationRule, SearchSpace};
use hnas_ledger::{Outcome, Proposal, Run, Trial, Verdict};
use hnas_search::{Fitness, TrialId, suggestion_rng};

/// The text that founds the studies of these tests.
pub(crate) const EXPERIMENT: &str = "(\n    name: \"test\",\n    seed: 1,\n)\n";

/// A proposal that fills every field, each kind of verdict in turn.
pub(crate) fn proposal(id: u64) -> Proposal {
    let space = SearchSpace::hierarchical();
    let mut rng = suggestion_rng(1, TrialId(id));
    let parent = Genotype::random(&space, 30, &mut rng).genotype;
    let child = parent.mutate(MutationRule::Uniform, &mut rng);
    let earlier = (id > 1).then(|| TrialId(id - 1));
    Proposal {
        id: TrialId(id),
        genotype: child.genotype,
        key: format!("{id:064x}"),
        parent: earlier,
        mutation: child.mutation,
        redraws: child.redraws,
        parameters: 1000 + id,
        multiply_adds: 1_000_000 + id,
        same_as: earlier.filter(|_| id.is_multiple_of(3)),
        verdict: match id % 3 {
            0 => Verdict::Reuse(Fitness::new(1.0 / (2.0 + id as f64)).unwrap()),
            1 => Verdict::Evaluate,
            _ => Verdict::Refuse(format!("{id} parameters, limit 0")),
        },
    }
}

/// A fitness for trial `id`; `extra` tells evaluations of the same trial apart.
pub(crate) fn scored(id: u64, extra: u64) -> Outcome {
    let accuracy = 1.0 / (3.0 + id as f64) + extra as f64;
    let run = Run { seed: u64::MAX - id, accuracy, top_5: None, loss: 0.1 + accuracy, seconds: 1.5 };
    Outcome::Scored { fitness: Fitness::new(accuracy).unwrap(), runs: vec![run, Run { seed: id, ..run }] }
}

/// A failure of trial `id`.
pub(crate) fn failed(id: u64) -> Outcome {
    Outcome::Failed { reason: format!("loss is not finite at step {id}") }
}

/// The numbers of trials, in the order given.
pub(crate) fn ids(trials: &[Trial]) -> Vec<u64> {
    trials.iter().map(|trial| trial.proposal.id.0).collect()
}
