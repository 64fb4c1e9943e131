//! Whole networks: the same step on the CPU and on the device, and how long steps take.

use std::error::Error;

use hnas_compiler::{Graph, Program, Shape, Skeleton, assemble, optimize};
use hnas_engine::{DeviceChoice, EngineDevice, NamedTensor, Precision, Probe, Recipe, measure_step, open_device};
use hnas_genome::{Genotype, SearchSpace};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

const LEARNED: &str = include_str!("../../../../experiments/cifar10/genotypes/learned-cell.ron");

/// Largest difference of a loss, relative to it.
const LOSS: f32 = 1e-5;

/// Largest difference of a gradient, relative to the largest of the network. Where a ReLU or a max has to choose between
/// values that rounding alone tells apart, two correct computations go different ways, which changes that much at most.
const GRADIENT: f32 = 2e-2;

/// Largest difference of a loss with maps in [`Precision::Bf16`].
const ROUNDED_LOSS: f32 = 5e-2;

/// How much more it may change the gradients to round every map and every gradient of one than to round the images alone,
/// on the CPU. How sensitive a network is to rounding is its own matter: the gradients of some deep ones turn by a right
/// angle nearly, where ReLUs and maxima close to a choice take another. Found were 1.3 to 1.8 times as much.
const TIMES: f64 = 4.0;

