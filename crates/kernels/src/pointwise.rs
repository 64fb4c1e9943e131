//! 1x1 convolutions of maps that lie one behind the other along the channels: one or several of the same maps.

use crate::block::{BLOCK, Block, blocks, values};
use crate::norm::{Gathering, Sums};
use crate::reading::{Columns, Reading, Slope};
use crate::scratch;
use crate::simd::{Simd, dispatched};

/// Pixels that are read, multiplied and written while they are in the cache.
pub(crate) const TILE: usize = 48;

/// Pixels that are worked on at once where a pixel has so many blocks: fewer where they would not fit into the cache.
fn tile(blocks: usize) -> usize {
    if blocks < 8 { TILE } else { TILE / 2 }
}

/// Input channels whose weight gradients are summed at once.
const ROWS: usize = 4;

/// The weights of 1x1 convolutions of the same maps, in the order the products read them.
#[derive(Clone, Debug)]
pub struct Weights {
    /// Of each input.
    inputs: Vec<usize>,
    /// Of each convolution.
    outputs: Vec<usize>,
    /// For each block of output channels of each convolution, its weights for each input channel.
    forward: Vec<Block>,
    /// For each block of input channels, its weights for each output channel of all convolutions.
    backward: Vec<Block>,
}

impl Weights {
    /// Packs the weights of several convolutions, each `[outputs, sum of inputs]`, of maps of so many channels.
    ///
    /// Panics when a weight has another size.
    pub fn pack(inputs: &[usize], weights: &[(usize, &[f32])]) -> Weights {
        let outputs: Vec<usize> = weights.iter().map(|&(output, _)| output).collect();
        let [depth, width] = [inputs, &outputs].map(padded);
        let mut packed = Weights {
            inputs: inputs.to_vec(),
            forward: vec![Block::ZERO; depth * width / BLOCK],
            backward: vec![Block::ZERO; depth * width / BLOCK],
            outputs,
        };
        let total: usize = inputs.iter().sum();
        let mut first = 0;
        for &(output, weight) in weights {
            assert!(weight.len() == output * total, "{output} x {total} weights are not {}", weight.len());
            for (o, weight) in (first..).zip(weight.chunks_exact(total)) {
                let mut weight = weight.iter();
                for (k, &value) in places(inputs).zip(&mut weight) {
                    packed.forward[o / BLOCK * depth + k].0[o % BLOCK] = value;
                    packed.backward[k / BLOCK * width + o].0[k % BLOCK] = value;
                }
            }
            first += blocks(output) * BLOCK;
        }
        packed
    }

    /// Blocks of all inputs of a pixel.
    pub(crate) fn depth(&self) -> usize {
        padded(&self.inputs) / BLOCK
    }

    /// Blocks of all outputs of a pixel.
    pub(crate) fn width(&self) -> usize {
        padded(&self.outputs) / BLOCK
    }

    /// The panel of each block of input channels.
    pub(crate) fn backward_panels(&self) -> std::slice::ChunksExact<'_, Block> {
        self.backward.chunks_exact(self.width() * BLOCK)
    }

    /// Blocks of a weight gradient, as [`backward`] adds to it.
    pub fn gradient_blocks(&self) -> usize {
        self.forward.len()
    }

    /// The gradients of the weights of each convolution, `[outputs, sum of inputs]`.
    pub fn unpack(&self, gradient: &[Block]) -> Vec<Vec<f32>> {
        let depth = self.depth() * BLOCK;
        let mut first = 0;
        let unpacked = self.outputs.iter().map(|&output| {
            let of = |o: usize| places(&self.inputs).map(move |k| gradient[o / BLOCK * depth + k].0[o % BLOCK]);
            let weight = (first..first + output).flat_map(of).collect();
            first += blocks(output) * BLOCK;
            weight
        });
        unpacked.collect()
    }
}

/// Channels in memory of maps that lie one behind the other.
fn padded(maps: &[usize]) -> usize {
    maps.iter().map(|&channels| blocks(channels) * BLOCK).sum()
}

/// The place in memory of each channel of maps that lie one behind the other.
fn places(maps: &[usize]) -> impl Iterator<Item = usize> {
    maps.iter()
        .scan(0, |first, &channels| {
            let from = *first;
            *first += blocks(channels) * BLOCK;
            Some(from..from + channels)
        })
        .flatten()
}

