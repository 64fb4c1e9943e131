//! The forward pass.

use std::sync::Arc;

use hnas_compiler::{MapId, Normalization, Shape, Step};
use hnas_kernels::pointwise::{Weights, Writing};
use hnas_kernels::pool::Winners;
use hnas_kernels::{BLOCK, Block, Moments, Sums, blocks, chunks, conv, depthwise, head, pointwise, pool, sum};

use super::layers::Layers;
use super::memory::{Taken, pieces};
use super::{Executor, Packed, Statistics, piece};
use crate::values::Values;

impl Executor {
    /// Runs all steps; the statistics of a batch are written into `found`.
    pub(super) fn forward(&mut self, layers: &Layers, statistics: Statistics, found: &mut Values) {
        let program = Arc::clone(&self.program);
        for (number, step) in program.steps().iter().enumerate() {
            self.packed[number] = self.pack(step, layers);
            let mut outputs: Vec<Taken> = step.outputs().iter().map(|&map| self.memory.take_value(map)).collect();
            let mut winners = match step {
                Step::MaxPool { .. } => self.winners.get_mut(number).map(std::mem::take),
                _ => None,
            };
            let sums = self.compute(number, step, layers, statistics, &mut outputs, winners.as_mut());
            if let Some(winners) = winners {
                self.winners[number] = winners;
            }
            outputs.into_iter().for_each(|output| self.memory.put(output));
            for (map, sums) in step.outputs().into_iter().zip(sums) {
                self.normalize(map, &sums, layers, statistics, found);
            }
        }
    }

    fn pack(&self, step: &Step, layers: &Layers) -> Packed {
        let channels = |maps: &[MapId]| -> Vec<usize> { maps.iter().map(|&map| self.channels(map)).collect() };
        match step {
            Step::Pointwise { inputs, products } => {
                let weights: Vec<(usize, &[f32])> = products
                    .iter()
                    .map(|product| &layers.convolutions[product.convolution])
                    .map(|layer| (layer.outputs, layer.weight.get()))
                    .collect();
                Packed::Products(Weights::pack(&channels(inputs), &weights))
            }
            Step::Conv { convolution, .. } => {
                let layer = &layers.convolutions[*convolution];
                Packed::Products(self.window(step).pack(layer.outputs, layer.weight.get()))
            }
            Step::Depthwise { input, convolution, first, .. } => {
                let weight = layers.convolutions[*convolution].weight.get();
                Packed::Kernels(depthwise::pack(&weight[first * 9..][..self.channels(*input) * 9]))
            }
            Step::Linear { inputs, linear, .. } => {
                let layer = &layers.linears[*linear];
                let outputs = layer.bias.get().len();
                // `[in, out]` as `[out, in]`.
                let rows = layer.weight.get().chunks_exact(outputs);
                let turned: Vec<f32> =
                    (0..outputs).flat_map(|output| rows.clone().map(move |row| row[output])).collect();
                Packed::Products(Weights::pack(&channels(inputs), &[(outputs, &turned)]))
            }
            Step::MaxPool { .. } | Step::AvgPool { .. } | Step::Sum { .. } | Step::GlobalAvgPool { .. } => {
                Packed::Nothing
            }
        }
    }

    pub(super) fn channels(&self, map: MapId) -> usize {
        self.program.maps()[map.index()].shape.channels
    }

    /// The sizes of a convolution step.
    pub(super) fn window(&self, step: &Step) -> conv::Window {
        let Step::Conv { inputs, kernel, stride, .. } = step else { unreachable!("asked of convolutions only") };
        let shape = self.program.maps()[inputs[0].index()].shape;
        let channels = inputs.iter().map(|&map| self.channels(map)).sum();
        conv::Window { height: shape.height, width: shape.width, channels, kernel: *kernel, stride: *stride }
    }

