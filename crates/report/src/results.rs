//! `results.json`: all numbers of a report for programs.
//!
//! Field names stay; a change that breaks a reader raises [`SCHEMA_VERSION`]. Accuracies and fitness are parts of one,
//! times are seconds, what is missing is `null`.

use hnas_ledger::{Outcome, Trial, Verdict};
use serde_json::{Value, json};

use crate::statistics::Sample;
use crate::summary::{Summary, fitness};
use crate::{FinalRun, Page};

/// Version of the layout of `results.json`, its field `schema_version`.
pub const SCHEMA_VERSION: u32 = 1;

/// The text of `results.json`.
pub(crate) fn results_json(page: &Page, summaries: &[Summary]) -> String {
    let differences = page.differences.iter();
    let published = page.published.iter();
    let facts = page.facts.iter();
    let value = json!({
        "schema_version": SCHEMA_VERSION,
        "title": page.title,
        "scale": page.scale,
        "differences": differences
            .map(|found| json!({ "what": found.what, "paper": found.paper, "here": found.here }))
            .collect::<Vec<_>>(),
        "arms": summaries.iter().map(arm).collect::<Vec<_>>(),
        "published": published
            .map(|number| json!({ "what": number.what, "value": number.value, "source": number.source }))
            .collect::<Vec<_>>(),
        "facts": facts.map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn arm(summary: &Summary) -> Value {
    let arm = summary.arm;
    json!({
        "name": arm.name,
        "description": arm.description,
        "published_error_percent": arm.published_error,
        "counts": summary.counts,
        "best_trial": summary.best.map(|(trial, _)| trial.proposal.id),
        "best_fitness": summary.best.and_then(|(_, fitness)| finite(fitness)),
        "median_fitness": summary.median,
        "search_seconds": summary.search_seconds,
        "winner": {
            "genotype": summary.winner.map(ToString::to_string),
            "ancestry": summary.ancestry.iter().map(|trial| trial.proposal.id).collect::<Vec<_>>(),
        },
        "test_accuracy": summary.test.map(sample),
        "final_parameters": summary.final_parameters,
        "final_seconds": summary.final_seconds,
        "final_runs": arm.finals.iter().map(final_run).collect::<Vec<_>>(),
        "trials": arm.search.iter().map(trial).collect::<Vec<_>>(),
    })
}

fn sample(sample: Sample) -> Value {
    json!({ "n": sample.n, "mean": sample.mean, "standard_deviation": sample.deviation })
}

fn final_run(run: &FinalRun) -> Value {
    json!({
        "seed": run.seed,
        "test_accuracy": run.test_accuracy.and_then(finite),
        "failure": run.failure,
        "parameters": run.parameters,
        "seconds": finite(run.seconds),
    })
}

fn trial(trial: &Trial) -> Value {
    let proposal = &trial.proposal;
    let (runs, failure) = match &trial.outcome {
        Outcome::Scored { fitness: _, runs } => (runs.as_slice(), None),
        Outcome::Failed { reason } => (&[][..], Some(reason)),
    };
    let verdict = match &proposal.verdict {
        Verdict::Evaluate => "evaluate",
        Verdict::Reuse(_) => "reuse",
        Verdict::Refuse(_) => "refuse",
    };
    let mutation = proposal.mutation.as_ref();
    json!({
        "id": proposal.id,
        "seq": trial.seq,
        "fitness": fitness(trial).and_then(finite),
        "runs": runs
            .iter()
            .map(|run| json!({
                "seed": run.seed,
                "accuracy": finite(run.accuracy),
                "loss": finite(run.loss),
                "seconds": finite(run.seconds),
            }))
            .collect::<Vec<_>>(),
        "failure": failure,
        "verdict": verdict,
        "parameters": proposal.parameters,
        "multiply_adds": proposal.multiply_adds,
        "key": proposal.key,
        "parent": proposal.parent,
        "mutation": mutation.map(|mutation| mutation.describe(proposal.genotype.space())),
        "same_as": proposal.same_as,
        "redraws": proposal.redraws,
        "worker": trial.worker,
        "attempt": trial.attempt,
        "seconds": finite(trial.seconds),
        "finished_unix": trial.finished_unix,
    })
}

fn finite(number: f64) -> Option<f64> {
    Some(number).filter(|number| number.is_finite())
}
