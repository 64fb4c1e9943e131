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

/// The same with maps in [`Precision::Bf16`], where every map is rounded by up to a 256th of a number: the losses of deep
/// networks then differ by some hundredths, and their gradients point another way where a ReLU is close to zero. What is
/// asked is that the gradients go the same way: the cosine of the angle between them.
const ROUNDED_LOSS: f32 = 5e-2;
const COSINE: f64 = 0.9;

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
        for (device, recipe) in [(&cpu, &recipe), (device, &recipe), (device, &rounded)] {
            let mut probe = Probe::new(&graph, recipe, device, 1)?;
            let (loss, gradients) = probe.loss_and_gradients(&images, &labels);
            probe.step(&images, &labels);
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
        let (loss, cosine) = (loss_of(2), cosine(&steps[0].1, &steps[2].1));
        let agree = loss <= ROUNDED_LOSS && cosine >= COSINE;
        same &= agree;
        let word = if agree { "" } else { "  DIFFERS" };
        println!("  {:<34} loss {loss:.1e}, cosine of the gradients {cosine:.4}{word}", "  with maps in Bf16");
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

/// The cosine of the angle between all tensors of a network as one vector.
fn cosine(expected: &[NamedTensor], found: &[NamedTensor]) -> f64 {
    let numbers = |tensors: &[NamedTensor]| -> Vec<f64> {
        tensors.iter().flat_map(|tensor| tensor.values.iter().copied().map(f64::from)).collect()
    };
    let (expected, found) = (numbers(expected), numbers(found));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    product(&expected, &found) / (product(&expected, &expected) * product(&found, &found)).sqrt()
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