/// One of the maps that are written, and the sums of what is written.
#[derive(Debug)]
pub struct Writing<'a> {
    /// `[pixels, blocks]`
    pub map: &'a mut [Block],
    /// Gathered on the way.
    pub sums: Option<&'a mut Sums>,
}

/// A gradient that is written.
#[derive(Debug)]
pub struct Destination<'a> {
    /// `[pixels, blocks]`
    pub map: &'a mut [Block],
    /// Gathered on the way; `None` if more will be added later, or the map has no normalisation.
    pub gathering: Option<Gathering<'a>>,
}

/// Where the gradient with respect to an input goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nowhere.
    Nowhere,
    /// The buffer of this number gets it.
    Write(usize),
    /// It is added to the buffer of this number.
    Add(usize),
}

dispatched! {
    /// Convolves `inputs` and writes what each convolution gives; sums of it are added up on the way.
    pub fn forward<S, P, X>(inputs: &[Reading], weights: &Weights, outputs: &mut [Writing]) {
        let depth = weights.depth();
        let pixels = inputs[0].map.len() / inputs[0].blocks;
        let tile = tile(depth);
        let mut x = scratch::take(tile * depth);
        for first in (0..pixels).step_by(tile) {
            let count = tile.min(pixels - first);
            read_inputs::<S, P>(inputs, first, count, &mut x, depth);
            write_tile::<S, P, X>(&x, weights, outputs, first, count);
        }
    }
}

/// Multiplies a matrix of `count` pixels with all weights and writes what each convolution gives from pixel `first` on.
#[inline(always)]
pub(crate) fn write_tile<S: Simd, const P: usize, const X: usize>(
    x: &[Block],
    weights: &Weights,
    outputs: &mut [Writing],
    first: usize,
    count: usize,
) {
    let depth = weights.depth();
    let mut panels = weights.forward.chunks_exact(depth * BLOCK);
    for (output, &channels) in outputs.iter_mut().zip(&weights.outputs) {
        let width = blocks(channels);
        let tile = &mut output.map[first * width..][..count * width];
        for (block, panel) in (0..width).zip(&mut panels) {
            let mut running = output.sums.as_ref().and_then(|sums| sums.running::<S, P>(block));
            for from in (0..count).step_by(X) {
                let products = multiply::<S, P, X>(&x[from * depth..], depth, panel);
                for (pixel, products) in tile[from * width..].chunks_exact_mut(width).zip(&products) {
                    let to = &mut pixel[block];
                    S::prefetch((to as *const Block).wrapping_add(count * width));
                    for part in 0..P {
                        S::store(products[part], to, part);
                    }
                    if let Some(running) = &mut running {
                        running.add(*products);
                    }
                }
            }
            match (&mut output.sums, running) {
                (Some(sums), Some(running)) => sums.add_running(block, running, count),
                (Some(sums), None) => sums.add::<S, P>(block, &tile[block..], width),
                (None, _) => {}
            }
        }
    }
}

dispatched! {
    /// The gradients with respect to the inputs, into `targets` as `to` says of each input, and to the weights, added to
    /// `gradient`. What is gathered for a target is of the input that is written to it; no other input may be.
    pub fn backward<S, P, X>(inputs: &[Reading], slopes: &[Slope], weights: &Weights, to: &[Target], targets: &mut [Destination], gradient: &mut [Block]) {
        let (depth, width) = (weights.depth(), weights.width());
        let pixels = inputs[0].map.len() / inputs[0].blocks;
        let tile = tile(depth + width);
        let (mut x, mut dz) = (scratch::take(tile * depth), scratch::take(tile * width));
        for first in (0..pixels).step_by(tile) {
            let count = tile.min(pixels - first);
            read_inputs::<S, P>(inputs, first, count, &mut x, depth);
            let mut at = 0;
            for slope in slopes {
                slope.pixels(first, count).read::<S, P>(Columns { matrix: &mut dz, pitch: width, at });
                at += slope.blocks;
            }
            let mut panels = weights.backward_panels();
            for (input, &to) in inputs.iter().zip(to) {
                let (add, target) = match to {
                    Target::Nowhere => {
                        panels.by_ref().take(input.blocks).for_each(drop);
                        continue;
                    }
                    Target::Write(target) => (false, target),
                    Target::Add(target) => (true, target),
                };
                let Destination { map, gathering } = &mut targets[target];
                let tile = &mut map[first * input.blocks..][..count * input.blocks];
                for (block, panel) in (0..input.blocks).zip(&mut panels) {
                    for from in (0..count).step_by(X) {
                        let sums = multiply::<S, P, X>(&dz[from * width..], width, panel);
                        let length = tile.len();
                        for (pixel, sums) in tile[from * input.blocks..].chunks_exact_mut(input.blocks).zip(&sums) {
                            let to = &mut pixel[block];
                            S::prefetch((to as *const Block).wrapping_add(length));
                            for part in 0..P {
                                let sum = if add { S::add(S::load(to, part), sums[part]) } else { sums[part] };
                                S::store(sum, to, part);
                            }
                        }
                    }
                    if let (Some(gathering), Some(activation)) = (gathering.as_mut(), input.activation) {
                        let values = &input.map[first * input.blocks..][..count * input.blocks];
                        gathering.add::<S, P>(block, &values[block..], &tile[block..], input.blocks, activation);
                    }
                }
            }
            add_products::<S, P>(&x[..count * depth], depth, &dz[..count * width], width, gradient);
        }
    }
}

