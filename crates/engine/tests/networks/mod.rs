//! Networks, recipes and made-up images for the tests: small ones, so that two cores run all tests in a minute.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod photographs;

use std::io::Write;

use hnas_compiler::{AfterLastCell, Graph, Group, SeparableInner, Shape, Skeleton, Stem, assemble, optimize};
use hnas_data::{Images, Train, TrainingImages};
use hnas_engine::{DeviceChoice, EngineDevice, Recipe, open_device};
use hnas_genome::{Genotype, SearchSpace};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Side of the made-up images.
pub const SIDE: usize = 12;

/// Number of their classes.
pub const CLASSES: usize = 3;

pub fn cpu() -> EngineDevice {
    open_device(DeviceChoice::Cpu).unwrap()
}

/// The CPU, and the first Vulkan device; where there is none, a line says that `test` did not run on it.
pub fn devices(test: &str) -> Vec<EngineDevice> {
    if hnas_engine::devices().iter().any(|name| name == "vulkan:0") {
        return vec![cpu(), open_device(DeviceChoice::Vulkan(0)).unwrap()];
    }
    // Past the test runner, which would keep the line to itself.
    let line = format!("{test}: NOT RUN on a GPU, since there is no Vulkan device\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    vec![cpu()]
}

/// The genotype that `seed` draws.
pub fn genotype(space: &SearchSpace, seed: u64) -> Genotype {
    Genotype::random(space, 1000, &mut ChaCha8Rng::seed_from_u64(seed)).genotype
}

/// Two groups of one cell, `c0` and `2 * c0` channels wide.
pub fn skeleton(c0: usize) -> Skeleton {
    let groups = vec![Group { cells: 1, width: c0 }, Group { cells: 1, width: 2 * c0 }];
    let stem = vec![Stem { width: c0, stride: 1 }];
    Skeleton::new(stem, groups, AfterLastCell::Nothing, SeparableInner::BatchNorm, CLASSES).unwrap()
}

/// The optimised network of a random hierarchical genotype.
pub fn graph(c0: usize, seed: u64) -> Graph {
    let genotype = genotype(&SearchSpace::hierarchical(), seed);
    optimize(assemble(&genotype, &skeleton(c0), Shape::new(3, SIDE, SIDE)).unwrap())
}

/// The paper's recipe for few steps on small images.
pub fn recipe(steps: usize, batch: usize) -> Recipe {
    let short = |raw: &mut hnas_engine::RawRecipe| {
        (raw.steps, raw.batch, raw.crop, raw.eval_batch) = (steps, batch, SIDE - 2, 16);
        raw.learning_rate.drops.clear();
    };
    Recipe::paper_search().with(short).unwrap()
}

/// Images whose class is the channel that is brighter than the other two, under noise.
pub fn images(count: usize, seed: u64) -> TrainingImages {
    use rand::Rng;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<u8> = (0..count).map(|image| (image % CLASSES) as u8).collect();
    let pixels = labels.iter().flat_map(|&label| {
        let channel = |channel: u8| vec![if channel == label { 60 } else { 0 }; SIDE * SIDE];
        [channel(0), channel(1), channel(2)].concat()
    });
    let pixels = pixels.map(|bright: u8| bright + (rng.next_u32() % 180) as u8).collect();
    TrainingImages::from(Images::new(pixels, labels, (3, SIDE, SIDE), CLASSES).unwrap())
}

/// All of [`images`] to train on.
pub fn train_images(count: usize, seed: u64) -> Train {
    images(count, seed).all(count, 0).unwrap()
}
