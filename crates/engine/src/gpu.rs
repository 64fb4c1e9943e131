//! A network run by its program on a GPU: forward, backward and update, over memory that is allocated once.
//!
//! Everything stays there: weights, gradients and velocities, running statistics, maps, and the images as bytes. A step
//! takes to the device which images are cut out where, their labels and the learning rate, and brings nothing back:
//! losses are written one behind the other on the device, and read when somebody wants to see them. So the device never
//! waits for the host within a step.
//!
//! The steps of a [`Program`] run in order, as on the [CPU](crate::cpu).

mod backward;
mod evaluator;
mod forward;
mod images;
mod layers;
mod learner;
mod memory;
mod places;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hnas_compiler::{CHANNEL_BLOCK, MapId, Program, Step};
use hnas_gpu::pool::Winners;
use hnas_gpu::{Activation, BLOCK, Buffer, Machine, Map, Precision, Reading, ServerError, pitch};

pub(crate) use evaluator::Evaluator;
pub(crate) use images::Images;
use layers::Layers;
pub(crate) use learner::{LOSSES, Learner};
use memory::Memory;

use crate::failure::{Failure, says_out_of_memory};
use crate::recipe;
use crate::values::Values;

impl From<recipe::Precision> for Precision {
    fn from(precision: recipe::Precision) -> Precision {
        match precision {
            recipe::Precision::F32 => Precision::F32,
            recipe::Precision::Bf16 => Precision::Bf16,
        }
    }
}

// Programs are planned for the memory that the kernels work with.
const _: () = assert!(CHANNEL_BLOCK == BLOCK);

/// A program with its memory and its parameters on a device.
#[derive(Debug)]
struct Executor {
    machine: Machine,
    program: Arc<Program>,
    layers: Layers,
    memory: Memory,
    /// Of each step that is a max pool, in a training.
    winners: Vec<Option<Buffer<u32>>>,
    /// For each map, the step that gives it.
    givers: Vec<usize>,
    epsilon: f32,
}

/// A map with what is applied to it, as steps read it.
struct Input {
    map: Map,
    activation: Option<Activation>,
}

impl Input {
    fn reading(&self) -> Reading<'_> {
        Reading { map: &self.map, activation: self.activation.as_ref() }
    }
}

impl Executor {
    /// For trainings with batches of so many images, of maps of a precision. Fails when the device has too little memory.
    fn for_training(
        machine: Machine,
        program: Program,
        (batch, precision): (usize, Precision),
        epsilon: f64,
        values: &Values,
    ) -> Result<Executor, Failure> {
        let bytes = program.training_bytes_on_gpu(batch, precision.bytes());
        if let Some(memory) = machine.memory().filter(|&memory| memory < bytes) {
            let message = format!("{}the device has {:.1} GB", taken(bytes), memory as f64 / 1e9);
            return Err(Failure::OutOfMemory { message });
        }
        let memory = Memory::new(&machine, &program, program.training_storage(), (batch, precision));
        let memory = memory.map_err(|failure| naming(bytes, failure))?;
        let winners = program.steps().iter().map(|step| match step {
            Step::MaxPool { output, .. } => Some(machine.room(winners(&program, *output) * batch)),
            Step::Pointwise { .. }
            | Step::Conv { .. }
            | Step::Depthwise { .. }
            | Step::AvgPool { .. }
            | Step::Sum { .. }
            | Step::GlobalAvgPool { .. }
            | Step::Linear { .. } => None,
        });
        let winners = winners.collect();
        let layers = Layers::new(&machine, &program, values, true);
        Ok(Executor::new(machine, program, (memory, winners, layers), epsilon))
    }

    /// For evaluations of up to so many images at once, in 32-bit floats whatever the training was in: so a score follows
    /// from the weights alone, and two logits are not rounded to one. Fails when the device has too little memory.
    fn for_evaluation(
        machine: Machine,
        program: Program,
        batch: usize,
        epsilon: f64,
        values: &Values,
    ) -> Result<Executor, Failure> {
        let storage = program.evaluation_storage();
        let bytes = (Precision::F32.bytes() * storage.values_per_image() * batch) as u64;
        let memory = Memory::new(&machine, &program, storage, (batch, Precision::F32))
            .map_err(|failure| naming(bytes, failure))?;
        let layers = Layers::new(&machine, &program, values, false);
        let executor = Executor::new(machine, program, (memory, Vec::new(), layers), epsilon);
        executor.normalize_by_running();
        Ok(executor)
    }

    fn new(
        machine: Machine,
        program: Program,
        (memory, winners, layers): (Memory, Vec<Option<Buffer<u32>>>, Layers),
        epsilon: f64,
    ) -> Executor {
        let mut givers = vec![usize::MAX; program.maps().len()];
        for (number, step) in program.steps().iter().enumerate() {
            step.outputs().iter().for_each(|map| givers[map.index()] = number);
        }
        Executor { machine, program: Arc::new(program), layers, memory, winners, givers, epsilon: epsilon as f32 }
    }

    fn channels(&self, map: MapId) -> usize {
        self.program.maps()[map.index()].shape.channels
    }

    /// A map as it is read.
    fn input(&self, map: MapId) -> Input {
        let activation = self.layers.norm(map.index()).map(|norm| norm.activation.clone());
        Input { map: self.memory.value(map), activation }
    }

    fn inputs(&self, maps: &[MapId]) -> Vec<Input> {
        maps.iter().map(|&map| self.input(map)).collect()
    }

    /// Where a max pool keeps which pixel won: for the backward pass, or nowhere for long.
    fn winners(&self, step: usize, output: MapId) -> Winners {
        let len = winners(&self.program, output) * self.memory.images();
        let kept = self.winners.get(step).and_then(Option::as_ref);
        Winners(kept.map_or_else(|| self.machine.room(len), |kept| kept.part(0..len)))
    }

    /// Writes images `[batch, channels, height, width]` into map 0.
    fn load(&mut self, images: &[f32], batch: usize) {
        self.memory.begin(batch);
        let shape = self.program.maps()[MapId::IMAGES.index()].shape;
        let (pixels, width) = (shape.pixels(), pitch(shape.channels));
        let mut packed = vec![0.0; batch * pixels * width];
        for (to, image) in packed.chunks_exact_mut(pixels * width).zip(images.chunks_exact(shape.elements())) {
            for (channel, plane) in image.chunks_exact(pixels).enumerate() {
                to[channel..].iter_mut().step_by(width).zip(plane).for_each(|(to, &value)| *to = value);
            }
        }
        self.memory.value(MapId::IMAGES).write(&self.machine, &packed);
    }
}

/// Numbers that say which pixels won for one image, of a max pool with this output.
fn winners(program: &Program, output: MapId) -> usize {
    program.maps()[output.index()].values() / size_of::<u32>()
}

/// A failure for lack of memory that says how much the network takes.
fn naming(bytes: u64, failure: Failure) -> Failure {
    match failure {
        Failure::OutOfMemory { message } => Failure::OutOfMemory { message: taken(bytes) + &message },
        other @ (Failure::NonFinite { .. } | Failure::TimeLimit { .. }) => other,
    }
}

fn taken(bytes: u64) -> String {
    format!("the network takes {:.1} GB, ", bytes as f64 / 1e9)
}

/// What an error of the device amounts to: spent memory is an outcome, everything else a bug.
fn failure(error: &ServerError) -> Failure {
    let message = error.to_string();
    let line = message.lines().find(|line| says_out_of_memory(line));
    let line = line.unwrap_or_else(|| panic!("the device failed: {message}"));
    Failure::OutOfMemory { message: line.trim().to_owned() }
}
