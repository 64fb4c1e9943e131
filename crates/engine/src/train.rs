//! The training of one network.

use std::time::Instant;

use hnas_compiler::Shape;
use hnas_data::Train;

use crate::batches::Draws;
use crate::error::EngineError;
use crate::failure::{Failure, catching_out_of_memory};
use crate::learner::Training;
use crate::normalizer::Normalizer;
use crate::phenotype::{Phenotype, check_data};
use crate::recipe::Recipe;
use crate::trained::Trained;
use crate::way::Way;

/// A finished step of a training, as reported while it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Its number, from 1.
    pub number: usize,
    /// The number of the last step.
    pub of: usize,
    /// The mean cross-entropy of the step's batch, before the update.
    pub loss: f32,
    /// The learning rate of the update.
    pub learning_rate: f64,
}

/// Trains a network by the recipe. Order, crops and flips follow from `seed` alone (invariant E1): on the CPU the
/// weights are the same bit for bit whatever the number of threads and whatever else the process does.
///
/// `progress` is called once for each step, in order; on a GPU in groups of 16.
///
/// The inner result is the outcome: a training may fail, see [`Failure`]. The loss is checked at every step on the CPU
/// and every 16 steps on a GPU (invariant E3).
///
/// # Errors
/// When network, data and recipe do not fit together: other channels or classes, a crop larger than the images, a
/// constant channel that should be normalised.
pub fn train(
    phenotype: Phenotype,
    data: &Train,
    recipe: &Recipe,
    seed: u64,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Result<Trained, Failure>, EngineError> {
    check_data(&phenotype.graph, data)?;
    check_crop(recipe.crop(), data.shape())?;
    let normalizer = Normalizer::new(recipe.normalization(), data)?;
    let crop = Shape::new(normalizer.channels(), recipe.crop(), recipe.crop());
    let way = Way::of(&phenotype.graph, crop, &phenotype.device)?;
    Ok(catching_out_of_memory(|| {
        let Phenotype { graph, network, device } = phenotype;
        let mut training = Training::new(way, network, recipe, &device, (data, &normalizer))?;
        let losses = run_steps(&mut training, Draws::new(data, recipe, seed), recipe, progress)?;
        let network = training.into_network()?.without_autodiff();
        Ok(Trained { graph, network, normalizer: normalizer.clone(), device, losses })
    }))
}

pub(crate) fn check_crop(crop: usize, (_, height, width): (usize, usize, usize)) -> Result<(), EngineError> {
    if crop > height.min(width) {
        return Err(EngineError::Crop { crop, height, width });
    }
    Ok(())
}

fn run_steps(
    training: &mut Training,
    mut draws: Draws,
    recipe: &Recipe,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Vec<f32>, Failure> {
    let started = Instant::now();
    let of = recipe.steps();
    let mut losses = Vec::with_capacity(of);
    for number in 1..=of {
        training.step(&draws.next(), recipe.learning_rate_at(number));
        if number - losses.len() < training.steps_between_readings() && number < of {
            continue;
        }
        for loss in training.losses()? {
            let number = losses.len() + 1;
            if !loss.is_finite() {
                return Err(Failure::NonFinite { step: number });
            }
            losses.push(loss);
            progress(Step { number, of, loss, learning_rate: recipe.learning_rate_at(number) });
        }
        let seconds = started.elapsed().as_secs_f64();
        if number < of && recipe.time_limit_s().is_some_and(|limit| seconds > limit) {
            return Err(Failure::TimeLimit { step: number, seconds });
        }
    }
    Ok(losses)
}