#[inline(always)]
fn read_inputs<S: Simd, const P: usize>(inputs: &[Reading], first: usize, count: usize, x: &mut [Block], depth: usize) {
    let mut at = 0;
    for input in inputs {
        input.pixels(first, count).read::<S, P>(Columns { matrix: x, pitch: depth, at });
        at += input.blocks;
    }
}

/// The products of the first `X` rows of a matrix, `pitch` blocks apart, with a panel of weights.
#[inline(always)]
pub(crate) fn multiply<S: Simd, const P: usize, const X: usize>(
    rows: &[Block],
    pitch: usize,
    panel: &[Block],
) -> [[S::Register; P]; X] {
    assert!(((X - 1) * pitch) * BLOCK + panel.len() <= rows.len() * BLOCK, "a matrix has whole tiles of rows");
    let (rows, pitch) = (rows.as_ptr().cast::<f32>(), pitch * BLOCK);
    let mut sums = [[S::splat(0.0); P]; X];
    for (k, panel) in panel.iter().enumerate() {
        let mut weight = [S::splat(0.0); P];
        for part in 0..P {
            weight[part] = S::load(panel, part);
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `row` is below `X` and `k` below the panel's length; the matrix was found to be that large.
            #[allow(unsafe_code)]
            let x = S::splat(unsafe { *rows.add(row * pitch + k) });
            for part in 0..P {
                sums[part] = S::mul_add(x, weight[part], sums[part]);
            }
        }
    }
    sums
}

/// Adds the products of each column of `x` with each column of `dz`, over all rows, to a weight gradient.
#[inline(always)]
pub(crate) fn add_products<S: Simd, const P: usize>(
    x: &[Block],
    depth: usize,
    dz: &[Block],
    width: usize,
    gradient: &mut [Block],
) {
    let rows = x.len() / depth;
    assert!(dz.len() == rows * width && gradient.len() == width * depth * BLOCK, "sizes of a weight gradient");
    for (block, gradient) in gradient.chunks_exact_mut(depth * BLOCK).enumerate() {
        for (group, gradient) in gradient.chunks_exact_mut(ROWS).enumerate() {
            let (mut x, mut dz) = (values(x)[group * ROWS..].as_ptr(), dz[block..].as_ptr());
            let mut sums = [[S::splat(0.0); P]; ROWS];
            for _ in 0..rows {
                // SAFETY: `x` is at a group of columns of a row, and `dz` at a block of the same row. Past the last row
                // they are moved, but not read.
                #[allow(unsafe_code)]
                let (columns, slope) = unsafe { (&*x.cast::<[f32; ROWS]>(), &*dz) };
                (x, dz) = (x.wrapping_add(depth * BLOCK), dz.wrapping_add(width));
                for (sums, &x) in sums.iter_mut().zip(columns) {
                    let x = S::splat(x);
                    for part in 0..P {
                        sums[part] = S::mul_add(x, S::load(slope, part), sums[part]);
                    }
                }
            }
            for (gradient, sums) in gradient.iter_mut().zip(&sums) {
                for part in 0..P {
                    S::store(S::add(S::load(gradient, part), sums[part]), gradient, part);
                }
            }
        }
    }
}
