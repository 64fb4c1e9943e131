//! The forward pass.

use std::sync::Arc;

use hnas_compiler::{MapId, Shape, Step};
use hnas_gpu::norm::{self, Norm};
use hnas_gpu::{Buffer, Reading, conv, depthwise, head, pool, sum};

use super::{Executor, Input, layers};

impl Executor {
    /// Runs all steps. In a training the statistics of the batch are gathered and normalise it.
    pub(super) fn forward(&self) {
        for (number, step) in Arc::clone(&self.program).steps().iter().enumerate() {
            self.compute(number, step);
            step.outputs().into_iter().for_each(|map| self.normalize(map));
        }
    }

    /// Computes what a step gives.
    pub(super) fn compute(&self, number: usize, step: &Step) {
        let machine = &self.machine;
        let shape = |map: MapId| self.program.maps()[map.index()].shape;
        match step {
            Step::Pointwise { inputs, products } => {
                let inputs = self.inputs(inputs);
                for (product, kernel) in products.iter().zip(self.layers.kernels(number)) {
                    self.convolve(step, &inputs, &kernel, product.output);
                }
            }
            Step::Conv { inputs, output, .. } => {
                self.convolve(step, &self.inputs(inputs), &self.layers.kernels(number)[0], *output);
            }
            Step::Linear { inputs, output, .. } => {
                self.convolve(step, &self.inputs(inputs), &self.layers.kernels(number)[0], *output);
                let bias = self.layers.bias(number).expect("a linear layer has a bias");
                head::add_bias(machine, &self.memory.value(*output), &bias);
            }
            Step::Depthwise { input, stride, output, .. } => {
                let size = size(shape(*input), *stride);
                let (input, output) = (self.input(*input), self.memory.value(*output));
                depthwise::forward(machine, input.reading(), size, &self.layers.kernels(number)[0], &output);
            }
            Step::MaxPool { input, output } => {
                let Shape { height, width, .. } = shape(*input);
                let (input, winners) = (self.input(*input), self.winners(number, *output));
                pool::max_forward(machine, input.reading(), height, width, &self.memory.value(*output), &winners);
            }
            Step::AvgPool { input, output } => {
                let Shape { height, width, .. } = shape(*input);
                pool::avg_forward(machine, self.input(*input).reading(), height, width, &self.memory.value(*output));
            }
            Step::GlobalAvgPool { input, output } => {
                let pixels = shape(*input).pixels();
                pool::global_forward(machine, self.input(*input).reading(), pixels, &self.memory.value(*output));
            }
            Step::Sum { inputs, output } => {
                let read: Vec<(Input, usize)> = inputs.iter().map(|&(map, at)| (self.input(map), at)).collect();
                let parts: Vec<sum::Part> =
                    read.iter().map(|(input, at)| sum::Part { input: input.reading(), at: *at }).collect();
                sum::forward(machine, &parts, &self.memory.value(*output));
            }
        }
    }

    fn convolve(&self, step: &Step, inputs: &[Input], kernel: &Buffer<f32>, output: MapId) {
        let readings: Vec<Reading> = inputs.iter().map(Input::reading).collect();
        conv::forward(&self.machine, &readings, self.window(step), kernel, &self.memory.value(output));
    }

    /// The sizes of a step that is a convolution of all channels.
    pub(super) fn window(&self, step: &Step) -> conv::Window {
        let (kernel, stride) = match step {
            Step::Conv { kernel, stride, .. } => (*kernel, *stride),
            _ => (1, 1),
        };
        let Shape { height, width, .. } = self.program.maps()[step.inputs()[0].index()].shape;
        conv::Window { height, width, kernel, stride }
    }

    /// Makes the activation of a map that was just written, in a training.
    fn normalize(&self, map: MapId) {
        let Some(norm) = self.layers.norm(map.index()).filter(|norm| norm.gradients.is_some()) else { return };
        norm::batch_statistics(
            &self.machine,
            &self.memory.value(map),
            self.norm(norm),
            &norm.moments,
            &norm.activation,
        );
    }

    /// Makes the activations of all maps, once for all batches of an evaluation.
    pub(super) fn normalize_by_running(&self) {
        for (index, map) in self.program.maps().iter().enumerate() {
            if let Some(norm) = self.layers.norm(index) {
                let channels = map.shape.channels;
                norm::activation(&self.machine, channels, self.norm(norm), &norm.moments, &norm.activation);
            }
        }
    }

    fn norm<'a>(&self, norm: &'a layers::Norm) -> Norm<'a> {
        Norm { gamma: &norm.gamma, beta: &norm.beta, epsilon: self.epsilon, relu: norm.relu }
    }
}

/// The sizes of a depthwise convolution of a map.
pub(super) fn size(Shape { height, width, .. }: Shape, stride: usize) -> depthwise::Size {
    depthwise::Size { height, width, stride }
}
