//! The backward pass: the steps from the last to the first.

use hnas_compiler::{MapId, Normalization, Step};
use hnas_kernels::pointwise::Target;
use hnas_kernels::{
    Block, Coefficients, GradientSums, NormGradient, Slope, add_gradients, blocks, chunks, conv, depthwise, head, pack,
    pointwise, pool, sum,
};

use super::layers::{Gradients, Layers};
use super::memory::{Taken, pieces};
use super::{Executor, Packed, piece};

/// The weight gradient of one piece of the batch.
enum Part {
    Nothing,
    Products(Vec<Block>),
    Kernels(Vec<[Block; 9]>),
}

impl Executor {
    /// Adds up the gradients of all parameters. That of the output is there already.
    pub(super) fn backward(&mut self, layers: &Layers, gradients: &mut Gradients) {
        for number in (0..self.program.steps().len()).rev() {
            let step = self.program.steps()[number].clone();
            let outputs = step.outputs();
            let ways: Vec<Option<Coefficients>> =
                outputs.iter().map(|&map| self.through_normalization(map, layers, gradients)).collect();
            let (to, maps) = self.targets(&step);
            let mut targets: Vec<Taken> = maps.iter().map(|&map| self.memory.take_gradient(map)).collect();
            let parts = self.step_back(number, &step, &ways, &to, &mut targets);
            targets.into_iter().for_each(|target| self.memory.put(target));
            self.add_up(number, &step, parts, gradients);
            if let Step::Linear { linear, output, .. } = step {
                gradients.linears[linear].bias =
                    head::bias_gradient(self.memory.gradient(output), self.channels(output));
            }
        }
    }

    /// The gradients of a map's gamma and beta, and the way back through its normalisation.
    fn through_normalization(&self, map: MapId, layers: &Layers, gradients: &mut Gradients) -> Option<Coefficients> {
        let Normalization { convolution, first, relu: _ } = self.program.maps()[map.index()].normalization?;
        let state = &self.states[map.index()];
        let (moments, activation) = (state.moments.as_ref()?, state.activation.as_ref()?);
        let (images, _) = self.division();
        let size = self.memory.size(map) * images;
        let pairs = self.memory.value(map).chunks(size).zip(self.memory.gradient(map).chunks(size)).collect();
        let mean = pack(&moments.mean);
        let sums = chunks::map(pairs, |_, (map, gradient)| {
            let mut sums = GradientSums::new(mean.len());
            add_gradients(&mut sums, map, gradient, activation, &mean);
            sums
        });
        let channels = self.channels(map);
        let range = first..first + channels;
        let norm = layers.convolutions[convolution].norm.as_ref()?;
        let pixels = self.memory.value(map).len() / blocks(channels);
        let found = NormGradient::of(&sums, moments, &norm.gamma.get()[range.clone()], self.epsilon, pixels);
        let layer = &mut gradients.convolutions[convolution];
        layer.gamma[range.clone()].copy_from_slice(&found.gamma);
        layer.beta[range].copy_from_slice(&found.beta);
        Some(found.coefficients)
    }

    /// Where the gradient of each input goes, and the maps whose gradients are written.
    fn targets(&mut self, step: &Step) -> (Vec<Target>, Vec<MapId>) {
        let mut maps: Vec<MapId> = Vec::new();
        let mut to = Vec::new();
        for map in step.inputs() {
            if !self.memory.has_gradient(map) {
                to.push(Target::Nowhere);
                continue;
            }
            let index = maps.iter().position(|&other| other == map).unwrap_or_else(|| {
                maps.push(map);
                maps.len() - 1
            });
            let started = std::mem::replace(&mut self.states[map.index()].started, true);
            to.push(if started { Target::Add(index) } else { Target::Write(index) });
        }
        (to, maps)
    }

