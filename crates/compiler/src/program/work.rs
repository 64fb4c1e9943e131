//! What the steps of a program multiply and move, from which follows how fast a processor can be at best.

use super::{MapId, Program, Step};

/// Bytes of a 32-bit float.
const F32: u64 = 4;

/// Multiply-adds and traffic with the memory of a part of a training step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Multiply-adds in convolutions and the linear layer, padded channels and pixels included.
    pub multiply_adds: u64,
    /// Bytes read and written, when each map is moved once for each step that touches it and nothing
    /// stays in a cache between two steps.
    pub bytes: u64,
}

/// How many images a step has, and what their values take.
#[derive(Clone, Copy)]
struct Batch {
    images: u64,
    value_bytes: u64,
}

impl Batch {
    /// Of so many values and winners of an image.
    fn bytes(self, values: u64, winners: u64) -> u64 {
        (self.value_bytes * values + winners) * self.images
    }
}

impl Work {
    fn plus(self, other: Work) -> Work {
        Work {
            multiply_adds: self.multiply_adds.saturating_add(other.multiply_adds),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// Seconds that it takes at least on a processor of so many bytes and multiply-adds a second: the longer of both
    /// (Williams, Waterman and Patterson 2009).
    pub fn seconds(self, bytes_a_second: f64, multiply_adds_a_second: f64) -> f64 {
        (self.bytes as f64 / bytes_a_second).max(self.multiply_adds as f64 / multiply_adds_a_second)
    }
}

impl Program {
    /// The work of a training step over `batch` images, pass by pass: the forward pass of each step, the backward pass of
    /// each step, and the update of the weights.
    ///
    /// A pass that cannot begin before another has ended is an entry of its own, so that the seconds of a whole are at
    /// least the sum over its entries. The backward pass of a step reads the gradients of what it gave, with the values
    /// before their normalisation, reads again what it read where it has weights, and writes or adds to the gradients of
    /// what it read. A pool of a normalised map is computed again before that.
    ///
    /// A value of a map or of a map's gradient takes `value_bytes` bytes; weights, their gradients and velocities are 32-bit
    /// floats.
    pub fn training_work(&self, batch: usize, value_bytes: usize) -> Vec<Work> {
        let batch = Batch { images: batch as u64, value_bytes: value_bytes as u64 };
        let mut started = vec![false; self.maps.len()];
        let mut again = self.computed_again();
        let mut work: Vec<Work> = self.steps.iter().map(|step| self.forward_work(step, batch)).collect();
        for step in self.steps.iter().rev() {
            for map in step.inputs().into_iter().filter(|_| step.needs_inputs_again()) {
                if std::mem::take(&mut again[map.index()]) {
                    let giver = self.steps.iter().find(|giver| giver.outputs().contains(&map));
                    work.extend(giver.map(|pool| self.forward_work(pool, batch)));
                }
            }
            work.push(self.backward_work(step, batch, &mut started));
        }
        let weights: u64 = self.steps.iter().map(|step| self.weights(step) as u64).sum();
        // Weight, gradient and velocity are read, weight and velocity written.
        work.push(Work { multiply_adds: 0, bytes: 5 * F32 * weights });
        work
    }

    /// The sum of [`Program::training_work`].
    pub fn total_training_work(&self, batch: usize, value_bytes: usize) -> Work {
        self.training_work(batch, value_bytes).into_iter().fold(Work::default(), Work::plus)
    }

    fn forward_work(&self, step: &Step, batch: Batch) -> Work {
        let maps = self.values(&distinct(step.inputs())) + self.values(&step.outputs());
        let winners = if let Step::MaxPool { output, .. } = step { self.values(&[*output]) } else { 0 };
        let weights = self.weights(step) as u64;
        Work {
            multiply_adds: self.multiply_adds(step) * batch.images,
            bytes: batch.bytes(maps, winners) + F32 * weights,
        }
    }

    fn backward_work(&self, step: &Step, batch: Batch, started: &mut [bool]) -> Work {
        let outputs = step.outputs();
        let normalized: Vec<MapId> =
            outputs.iter().copied().filter(|map| self.maps[map.index()].normalization.is_some()).collect();
        let inputs = distinct(step.inputs());
        let mut maps = self.values(&outputs) + self.values(&normalized);
        if step.needs_inputs_again() {
            maps += self.values(&inputs);
        }
        let needs = self.needs_gradient();
        for &map in inputs.iter().filter(|map| needs[map.index()]) {
            let times = if std::mem::replace(&mut started[map.index()], true) { 2 } else { 1 };
            maps += times * self.values(&[map]);
        }
        let winners = if let Step::MaxPool { output, .. } = step { self.values(&[*output]) } else { 0 };
        let weights = self.weights(step) as u64;
        // Of the weights and, if anybody needs it, of what was read.
        let products = 1 + u64::from(inputs.iter().any(|map| needs[map.index()]));
        Work {
            multiply_adds: products * self.multiply_adds(step) * batch.images,
            bytes: batch.bytes(maps, winners) + 2 * F32 * weights,
        }
    }

    /// Of one image's forward pass.
    fn multiply_adds(&self, step: &Step) -> u64 {
        let pixels = |map: MapId| self.maps[map.index()].shape.pixels() as u64;
        match step {
            // A stride of 2 leaves its pixels out.
            Step::Pointwise { .. } | Step::Conv { .. } | Step::Depthwise { .. } | Step::Linear { .. } => {
                step.outputs().first().map_or(0, |&map| self.weights(step) as u64 * pixels(map))
            }
            Step::MaxPool { .. } | Step::AvgPool { .. } | Step::Sum { .. } | Step::GlobalAvgPool { .. } => 0,
        }
    }

    /// Values in memory of one image's maps.
    fn values(&self, maps: &[MapId]) -> u64 {
        maps.iter().map(|map| self.maps[map.index()].values() as u64).sum()
    }
}

fn distinct(mut maps: Vec<MapId>) -> Vec<MapId> {
    maps.sort_unstable();
    maps.dedup();
    maps
}
