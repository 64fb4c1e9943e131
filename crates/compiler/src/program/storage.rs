//! The memory of a program: which maps and gradients share which piece of it, planned once.
//!
//! A training of n steps has this timeline: the images come at time 0, forward step i runs at time 1 + i, the loss
//! reads the output and writes its gradient at time 1 + n, backward step i runs at time 1 + 2n - i. An evaluation ends
//! at the loss. What is read at the time at which something else is written does not share memory with it.

use super::slots::{Lifetime, assign};
use super::{Map, MapId, Program, Step};

/// The number of a slot: its position in [`Storage::slots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(u32);

impl SlotId {
    /// Position in [`Storage::slots`].
    pub fn index(self) -> usize {
        self.0 as usize
    }

    fn from_index(index: usize) -> SlotId {
        SlotId(u32::try_from(index).expect("a program has fewer than 2^32 slots"))
    }
}

/// Pieces of memory, and which of them holds each map and each gradient.
///
/// Invariant: what two maps or gradients of one slot hold is never needed at the same time, and each fits in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    slots: Vec<usize>,
    values: Vec<Option<SlotId>>,
    gradients: Vec<Option<SlotId>>,
}

impl Storage {
    /// Size of each slot: 32-bit floats for each image of a batch.
    pub fn slots(&self) -> &[usize] {
        &self.slots
    }

    /// Where the values of a map are, in the first [`Map::values`] floats of the slot.
    ///
    /// # Panics
    /// When the program has no such map.
    pub fn value(&self, map: MapId) -> Option<SlotId> {
        self.values[map.index()]
    }

    /// Where the gradient of a map is, of the same size: `None` for the images, for maps that depend on no parameter,
    /// which nobody needs a gradient of, and in an evaluation.
    ///
    /// # Panics
    /// When the program has no such map.
    pub fn gradient(&self, map: MapId) -> Option<SlotId> {
        self.gradients[map.index()]
    }

    /// The sum of all slots.
    pub fn values_per_image(&self) -> usize {
        self.slots.iter().sum()
    }

    fn plan(values: &[Lifetime], gradients: &[Option<Lifetime>]) -> Storage {
        let lifetimes: Vec<Lifetime> = values.iter().copied().chain(gradients.iter().copied().flatten()).collect();
        let assignment = assign(&lifetimes);
        let mut slots = assignment.slots.into_iter().map(SlotId::from_index);
        let values = values.iter().map(|_| slots.next()).collect();
        let gradients = gradients.iter().map(|gradient| gradient.and_then(|_| slots.next())).collect();
        Storage { slots: assignment.sizes, values, gradients }
    }
}

impl Program {
    /// The memory of a training: values and gradients.
    pub fn training_storage(&self) -> Storage {
        let steps = self.steps.len();
        let backward = |step: usize| 1 + 2 * steps - step;
        let needs_gradient = self.needs_gradient();
        let mut values = self.forward_lifetimes();
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
                if step.needs_inputs_again() {
                    values[map].extend(time);
                }
                if needs_gradient[map] && gradients[map].is_none() {
                    gradients[map] = Some(Lifetime { first: time, last: time, ..values[map] });
                }
            }
        }
        Storage::plan(&values, &gradients)
    }

    /// The memory of an evaluation: values only.
    pub fn evaluation_storage(&self) -> Storage {
        Storage::plan(&self.forward_lifetimes(), &vec![None; self.maps.len()])
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

    /// For each map, whether it depends on a parameter. Of all others the gradient is not needed: it would go on to the
    /// images alone.
    fn needs_gradient(&self) -> Vec<bool> {
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
