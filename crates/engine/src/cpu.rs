//! A network run by its program on the CPU: forward and backward over memory that is allocated once.
//!
//! The steps of a [`Program`] run in order, each on all images before the next; within a step the images are divided
//! among the threads of the current pool, by their number alone, so that the results do not depend on the threads.

mod backward;
mod forward;
mod layers;
mod memory;

use std::sync::Arc;

use hnas_compiler::{CHANNEL_BLOCK, MapId, PIECES, Program, Step};
use hnas_kernels::pool::Winners;
use hnas_kernels::{
    Activation, BLOCK, Block, GradientSums, Moments, Reading, blocks, chunks, head, pointwise, values_mut,
};

use crate::values::Values;
pub(crate) use layers::Layers;
use memory::Memory;

// Programs are planned for the memory and the pieces that the kernels work with.
const _: () = assert!(CHANNEL_BLOCK == BLOCK && PIECES == chunks::CHUNKS);

/// A program with its memory.
#[derive(Debug)]
pub(crate) struct Executor {
    program: Arc<Program>,
    memory: Memory,
    states: Vec<State>,
    /// Of each step that is a max pool.
    winners: Vec<Vec<Winners>>,
    /// Weights as the products read them, of each step that has any.
    packed: Vec<Packed>,
    /// For each map, the first step that reads it: the last one to add to its gradient.
    first_readers: Vec<usize>,
    /// For each map, the step that gives it.
    givers: Vec<usize>,
    epsilon: f64,
}

/// What is known of a map besides its values.
#[derive(Clone, Debug, Default)]
struct State {
    /// How it is read.
    activation: Option<Activation>,
    /// Of this batch.
    moments: Option<Moments>,
    /// Whether its gradient holds anything yet.
    started: bool,
    /// The sums of its gradient over each piece of the batch, if they were gathered while it was written.
    gathered: Vec<GradientSums>,
}

#[derive(Clone, Debug)]
enum Packed {
    Nothing,
    Products(pointwise::Weights),
    Kernels(Vec<[Block; 9]>),
}

impl Packed {
    /// Blocks of the weights' gradient.
    fn gradient_blocks(&self) -> usize {
        match self {
            Packed::Nothing => 0,
            Packed::Products(weights) => weights.gradient_blocks(),
            Packed::Kernels(kernels) => 9 * kernels.len(),
        }
    }
}

/// Whose mean and variance a batch normalisation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statistics {
    /// The batch's own, which are gathered.
    Batch,
    /// The running ones.
    Running,
}

impl Executor {
    /// For trainings with batches of so many images.
    pub(crate) fn for_training(program: Program, batch: usize, epsilon: f64) -> Executor {
        let winners = program.steps().iter().map(|step| match step {
            Step::MaxPool { output, .. } => program.maps()[output.index()].values() / BLOCK * batch,
            Step::Pointwise { .. }
            | Step::Conv { .. }
            | Step::Depthwise { .. }
            | Step::AvgPool { .. }
            | Step::Sum { .. }
            | Step::GlobalAvgPool { .. }
            | Step::Linear { .. } => 0,
        });
        let winners = winners.map(|count| vec![[0; BLOCK]; count]).collect();
        let storage = program.training_storage();
        Executor::new(Memory::new(&program, storage, batch), program, winners, epsilon)
    }

    /// For evaluations of up to so many images at once.
    pub(crate) fn for_evaluation(program: Program, batch: usize, epsilon: f64) -> Executor {
        let storage = program.evaluation_storage();
        Executor::new(Memory::new(&program, storage, batch), program, Vec::new(), epsilon)
    }

    fn new(memory: Memory, program: Program, winners: Vec<Vec<Winners>>, epsilon: f64) -> Executor {
        let states = vec![State::default(); program.maps().len()];
        let packed = vec![Packed::Nothing; program.steps().len()];
        let mut first_readers = vec![usize::MAX; program.maps().len()];
        let mut givers = first_readers.clone();
        for (number, step) in program.steps().iter().enumerate().rev() {
            step.inputs().iter().for_each(|map| first_readers[map.index()] = number);
            step.outputs().iter().for_each(|map| givers[map.index()] = number);
        }
        Executor { memory, states, winners, packed, first_readers, givers, epsilon, program: Arc::new(program) }
    }

