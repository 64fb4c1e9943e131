//! The training of one network.

use std::time::Instant;

use hnas_compiler::Shape;

use crate::checkpoint::{Checkpoints, Halfway, Keeper};
use crate::cores::Part;
use crate::error::EngineError;
use crate::failure::{Failure, Stop, catching_out_of_memory, outcome};
use crate::learner::Training;
use crate::phenotype::{Phenotype, check_data};
use crate::recipe::Recipe;
use crate::source::TrainOn;
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
/// `progress` is called once for each step, in order; on a GPU in groups of up to 16.
///
/// On the CPU it waits while other trainings of this process hold the memory that it needs; so a thread that holds one up, as a
/// task of the same rayon pool might, must not wait for this one.
///
/// The inner result is the outcome: a training may fail, see [`Failure`]. The loss is checked at every step on the CPU
/// and every 16 steps on a GPU, every second one of photographs (invariant E3).
///
/// # Errors
/// When network, data and recipe do not fit together: other channels or classes, a crop larger than the images, a
/// constant channel that should be normalised. When no photograph can be decoded.
pub fn train<'a>(
    phenotype: Phenotype,
    images: impl Into<TrainOn<'a>>,
    recipe: &Recipe,
    seed: u64,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Result<Trained, Failure>, EngineError> {
    carry_out(phenotype, images.into(), (recipe, seed), None, progress)
}

/// As [`train`], but a training that was interrupted goes on from its last checkpoint, with the result that it would have
/// had: on the CPU bit for bit. Steps before it are not reported again.
///
/// # Errors
/// As [`train`]; and when there is a checkpoint that cannot be read. One that is damaged or another training's is passed over
/// with a warning.
pub fn train_with_checkpoints<'a>(
    phenotype: Phenotype,
    images: impl Into<TrainOn<'a>>,
    recipe: &Recipe,
    seed: u64,
    checkpoints: &Checkpoints,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Result<Trained, Failure>, EngineError> {
    carry_out(phenotype, images.into(), (recipe, seed), Some(checkpoints), progress)
}

fn carry_out(
    phenotype: Phenotype,
    images: TrainOn,
    (recipe, seed): (&Recipe, u64),
    checkpoints: Option<&Checkpoints>,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Result<Trained, Failure>, EngineError> {
    let Phenotype { graph, mut network, device } = phenotype;
    let (shape, classes) = images.kind();
    check_data(&graph, shape.0, classes)?;
    check_seen(recipe.crop(), images)?;
    let normalizer = images.normalizer(recipe)?;
    let crop = Shape::new(normalizer.channels(), recipe.crop(), recipe.crop());
    let way = Way::of(&graph, crop, &device)?;
    let keeper = checkpoints.map(|checkpoints| Keeper::new(checkpoints, (&graph, images), (recipe, seed), &device));
    let halfway = keeper.as_ref().map(|keeper| keeper.read(&mut network)).transpose()?.flatten();
    outcome(catching_out_of_memory(|| {
        let (losses, seconds, velocities) = match halfway {
            None => (Vec::new(), 0.0, None),
            Some(Halfway { velocities, losses, seconds }) => (losses, seconds, Some(velocities)),
        };
        let source = images.source(recipe, seed, losses.len())?;
        let mut training = Training::new(way, network, recipe, &device, (source, &normalizer))?;
        if let Some(velocities) = velocities {
            training.set_velocities(velocities);
        }
        let mut part = device.join();
        let clock = Clock { before: seconds, started: Instant::now() };
        let losses = run_steps((&mut training, &mut part), losses, recipe, keeper.as_ref(), &clock, progress)?;
        let supply = training.supply();
        let network = training.into_network()?.without_autodiff();
        let seconds = clock.seconds();
        Ok(Trained { graph, network, normalizer: normalizer.clone(), device, losses, seconds, supply })
    }))
}

/// Checks that what is trained on can be had of the images: a crop of whole ones, or what is seen of photographs.
fn check_seen(crop: usize, images: TrainOn) -> Result<(), EngineError> {
    let (shape, _) = images.kind();
    match images {
        TrainOn::Memory(_) => check_crop(crop, shape),
        TrainOn::Photographs(_) if shape.1 != crop => Err(EngineError::Seen { crop, size: shape.1 }),
        TrainOn::Photographs(_) => Ok(()),
    }
}

pub(crate) fn check_crop(crop: usize, (_, height, width): (usize, usize, usize)) -> Result<(), EngineError> {
    if crop > height.min(width) {
        return Err(EngineError::Crop { crop, height, width });
    }
    Ok(())
}

/// Seconds of a training, those of earlier processes included.
struct Clock {
    before: f64,
    started: Instant,
}

impl Clock {
    fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }
}

/// Does the steps after those whose losses are known; gives all losses.
fn run_steps(
    (training, part): (&mut Training, &mut Part),
    mut losses: Vec<f32>,
    recipe: &Recipe,
    keeper: Option<&Keeper>,
    clock: &Clock,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Vec<f32>, Stop> {
    let of = recipe.steps();
    losses.reserve(of.saturating_sub(losses.len()));
    for number in losses.len() + 1..=of {
        part.run(|| training.step(recipe.learning_rate_at(number)))?;
        let due = keeper.filter(|keeper| keeper.is_due(number));
        if number - losses.len() < training.steps_between_readings() && number < of && due.is_none() {
            continue;
        }
        for loss in training.losses()? {
            let number = losses.len() + 1;
            if !loss.is_finite() {
                return Err(Failure::NonFinite { step: number }.into());
            }
            losses.push(loss);
            progress(Step { number, of, loss, learning_rate: recipe.learning_rate_at(number) });
        }
        let seconds = clock.seconds();
        if number < of && recipe.time_limit_s().is_some_and(|limit| seconds > limit) {
            return Err(Failure::TimeLimit { step: number, seconds }.into());
        }
        if let Some(keeper) = due {
            let (network, velocities) = training.state()?;
            let halfway = Halfway { velocities, losses, seconds };
            keeper.write(&network, &halfway);
            losses = halfway.losses;
        }
    }
    Ok(losses)
}
