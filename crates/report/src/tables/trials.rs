//! The tables of trials and trainings.

use hnas_ledger::{Outcome, Trial, Verdict};

use super::{Table, cell, number};
use crate::counts::repeats;
use crate::summary::{SeedSummary, Summary, best_so_far, fitness};
use crate::usage;

/// The first cells of a row that is about one seed.
fn of_seed(summary: &Summary, seed: &SeedSummary) -> Vec<String> {
    vec![summary.arm.name.clone(), seed.seed.seed.to_string()]
}

/// Every seed with its arm.
fn seeds<'s, 'a>(summaries: &'s [Summary<'a>]) -> impl Iterator<Item = (&'s Summary<'a>, &'s SeedSummary<'a>)> {
    summaries.iter().flat_map(|summary| summary.seeds.iter().map(move |seed| (summary, seed)))
}

/// What Figure 3 shows, trial by trial.
pub(super) fn trials(summaries: &[Summary]) -> Table {
    let mut rows = Vec::new();
    for (summary, seed) in seeds(summaries) {
        for ((trial, best), repeat) in best_so_far(&seed.seed.trials).zip(repeats(&seed.seed.trials)) {
            let proposal = &trial.proposal;
            let mutation = proposal.mutation.as_ref();
            let verdict = match &proposal.verdict {
                Verdict::Evaluate => "evaluate",
                Verdict::Reuse(_) => "reuse",
                Verdict::Refuse(_) => "refuse",
            };
            let failure = match &trial.outcome {
                Outcome::Scored { .. } => None,
                Outcome::Failed { reason } => Some(reason),
            };
            let mut row = of_seed(summary, seed);
            row.extend([
                proposal.id.to_string(),
                number(fitness(trial)),
                number(best),
                cell(failure),
                verdict.to_owned(),
                proposal.parameters.to_string(),
                proposal.multiply_adds.to_string(),
                cell(proposal.parent),
                cell(mutation.map(|mutation| mutation.describe(proposal.genotype.space()))),
                proposal.key.clone(),
                repeat.network.to_string(),
                repeat.genotype.to_string(),
                proposal.redraws.to_string(),
                trial.seq.to_string(),
                number(trial.seconds),
                trial.finished_unix.to_string(),
                trial.worker.clone(),
                trial.attempt.to_string(),
                proposal.genotype.to_string(),
            ]);
            rows.push(row);
        }
    }
    Table {
        name: "trials",
        row: "a finished trial of a search",
        columns: &[
            ("arm", "", "name of the arm"),
            ("seed", "", "seed of the search"),
            ("trial", "", "number of the trial: its evolution step"),
            ("fitness", "1", "validation accuracy of the small model; empty when it failed"),
            ("best_so_far", "1", "largest fitness up to this trial"),
            ("failure", "", "why it failed"),
            ("verdict", "", "evaluate: trained; reuse: given a known fitness; refuse: above a cost limit"),
            ("parameters", "", "trainable parameters of the small model"),
            ("multiply_adds", "", "multiplications with addition of one image's forward pass"),
            ("parent", "", "the trial it was bred from"),
            ("mutation", "", "the edge that was changed"),
            ("key", "", "key of the network: equal for equal networks"),
            ("repeated_network", "", "true when an earlier trial of the search had the network"),
            ("repeated_genotype", "", "true when an earlier trial of the search had the genotype"),
            ("redraws", "", "draws thrown away since they were not networks or above a limit"),
            ("seq", "", "place in the order in which trials finished"),
            ("seconds", "s", "from lease to record"),
            ("finished_unix", "s", "when it was recorded, since 1970"),
            ("worker", "", "who recorded it"),
            ("attempt", "", "which lease it was recorded under"),
            ("genotype", "", "the genotype"),
        ],
        rows,
    }
}

pub(super) fn trainings(summaries: &[Summary]) -> Table {
    let mut rows = Vec::new();
    for (summary, seed) in seeds(summaries) {
        for Trial { proposal, outcome, .. } in &seed.seed.trials {
            let Outcome::Scored { fitness: _, runs } = outcome else { continue };
            for run in runs {
                let mut row = of_seed(summary, seed);
                row.extend([proposal.id.to_string(), run.seed.to_string()]);
                row.extend([run.accuracy, run.loss, run.seconds].map(number));
                rows.push(row);
            }
        }
    }
    Table {
        name: "trainings",
        row: "a training whose accuracy was averaged into a fitness",
        columns: &[
            ("arm", "", "name of the arm"),
            ("seed", "", "seed of the search"),
            ("trial", "", "number of the trial"),
            ("training_seed", "", "seed of the training"),
            ("accuracy", "1", "on the validation images"),
            ("loss", "nat", "mean cross-entropy on the validation images"),
            ("seconds", "s", "of training and evaluation"),
        ],
        rows,
    }
}

