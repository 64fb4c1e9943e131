//! Convolutions over all channels with larger kernels or steps, padded by half their kernel: the windows are laid out as
//! the rows of a matrix and multiplied as 1x1 convolutions are.
//!
//! Such convolutions are the stem of a network; the cells have few of them.

use crate::block::{BLOCK, Block, blocks, values, values_mut};
use crate::pointwise::{TILE, Target, Weights, Writing, add_products, multiply, write_tile};
use crate::reading::{Columns, Reading, Slope};
use crate::scratch;
use crate::simd::{Simd, dispatched};

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Channels of all inputs.
    pub channels: usize,
    /// Side of the kernel, odd.
    pub kernel: usize,
    /// Pixels from window to window.
    pub stride: usize,
}

impl Window {
    /// Rows and columns of the output.
    pub fn output(self) -> (usize, usize) {
        (self.height.div_ceil(self.stride), self.width.div_ceil(self.stride))
    }

    /// Packs a weight `[outputs, channels, kernel, kernel]`.
    pub fn pack(self, outputs: usize, weight: &[f32]) -> Weights {
        let taps = self.kernel * self.kernel;
        let mut turned = vec![0.0; weight.len()];
        for (from, to) in weight.chunks_exact(taps * self.channels).zip(turned.chunks_exact_mut(taps * self.channels)) {
            for (index, &value) in from.iter().enumerate() {
                to[index % taps * self.channels + index / taps] = value;
            }
        }
        Weights::pack(&[taps * self.channels], &[(outputs, &turned)])
    }

    /// The gradient of a weight as it was packed, `[outputs, channels, kernel, kernel]`.
    pub fn unpack(self, weights: &Weights, gradient: &[Block]) -> Vec<f32> {
        let taps = self.kernel * self.kernel;
        let turned = weights.unpack(gradient).concat();
        let mut weight = vec![0.0; turned.len()];
        for (from, to) in turned.chunks_exact(taps * self.channels).zip(weight.chunks_exact_mut(taps * self.channels)) {
            for (index, to) in to.iter_mut().enumerate() {
                *to = from[index % taps * self.channels + index / taps];
            }
        }
        weight
    }

    /// What the window around output pixel `index` covers of the image, row by row of the window: the first place in the
    /// window, the first pixel of the image, and how many of them lie side by side in both.
    #[inline(always)]
    fn covered(self, index: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let (_, columns) = self.output();
        let (y, x) = (index / columns * self.stride, index % columns * self.stride);
        let half = self.kernel / 2;
        let from = half.saturating_sub(x);
        let to = self.kernel.min(half + self.width - x);
        (0..self.kernel).filter(move |row| (half..half + self.height).contains(&(y + row))).map(move |row| {
            let pixel = (y + row - half) * self.width + x + from - half;
            (row * self.kernel + from, pixel, to - from)
        })
    }
}

dispatched! {
    /// Convolves whole images of `inputs`; sums of what is written are added up on the way.
    pub fn forward<S, P, X>(inputs: &[Reading], window: Window, weights: &Weights, output: &mut Writing) {
        let (pixels, (rows, columns)) = (window.height * window.width, window.output());
        let depth = weights.depth();
        let mut image = vec![0.0; pixels * window.channels];
        let mut matrix = scratch::take(TILE * depth);
        for number in 0..output.map.len() / (rows * columns * weights.width()) {
            read_image::<S, P>(inputs, number, pixels, &mut image);
            for first in (0..rows * columns).step_by(TILE) {
                let count = TILE.min(rows * columns - first);
                lay_out(&image, window, first, count, &mut matrix, depth);
                let at = number * rows * columns + first;
                write_tile::<S, P, X>(&matrix, weights, std::slice::from_mut(output), at, count);
            }
        }
    }
}

