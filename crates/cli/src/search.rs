//! `hnas search` and `hnas resume`: an experiment from its file to its report.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use hnas_data::cache_root;
use hnas_experiment::{Board, Crew, Executor, Experiment, Resolved, RunFolder, Session, TakenRun};

use crate::BUILD;
use crate::arguments::{Machine, Processor, Resume, Search};
use crate::input::{self, MOST_AT_ONCE, Resources};
use crate::page;
use crate::plan;
use crate::progress::Progress;
use crate::signals::{self, Work};
use crate::winner;

/// What a session notes as its device when it trains nothing.
const NO_DEVICE: &str = "none";

/// `hnas search`.
pub(crate) fn search(command: &Search) -> Result<()> {
    let experiment = Experiment::load(&command.experiment)?;
    let resources = resources(&command.machine, command.workers)?;
    let scale = scale(command.scale.as_deref(), &experiment, resources.as_ref())?;
    let resolved = experiment.resolve(&scale, command.seed)?;
    check_recipes(&resolved, resources.as_ref())?;
    if command.plan {
        let Some(resources) = resources else { bail!("--plan measures a training, and --workers 0 leaves no worker") };
        return plan::print(&resolved, &resources, command.json);
    }
    let folder = command.out.clone().unwrap_or_else(|| folder(&scale, command.seed));
    let work = Work::default();
    signals::watch(None, &work)?;
    carry_out(&RunFolder::found(&folder, resolved, command.store.as_deref())?, resources, &work)
}

/// `hnas resume`.
pub(crate) fn resume(command: &Resume) -> Result<()> {
    let work = Work::default();
    signals::watch(None, &work)?;
    for name in RunFolder::experiments(&command.run)? {
        let resources = resources(&command.machine, command.workers)?;
        let run = RunFolder::resume(&command.run, &name)?;
        check_recipes(run.resolved(), resources.as_ref())?;
        carry_out(&run, resources, &work)?;
    }
    Ok(())
}

/// What this process trains on; nothing when it only proposes.
fn resources(machine: &Machine, workers: Option<usize>) -> Result<Option<Resources>> {
    match workers {
        Some(0) => {
            // A device that is named has to be there all the same; without a name none is looked for.
            if machine.processor.device != Processor::ANY {
                machine.processor.open()?;
            }
            Ok(None)
        }
        workers => {
            if let Some(workers) = workers {
                input::within("--workers", workers, 0, MOST_AT_ONCE)?;
            }
            let resources = machine.resources()?;
            let workers = workers.unwrap_or(resources.workers);
            Ok(Some(Resources { workers, ..resources }))
        }
    }
}

fn carry_out(run: &TakenRun, resources: Option<Resources>, work: &Work) -> Result<()> {
    let session = Session {
        started_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        experiment: run.resolved().name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: env!("HNAS_REVISION").to_owned(),
        device: resources.as_ref().map_or_else(|| NO_DEVICE.to_owned(), Resources::names),
        workers: resources.as_ref().map_or(0, |resources| resources.workers),
        threads: resources.as_ref().map_or(0, |resources| resources.threads),
    };
    check_same_machine(run, &session)?;
    run.begin(&session)?;
    let progress = Progress::new(run.resolved());
    let mut crew = Crew::new(run.store().clone(), BUILD, &progress)
        .with_data(cache_root()?, false)
        .with_checkpoints(run.checkpoints())
        .with_weights(run.weights());
    if let Some(Resources { devices, workers, threads }) = resources {
        crew = crew.with_workers(workers, devices, threads);
    }
    let board = Arc::new(Board::default());
    *work.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&board), run.store().clone()));
    let carried_out = Executor { crew: &crew, board: &board }.carry_out(run);
    *work.lock().unwrap_or_else(PoisonError::into_inner) = None;
    carried_out?;
    let winners = winner::of(run)?;
    // First what stays: a reader of the lines may have gone.
    let report = page::write(run, &run.report_folder())?;
    winner::print(&winners)?;
    say!("report: {}", report.display());
    winner::check(&winners)
}

/// Refuses an experiment whose recipes the devices cannot train by, before anything is founded or trained.
fn check_recipes(resolved: &Resolved, resources: Option<&Resources>) -> Result<()> {
    let devices = resources.map_or(&[][..], |resources| &resources.devices);
    for arm in &resolved.arms {
        let trainings = [("search", Some(&arm.search.fitness)), ("retraining", arm.retraining.as_ref())];
        for (part, training) in trainings {
            let Some(training) = training else { continue };
            for device in devices {
                device.check(&training.recipe).with_context(|| format!("arm {}, {part}", arm.name))?;
            }
        }
    }
    Ok(())
}

/// Trials of different kinds of device are not comparable, so a run stays on the kind it was begun on.
fn check_same_machine(run: &RunFolder, session: &Session) -> Result<()> {
    let kind = |device: &str| device.split(':').next().unwrap_or_default().to_owned();
    if session.workers == 0 {
        return Ok(());
    }
    if let Some(first) = run.sessions().iter().find(|session| session.workers > 0) {
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
fn scale(asked: Option<&str>, experiment: &Experiment, resources: Option<&Resources>) -> Result<String> {
    let known = experiment.scales();
    let found = resources.map(|found| if found.devices[0].is_cpu() { "laptop" } else { "workstation" });
    match asked {
        Some(scale) => Ok(scale.to_owned()),
        None if known.len() == 1 => Ok(known[0].to_owned()),
        None => match found.filter(|found| known.contains(found)) {
            Some(found) => Ok(found.to_owned()),
            None => bail!("name a scale with --scale: {}", known.join(", ")),
        },
    }
}

/// Experiments at one scale share a folder, and so the searches that they have in common.
fn folder(scale: &str, seed: Option<u64>) -> PathBuf {
    let seed = seed.map_or_else(String::new, |seed| format!("-seed{seed}"));
    Path::new("runs").join(format!("{scale}{seed}"))
}
