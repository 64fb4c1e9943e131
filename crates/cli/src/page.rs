//! `hnas report`: what a run's ledger holds, as the input of the report.

use std::path::Path;

use anyhow::{Context, Result};
use hnas_experiment::{Arm, RunFolder, winner};
use hnas_ledger::{Outcome, Trial};
use hnas_report::{Difference, FinalRun, Page, Published};
use jiff::Timestamp;

use crate::arguments::Report;

/// `hnas report`.
pub(crate) fn report(command: &Report) -> Result<()> {
    let run = RunFolder::open(&command.run)?;
    write(&run, command.out.as_deref().unwrap_or(run.folder()))
}

/// Writes the report of `run` to `folder` and says where.
pub(crate) fn write(run: &RunFolder, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot write {}", folder.display()))?;
    hnas_report::write(&page(run)?, folder)?;
    say!("report: {}", folder.join("report.html").display());
    Ok(())
}

fn page(run: &RunFolder) -> Result<Page> {
    let resolved = run.resolved();
    let arms = run.arms()?;
    let differences = resolved.differences.iter().cloned();
    let published = resolved.published.iter().cloned();
    Ok(Page {
        title: resolved.title.clone(),
        scale: resolved.scale.clone(),
        differences: differences
            .map(|found| Difference { what: found.what, paper: found.paper, here: found.here })
            .collect(),
        facts: facts(run, &arms),
        arms: arms.into_iter().map(|arm| shown(arm, &resolved.published)).collect(),
        published: published
            .map(|number| Published { what: number.what, value: number.value, source: number.source })
            .collect(),
    })
}

fn shown(arm: Arm, published: &[hnas_experiment::Published]) -> hnas_report::Arm {
    let published = published.iter().find(|number| number.arm.as_ref() == Some(&arm.study.arm));
    hnas_report::Arm {
        name: arm.study.arm.clone(),
        description: arm.description,
        published_error: published.map(|number| number.value.clone()),
        winner: winner(&arm.study, &arm.search).map(|trial| trial.proposal.genotype.clone()),
        finals: arm.retraining.iter().map(final_run).collect(),
        search: arm.search,
    }
}

fn final_run(trial: &Trial) -> FinalRun {
    let parameters = trial.proposal.parameters;
    match &trial.outcome {
        Outcome::Scored { fitness, runs } => FinalRun {
            seed: runs.first().map_or(0, |run| run.seed),
            test_accuracy: Some(fitness.get()),
            failure: None,
            parameters,
            seconds: trial.seconds,
        },
        Outcome::Failed { reason } => {
            FinalRun { seed: 0, test_accuracy: None, failure: Some(reason.clone()), parameters, seconds: trial.seconds }
        }
    }
}

/// What a reader needs to know to run it again.
fn facts(run: &RunFolder, arms: &[Arm]) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(arm) = arms.first() {
        let study = &arm.study;
        fact("seed", study.seed.to_string());
        fact(
            "data set",
            format!(
                "{}: {} to train on, {} to validate on, {} to retrain on, {} test images, split seed {}",
                study.dataset, study.data.train, study.data.valid, study.data.retrain, study.data.test, study.data.seed
            ),
        );
    }
    let seconds: f64 =
        arms.iter().flat_map(|arm| arm.search.iter().chain(&arm.retraining)).map(|trial| trial.seconds).sum();
    fact("hours of evaluation, over all workers", format!("{:.2}", seconds / 3600.0));
    for (number, session) in (1..).zip(run.sessions()) {
        let begun = i64::try_from(session.started_unix).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        fact(
            &format!("session {number}"),
            format!(
                "begun {}, hnas {} at revision {}, on {} with {} workers and {} threads",
                begun.map_or_else(|| "at an unknown time".to_owned(), |begun| begun.to_string()),
                session.version,
                session.revision,
                session.device,
                session.workers,
                session.threads
            ),
        );
    }
    fact("tensor library", "burn 0.22.1".to_owned());
    facts
}