dispatched! {
    /// The gradients with respect to the inputs, into `targets` as `to` says of each input, and to the weights, added to
    /// `gradient`.
    pub fn backward<S, P, X>(inputs: &[Reading], window: Window, slope: Slope, weights: &Weights, to: &[Target], targets: &mut [&mut [Block]], gradient: &mut [Block]) {
        let (pixels, (rows, columns)) = (window.height * window.width, window.output());
        let (depth, width) = (weights.depth(), weights.width());
        let mut image = vec![0.0; pixels * window.channels];
        let mut image_gradient = image.clone();
        let (mut matrix, mut dz) = (scratch::take(TILE * depth), scratch::take(TILE * width));
        let wanted = to.iter().any(|&to| to != Target::Nowhere);
        for number in 0..slope.gradient.len() / (rows * columns * width) {
            read_image::<S, P>(inputs, number, pixels, &mut image);
            image_gradient.fill(0.0);
            for first in (0..rows * columns).step_by(TILE) {
                let count = TILE.min(rows * columns - first);
                let tile = slope.pixels(number * rows * columns + first, count);
                tile.read::<S, P>(Columns { matrix: &mut dz, pitch: width, at: 0 });
                lay_out(&image, window, first, count, &mut matrix, depth);
                add_products::<S, P>(&matrix[..count * depth], depth, &dz[..count * width], width, gradient);
                if !wanted {
                    continue;
                }
                for (block, panel) in weights.backward_panels().enumerate() {
                    for from in (0..count).step_by(X) {
                        let sums = multiply::<S, P, X>(&dz[from * width..], width, panel);
                        for (row, sums) in matrix[from * depth..].chunks_exact_mut(depth).zip(&sums) {
                            for part in 0..P {
                                S::store(sums[part], &mut row[block], part);
                            }
                        }
                    }
                }
                for (index, row) in (first..first + count).zip(matrix.chunks_exact(depth)) {
                    for (tap, pixel, count) in window.covered(index) {
                        let from = &values(row)[tap * window.channels..][..count * window.channels];
                        let to = &mut image_gradient[pixel * window.channels..][..count * window.channels];
                        to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
                    }
                }
            }
            if wanted {
                hand_out(&image_gradient, window.channels, inputs, number, to, targets);
            }
        }
    }
}

/// One image of the inputs as `[pixels, channels]`, without padding.
#[inline(always)]
fn read_image<S: Simd, const P: usize>(inputs: &[Reading], number: usize, pixels: usize, image: &mut [f32]) {
    let channels = image.len() / pixels;
    let total: usize = inputs.iter().map(|input| input.blocks).sum();
    let mut rows = scratch::take(pixels * total);
    let mut at = 0;
    for input in inputs {
        input.pixels(number * pixels, pixels).read::<S, P>(Columns { matrix: &mut rows, pitch: total, at });
        at += input.blocks;
    }
    for (row, to) in rows.chunks_exact(total).zip(image.chunks_exact_mut(channels)) {
        let (mut from, mut first) = (0, 0);
        for input in inputs {
            to[first..first + input.channels].copy_from_slice(&values(row)[from..from + input.channels]);
            from += input.blocks * BLOCK;
            first += input.channels;
        }
    }
}

/// The windows around some output pixels as the rows of a matrix.
fn lay_out(image: &[f32], window: Window, first: usize, count: usize, matrix: &mut [Block], depth: usize) {
    for (index, row) in (first..first + count).zip(matrix.chunks_exact_mut(depth)) {
        row.fill(Block::ZERO);
        for (tap, pixel, count) in window.covered(index) {
            let from = &image[pixel * window.channels..][..count * window.channels];
            values_mut(row)[tap * window.channels..][..count * window.channels].copy_from_slice(from);
        }
    }
}

/// Gives the gradient of an image, `[pixels, channels]`, to the inputs it belongs to.
fn hand_out(
    gradient: &[f32],
    channels: usize,
    inputs: &[Reading],
    number: usize,
    to: &[Target],
    targets: &mut [&mut [Block]],
) {
    let pixels = gradient.len() / channels;
    let mut first = 0;
    for (input, &to) in inputs.iter().zip(to) {
        let width = blocks(input.channels);
        if let Target::Write(target) | Target::Add(target) = to {
            let target = &mut targets[target][number * pixels * width..][..pixels * width];
            for (from, pixel) in gradient.chunks_exact(channels).zip(target.chunks_exact_mut(width)) {
                if matches!(to, Target::Write(_)) {
                    pixel.fill(Block::ZERO);
                }
                let pairs = values_mut(pixel).iter_mut().zip(&from[first..first + input.channels]);
                pairs.for_each(|(to, &from)| *to += from);
            }
        }
        first += input.channels;
    }
}
