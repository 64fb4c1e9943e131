//! The backward pass: the steps from the last to the first.

use std::sync::Arc;

use hnas_compiler::{MapId, Normalization, Step};
use hnas_kernels::pointwise::{Destination, Target};
use hnas_kernels::{
    Block, Coefficients, Gathering, GradientSums, NormGradient, Slope, add_gradients, blocks, chunks, conv, depthwise,
    head, pack, pointwise, pool, scratch, sum, values, values_mut,
};

use super::layers::Layers;
use super::memory::{Taken, pieces};
use super::{Executor, Packed, piece};
use crate::values::Values;

impl Executor {
    /// Adds up the gradients of all parameters. That of the output is there already.
    pub(super) fn backward(&mut self, layers: &Layers, gradients: &mut Values) {
        let program = Arc::clone(&self.program);
        for (number, step) in program.steps().iter().enumerate().rev() {
            if step.needs_inputs_again() {
                self.give_again(&step.inputs());
            }
            let outputs = step.outputs();
            let ways: Vec<Option<Coefficients>> =
                outputs.iter().map(|&map| self.through_normalization(map, layers, gradients)).collect();
            let (to, maps) = self.targets(step);
            let mut targets: Vec<Taken> = maps.iter().map(|&map| self.memory.take_gradient(map)).collect();
            let means = self.means_to_gather(number, step, &maps);
            // The weight gradient of each piece of the batch.
            let size = self.packed[number].gradient_blocks();
            let mut parts = scratch::take(size * self.division().1);
            let sums = self.step_back(number, step, &ways, (&to, &means), (&mut targets, &mut parts));
            targets.into_iter().for_each(|target| self.memory.put(target));
            for sums in sums {
                for (&map, sums) in maps.iter().zip(sums) {
                    self.states[map.index()].gathered.extend(sums);
                }
            }
            if size > 0 {
                let used = size * self.division().1;
                self.add_up(number, step, &mut parts[..used], gradients);
            }
            if let &Step::Linear { linear, output, .. } = step {
                gradients.linears[linear].bias =
                    head::bias_gradient(self.memory.gradient(output), self.channels(output));
            }
        }
    }

    /// Computes those of some maps once more that were not kept.
    fn give_again(&mut self, maps: &[MapId]) {
        for &map in maps {
            if !self.memory.is_missing(map) {
                continue;
            }
            let number = self.givers[map.index()];
            let program = Arc::clone(&self.program);
            let mut output = self.memory.take_value_again(map);
            // The winners come out as they are.
            let mut winners = std::mem::take(&mut self.winners[number]);
            self.pool(number, &program.steps()[number], &mut output, Some(&mut winners));
            self.winners[number] = winners;
            self.memory.put(output);
        }
    }

