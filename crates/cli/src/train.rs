//! `hnas train`: one genotype, any skeleton and recipe, scored on held-out images.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use hnas_compiler::Shape;
use hnas_data::{DataSet, Manifest, Train, View, cache_root};
use hnas_engine::{Phenotype, RawRecipe, Recipe, Trained};
use hnas_experiment::candidate;
use serde::Serialize;

use crate::arguments::Train as Command;
use crate::ending::Fruitless;
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
    // What can be refused is refused before the images are read.
    if let Some(path) = &command.weights {
        input::check_new_file("--weights", path)?;
    }
    let genotype = input::genotype(&command.genotype)?;
    let skeleton = command.model.skeleton()?;
    let recipe = recipe(command)?;
    let (devices, threads) = command.processor.open()?;
    let [device] = devices.as_slice() else {
        bail!("--device {}: one network is trained on one device", command.processor.device);
    };
    device.check(&recipe)?;
    let dataset = dataset(&command.dataset)?;
    let (image, side) = (dataset.image(), recipe.crop());
    if side > image.height.min(image.width) {
        bail!("a crop of {side}x{side} does not fit into images of {}x{}", image.height, image.width);
    }
    let network = candidate(&genotype, &skeleton, Shape::new(image.channels, side, side)).with_context(|| {
        format!("{} in skeleton {}: no network", command.genotype.display(), command.model.skeleton)
    })?;
    let (train, scored, scored_on) = images(command, &dataset)?;

    let bar = StepBar::new(recipe.steps());
    let watch = |step: hnas_engine::Step| bar.step(step.number, f64::from(step.loss));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    let started = Instant::now();
    let trained = pool.install(|| -> Result<_> {
        let phenotype = Phenotype::build(&network.graph, &recipe, device, command.seed)?;
        match hnas_engine::train(phenotype, &train, &recipe, command.seed, &watch)? {
            Ok(trained) => Ok(trained),
            Err(failure) => bail!(Fruitless(format!("the training failed: {failure}"))),
        }
    })?;
    let seconds = started.elapsed().as_secs_f64();
    // Before they are scored, which may fail; and a score is said even where they could not be saved.
    let saved = command.weights.as_deref().map(|path| Trained::save(&trained, path));
    let evaluation = match pool.install(|| hnas_engine::evaluate(&trained, &scored, recipe.eval_batch()))? {
        Ok(evaluation) => evaluation,
        Err(failure) => bail!(Fruitless(format!("the evaluation failed: {failure}"))),
    };
    bar.finish();
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
        images_per_second: recipe.steps() as f64 * recipe.batch() as f64 / seconds,
    };
    if command.json {
        say!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        print(&result)?;
    }
    saved.transpose()?;
    if let Some(path) = command.weights.as_ref().filter(|_| !command.json) {
        say!("weights    {}", path.display());
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
                *after = moved_drop(*after, steps, before);
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

/// Where a drop after so many of `before` steps comes among `steps`; neither is 0 in a recipe that is valid.
fn moved_drop(after: usize, steps: usize, before: usize) -> usize {
    // Twice as wide as the numbers, so that the product fits.
    let moved = after as u128 * steps as u128 / before.max(1) as u128;
    usize::try_from(moved).unwrap_or(usize::MAX)
}

/// The data set, of those that are kept in memory.
pub(crate) fn dataset(name: &str) -> Result<Manifest> {
    match DataSet::builtin(name)? {
        DataSet::Records(manifest) => Ok(manifest),
        DataSet::Folder(_) => bail!(
            "--dataset {name}: it holds photographs, which are for experiments: `hnas search` with one like experiments/imagenet/experiment.ron"
        ),
    }
}

/// The images to train on, those to score on, and what the latter are called. The test set is drawn only when asked for.
fn images(command: &Command, dataset: &Manifest) -> Result<(Train, View, String)> {
    let (training, test) = hnas_data::load(dataset, &cache_root()?)?;
    let flag = || format!("--train {}", command.train);
    Ok(match command.test {
        Some(count) => {
            let train = training.all(command.train, command.split_seed).with_context(flag)?;
            let test = test.take(count, command.split_seed).with_context(|| format!("--test {count}"))?;
            (train, View::clone(&test), "test".to_owned())
        }
        None => {
            let valid = command.valid.unwrap_or(HELD_OUT);
            let split = training
                .split(command.train, valid, command.split_seed)
                .with_context(|| format!("{} --valid {valid}", flag()))?;
            (split.train, View::clone(&split.valid), "validation".to_owned())
        }
    })
}