/// Compares steps of the published cell and of random genotypes; says whether all of them agree.
pub(crate) fn compare(device: &EngineDevice, batch: usize) -> Result<bool, Box<dyn Error>> {
    let cpu = open_device(DeviceChoice::Cpu)?;
    let random =
        |space: &SearchSpace, seed: u64| Genotype::random(space, 1000, &mut ChaCha8Rng::seed_from_u64(seed)).genotype;
    let (hierarchical, flat) = (SearchSpace::hierarchical(), SearchSpace::flat());
    let genotypes = [
        ("published cell", Genotype::from_ron(LEARNED)?),
        ("random hierarchical genotype 1", random(&hierarchical, 1)),
        ("random hierarchical genotype 2", random(&hierarchical, 2)),
        ("random flat genotype 3", random(&flat, 3)),
    ];
    let mut same = true;
    for (name, genotype) in &genotypes {
        let graph = network(genotype, &Skeleton::cifar_small(), 24)?;
        let recipe = Recipe::paper_search().with(|raw| raw.batch = batch)?;
        let images: Vec<f32> = (0..batch * 3 * 24 * 24).map(|at| ((at * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
        let labels: Vec<u8> = (0..batch).map(|image| (image % 10) as u8).collect();
        let mut steps = Vec::new();
        let rounded = recipe.with(|raw| raw.precision = Precision::Bf16)?;
        let rounded_images: Vec<f32> =
            images.iter().map(|number| f32::from_bits((number.to_bits() + 0x8000) & 0xFFFF_0000)).collect();
        for (device, recipe, images) in [
            (&cpu, &recipe, &images),
            (device, &recipe, &images),
            (device, &rounded, &images),
            (&cpu, &recipe, &rounded_images),
        ] {
            let mut probe = Probe::new(&graph, recipe, device, 1)?;
            let (loss, gradients) = probe.loss_and_gradients(images, &labels);
            probe.step(images, &labels);
            steps.push((loss, gradients, probe.weights()));
        }
        let loss_of = |step: usize| (steps[step].0 - steps[0].0).abs() / steps[0].0.abs();
        let loss = loss_of(1);
        let gradient = difference(&steps[0].1, &steps[1].1);
        let weights = difference(&steps[0].2, &steps[1].2);
        // Not a number is no agreement.
        let agree = loss <= LOSS && gradient <= GRADIENT && weights <= GRADIENT;
        same &= agree;
        let word = if agree { "" } else { "  DIFFERS" };
        println!("  {name:<34} loss {loss:.1e}, gradients {gradient:.1e}, weights after a step {weights:.1e}{word}");
        let (loss, [gradients, yardstick]) = (loss_of(2), [2, 3].map(|step| distance(&steps[0].1, &steps[step].1)));
        let agree = loss <= ROUNDED_LOSS && gradients <= TIMES * yardstick;
        same &= agree;
        let word = if agree { "" } else { "  DIFFERS" };
        println!(
            "  {:<34} loss {loss:.1e}, gradients by {gradients:.2} of their length, where rounded images change them by \
             {yardstick:.2}{word}",
            "  with maps in Bf16"
        );
    }
    Ok(same)
}

/// Prints the speed of training the search and the large model, and what it is of the memory's.
pub(crate) fn measure(device: &EngineDevice, bandwidth: f64, software: bool) -> Result<(), Box<dyn Error>> {
    let genotype = Genotype::from_ron(LEARNED)?;
    let (search, large) = (Skeleton::cifar_small(), Skeleton::cifar_large(64)?);
    // The batches of the paper, and one that any card has memory for.
    let runs = [("search model", &search, 24, 256), ("search model", &search, 24, 64), ("large model", &large, 32, 64)];
    for ((name, skeleton, side, batch), precision) in
        runs.iter().flat_map(|&run| [Precision::F32, Precision::Bf16].map(|precision| (run, precision)))
    {
        let (side, batch) = if software { (8, 2) } else { (side, batch) };
        let graph = network(&genotype, skeleton, side)?;
        let program = Program::lower(&graph, Shape::new(3, side, side))?;
        let changed = |raw: &mut hnas_engine::RawRecipe| {
            (raw.batch, raw.crop, raw.eval_batch, raw.precision) = (batch, side, batch, precision);
        };
        let recipe = Recipe::paper_search().with(changed)?;
        let time = measure_step(&graph, &recipe, device)?;
        let work = program.total_training_work(batch, precision.bytes());
        println!(
            "  published cell, {name}, {side}x{side}, batch {batch}, {precision:?}: {:.1} ms a step, {:.1} images/s trained, {:.1} evaluated; \
             {:.2} GB of memory; {:.2} GB moved a step, {:.1} % of the bandwidth",
            1e3 * time.step_seconds,
            batch as f64 / time.step_seconds,
            1.0 / time.image_seconds,
            program.training_bytes_on_gpu(batch, precision.bytes()) as f64 / 1e9,
            work.bytes as f64 / 1e9,
            100.0 * work.bytes as f64 / time.step_seconds / bandwidth,
        );
    }
    Ok(())
}

fn network(genotype: &Genotype, skeleton: &Skeleton, side: usize) -> Result<Graph, Box<dyn Error>> {
    Ok(optimize(assemble(genotype, skeleton, Shape::new(3, side, side))?))
}

/// The length of the difference of all tensors of a network as one vector, relative to its own.
fn distance(expected: &[NamedTensor], found: &[NamedTensor]) -> f64 {
    let numbers = |tensors: &[NamedTensor]| -> Vec<f64> {
        tensors.iter().flat_map(|tensor| tensor.values.iter().copied().map(f64::from)).collect()
    };
    let (expected, found) = (numbers(expected), numbers(found));
    let square = expected.iter().zip(&found).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    (square / expected.iter().map(|a| a * a).sum::<f64>()).sqrt()
}

/// The largest difference between tensors of a network, relative to the largest number in all.
fn difference(expected: &[NamedTensor], found: &[NamedTensor]) -> f32 {
    let numbers =
        |tensors: &[NamedTensor]| tensors.iter().flat_map(|tensor| tensor.values.clone()).collect::<Vec<f32>>();
    let (expected, found) = (numbers(expected), numbers(found));
    let largest = expected.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
    let worst = expected.iter().zip(&found).map(|(expected, found)| (expected - found).abs());
    // `max` would pass over what is not a number.
    worst.fold(0.0f32, |worst, next| if next <= worst { worst } else { next }) / largest
}
