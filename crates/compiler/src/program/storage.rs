//! The memory of a program: where each map and each gradient lies, planned once.
//!
//! A training of n steps has this timeline: the images come at time 0, forward step i runs at time 1 + i, the loss
//! reads the output and writes its gradient at time 1 + n, backward step i runs at time 1 + 2n - i. An evaluation ends
//! at the loss. What is read at the time at which something else is written does not share memory with it.
//!
//! What a pool gives of a normalised map is not kept for the backward pass: it is computed again there, when it is first
//! needed, which takes a hundredth of a step's time. The map it is computed of is kept anyway.

use super::places::{Lifetime, place};
use super::{Map, MapId, Program, Step};

/// Copies of each weight in a training: itself, packed for the forward and for the backward pass, its gradient, its
/// velocity, and one of them while it is updated.
const COPIES: usize = 6;

/// Pieces into which a batch is divided at most, each with a weight gradient of its own.
pub const PIECES: usize = 16;

/// Where maps and gradients lie in one piece of memory, counted in 32-bit floats for each image of a batch: with a batch
/// of b images, a map at place p takes the floats from p b on.
///
/// Invariant: two that are needed at the same time do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    size: usize,
    values: Vec<Option<usize>>,
    again: Vec<Option<usize>>,
    gradients: Vec<Option<usize>>,
}

impl Storage {
    /// The floats it takes for each image.
    pub fn values_per_image(&self) -> usize {
        self.size
    }

    /// The place of a map, [`Map::values`] floats.
    ///
    /// # Panics
    /// When the program has no such map.
    pub fn value(&self, map: MapId) -> Option<usize> {
        self.values[map.index()]
    }

    /// The place of a map in the backward pass, if it is computed again there: it is to be given by its step once more
    /// before the first backward step that needs it.
    ///
    /// # Panics
    /// When the program has no such map.
    pub fn value_again(&self, map: MapId) -> Option<usize> {
        self.again[map.index()]
    }

    /// The place of the gradient of a map, of the same size: `None` for the images, for maps that depend on no
    /// parameter, which nobody needs a gradient of, and in an evaluation.
    ///
    /// # Panics
    /// When the program has no such map.
    pub fn gradient(&self, map: MapId) -> Option<usize> {
        self.gradients[map.index()]
    }

    fn plan(values: &[Lifetime], again: &[Option<Lifetime>], gradients: &[Option<Lifetime>]) -> Storage {
        let all = values.iter().copied().map(Some).chain(again.iter().copied()).chain(gradients.iter().copied());
        let lifetimes: Vec<Lifetime> = all.clone().flatten().collect();
        let places = place(&lifetimes);
        let mut starts = places.starts.into_iter();
        let mut starts = all.map(|lifetime| lifetime.and_then(|_| starts.next()));
        let mut next = |count: usize| starts.by_ref().take(count).collect();
        let (values, again, gradients) = (next(values.len()), next(again.len()), next(gradients.len()));
        Storage { size: places.end, values, again, gradients }
    }
}

impl Program {
    /// The memory of a training: values and gradients.
    pub fn training_storage(&self) -> Storage {
        let steps = self.steps.len();
        let backward = |step: usize| 1 + 2 * steps - step;
        let needs_gradient = self.needs_gradient();
        let mut values = self.forward_lifetimes();
        let computed_again = self.computed_again();
        let mut again: Vec<Option<Lifetime>> = vec![None; self.maps.len()];
        let mut gradients: Vec<Option<Lifetime>> = vec![None; self.maps.len()];
        let output = self.output.index();
        gradients[output] = Some(Lifetime { first: 1 + steps, ..values[output] });
        // The last reader is the first to add to a gradient.
        for (index, step) in self.steps.iter().enumerate().rev() {
            let time = backward(index);
            for map in step.outputs().into_iter().map(MapId::index) {
                if self.maps[map].normalization.is_some() {
                    values[map].extend(time);
                }
                if let Some(gradient) = &mut gradients[map] {
                    gradient.extend(time);
                }
            }
            for map in step.inputs().into_iter().map(MapId::index) {
                if step.needs_inputs_again() && computed_again[map] {
                    let new = Lifetime { first: time, last: time, ..values[map] };
                    again[map].get_or_insert(new).extend(time);
                } else if step.needs_inputs_again() {
                    values[map].extend(time);
                }
                if needs_gradient[map] && gradients[map].is_none() {
                    gradients[map] = Some(Lifetime { first: time, last: time, ..values[map] });
                }
            }
        }
        Storage::plan(&values, &again, &gradients)
    }

    /// The memory of an evaluation: values only.
    pub fn evaluation_storage(&self) -> Storage {
        let nothing = vec![None; self.maps.len()];
        Storage::plan(&self.forward_lifetimes(), &nothing, &nothing)
    }

