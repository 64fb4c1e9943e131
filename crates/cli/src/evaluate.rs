//! `hnas evaluate`: a trained network, read from its file, scored on images of a test set.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use hnas_data::{View, cache_root};
use hnas_engine::Trained;
use serde::Serialize;

use crate::arguments::Evaluate as Command;
use crate::ending::Fruitless;
use crate::train;

#[derive(Serialize)]
struct Scored {
    weights: String,
    dataset: String,
    accuracy: f64,
    top_5: Option<f64>,
    correct: usize,
    count: usize,
    loss: f64,
    steps: usize,
    device: String,
    seconds: f64,
}

/// `hnas evaluate`.
pub(crate) fn run(command: &Command) -> Result<()> {
    let (devices, threads) = command.processor.open()?;
    let [device] = devices.as_slice() else {
        bail!("--device {}: one network is scored on one device", command.processor.device);
    };
    let trained = Trained::load(&command.weights, device)?;
    let dataset = train::dataset(&command.dataset)?;
    let (_, test) = hnas_data::load(&dataset, &cache_root()?)?;
    let test = match command.test {
        Some(count) => test.take(count, command.split_seed).with_context(|| format!("--test {count}"))?,
        None => test.take(test.len(), 0)?,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    let started = Instant::now();
    let evaluation = pool
        .install(|| hnas_engine::evaluate(&trained, &View::clone(&test), command.batch))
        .with_context(|| format!("{} on {}", command.weights.display(), command.dataset))?;
    let evaluation = match evaluation {
        Ok(evaluation) => evaluation,
        Err(failure) => bail!(Fruitless(format!("the evaluation failed: {failure}"))),
    };
    let result = Scored {
        weights: command.weights.display().to_string(),
        dataset: command.dataset.clone(),
        accuracy: evaluation.accuracy,
        top_5: evaluation.top_5,
        correct: evaluation.correct,
        count: evaluation.count,
        loss: evaluation.loss,
        steps: trained.steps(),
        device: device.to_string(),
        seconds: started.elapsed().as_secs_f64(),
    };
    if command.json {
        say!("{}", serde_json::to_string_pretty(&result)?);
        return Ok(());
    }
    let Scored { accuracy, correct, count, loss, steps, seconds, .. } = result;
    say!("accuracy   {:.2} % ({correct} of {count} test images), loss {loss:.4}", 100.0 * accuracy);
    say!("trained    {steps} steps, {}", command.weights.display());
    say!("time       {seconds:.0} s on {device}");
    Ok(())
}
