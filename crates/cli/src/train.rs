//! `hnas train`: one genotype, any skeleton and recipe, scored on held-out images.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use hnas_compiler::Shape;
use hnas_data::{Manifest, Train, View, cache_root};
use hnas_engine::{Phenotype, RawRecipe, Recipe, Trained};
use hnas_experiment::candidate;
use serde::Serialize;

use crate::arguments::Train as Command;
use crate::input;
use crate::progress::StepBar;

/// Images held out where the flags do not say (the paper's 10,000).
const HELD_OUT: usize = 10_000;

#[derive(Serialize)]
struct Scored {
    scored_on: String,
    accuracy: f64,
    correct: usize,
    count: usize,
    loss: f64,
    parameters: u64,
    trained_on: usize,
    steps: usize,
    batch: usize,
    seed: u64,
    device: String,
    seconds: f64,
    images_per_second: f64,
}

/// `hnas train`.
pub(crate) fn run(command: &Command) -> Result<()> {
    let genotype = input::genotype(&command.genotype)?;
    let skeleton = command.model.skeleton()?;
    let recipe = recipe(command)?;
    let resources = command.machine.resources()?;
    let [device] = resources.devices.as_slice() else {
        bail!("--device {}: one network is trained on one device", resources.names());
    };
    let threads = resources.threads;
    // What can be refused is refused before the images are read.
    device.check(&recipe)?;
    let image = Manifest::builtin(&command.dataset)?.image();
    let side = recipe.crop();
    if side > image.height.min(image.width) {
        bail!("a crop of {side}x{side} does not fit into images of {}x{}", image.height, image.width);
    }
    let network = candidate(&genotype, &skeleton, Shape::new(image.channels, side, side))?;
    let (train, scored, scored_on) = images(command)?;

    let bar = StepBar::new(recipe.steps());
    let watch = |step: hnas_engine::Step| bar.step(step.number, f64::from(step.loss));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    let started = Instant::now();
    let (trained, seconds, evaluation) = pool.install(|| -> Result<_> {
        let phenotype = Phenotype::build(&network.graph, &recipe, device, command.seed)?;
        let trained = match hnas_engine::train(phenotype, &train, &recipe, command.seed, &watch)? {
            Ok(trained) => trained,
            Err(failure) => bail!("the training failed: {failure}"),
        };
        let seconds = started.elapsed().as_secs_f64();
        match hnas_engine::evaluate(&trained, &scored, recipe.eval_batch())? {
            Ok(evaluation) => Ok((trained, seconds, evaluation)),
            Err(failure) => bail!("the evaluation failed: {failure}"),
        }
    })?;
    bar.finish();
    if let Some(path) = &command.weights {
        Trained::save(&trained, path)?;
    }
    let result = Scored {
        scored_on,
        accuracy: evaluation.accuracy,
        correct: evaluation.correct,
        count: evaluation.count,
        loss: evaluation.loss,
        parameters: network.cost.total.parameters,
        trained_on: train.len(),
        steps: recipe.steps(),
        batch: recipe.batch(),
        seed: command.seed,
        device: device.to_string(),
        seconds,
        images_per_second: (recipe.steps() * recipe.batch()) as f64 / seconds,
    };
    if command.json {
        say!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        print(&result)?;
    }
    Ok(())
}

fn print(result: &Scored) -> Result<()> {
    say!(
        "accuracy   {:.2} % ({} of {} {} images), loss {:.4}",
        100.0 * result.accuracy,
        result.correct,
        result.count,
        result.scored_on,
        result.loss
    );
    say!(
        "trained    {} steps of {} from {} images, seed {}, {} parameters",
        result.steps,
        result.batch,
        result.trained_on,
        result.seed,
        result.parameters
    );
    say!("time       {:.0} s on {}, {:.1} images/s", result.seconds, result.device, result.images_per_second);
    Ok(())
}

fn recipe(command: &Command) -> Result<Recipe> {
    let mut recipe = match &command.recipe {
        Some(path) => input::ron_file(path)?,
        None => Recipe::paper_search(),
    };
    if let Some(steps) = command.steps {
        let before = recipe.steps();
        // Drops keep their place in the training; one that falls onto its neighbour or the end is left out.
        let moved = |raw: &mut RawRecipe| {
            raw.steps = steps;
            for (after, _) in &mut raw.learning_rate.drops {
                *after = (*after * steps) / before;
            }
            raw.learning_rate.drops.retain(|(after, _)| (1..steps).contains(after));
            raw.learning_rate.drops.dedup_by_key(|(after, _)| *after);
        };
        recipe = recipe.with(moved).with_context(|| format!("--steps {steps}"))?;
    }
    if let Some(batch) = command.batch {
        recipe = recipe.with(|raw| raw.batch = batch).with_context(|| format!("--batch {batch}"))?;
    }
    if let Some(rate) = command.learning_rate {
        recipe =
            recipe.with(|raw| raw.learning_rate.initial = rate).with_context(|| format!("--learning-rate {rate}"))?;
    }
    Ok(recipe)
}

/// The images to train on, those to score on, and what the latter are called. The test set is drawn only when asked for.
fn images(command: &Command) -> Result<(Train, View, String)> {
    let (training, test) = hnas_data::load(&Manifest::builtin(&command.dataset)?, &cache_root()?)?;
    Ok(match command.test {
        Some(count) => {
            let train = training.all(command.train, command.split_seed).context("--train")?;
            let test = test.take(count, command.split_seed).context("--test")?;
            (train, View::clone(&test), "test".to_owned())
        }
        None => {
            let valid = command.valid.unwrap_or(HELD_OUT);
            let split = training.split(command.train, valid, command.split_seed)?;
            (split.train, View::clone(&split.valid), "validation".to_owned())
        }
    })
}