    /// The gradients of a map's gamma and beta, and the way back through its normalisation.
    fn through_normalization(&mut self, map: MapId, layers: &Layers, gradients: &mut Values) -> Option<Coefficients> {
        let Normalization { convolution, first, relu: _ } = self.program.maps()[map.index()].normalization?;
        let gathered = std::mem::take(&mut self.states[map.index()].gathered);
        let state = &self.states[map.index()];
        let (moments, activation) = (state.moments.as_ref()?, state.activation.as_ref()?);
        let sums = if gathered.is_empty() {
            let (images, _) = self.division();
            let size = self.memory.size(map) * images;
            let pairs = self.memory.value(map).chunks(size).zip(self.memory.gradient(map).chunks(size)).collect();
            let mean = pack(&moments.mean);
            chunks::map(pairs, false, |_, (map, gradient)| {
                let mut sums = GradientSums::new(mean.len());
                add_gradients(&mut sums, map, gradient, activation, &mean);
                sums
            })
        } else {
            gathered
        };
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

    /// For each target of a step, the mean of the map if the sums of its gradient are to be gathered on the way: the step
    /// must be the last that adds to it.
    fn means_to_gather(&self, number: usize, step: &Step, maps: &[MapId]) -> Vec<Option<Vec<Block>>> {
        let inputs = step.inputs();
        let gathers = matches!(step, Step::Pointwise { .. } | Step::Linear { .. } | Step::Depthwise { .. });
        let mean = |&map: &MapId| {
            let once = inputs.iter().filter(|&&input| input == map).count() == 1;
            let last = self.first_readers[map.index()] == number;
            let normalized = self.program.maps()[map.index()].normalization.is_some();
            let moments = self.states[map.index()].moments.as_ref();
            moments.filter(|_| gathers && once && last && normalized).map(|moments| pack(&moments.mean))
        };
        maps.iter().map(mean).collect()
    }

    /// Takes the gradients of a step's outputs back to its inputs, and writes the weight gradient of each piece of the
    /// batch; gives, for each piece, the sums that were gathered of each target.
    fn step_back(
        &self,
        number: usize,
        step: &Step,
        ways: &[Option<Coefficients>],
        (to, means): (&[Target], &[Option<Vec<Block>>]),
        (targets, parts): (&mut [Taken], &mut [Block]),
    ) -> Vec<Vec<Option<GradientSums>>> {
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

        let work = |chunk: usize,
                    mut targets: Vec<&mut [Block]>,
                    part: &mut [Block],
                    sums: &mut [Option<GradientSums>]| match (step, &self.packed[number]) {
            (Step::Pointwise { inputs, .. } | Step::Linear { inputs, .. }, Packed::Products(weights)) => {
                let inputs: Vec<_> = inputs.iter().map(|&map| read(map, chunk)).collect();
                let slopes: Vec<Slope> = (0..ways.len()).map(|index| slope(index, chunk)).collect();
                let mut targets = destinations(targets, means, sums);
                pointwise::backward(&inputs, &slopes, weights, to, &mut targets, part);
            }
            (Step::Conv { inputs, .. }, Packed::Products(weights)) => {
                let inputs: Vec<_> = inputs.iter().map(|&map| read(map, chunk)).collect();
                let window = self.window(step);
                conv::backward(&inputs, window, slope(0, chunk), weights, to, &mut targets, part);
            }
            (Step::Depthwise { input, stride, .. }, Packed::Kernels(kernels)) => {
                let size =
                    depthwise::Size { height: shape(*input).height, width: shape(*input).width, stride: *stride };
                let mut target = destinations(targets, means, sums).pop().map(|target| (target, add));
                depthwise::backward(
                    read(*input, chunk),
                    slope(0, chunk),
                    size,
                    kernels,
                    &mut target,
                    part.as_chunks_mut().0,
                );
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
            }
            (Step::GlobalAvgPool { input, output }, Packed::Nothing) => {
                if let Some(target) = targets.first_mut() {
                    let width = blocks(self.channels(*input));
                    pool::global_backward(gradient(*output, chunk), width, shape(*input).pixels(), target, add);
                }
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
            }
            (step, packed) => unreachable!("{step:?} is never packed as {packed:?}"),
        };
        let size = self.packed[number].gradient_blocks();
        let mut parts = parts.chunks_exact_mut(size.max(1));
        let pieces = pieces(targets, images, count).into_iter();
        let pieces = pieces.map(|targets| (targets, if size > 0 { parts.next() } else { None })).collect();
        chunks::map(pieces, number % 2 == 1, |chunk, (targets, part)| {
            let new = |mean: &Option<Vec<Block>>| mean.as_ref().map(|mean| GradientSums::new(mean.len()));
            let mut sums: Vec<Option<GradientSums>> = means.iter().map(new).collect();
            let part = part.unwrap_or_default();
            part.fill(Block::ZERO);
            work(chunk, targets, part, &mut sums);
            sums
        })
    }

    /// Adds the pieces' weight gradients, in order, to that of the first.
    fn add_up(&self, number: usize, step: &Step, parts: &mut [Block], gradients: &mut Values) {
        let (total, rest) = parts.split_at_mut(self.packed[number].gradient_blocks());
        for part in rest.chunks_exact(total.len()) {
            let pairs = values_mut(total).iter_mut().zip(values(part));
            pairs.for_each(|(total, &part)| *total += part);
        }
        let convolutions = &mut gradients.convolutions;
        let mut found = |convolution: usize, first: usize, weight: &[f32]| {
            let layer = &mut convolutions[convolution];
            layer.found = true;
            layer.weight[first..first + weight.len()].copy_from_slice(weight);
        };
        match (step, &self.packed[number]) {
            (Step::Pointwise { products, .. }, Packed::Products(weights)) => {
                for (product, gradient) in products.iter().zip(weights.unpack(total)) {
                    found(product.convolution, 0, &gradient);
                }
            }
            (Step::Conv { convolution, .. }, Packed::Products(weights)) => {
                found(*convolution, 0, &self.window(step).unpack(weights, total));
            }
            (Step::Depthwise { input, convolution, first, .. }, Packed::Kernels(_)) => {
                found(*convolution, first * 9, &depthwise::unpack(total.as_chunks().0, self.channels(*input)));
            }
            (Step::Linear { linear, output, .. }, Packed::Products(weights)) => {
                let (turned, outputs) = (weights.unpack(total).concat(), self.channels(*output));
                let inputs = turned.len() / outputs;
                let column = |input: usize| turned[input..].iter().step_by(inputs).copied();
                gradients.linears[*linear].weight = (0..inputs).flat_map(column).collect();
            }
            (step, packed) => unreachable!("{step:?} is never packed as {packed:?}"),
        }
    }
}

/// Gradients to be written, with the sums that are gathered on the way.
fn destinations<'a>(
    targets: Vec<&'a mut [Block]>,
    means: &'a [Option<Vec<Block>>],
    sums: &'a mut [Option<GradientSums>],
) -> Vec<Destination<'a>> {
    let gatherings =
        means.iter().zip(sums).map(|(mean, sums)| Some(Gathering { mean: mean.as_ref()?, sums: sums.as_mut()? }));
    targets.into_iter().zip(gatherings).map(|(map, gathering)| Destination { map, gathering }).collect()
}