    /// Computes what a step gives; returns, for each output, the sums of each piece of the batch.
    fn compute(
        &self,
        number: usize,
        step: &Step,
        layers: &Layers,
        statistics: Statistics,
        outputs: &mut [Taken],
        winners: Option<&mut Vec<Winners>>,
    ) -> Vec<Vec<Sums>> {
        let (images, count) = self.division();
        let maps = step.outputs();
        let gathered =
            |map: MapId| statistics == Statistics::Batch && self.program.maps()[map.index()].normalization.is_some();
        let new_sums = |map: MapId| gathered(map).then(|| Sums::new(blocks(self.channels(map))));
        let shape = |map: MapId| self.program.maps()[map.index()].shape;
        let read = |map: MapId, chunk: usize| piece(self.reading(map), chunk, images, shape(map).pixels());

        let work = |chunk: usize, mut outputs: Vec<&mut [Block]>| -> Vec<Option<Sums>> {
            let mut sums: Vec<Option<Sums>> = maps.iter().map(|&map| new_sums(map)).collect();
            match (step, &self.packed[number]) {
                (Step::Pointwise { inputs, .. } | Step::Linear { inputs, .. }, Packed::Products(weights)) => {
                    let inputs: Vec<_> = inputs.iter().map(|&map| read(map, chunk)).collect();
                    let pairs = outputs.iter_mut().zip(&mut sums);
                    let mut writings: Vec<Writing> =
                        pairs.map(|(map, sums)| Writing { map, sums: sums.as_mut() }).collect();
                    pointwise::forward(&inputs, weights, &mut writings);
                    if let Step::Linear { linear, .. } = step {
                        head::add_bias(outputs[0], layers.linears[*linear].bias.get());
                    }
                }
                (Step::Conv { inputs, .. }, Packed::Products(weights)) => {
                    let inputs: Vec<_> = inputs.iter().map(|&map| read(map, chunk)).collect();
                    let mut writing = Writing { map: outputs[0], sums: sums[0].as_mut() };
                    conv::forward(&inputs, self.window(step), weights, &mut writing);
                }
                (Step::Depthwise { input, stride, .. }, Packed::Kernels(kernels)) => {
                    let size =
                        depthwise::Size { height: shape(*input).height, width: shape(*input).width, stride: *stride };
                    depthwise::forward(read(*input, chunk), size, kernels, outputs[0], &mut sums[0].as_mut());
                }
                (Step::GlobalAvgPool { input, .. }, Packed::Nothing) => {
                    pool::global_forward(read(*input, chunk), shape(*input).pixels(), outputs[0]);
                }
                (Step::Sum { inputs, output }, Packed::Nothing) => {
                    outputs[0].fill(Block::ZERO);
                    for &(map, at) in inputs {
                        sum::add(read(map, chunk), at, outputs[0], blocks(self.channels(*output)));
                    }
                }
                (step, packed) => unreachable!("{step:?} is never packed as {packed:?}"),
            }
            sums
        };

        if let Step::MaxPool { .. } | Step::AvgPool { .. } = step {
            self.pool(number, step, &mut outputs[0], winners);
            return vec![Vec::new()];
        }
        let found = chunks::map(pieces(outputs, images, count), number % 2 == 1, work);
        let mut by_output: Vec<Vec<Sums>> = maps.iter().map(|_| Vec::with_capacity(count)).collect();
        for sums in found {
            by_output.iter_mut().zip(sums).for_each(|(all, sums)| all.extend(sums));
        }
        by_output
    }

    /// Computes what a pool gives. Of a max pool, `winners` is where the places of the largest values are kept; an
    /// evaluation keeps none.
    pub(super) fn pool(&self, number: usize, step: &Step, output: &mut Taken, winners: Option<&mut Vec<Winners>>) {
        let (images, count) = self.division();
        let (Step::MaxPool { input, .. } | Step::AvgPool { input, .. }) = step else {
            unreachable!("asked of pools only");
        };
        let Shape { height, width, .. } = self.program.maps()[input.index()].shape;
        let read = |chunk: usize| piece(self.reading(*input), chunk, images, height * width);
        let backwards = number % 2 == 1;
        if let Step::AvgPool { .. } = step {
            chunks::map(output.pieces(images).collect(), backwards, |chunk, output| {
                pool::avg_forward(read(chunk), height, width, output);
            });
            return;
        }
        let size = self.memory.size(*input) * images;
        let mut nothing = Vec::new();
        let kept = winners.unwrap_or_else(|| {
            nothing.resize(size * count, [0; BLOCK]);
            &mut nothing
        });
        let pairs = output.pieces(images).zip(kept.chunks_mut(size)).collect();
        chunks::map(pairs, backwards, |chunk, (output, winners): (&mut [Block], &mut [Winners])| {
            let winners = &mut winners[..output.len()];
            pool::max_forward(read(chunk), height, width, output, winners);
        });
    }

    /// Makes the activation of a map that was just written.
    fn normalize(&mut self, map: MapId, sums: &[Sums], layers: &Layers, statistics: Statistics, found: &mut Values) {
        let Some(Normalization { convolution, first, relu }) = self.program.maps()[map.index()].normalization else {
            return;
        };
        let channels = self.channels(map);
        let range = first..first + channels;
        let norm = layers.convolutions[convolution].norm.as_ref().expect("a normalised map has a normalisation");
        let moments = match statistics {
            Statistics::Batch => {
                let moments = Moments::of(sums, channels);
                let found = &mut found.convolutions[convolution];
                found.mean[range.clone()].copy_from_slice(&moments.mean);
                found.variance[range.clone()].copy_from_slice(&moments.variance);
                moments
            }
            Statistics::Running => Moments {
                mean: norm.mean.get()[range.clone()].to_vec(),
                variance: norm.variance.get()[range.clone()].to_vec(),
            },
        };
        let (gamma, beta) = (&norm.gamma.get()[range.clone()], &norm.beta.get()[range]);
        let state = &mut self.states[map.index()];
        state.activation = Some(moments.activation(gamma, beta, self.epsilon, relu));
        state.moments = Some(moments);
    }
}