pub(super) fn final_runs(summaries: &[Summary]) -> Table {
    let mut rows = Vec::new();
    for (summary, seed) in seeds(summaries) {
        let winner = seed.winner.map(|trial| trial.proposal.id);
        for retraining in &seed.seed.retrainings {
            for run in &retraining.runs {
                let mut row = of_seed(summary, seed);
                row.extend([
                    retraining.trial.to_string(),
                    (winner == Some(retraining.trial)).to_string(),
                    retraining.model.clone(),
                    retraining.study.clone(),
                    retraining.parameters.to_string(),
                    cell(run.seed),
                    number(run.test_accuracy),
                    number(run.test_accuracy.map(|accuracy| 1.0 - accuracy)),
                    number(run.top_5_accuracy.map(|accuracy| 1.0 - accuracy)),
                    cell(run.failure.as_ref()),
                    number(run.seconds),
                ]);
                rows.push(row);
            }
        }
    }
    Table {
        name: "final-runs",
        row: "a training of a genotype in a larger model",
        columns: &[
            ("arm", "", "name of the arm"),
            ("seed", "", "seed of the search"),
            ("trial", "", "the trial whose genotype it is"),
            ("winner", "", "true when this trial won the search"),
            ("model", "", "the larger model"),
            ("study", "", "name of the retraining in the ledger"),
            ("parameters", "", "trainable parameters"),
            ("training_seed", "", "seed of the training"),
            ("test_accuracy", "1", "on the test images; empty when it failed"),
            ("test_error", "1", "1 less the test accuracy"),
            (
                "top_5_error",
                "1",
                "part of the test images whose class was not among the five likeliest; empty where it is not scored",
            ),
            ("failure", "", "why it failed"),
            ("seconds", "s", "of training and evaluation"),
        ],
        rows,
    }
}

pub(super) fn ancestry(summaries: &[Summary]) -> Table {
    let mut rows = Vec::new();
    for (summary, seed) in seeds(summaries) {
        for (place, trial) in seed.ancestry.iter().enumerate() {
            let proposal = &trial.proposal;
            let mutation = proposal.mutation.as_ref();
            let op = |level: usize, op: Option<usize>| match op {
                Some(op) => proposal.genotype.operation_name(level, op),
                None => "none".to_owned(),
            };
            let mut row = of_seed(summary, seed);
            row.extend([
                place.to_string(),
                proposal.id.to_string(),
                cell(mutation.map(|mutation| mutation.level)),
                cell(mutation.map(|mutation| mutation.motif + 1)),
                cell(mutation.map(|mutation| mutation.from)),
                cell(mutation.map(|mutation| mutation.to)),
                cell(mutation.map(|mutation| op(mutation.level, mutation.old))),
                cell(mutation.map(|mutation| op(mutation.level, mutation.new))),
                number(fitness(trial)),
                proposal.parameters.to_string(),
                proposal.key.clone(),
            ]);
            rows.push(row);
        }
    }
    Table {
        name: "ancestry",
        row: "an ancestor of a search's winner, oldest first, and the winner itself",
        columns: &[
            ("arm", "", "name of the arm"),
            ("seed", "", "seed of the search"),
            ("generation", "", "mutations since the first ancestor"),
            ("trial", "", "the trial"),
            ("level", "", "level of the motif that was changed, from 2; empty when it was drawn, not bred"),
            ("motif", "", "the motif, from 1"),
            ("from", "", "the node the changed edge comes from, from 1"),
            ("to", "", "the node it goes to"),
            ("before", "", "the operation before"),
            ("after", "", "the operation after"),
            ("fitness", "1", "validation accuracy of the small model"),
            ("parameters", "", "trainable parameters of the small model"),
            ("key", "", "key of the network: equal for equal networks"),
        ],
        rows,
    }
}

pub(super) fn usage(summaries: &[Summary]) -> Table {
    let mut rows = Vec::new();
    for (summary, seed) in seeds(summaries) {
        for level in usage::usage(&seed.seed.trials) {
            for window in &level.windows {
                for (operation, share) in level.operations.iter().zip(&window.shares) {
                    let mut row = of_seed(summary, seed);
                    row.push(level.level.to_string());
                    row.extend([window.trials.0, window.trials.1, window.edges].map(|number| number.to_string()));
                    row.extend([operation.clone(), number(*share)]);
                    rows.push(row);
                }
            }
        }
    }
    Table {
        name: "usage",
        row: "an operation on the edges of one level, in a window of trials of a search",
        columns: &[
            ("arm", "", "name of the arm"),
            ("seed", "", "seed of the search"),
            ("level", "", "the level, from 2: its edges carry operations of the level below"),
            ("first_trial", "", "first trial of the window"),
            ("last_trial", "", "last trial of the window"),
            ("edges", "", "edges of the level that are part of the window's networks"),
            ("operation", "", "the operation: a motif of the level below, or a primitive"),
            ("share", "1", "part of these edges that carries it"),
        ],
        rows,
    }
}