    /// Takes the gradients of a step's outputs back to its inputs; gives the weight gradient of each piece of the batch.
    fn step_back(
        &self,
        number: usize,
        step: &Step,
        ways: &[Option<Coefficients>],
        to: &[Target],
        targets: &mut [Taken],
    ) -> Vec<Part> {
        let (images, count) = self.division();
        let shape = |map: MapId| self.program.maps()[map.index()].shape;
        let read = |map: MapId, chunk: usize| piece(self.reading(map), chunk, images, shape(map).pixels());
        let slope = |index: usize, chunk: usize| {
            let map = step.outputs()[index];
            let activation = self.states[map.index()].activation.as_ref();
            let normalized =
                ways[index].as_ref().zip(activation).map(|(way, activation)| (self.memory.value(map), activation, way));
            let blocks = blocks(self.channels(map));
            let all = Slope { gradient: self.memory.gradient(map), blocks, normalized };
            let (first, pixels) = (chunk * images * shape(map).pixels(), shape(map).pixels());
            all.pixels(first, (images * pixels).min(all.gradient.len() / all.blocks - first))
        };
        let gradient = |map: MapId, chunk: usize| {
            let size = self.memory.size(map) * images;
            self.memory.gradient(map).chunks(size).nth(chunk).expect("as many pieces as the batch is divided into")
        };
        let add = matches!(to[0], Target::Add(_));

        chunks::map(pieces(targets, images, count), |chunk, mut targets| match (step, &self.packed[number]) {
            (Step::Pointwise { inputs, .. } | Step::Linear { inputs, .. }, Packed::Products(weights)) => {
                let inputs: Vec<_> = inputs.iter().map(|&map| read(map, chunk)).collect();
                let slopes: Vec<Slope> = (0..ways.len()).map(|index| slope(index, chunk)).collect();
                let mut gradient = weights.gradient();
                pointwise::backward(&inputs, &slopes, weights, to, &mut targets, &mut gradient);
                Part::Products(gradient)
            }
            (Step::Conv { inputs, .. }, Packed::Products(weights)) => {
                let inputs: Vec<_> = inputs.iter().map(|&map| read(map, chunk)).collect();
                let mut gradient = weights.gradient();
                let window = self.window(step);
                conv::backward(&inputs, window, slope(0, chunk), weights, to, &mut targets, &mut gradient);
                Part::Products(gradient)
            }
            (Step::Depthwise { input, stride, .. }, Packed::Kernels(kernels)) => {
                let size =
                    depthwise::Size { height: shape(*input).height, width: shape(*input).width, stride: *stride };
                let mut gradient = vec![[Block::ZERO; 9]; kernels.len()];
                let mut target = targets.into_iter().next().map(|target| (target, add));
                depthwise::backward(read(*input, chunk), slope(0, chunk), size, kernels, &mut target, &mut gradient);
                Part::Kernels(gradient)
            }
            (Step::MaxPool { input, output }, Packed::Nothing) => {
                if let Some(target) = targets.first_mut() {
                    let size = self.memory.size(*output) * images;
                    let winners = &self.winners[number][chunk * size..][..target.len()];
                    let (height, width) = (shape(*input).height, shape(*input).width);
                    pool::max_backward(
                        gradient(*output, chunk),
                        winners,
                        blocks(self.channels(*input)),
                        height,
                        width,
                        target,
                        add,
                    );
                }
                Part::Nothing
            }
            (Step::AvgPool { input, output }, Packed::Nothing) => {
                if let Some(target) = targets.first_mut() {
                    let (height, width) = (shape(*input).height, shape(*input).width);
                    pool::avg_backward(
                        gradient(*output, chunk),
                        blocks(self.channels(*input)),
                        height,
                        width,
                        target,
                        add,
                    );
                }
                Part::Nothing
            }
            (Step::GlobalAvgPool { input, output }, Packed::Nothing) => {
                if let Some(target) = targets.first_mut() {
                    let width = blocks(self.channels(*input));
                    pool::global_backward(gradient(*output, chunk), width, shape(*input).pixels(), target, add);
                }
                Part::Nothing
            }
            (Step::Sum { inputs, output }, Packed::Nothing) => {
                let width = blocks(self.channels(*output));
                for (&(map, at), &to) in inputs.iter().zip(to) {
                    let (add, target) = match to {
                        Target::Nowhere => continue,
                        Target::Write(target) => (false, target),
                        Target::Add(target) => (true, target),
                    };
                    sum::backward(gradient(*output, chunk), width, at, self.channels(map), targets[target], add);
                }
                Part::Nothing
            }
            (step, packed) => unreachable!("{step:?} is never packed as {packed:?}"),
        })
    }

    /// Adds the pieces' weight gradients, in order.
    fn add_up(&self, number: usize, step: &Step, parts: Vec<Part>, gradients: &mut Gradients) {
        let mut parts = parts.into_iter();
        let add = |total: &mut [Block], part: &[Block]| {
            let pairs = hnas_kernels::values_mut(total).iter_mut().zip(hnas_kernels::values(part));
            pairs.for_each(|(total, &part)| *total += part);
        };
        match (parts.next(), &self.packed[number]) {
            (Some(Part::Products(mut total)), Packed::Products(weights)) => {
                for part in parts {
                    if let Part::Products(part) = part {
                        add(&mut total, &part);
                    }
                }
                match step {
                    Step::Pointwise { products, .. } => {
                        for (product, gradient) in products.iter().zip(weights.unpack(&total)) {
                            let layer = &mut gradients.convolutions[product.convolution];
                            (layer.found, layer.weight) = (true, gradient);
                        }
                    }
                    Step::Conv { convolution, .. } => {
                        let layer = &mut gradients.convolutions[*convolution];
                        (layer.found, layer.weight) = (true, self.window(step).unpack(weights, &total));
                    }
                    Step::Linear { linear, output, .. } => {
                        let (turned, outputs) = (weights.unpack(&total).concat(), self.channels(*output));
                        let inputs = turned.len() / outputs;
                        let column = |input: usize| turned[input..].iter().step_by(inputs).copied();
                        gradients.linears[*linear].weight = (0..inputs).flat_map(column).collect();
                    }
                    other => unreachable!("{other:?} has no products"),
                }
            }
            (Some(Part::Kernels(mut total)), _) => {
                for part in parts {
                    if let Part::Kernels(part) = part {
                        add(total.as_flattened_mut(), part.as_flattened());
                    }
                }
                let Step::Depthwise { input, convolution, first, .. } = step else {
                    unreachable!("{step:?} has no kernels")
                };
                let kernels = depthwise::unpack(&total, self.channels(*input));
                let layer = &mut gradients.convolutions[*convolution];
                layer.found = true;
                layer.weight[first * 9..][..kernels.len()].copy_from_slice(&kernels);
            }
            _ => {}
        }
    }
}
