//! `hnas report`: what a run's ledger holds, as the input of the report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use hnas_experiment::{Arm, RunFolder, winner};
use hnas_ledger::{Outcome, Trial};
use hnas_report::{Difference, FinalRun, Page, Published};
use jiff::Timestamp;

use crate::arguments::Report;

/// `hnas report`.
pub(crate) fn report(command: &Report) -> Result<()> {
    for name in RunFolder::experiments(&command.run)? {
        let run = RunFolder::open(&command.run, &name)?;
        write(&run, &command.out.as_ref().map_or_else(|| run.report_folder(), |out| out.join(&name)))?;
    }
    Ok(())
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
    let seeds: BTreeSet<u64> = arms.iter().map(|arm| arm.plan.seed()).collect();
    let differences = resolved.differences.iter().cloned();
    let published = resolved.published.iter().cloned();
    Ok(Page {
        title: resolved.title.clone(),
        scale: resolved.scale.clone(),
        differences: differences
            .map(|found| Difference { what: found.what, paper: found.paper, here: found.here })
            .collect(),
        facts: facts(run, &arms, &seeds),
        arms: arms.into_iter().map(|arm| shown(arm, seeds.len() > 1, &resolved.published)).collect(),
        published: published
            .map(|number| Published {
                source: format!("{}, {}", number.source, number.confidence.word()),
                what: number.what,
                value: number.value,
            })
            .collect(),
    })
}

fn shown(arm: Arm, several_seeds: bool, published: &[hnas_experiment::Published]) -> hnas_report::Arm {
    let Arm { plan, search, retraining } = arm;
    let published = published.iter().find(|number| number.arm.as_ref() == Some(&plan.name));
    hnas_report::Arm {
        name: if several_seeds { format!("{}, seed {}", plan.name, plan.seed()) } else { plan.name.clone() },
        description: plan.description,
        published_error: published.map(|number| number.value.clone()),
        winner: winner(plan.search.search.repeats, &search).map(|trial| trial.proposal.genotype.clone()),
        finals: retraining.iter().map(final_run).collect(),
        search,
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
fn facts(run: &RunFolder, arms: &[Arm], seeds: &BTreeSet<u64>) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(arm) = arms.first() {
        let study = &arm.plan.search;
        fact("seeds", seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "));
        fact(
            "data set",
            format!(
                "{}: {} to train on, {} to validate on, {} to retrain on, {} test images, split seed {}",
                study.dataset, study.data.train, study.data.valid, study.data.retrain, study.data.test, study.data.seed
            ),
        );
    }
    // Arms share trials; each counts once.
    let mut searches: BTreeMap<&str, &Arm> = BTreeMap::new();
    let mut retrainings: BTreeMap<String, &Arm> = BTreeMap::new();
    for arm in arms {
        let longest = searches.entry(&arm.plan.search.name).or_insert(arm);
        if arm.search.len() > longest.search.len() {
            *longest = arm;
        }
        if let Some(study) = arm.plan.retraining_study(&arm.search) {
            retrainings.insert(study.name, arm);
        }
    }
    let trials = searches.values().flat_map(|arm| &arm.search);
    let seconds: f64 =
        trials.chain(retrainings.values().flat_map(|arm| &arm.retraining)).map(|trial| trial.seconds).sum();
    fact("hours of evaluation, over all workers", format!("{:.2}", seconds / 3600.0));
    let sessions = run.sessions().into_iter().filter(|session| session.experiment == run.resolved().name);
    for (number, session) in (1..).zip(sessions) {
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