    /// The mean cross-entropy of a batch of images `[batch, channels, height, width]`, the gradients of all parameters
    /// and the statistics of the batch.
    pub(crate) fn gradients(&mut self, images: &[f32], labels: &[u32], layers: &Layers) -> (f32, Values) {
        let mut gradients = layers.zeros();
        self.load(images, labels.len());
        self.forward(layers, Statistics::Batch, &mut gradients);
        self.states.iter_mut().for_each(|state| state.started = false);
        let output = self.program.output();
        let classes = self.program.maps()[output.index()].shape.channels;
        let mut gradient = self.memory.take_gradient(output);
        let loss = head::cross_entropy(self.memory.value(output), classes, labels, gradient.all());
        self.memory.put(gradient);
        self.states[output.index()].started = true;
        self.backward(layers, &mut gradients);
        (loss, gradients)
    }

    /// The logits `[batch, classes]` of images `[batch, channels, height, width]`, normalised by the running statistics.
    pub(crate) fn logits(&mut self, images: &[f32], batch: usize, layers: &Layers) -> Vec<f32> {
        self.load(images, batch);
        self.forward(layers, Statistics::Running, &mut Values::none());
        self.last_logits()
    }

    /// The logits `[batch, classes]` of a batch, normalised by its own statistics.
    #[cfg(test)]
    pub(crate) fn training_logits(&mut self, images: &[f32], batch: usize, layers: &Layers) -> Vec<f32> {
        self.load(images, batch);
        self.forward(layers, Statistics::Batch, &mut layers.zeros());
        self.last_logits()
    }

    /// The logits `[batch, classes]` of the forward pass that was just run.
    fn last_logits(&self) -> Vec<f32> {
        let output = self.program.output();
        let classes = self.program.maps()[output.index()].shape.channels;
        let pixels = self.memory.value(output).chunks_exact(blocks(classes));
        pixels.flat_map(|pixel| &hnas_kernels::values(pixel)[..classes]).copied().collect()
    }

    /// Writes images `[batch, channels, height, width]` into map 0.
    fn load(&mut self, images: &[f32], batch: usize) {
        self.memory.begin(batch);
        let input = MapId::IMAGES;
        let shape = self.program.maps()[input.index()].shape;
        let (pixels, width) = (shape.pixels(), blocks(shape.channels));
        let mut map = self.memory.take_value(input);
        let pairs = map.all().chunks_exact_mut(pixels * width).zip(images.chunks_exact(shape.elements()));
        for (to, image) in pairs {
            to.fill(Block::ZERO);
            for (channel, plane) in image.chunks_exact(pixels).enumerate() {
                for (to, &value) in to.chunks_exact_mut(width).zip(plane) {
                    values_mut(to)[channel] = value;
                }
            }
        }
        self.memory.put(map);
    }

    /// A map as it is read.
    fn reading(&self, map: MapId) -> Reading<'_> {
        let channels = self.program.maps()[map.index()].shape.channels;
        let activation = self.states[map.index()].activation.as_ref();
        Reading { map: self.memory.value(map), blocks: blocks(channels), channels, activation }
    }

    /// How the batch at hand is divided: images of a piece, and number of pieces.
    fn division(&self) -> (usize, usize) {
        let images = chunks::images_per_chunk(self.memory.images());
        (images, self.memory.images().div_ceil(images))
    }
}

/// The part of a map that belongs to a piece of so many images.
fn piece<'a>(reading: Reading<'a>, chunk: usize, images: usize, pixels: usize) -> Reading<'a> {
    let total = reading.map.len() / reading.blocks;
    let first = chunk * images * pixels;
    reading.pixels(first, (images * pixels).min(total - first))
}
