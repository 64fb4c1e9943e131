//! `hnas search --plan`: what would run and the hours it would take on this device.

use anyhow::{Context, Result};
use hnas_compiler::Shape;
use hnas_data::{ImageSize, Manifest};
use hnas_experiment::{Estimate, Resolved, estimate};

use crate::input::Resources;

/// Prints the plan of `resolved`, as a table or as JSON.
pub(crate) fn print(resolved: &Resolved, resources: &Resources, json: bool) -> Result<()> {
    let dataset = resolved.arms.first().map(|arm| arm.search.dataset.as_str()).context("no arms")?;
    let ImageSize { channels, height, width } = Manifest::builtin(dataset)?.image();
    let pool = rayon::ThreadPoolBuilder::new().num_threads((resources.threads / resources.workers).max(1)).build()?;
    let estimates = pool.install(|| estimate(resolved, Shape::new(channels, height, width), &resources.devices[0]))?;
    if json {
        say!("{}", serde_json::to_string_pretty(&estimates)?);
        return Ok(());
    }
    let seeds = resolved.arms.len() / estimates.len().max(1);
    say!("{} at scale {}, on {} with {} workers", resolved.title, resolved.scale, resources.names(), resources.workers);
    say!("Sums over {seeds} {}.", if seeds == 1 { "seed" } else { "seeds" });
    say!(
        "\n{:<36} {:>9} {:>9} {:>7} {:>7} {:>9} | {:>9} {:>7} {:>7} {:>9}",
        "arm",
        "evaluated",
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
        total += line(estimate, resources.workers)?;
    }
    say!("\n{total:.2} hours in all, estimated.");
    for estimate in &estimates {
        if let Some(owner) = &estimate.shares_with {
            say!("{} shares the search of {owner}, which counts it.", estimate.arm);
        }
    }
    for estimate in &estimates {
        if let Some(needed) = estimate.photographs_per_second {
            say!(
                "The training of {} takes {needed:.1} photographs a second, all decoded by this processor.",
                estimate.arm
            );
        }
    }
    say!(
        "Measured now on this device: one step and one evaluation batch of the median of the first genotypes that each search would\npropose, by one worker alone; a step that would keep more than 1 GiB is measured on fewer images and scaled."
    );
    say!(
        "Assumed: {} workers do so many times the work of one, however many trainings there are; every candidate costs what the median\none does; no two arms retrain the same genotype; nothing is finished yet, here or by another experiment in the same folder.",
        resources.workers
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
fn line(estimate: &Estimate, workers: usize) -> Result<f64> {
    let (searching, retraining) = (estimate.search_hours / workers as f64, estimate.retraining_hours / workers as f64);
    say!(
        "{:<36} {:>9} {:>9} {:>7} {:>7.3} {:>9.2} | {:>9} {:>7} {:>7.3} {:>9.2}",
        estimate.arm,
        estimate.evaluations,
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
