//! The training of one network.

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use hnas_compiler::Shape;
use hnas_data::Train;

use crate::batches::{Batch, Batches};
use crate::compute::{Compute, Computed, Way};
use crate::device::DeviceKind;
use crate::error::EngineError;
use crate::failure::{Failure, catching_out_of_memory};
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::optimizer::Optimizer;
use crate::parameters::Parameters;
use crate::phenotype::{Phenotype, check_data};
use crate::recipe::Recipe;
use crate::trained::Trained;

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

/// Steps between two readings of the loss on a GPU. Reading waits until the device has done all its work; it is
/// otherwise fed ahead. Each loss is kept on the device until it is read, so that the step of a failure is still exact.
const STEPS_BETWEEN_READINGS: usize = 16;

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
    let way = Way::of(&phenotype.graph, crop, phenotype.device.kind())?;
    Ok(catching_out_of_memory(|| {
        let batches = Batches::new(data, &normalizer, recipe, seed);
        let Phenotype { graph, mut network, device } = phenotype;
        let compute = Compute::for_training(way, recipe.batch(), &network);
        let losses = run_steps(&mut network, compute, batches, recipe, (device.kind(), &device.autodiff()), progress)?;
        Ok(Trained { graph, network: network.without_autodiff(), normalizer: normalizer.clone(), device, losses })
    }))
}

pub(crate) fn check_crop(crop: usize, (_, height, width): (usize, usize, usize)) -> Result<(), EngineError> {
    if crop > height.min(width) {
        return Err(EngineError::Crop { crop, height, width });
    }
    Ok(())
}

fn run_steps(
    network: &mut Network,
    mut compute: Compute,
    mut batches: Batches,
    recipe: &Recipe,
    (kind, device): (DeviceKind, &Device),
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Vec<f32>, Failure> {
    let started = Instant::now();
    let reading = match kind {
        DeviceKind::Cpu => 1,
        DeviceKind::Cuda { .. } => STEPS_BETWEEN_READINGS,
    };
    let of = recipe.steps();
    let mut optimizer = Optimizer::new(recipe, &network.parameters);
    let mut losses = Vec::with_capacity(of);
    let mut unread = Vec::with_capacity(reading);
    for number in 1..=of {
        let rate = recipe.learning_rate_at(number);
        let momentum = recipe.batch_norm_momentum();
        unread.push(one_step(network, &mut compute, &mut optimizer, batches.next(), rate, momentum, device));
        if unread.len() < reading && number < of {
            continue;
        }
        for loss in read(std::mem::take(&mut unread)) {
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

/// One update of the weights and of the running statistics; gives the loss before it, which may not be computed yet.
pub(crate) fn one_step(
    network: &mut Network,
    compute: &mut Compute,
    optimizer: &mut Optimizer,
    batch: Batch,
    rate: f64,
    statistics_momentum: f64,
    device: &Device,
) -> Tensor<1> {
    let Computed { loss, gradients, statistics } = compute.gradients(network, batch, device);
    // Moved out and back, so that the optimiser owns the only copy and may write in place.
    let parameters = std::mem::replace(&mut network.parameters, Parameters::none());
    network.parameters = optimizer.step(rate, parameters, gradients);
    network.parameters.update_statistics(statistics, statistics_momentum);
    loss
}

/// Waits for the losses of some steps.
fn read(losses: Vec<Tensor<1>>) -> Vec<f32> {
    Tensor::cat(losses, 0).into_data().iter::<f32>().collect()
}
