//! `hnas search` and `hnas resume`: an experiment from its file to its report.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use hnas_data::cache_root;
use hnas_experiment::{Executor, Experiment, Resolved, RunFolder, Session, TakenRun};

use crate::arguments::{Resume, Search};
use crate::input::Resources;
use crate::page;
use crate::plan;
use crate::progress::Progress;

/// `hnas search`.
pub(crate) fn search(command: &Search) -> Result<()> {
    let experiment = Experiment::load(&command.experiment)?;
    let resources = command.machine.resources()?;
    let scale = scale(command.scale.as_deref(), &experiment, &resources)?;
    let resolved = experiment.resolve(&scale, command.seed)?;
    check_recipes(&resolved, &resources)?;
    if command.plan {
        return plan::print(&resolved, &resources, command.json);
    }
    let folder = command.out.clone().unwrap_or_else(|| folder(&scale, command.seed));
    carry_out(&RunFolder::found(&folder, resolved)?, resources)
}

/// `hnas resume`.
pub(crate) fn resume(command: &Resume) -> Result<()> {
    for name in RunFolder::experiments(&command.run)? {
        let (run, resources) = (RunFolder::resume(&command.run, &name)?, command.machine.resources()?);
        check_recipes(run.resolved(), &resources)?;
        carry_out(&run, resources)?;
    }
    Ok(())
}

fn carry_out(run: &TakenRun, resources: Resources) -> Result<()> {
    let session = Session {
        started_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        experiment: run.resolved().name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: env!("HNAS_REVISION").to_owned(),
        device: resources.names(),
        workers: resources.workers(),
        threads: resources.threads,
    };
    check_same_machine(run, &session)?;
    run.begin(&session)?;
    let progress = Progress::new(run.resolved());
    let Resources { devices, slots, threads } = resources;
    let executor = Executor { devices, slots, threads, observer: &progress };
    executor.carry_out(run, &cache_root()?)?;
    page::write(run, &run.report_folder())
}

/// Refuses an experiment whose recipes the devices cannot train by, before anything is founded or trained.
fn check_recipes(resolved: &Resolved, resources: &Resources) -> Result<()> {
    for arm in &resolved.arms {
        let trainings = [("search", Some(&arm.search.fitness)), ("retraining", arm.retraining.as_ref())];
        for (part, training) in trainings {
            let Some(training) = training else { continue };
            for device in &resources.devices {
                device.check(&training.recipe).with_context(|| format!("arm {}, {part}", arm.name))?;
            }
        }
    }
    Ok(())
}

/// Trials of different kinds of device are not comparable, so a run stays on the kind it was begun on.
fn check_same_machine(run: &RunFolder, session: &Session) -> Result<()> {
    let kind = |device: &str| device.split(':').next().unwrap_or_default().to_owned();
    if let Some(first) = run.sessions().first() {
        if kind(&first.device) != kind(&session.device) {
            bail!(
                "{} was begun on {}, not on {}: go on with --device {}",
                run.folder().display(),
                first.device,
                session.device,
                first.device
            );
        }
        if first.revision != session.revision {
            tracing::warn!("the run was begun with revision {}, this is {}", first.revision, session.revision);
        }
    }
    Ok(())
}

/// The scale asked for; else the only one; else what the device can do in a sitting.
fn scale(asked: Option<&str>, experiment: &Experiment, resources: &Resources) -> Result<String> {
    let known = experiment.scales();
    let found = if resources.devices[0].is_cpu() { "laptop" } else { "workstation" };
    match asked {
        Some(scale) => Ok(scale.to_owned()),
        None if known.len() == 1 => Ok(known[0].to_owned()),
        None if known.contains(&found) => Ok(found.to_owned()),
        None => bail!("name a scale with --scale: {}", known.join(", ")),
    }
}

/// Experiments at one scale share a folder, and so the searches that they have in common.
fn folder(scale: &str, seed: Option<u64>) -> PathBuf {
    let seed = seed.map_or_else(String::new, |seed| format!("-seed{seed}"));
    Path::new("runs").join(format!("{scale}{seed}"))
}
