//! `results.json`: all numbers of a report for programs.
//!
//! Field names stay; a change that breaks a reader raises [`SCHEMA_VERSION`]. Accuracies and fitness are parts of one,
//! times are seconds, what is missing is `null`.

use hnas_ledger::{Outcome, Trial, Verdict};
use serde_json::{Value, json};

use crate::bootstrap::Interval;
use crate::correlations::Correlation;
use crate::summary::{SeedSummary, Summary, Test, fitness};
use crate::verdict::Judged;
use crate::{Evidence, FinalRun, Page, Retraining};

/// Version of the layout of `results.json`, its field `schema_version`.
pub const SCHEMA_VERSION: u32 = 2;

/// The text of `results.json`.
pub(crate) fn results_json(
    page: &Page,
    summaries: &[Summary],
    judged: &[Judged],
    correlations: &[Correlation],
) -> String {
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
        "scorecard": judged.iter().map(claim).collect::<Vec<_>>(),
        "correlations": correlations.iter().map(correlation).collect::<Vec<_>>(),
        "arms": summaries.iter().map(arm).collect::<Vec<_>>(),
        "published": published
            .map(|number| json!({ "what": number.what, "value": number.value, "source": number.source }))
            .collect::<Vec<_>>(),
        "facts": facts.map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn claim(judged: &Judged) -> Value {
    json!({
        "claim": judged.claim.what,
        "published": judged.claim.published,
        "source": judged.claim.source,
        "obtained": judged.obtained.map(|obtained| json!({
            "quantity": match judged.claim.evidence {
                Evidence::LowerTestError { .. } => "difference of test errors",
                Evidence::Top5Error { .. } => "top-5 error",
                Evidence::TestError { .. } | Evidence::Nothing => "test error",
            },
            "mean": finite(obtained.mean),
            "standard_deviation": obtained.deviation,
            "interval": obtained.interval.map(interval),
            "seeds": obtained.seeds,
            "trainings": obtained.runs,
        })),
        "verdict": judged.verdict.words(),
        "why": judged.why,
    })
}

fn correlation(found: &Correlation) -> Value {
    let measured = |(value, range): (f64, Option<Interval>)| json!({ "value": value, "interval": range.map(interval) });
    json!({
        "model": found.model,
        "n": found.n,
        "spearman_rho": found.spearman.map(measured),
        "kendall_tau_b": found.kendall.map(measured),
    })
}

fn arm(summary: &Summary) -> Value {
    json!({
        "name": summary.arm.name,
        "description": summary.arm.description,
        "published_error_percent": summary.arm.published_error,
        "counts": summary.counts,
        "tests": summary.tests.iter().map(test).collect::<Vec<_>>(),
        "final_seconds": summary.final_seconds,
        "seeds": summary.seeds.iter().map(seed).collect::<Vec<_>>(),
    })
}

fn test(test: &Test) -> Value {
    json!({
        "model": test.model,
        "parameters": [test.parameters.0, test.parameters.1],
        "accuracy": {
            "n": test.accuracy.units.len(),
            "mean": test.accuracy.mean,
            "standard_deviation": test.accuracy.deviation,
            "interval": test.accuracy.interval.map(interval),
        },
        "top_5_accuracy": test.top_5.as_ref().map(|top_5| json!({
            "n": top_5.units.len(),
            "mean": finite(top_5.mean),
            "standard_deviation": top_5.deviation,
        })),
        "seeds": test.seeds,
        "trainings": test.runs,
        "whole": test.whole,
    })
}

fn seed(seed: &SeedSummary) -> Value {
    json!({
        "seed": seed.seed.seed,
        "study": seed.seed.study,
        "planned": seed.seed.planned,
        "counts": seed.counts,
        "best_trial": seed.best.map(|(trial, _)| trial.proposal.id),
        "best_fitness": seed.best.and_then(|(_, fitness)| finite(fitness)),
        "median_fitness": seed.median,
        "winner": seed.winner.map(|trial| json!({
            "trial": trial.proposal.id,
            "genotype": trial.proposal.genotype.to_string(),
            "ancestry": seed.ancestry.iter().map(|trial| trial.proposal.id).collect::<Vec<_>>(),
        })),
        "retrainings": seed.seed.retrainings.iter().map(retraining).collect::<Vec<_>>(),
        "trials": seed.seed.trials.iter().map(trial).collect::<Vec<_>>(),
    })
}

fn retraining(retraining: &Retraining) -> Value {
    json!({
        "study": retraining.study,
        "trial": retraining.trial,
        "model": retraining.model,
        "parameters": retraining.parameters,
        "planned": retraining.planned,
        "runs": retraining.runs.iter().map(final_run).collect::<Vec<_>>(),
    })
}

fn final_run(run: &FinalRun) -> Value {
    json!({
        "seed": run.seed,
        "test_accuracy": run.test_accuracy.and_then(finite),
        "top_5_accuracy": run.top_5_accuracy.and_then(finite),
        "failure": run.failure,
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

fn interval(interval: Interval) -> Value {
    json!([interval.low, interval.high])
}

fn finite(number: f64) -> Option<f64> {
    Some(number).filter(|number| number.is_finite())
}