    /// What a training keeps besides, for the backward pass of the max pools: bytes for each image, one for each value
    /// that a max pool gives.
    pub fn winners_per_image(&self) -> usize {
        let winners = |step: &Step| match step {
            Step::MaxPool { output, .. } => self.maps[output.index()].values(),
            Step::Pointwise { .. }
            | Step::Conv { .. }
            | Step::Depthwise { .. }
            | Step::AvgPool { .. }
            | Step::Sum { .. }
            | Step::GlobalAvgPool { .. }
            | Step::Linear { .. } => 0,
        };
        self.steps.iter().map(winners).sum()
    }

    /// Bytes that a training on a CPU takes with batches of so many images: maps, gradients and winners; weights, their
    /// packed copies, gradients and velocities; the weight gradients of the pieces of a batch; the batch itself. What a
    /// process holds before it has a network is not counted.
    pub fn training_bytes(&self, batch: usize) -> u64 {
        let images = batch * self.maps[MapId::IMAGES.index()].shape.elements();
        let floats = self.training_storage().values_per_image() * batch + 2 * images;
        let weights: usize = self.steps.iter().map(|step| self.weights(step)).sum();
        let largest = self.steps.iter().map(|step| self.weights(step)).max().unwrap_or(0);
        let parameters = COPIES * weights + PIECES.min(batch) * largest;
        4 * (floats + parameters) as u64 + (self.winners_per_image() * batch) as u64
    }

    /// Bytes that a training on a GPU keeps there with batches of so many images, where a value of a map or of a map's
    /// gradient takes `value_bytes`: maps, gradients and winners; weights, gradients and velocities. What lives for one
    /// operation, tables of a few numbers a channel and the images of the data set are not counted.
    pub fn training_bytes_on_gpu(&self, batch: usize, value_bytes: usize) -> u64 {
        let maps = self.training_storage().values_per_image() * value_bytes + self.winners_per_image();
        let weights: usize = self.steps.iter().map(|step| self.weights(step)).sum();
        (maps * batch + 3 * size_of::<f32>() * weights) as u64
    }

    /// Weights of a step as they lie in memory, padding included.
    pub(super) fn weights(&self, step: &Step) -> usize {
        let pitch = |maps: &[MapId]| -> usize { maps.iter().map(|map| self.maps[map.index()].pitch()).sum() };
        match step {
            Step::Pointwise { inputs, .. } | Step::Linear { inputs, .. } => pitch(inputs) * pitch(&step.outputs()),
            Step::Conv { inputs, kernel, output, .. } => pitch(inputs) * kernel * kernel * pitch(&[*output]),
            Step::Depthwise { input, .. } => 9 * pitch(&[*input]),
            Step::MaxPool { .. } | Step::AvgPool { .. } | Step::Sum { .. } | Step::GlobalAvgPool { .. } => 0,
        }
    }

    /// For each map, from when on and how long the forward pass and the loss need its values.
    fn forward_lifetimes(&self) -> Vec<Lifetime> {
        let new = |map: &Map| Lifetime { first: 0, last: 0, size: map.values() };
        let mut values: Vec<Lifetime> = self.maps.iter().map(new).collect();
        for (index, step) in self.steps.iter().enumerate() {
            let time = 1 + index;
            for map in step.outputs() {
                values[map.index()].first = time;
                values[map.index()].extend(time);
            }
            for map in step.inputs() {
                values[map.index()].extend(time);
            }
        }
        values[self.output.index()].extend(1 + self.steps.len());
        values
    }

    /// For each map, whether its values are computed again in the backward pass, if they are needed there.
    pub(super) fn computed_again(&self) -> Vec<bool> {
        let mut again = vec![false; self.maps.len()];
        for step in &self.steps {
            if let Step::MaxPool { input, output } | Step::AvgPool { input, output } = step {
                again[output.index()] = self.maps[input.index()].normalization.is_some();
            }
        }
        again
    }

    /// For each map, whether it depends on a parameter. Of all others the gradient is not needed: it would go on to the
    /// images alone.
    pub(super) fn needs_gradient(&self) -> Vec<bool> {
        let mut needs = vec![false; self.maps.len()];
        for step in &self.steps {
            let owns = match step {
                Step::Pointwise { .. } | Step::Conv { .. } | Step::Depthwise { .. } | Step::Linear { .. } => true,
                Step::MaxPool { .. } | Step::AvgPool { .. } | Step::Sum { .. } | Step::GlobalAvgPool { .. } => false,
            };
            if owns || step.inputs().iter().any(|map| needs[map.index()]) {
                for map in step.outputs() {
                    needs[map.index()] = true;
                }
            }
        }
        needs
    }
}
