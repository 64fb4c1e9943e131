//! `hnas search` and `hnas resume`: an experiment from its file to its report.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use hnas_compiler::Shape;
use hnas_data::{ImageSize, Manifest, cache_root};
use hnas_experiment::{Estimate, Executor, Experiment, Resolved, RunFolder, Session, TakenRun, estimate};

use crate::arguments::{Resume, Search};
use crate::input::Resources;
use crate::page;
use crate::progress::Progress;

/// `hnas search`.
pub(crate) fn search(command: &Search) -> Result<()> {
    let experiment = Experiment::load(&command.experiment)?;
    let resources = command.machine.resources()?;
    let scale = scale(command.scale.as_deref(), &experiment, &resources)?;
    let resolved = experiment.resolve(&scale, command.seed)?;
    if command.plan {
        return plan(&resolved, &resources, command.json);
    }
    let folder = command.out.clone().unwrap_or_else(|| folder(&resolved, command.seed));
    carry_out(&RunFolder::found(&folder, resolved)?, resources)
}

/// `hnas resume`.
pub(crate) fn resume(command: &Resume) -> Result<()> {
    carry_out(&RunFolder::resume(&command.run)?, command.machine.resources()?)
}

fn carry_out(run: &TakenRun, resources: Resources) -> Result<()> {
    let session = Session {
        started_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
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
    page::write(run, run.folder())
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

fn folder(resolved: &Resolved, seed: Option<u64>) -> PathBuf {
    let seed = seed.map_or_else(String::new, |seed| format!("-seed{seed}"));
    Path::new("runs").join(format!("{}-{}{seed}", resolved.name, resolved.scale))
}

fn plan(resolved: &Resolved, resources: &Resources, json: bool) -> Result<()> {
    let dataset = resolved.arms.first().map(|(_, study)| study.dataset.as_str()).context("no arms")?;
    let ImageSize { channels, height, width } = Manifest::builtin(dataset)?.image();
    let workers = resources.workers();
    let pool = rayon::ThreadPoolBuilder::new().num_threads((resources.threads / workers).max(1)).build()?;
    let estimates = pool.install(|| estimate(resolved, Shape::new(channels, height, width), &resources.devices[0]))?;
    if json {
        say!("{}", serde_json::to_string_pretty(&estimates)?);
        return Ok(());
    }
    say!("{} at scale {}, on {} with {workers} workers", resolved.title, resolved.scale, resources.names());
    say!(
        "\n{:<26} {:>9} {:>8} {:>8} {:>9} | {:>9} {:>8} {:>8} {:>9}",
        "arm",
        "trainings",
        "steps",
        "s/step",
        "hours",
        "retrained",
        "steps",
        "s/step",
        "hours"
    );
    let mut total = 0.0;
    for estimate in &estimates {
        total += print(estimate, workers)?;
    }
    say!("\n{total:.2} hours in all, estimated.");
    say!(
        "Measured now on this device: one step and one evaluation batch of the median of sampled genotypes, by one worker alone;\na step that would keep more than 1 GiB is measured on fewer images and scaled."
    );
    say!(
        "Assumed: {workers} workers train as fast side by side as one alone; every candidate costs what the median one does."
    );
    if !resolved.differences.is_empty() {
        say!("\nScaled down: {} numbers differ from the paper's.", resolved.differences.len());
        for difference in &resolved.differences {
            say!("  {}: {} instead of {}", difference.what, difference.here, difference.paper);
        }
    }
    Ok(())
}

/// Prints one arm's line; gives the hours it takes with these workers.
fn print(estimate: &Estimate, workers: usize) -> Result<f64> {
    let searching = estimate.search_hours / (workers as f64).min(estimate.trainings as f64);
    let retraining = estimate.retraining_hours / (workers as f64).min(estimate.retrainings as f64);
    say!(
        "{:<26} {:>9} {:>8} {:>8.3} {:>9.2} | {:>9} {:>8} {:>8.3} {:>9.2}",
        estimate.arm,
        estimate.trainings,
        estimate.steps,
        estimate.step_seconds,
        searching,
        estimate.retrainings,
        estimate.retraining_steps,
        estimate.retraining_step_seconds,
        retraining
    );
    Ok(searching + retraining)
}
