//! `hnas report`: what a run's ledger holds, as the input of the report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hnas_experiment::{Arm, PlannedArm, Published, RunFolder, winner};
use hnas_ledger::{Outcome, Trial};
use hnas_report::{Claim, Difference, Evidence, FinalRun, Page, Retraining, Seed};
use jiff::Timestamp;

use crate::arguments::Report;

/// `hnas report`.
pub(crate) fn report(command: &Report) -> Result<()> {
    for name in RunFolder::experiments(&command.run)? {
        let run = RunFolder::open(&command.run, &name)?;
        match &command.csv {
            Some(folder) => write_csv(&run, &folder.join(&name))?,
            None => {
                let folder = command.out.as_ref().map_or_else(|| run.report_folder(), |out| out.join(&name));
                say!("report: {}", write(&run, &folder)?.display());
            }
        }
    }
    Ok(())
}

/// Writes the report of `run` to `folder` and gives its file.
pub(crate) fn write(run: &RunFolder, folder: &Path) -> Result<PathBuf> {
    let page = page(run)?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot write {}", folder.display()))?;
    hnas_report::write(&page, folder)?;
    Ok(folder.join("report.html"))
}

fn write_csv(run: &RunFolder, folder: &Path) -> Result<()> {
    hnas_report::write_csv(&page(run)?, folder)?;
    say!("tables: {}", folder.display());
    Ok(())
}

fn page(run: &RunFolder) -> Result<Page> {
    let resolved = run.resolved();
    let arms = run.arms()?;
    let seeds: BTreeSet<u64> = arms.iter().map(|arm| arm.plan.seed()).collect();
    let differences = resolved.differences.iter().cloned();
    let (mut claims, mut others) = (Vec::new(), Vec::new());
    for number in &resolved.published {
        match claim(number, &resolved.arms) {
            Some(claim) => claims.push(claim),
            None => others.push(hnas_report::Published {
                what: number.what.clone(),
                value: number.value.clone(),
                source: source(number),
            }),
        }
    }
    Ok(Page {
        title: resolved.title.clone(),
        scale: resolved.scale.clone(),
        differences: differences
            .map(|found| Difference { what: found.what, paper: found.paper, here: found.here })
            .collect(),
        claims,
        facts: facts(run, &arms, &seeds),
        arms: shown(arms, &resolved.published),
        published: others,
    })
}

/// A published number that arms of this experiment are to be compared with; `None` for all others.
fn claim(number: &Published, arms: &[PlannedArm]) -> Option<Claim> {
    let model = |name: &String| arms.iter().find(|arm| arm.name == *name).map(model);
    let judged = |name: &String, evidence: fn(String, String) -> Evidence| {
        model(name).map(|model| model.map_or(Evidence::Nothing, |model| evidence(name.clone(), model)))
    };
    let evidence = match &number.evidence {
        hnas_experiment::Evidence::Nothing => None,
        hnas_experiment::Evidence::TestError(arm) => judged(arm, |arm, model| Evidence::TestError { arm, model }),
        hnas_experiment::Evidence::Top5Error(arm) => judged(arm, |arm, model| Evidence::Top5Error { arm, model }),
        hnas_experiment::Evidence::LowerTestError(arm, than) => {
            model(arm).zip(model(than)).map(|models| match models {
                (Some(model), Some(other)) if model == other => {
                    Evidence::LowerTestError { arm: arm.clone(), than: than.clone(), model }
                }
                _ => Evidence::Nothing,
            })
        }
    };
    let (what, published, source) = (number.what.clone(), number.value.clone(), source(number));
    evidence.map(|evidence| Claim { what, published, source, evidence })
}

fn source(number: &Published) -> String {
    format!("{}, {}", number.source, number.confidence.word())
}

/// The model that an arm's winner is retrained in; its name goes by the width, as the paper's does, and by the photographs that
/// it is trained on if it is.
fn model(arm: &PlannedArm) -> Option<String> {
    arm.retraining.as_ref().map(|training| {
        let c0 = training.skeleton.c0();
        match &training.photographs {
            None => format!("c0 = {c0}"),
            Some(photographs) => format!("c0 = {c0}, {}", photographs.dataset),
        }
    })
}

/// The arms in the order of the experiment, each with all its seeds.
fn shown(arms: Vec<Arm>, published: &[Published]) -> Vec<hnas_report::Arm> {
    let mut shown: Vec<hnas_report::Arm> = Vec::new();
    for arm in arms {
        let plan = &arm.plan;
        let place = shown.iter().position(|known| known.name == plan.name).unwrap_or_else(|| {
            let of_arm = hnas_experiment::Evidence::TestError(plan.name.clone());
            let error = published.iter().find(|number| number.evidence == of_arm);
            shown.push(hnas_report::Arm {
                name: plan.name.clone(),
                description: plan.description.clone(),
                published_error: error.map(|number| number.value.clone()),
                seeds: Vec::new(),
            });
            shown.len() - 1
        });
        shown[place].seeds.push(seed(arm));
    }
    shown
}

fn seed(arm: Arm) -> Seed {
    let Arm { plan, search, retraining } = arm;
    let winner = winner(plan.search.search.repeats, &search).map(|trial| trial.proposal.id);
    let retrained = winner.zip(plan.retraining_study(&search)).zip(plan.retraining.as_ref()).zip(model(&plan));
    let retraining = retrained.map(|(((trial, study), training), model)| Retraining {
        study: study.name,
        trial,
        model,
        parameters: retraining.first().map_or(0, |trial| trial.proposal.parameters),
        planned: training.runs as u64,
        runs: retraining.iter().map(final_run).collect(),
    });
    Seed {
        seed: plan.seed(),
        study: plan.search.name.clone(),
        planned: plan.trials,
        winner,
        retrainings: retraining.into_iter().collect(),
        trials: search,
    }
}

fn final_run(trial: &Trial) -> FinalRun {
    let seconds = trial.seconds;
    match &trial.outcome {
        Outcome::Scored { fitness, runs } => FinalRun {
            seed: runs.first().map(|run| run.seed),
            test_accuracy: Some(fitness.get()),
            top_5_accuracy: runs.first().and_then(|run| run.top_5),
            failure: None,
            seconds,
        },
        Outcome::Failed { reason } => {
            FinalRun { seed: None, test_accuracy: None, top_5_accuracy: None, failure: Some(reason.clone()), seconds }
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
