//! How long a training will take, measured before it is begun.

use std::time::Instant;

use hnas_compiler::{Graph, Shape};
use hnas_data::{Images, View};

use crate::batches::Draws;
use crate::device::EngineDevice;
use crate::error::EngineError;
use crate::evaluator::Evaluator;
use crate::failure::{Failure, catching_out_of_memory};
use crate::learner::Training;
use crate::normalizer::Normalizer;
use crate::phenotype::Phenotype;
use crate::recipe::Recipe;
use crate::source::Source;
use crate::train::check_crop;
use crate::way::Way;

/// What a network costs in time on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepTime {
    /// Seconds of one training step: batch, forward, backward, update.
    pub step_seconds: f64,
    /// Seconds of evaluating one image within a batch of the recipe's size.
    pub image_seconds: f64,
}

/// Steps and evaluation batches that are timed, after one that is not: the first allocates, and compiles on a GPU.
const TIMED: usize = 2;

/// Measures one training step and one evaluation image of a network on made-up images of the graph's input shape, with
/// the threads of the current rayon pool. Takes about three steps' time. The fastest of the timed runs counts, since
/// whatever else the machine does only adds.
///
/// # Errors
/// When the graph is no classifier or the crop is larger than its input; [`EngineError::Failed`] when the device has too little
/// memory for the network.
pub fn measure_step(graph: &Graph, recipe: &Recipe, device: &EngineDevice) -> Result<StepTime, EngineError> {
    let Phenotype { network, .. } = Phenotype::build(graph, recipe, device, 0)?;
    let Shape { channels, height, width } = graph.input_shape();
    check_crop(recipe.crop(), (channels, height, width))?;
    let count = recipe.batch().max(recipe.eval_batch());
    let data = made_up(count, (channels, height, width));
    let normalizer = Normalizer::minus_one_to_one(channels);
    let crop = Shape::new(channels, recipe.crop(), recipe.crop());
    let [training, evaluation] = [Way::of(graph, crop, device)?, Way::of(graph, graph.input_shape(), device)?];
    let measured = || -> Result<StepTime, Failure> {
        let source = Source::Memory { data: &data, draws: Box::new(Draws::new(&data, recipe, 0)) };
        let mut training = Training::new(training, network, recipe, device, (source, &normalizer))?;
        let step_seconds = fastest(|| {
            training.step(recipe.learning_rate_at(1)).expect("images in memory are there");
            training.losses().map(|_| ())
        })?;
        let network = training.into_network()?.without_autodiff();
        let mut evaluator = Evaluator::new(evaluation, recipe.eval_batch(), &network, device)?;
        let batch_seconds = fastest(|| {
            evaluator.compute(&data, &normalizer, 0, recipe.eval_batch());
            evaluator.read().map(|_| ())
        })?;
        Ok(StepTime { step_seconds, image_seconds: batch_seconds / recipe.eval_batch() as f64 })
    };
    Ok(catching_out_of_memory(measured)?)
}

/// Images of every byte, all of class 0 of 2: time depends on neither.
fn made_up(count: usize, shape: (usize, usize, usize)) -> View {
    let (channels, height, width) = shape;
    let pixels = (0..count * channels * height * width).map(|pixel| (pixel % 251) as u8).collect();
    View::whole(Images::new(pixels, vec![0; count], shape, 2).expect("sizes that agree by construction"))
}

/// Seconds of the fastest of some runs.
fn fastest(mut run: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    run()?;
    let mut fastest = f64::INFINITY;
    for _ in 0..TIMED {
        let started = Instant::now();
        run()?;
        fastest = fastest.min(started.elapsed().as_secs_f64());
    }
    Ok(fastest)
}
