//! The parameters of a program on the device, and what else it keeps of each layer.

use std::ops::Range;

use hnas_compiler::Program;
use hnas_gpu::norm::{self, Moments};
use hnas_gpu::sgd::{self, Descent};
use hnas_gpu::{Activation, Buffer, Coefficients, Machine, ServerError, pitch};

use super::places::{Places, pack, unpack};
use crate::values::Values;

/// All numbers of a program's layers.
#[derive(Debug)]
pub(super) struct Layers {
    places: Places,
    weights: Buffer<f32>,
    running: Buffer<f32>,
    /// Of each map that is normalised.
    norms: Vec<Option<Norm>>,
    /// What a training has besides.
    learning: Option<Learning>,
}

/// What a training changes or gathers at each step.
#[derive(Debug)]
struct Learning {
    gradients: Buffer<f32>,
    velocities: Buffer<f32>,
    /// Statistics of the batch, in the order of the running ones.
    batch: Buffer<f32>,
}

/// The batch normalisation of a map.
#[derive(Debug)]
pub(super) struct Norm {
    pub(super) gamma: Buffer<f32>,
    pub(super) beta: Buffer<f32>,
    /// What it normalises by: of the batch in a training, else the running ones.
    pub(super) moments: Moments,
    pub(super) activation: Activation,
    pub(super) relu: bool,
    pub(super) gradients: Option<NormGradients>,
}

/// Where the gradients of a batch normalisation go.
#[derive(Debug)]
pub(super) struct NormGradients {
    pub(super) gamma: Buffer<f32>,
    pub(super) beta: Buffer<f32>,
    pub(super) coefficients: Coefficients,
}

impl Layers {
    /// Takes the parameters to the device; `training` says whether they are going to be trained.
    pub(super) fn new(machine: &Machine, program: &Program, values: &Values, training: bool) -> Layers {
        let places = Places::of(program);
        let weights = machine.upload(&pack(&places.trained, places.trained_len, values));
        let running = machine.upload(&pack(&places.statistics, places.statistics_len, values));
        let learning = training.then(|| Learning {
            gradients: machine.upload(&vec![0.0; places.trained_len]),
            velocities: machine.upload(&vec![0.0; places.trained_len]),
            batch: machine.upload(&vec![0.0; places.statistics_len]),
        });
        let norm = |(map, own): (&hnas_compiler::Map, &Option<super::places::NormPlaces>)| {
            let (own, relu) = own.clone().zip(map.normalization.map(|normalization| normalization.relu))?;
            let table = || machine.room(3 * pitch(map.shape.channels));
            let statistics = learning.as_ref().map_or(&running, |learning| &learning.batch);
            Some(Norm {
                gamma: weights.part(own.gamma.clone()),
                beta: weights.part(own.beta.clone()),
                moments: Moments(statistics.part(own.statistics)),
                activation: Activation(table()),
                relu,
                gradients: learning.as_ref().map(|learning| NormGradients {
                    gamma: learning.gradients.part(own.gamma),
                    beta: learning.gradients.part(own.beta),
                    coefficients: Coefficients(table()),
                }),
            })
        };
        let norms = program.maps().iter().zip(&places.norms).map(norm).collect();
        Layers { places, weights, running, norms, learning }
    }

    /// The batch normalisation of a map.
    pub(super) fn norm(&self, map: usize) -> Option<&Norm> {
        self.norms[map].as_ref()
    }

    /// The kernels of a step, one for each product.
    pub(super) fn kernels(&self, step: usize) -> Vec<Buffer<f32>> {
        parts(&self.weights, &self.places.kernels[step])
    }

    /// The bias of a step that has one.
    pub(super) fn bias(&self, step: usize) -> Option<Buffer<f32>> {
        self.places.biases[step].clone().map(|range| self.weights.part(range))
    }

    /// Where the gradients of a step's kernels go.
    pub(super) fn kernel_gradients(&self, step: usize) -> Vec<Buffer<f32>> {
        parts(&self.learning().gradients, &self.places.kernels[step])
    }

    /// Where the gradient of a step's bias goes.
    pub(super) fn bias_gradient(&self, step: usize) -> Option<Buffer<f32>> {
        self.places.biases[step].clone().map(|range| self.learning().gradients.part(range))
    }

    /// Takes the velocities of a training that goes on to the device.
    pub(super) fn set_velocities(&self, machine: &Machine, values: &Values) {
        let velocities = pack(&self.places.trained, self.places.trained_len, values);
        machine.write(&self.learning().velocities, &velocities);
    }

    /// Waits for the velocities and puts them into `values`.
    pub(super) fn read_velocities(&self, machine: &Machine, values: &mut Values) -> Result<(), ServerError> {
        unpack(&self.places.trained, &machine.download(&self.learning().velocities)?, values);
        Ok(())
    }

    /// Updates the weights by their gradients, and the running statistics by those of the batch. Kernels decay, and what
    /// shifts and scales decays by `others`.
    pub(super) fn update(&self, machine: &Machine, descent: Descent, others: f32, rate: &Buffer<f32>, momentum: f32) {
        let Learning { gradients, velocities, batch } = self.learning();
        let kernels = 0..self.places.kernels_len;
        let rest = self.places.kernels_len..self.places.trained_len;
        for (range, decay) in [(kernels, descent.decay), (rest, others)] {
            let [gradients, velocities, weights] =
                [gradients, velocities, &self.weights].map(|buffer| buffer.part(range.clone()));
            sgd::step(machine, Descent { decay, ..descent }, rate, &gradients, &velocities, &weights);
        }
        norm::update_running(machine, &self.running, batch, momentum);
    }

    /// Waits for the parameters and running statistics and puts them into `values`.
    pub(super) fn read(&self, machine: &Machine, values: &mut Values) -> Result<(), ServerError> {
        self.read_from(machine, [&self.weights, &self.running], values)
    }

    /// The same for the gradients and the statistics of the batch.
    pub(super) fn read_gradients(&self, machine: &Machine, values: &mut Values) -> Result<(), ServerError> {
        let Learning { gradients, batch, .. } = self.learning();
        self.read_from(machine, [gradients, batch], values)
    }

    fn read_from(&self, machine: &Machine, from: [&Buffer<f32>; 2], values: &mut Values) -> Result<(), ServerError> {
        let read = machine.download_all(&from.map(Buffer::clone))?;
        unpack(&self.places.trained, &read[0], values);
        unpack(&self.places.statistics, &read[1], values);
        Ok(())
    }

    fn learning(&self) -> &Learning {
        self.learning.as_ref().expect("gradients are asked for in a training only")
    }
}

fn parts(all: &Buffer<f32>, ranges: &[Range<usize>]) -> Vec<Buffer<f32>> {
    ranges.iter().map(|range| all.part(range.clone())).collect()
}
