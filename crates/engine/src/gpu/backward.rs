//! The backward pass: the steps from the last to the first.

use std::sync::Arc;

use hnas_compiler::{MapId, Shape, Step};
use hnas_gpu::conv::{self, Product};
use hnas_gpu::norm_gradient::{self, NormGradient, Normalized};
use hnas_gpu::{Activation, Coefficients, Map, Reading, Slope, Target, depthwise, head, pool, sum};

use super::forward::size;
use super::{Executor, Input};

/// Readers of a gradient from which on it pays to take it through the normalisation once, in memory: each then reads one
/// map in place of two, and the way there is three.
const READERS: usize = 3;

/// The gradient of what a step gave.
struct Output {
    gradient: Map,
    normalized: Option<(Map, Activation, Coefficients)>,
}

impl Output {
    fn slope(&self) -> Slope<'_> {
        let normalized = self.normalized.as_ref().map(|(map, activation, way)| (map, activation, way));
        Slope { gradient: &self.gradient, normalized }
    }
}

/// Where the gradient of an input goes.
struct Destination {
    gradient: Map,
    /// Whether it holds some already.
    add: bool,
}

impl Destination {
    fn target(&self) -> Target<'_> {
        if self.add { Target::Add(&self.gradient) } else { Target::Write(&self.gradient) }
    }
}

impl Executor {
    /// Writes the gradients of all parameters. That of the output is there already.
    pub(super) fn backward(&mut self) {
        let program = Arc::clone(&self.program);
        let mut started = vec![false; program.maps().len()];
        started[program.output().index()] = true;
        for (number, step) in program.steps().iter().enumerate().rev() {
            if step.needs_inputs_again() {
                self.give_again(&step.inputs());
            }
            let destinations: Vec<Option<Destination>> = step
                .inputs()
                .into_iter()
                .map(|map| {
                    let gradient = self.memory.gradient(map)?;
                    Some(Destination { gradient, add: std::mem::replace(&mut started[map.index()], true) })
                })
                .collect();
            self.step_back(number, step, &destinations);
        }
    }

    /// Computes those of some maps once more that were not kept.
    fn give_again(&mut self, maps: &[MapId]) {
        for &map in maps {
            if self.memory.is_missing(map) {
                self.memory.move_to_again(map);
                let number = self.givers[map.index()];
                self.compute(number, &Arc::clone(&self.program).steps()[number]);
            }
        }
    }

    /// Takes the gradients of a step's outputs back to its inputs and to its parameters.
    fn step_back(&self, number: usize, step: &Step, destinations: &[Option<Destination>]) {
        let machine = &self.machine;
        let shape = |map: MapId| self.program.maps()[map.index()].shape;
        match step {
            Step::Pointwise { .. } | Step::Conv { .. } | Step::Linear { .. } => {
                self.convolution_back(number, step, destinations);
                if let (Step::Linear { output, .. }, Some(bias)) = (step, self.layers.bias_gradient(number)) {
                    head::bias_gradient(machine, &self.gradient(*output), &bias);
                }
            }
            Step::Depthwise { input, stride, output, .. } => {
                let (size, output) = (size(shape(*input), *stride), self.output(*output));
                let gradient = &self.layers.kernel_gradients(number)[0];
                depthwise::weight_gradient(machine, self.input(*input).reading(), output.slope(), size, gradient);
                if let Some(to) = &destinations[0] {
                    let kernel = &self.layers.kernels(number)[0];
                    depthwise::input_gradient(machine, output.slope(), size, kernel, to.target());
                }
            }
            Step::MaxPool { input, output } => {
                if let Some(to) = &destinations[0] {
                    let Shape { height, width, .. } = shape(*input);
                    let (gradient, winners) = (self.gradient(*output), self.winners(number, *output));
                    pool::max_backward(machine, &gradient, &winners, height, width, to.target());
                }
            }
            Step::AvgPool { input, output } => {
                if let Some(to) = &destinations[0] {
                    let Shape { height, width, .. } = shape(*input);
                    pool::avg_backward(machine, &self.gradient(*output), height, width, to.target());
                }
            }
            Step::GlobalAvgPool { input, output } => {
                if let Some(to) = &destinations[0] {
                    pool::global_backward(machine, &self.gradient(*output), shape(*input).pixels(), to.target());
                }
            }
            Step::Sum { inputs, output } => {
                for (&(_, at), to) in inputs.iter().zip(destinations) {
                    if let Some(to) = to {
                        sum::backward(machine, &self.gradient(*output), at, to.target());
                    }
                }
            }
        }
    }

    fn convolution_back(&self, number: usize, step: &Step, destinations: &[Option<Destination>]) {
        let (machine, window) = (&self.machine, self.window(step));
        let read = self.inputs(&step.inputs());
        let readings: Vec<Reading> = read.iter().map(Input::reading).collect();
        let channels: Vec<usize> = read.iter().map(|input| input.map.channels()).collect();
        let readers = 1 + destinations.iter().flatten().count();
        let outputs: Vec<Output> = step
            .outputs()
            .into_iter()
            .map(|map| if readers < READERS { self.output(map) } else { self.settled_output(map) })
            .collect();
        for (output, gradient) in outputs.iter().zip(self.layers.kernel_gradients(number)) {
            conv::weight_gradient(machine, &readings, output.slope(), window, &gradient);
        }
        let kernels = self.layers.kernels(number);
        let products: Vec<Product> =
            outputs.iter().zip(&kernels).map(|(output, weights)| Product { slope: output.slope(), weights }).collect();
        for (index, to) in destinations.iter().enumerate() {
            if let Some(to) = to {
                conv::input_gradient(machine, &products, &channels, index, window, to.target());
            }
        }
    }

    /// The gradient of what a step gave, of a map that depends on parameters.
    fn gradient(&self, map: MapId) -> Map {
        self.memory.gradient(map).expect("the gradient of a map that depends on parameters is planned")
    }

    /// The gradient of what a step gave; that of its batch normalisation is taken on the way.
    fn output(&self, map: MapId) -> Output {
        let gradient = self.gradient(map);
        let Some(norm) = self.layers.norm(map.index()) else {
            return Output { gradient, normalized: None };
        };
        let to = norm.gradients.as_ref().expect("there is a backward pass in a training only");
        let value = self.memory.value(map);
        let of = Normalized {
            map: &value,
            gradient: &gradient,
            moments: &norm.moments,
            activation: &norm.activation,
            gamma: &norm.gamma,
            epsilon: self.epsilon,
        };
        let way = NormGradient { gamma: &to.gamma, beta: &to.beta, coefficients: &to.coefficients };
        norm_gradient::gradients(&self.machine, of, way);
        let normalized = Some((value, norm.activation.clone(), to.coefficients.clone()));
        Output { gradient, normalized }
    }

    /// The same, taken through the normalisation in memory.
    fn settled_output(&self, map: MapId) -> Output {
        let output = self.output(map);
        norm_gradient::settle(&self.machine, output.slope());
        Output { normalized: None, ..output }
    }
}
