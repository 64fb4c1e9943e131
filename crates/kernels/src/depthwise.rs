//! 3x3 convolution of each channel on its own, padded by one pixel.
//!
//! A stride of 2 is computed as one of 1 of which every other row and pixel is kept: such convolutions stand between
//! groups of cells only.

use crate::block::{BLOCK, Block, blocks};
use crate::norm::Sums;
use crate::pointwise::Destination;
use crate::reading::{Reading, Slope};
use crate::scratch;
use crate::simd::dispatched;
use crate::window::{Ring, STEP, add_products, ahead, convolve_row, put};

/// Rows and columns of the images that are read, and the step of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// 1 or 2.
    pub stride: usize,
}

impl Size {
    fn output(self) -> (usize, usize) {
        (self.height.div_ceil(self.stride), self.width.div_ceil(self.stride))
    }
}

/// Kernels `[channels, 1, 3, 3]` as nine blocks for each block of channels.
pub fn pack(weight: &[f32]) -> Vec<[Block; 9]> {
    let mut packed = vec![[Block::ZERO; 9]; blocks(weight.len() / 9)];
    for (channel, kernel) in weight.chunks_exact(9).enumerate() {
        for (block, &value) in packed[channel / BLOCK].iter_mut().zip(kernel) {
            block.0[channel % BLOCK] = value;
        }
    }
    packed
}

/// The other way: the kernels of so many channels.
pub fn unpack(packed: &[[Block; 9]], channels: usize) -> Vec<f32> {
    let kernel = |channel: usize| packed[channel / BLOCK].iter().map(move |block| block.0[channel % BLOCK]);
    (0..channels).flat_map(kernel).collect()
}

dispatched! {
    /// Convolves whole images; the sums of what is written are added up on the way.
    pub fn forward<S, P, X>(input: Reading, size: Size, weights: &[[Block; 9]], output: &mut [Block], sums: &mut Option<&mut Sums>) {
        let Size { height, width, stride } = size;
        let (rows, columns) = size.output();
        let blocks = input.blocks;
        let mut ring = Ring::new(width, 0.0);
        let mut result = scratch::take(width.next_multiple_of(STEP));
        for (image, output) in output.chunks_exact_mut(rows * columns * blocks).enumerate() {
            for (block, weights) in weights.iter().enumerate() {
                ring.outside(-1);
                for y in 0..=height {
                    ring.read::<S, P>(input, block, image, y, (height, width));
                    // The row before is complete now.
                    if y == 0 || (y - 1) % stride != 0 {
                        continue;
                    }
                    ahead::<S>(output, block * rows + (y - 1) / stride, columns);
                    convolve_row::<S, P>(ring.around(y - 1), weights, &mut result);
                    let to = &mut output[(y - 1) / stride * columns * blocks..][..columns * blocks];
                    for (from, to) in result[..width].iter().step_by(stride).zip(to.chunks_exact_mut(blocks)) {
                        to[block] = *from;
                    }
                    if let Some(sums) = sums {
                        sums.add::<S, P>(block, &to[block..], blocks);
                    }
                }
            }
        }
    }
}

dispatched! {
    /// The gradients with respect to the input, written to `target` or added to it, and to the weights, added to
    /// `gradient`.
    pub fn backward<S, P, X>(input: Reading, slope: Slope, size: Size, weights: &[[Block; 9]], target: &mut Option<(Destination, bool)>, gradient: &mut [[Block; 9]]) {
        let Size { height, width, stride } = size;
        let (rows, columns) = size.output();
        let blocks = input.blocks;
        let mut inputs = Ring::new(width, 0.0);
        // Gradients of the pixels that a stride leaves out stay zero.
        let mut slopes = Ring::new(width, 0.0);
        let mut result = scratch::take(width.next_multiple_of(STEP));
        for image in 0..input.map.len() / (height * width * blocks) {
            for (block, (weights, gradient)) in weights.iter().zip(&mut *gradient).enumerate() {
                let mut turned = *weights;
                turned.reverse();
                // Of an image on its own, so that rounding stays small.
                let mut sums = [Block::ZERO; 9];
                inputs.outside(-1);
                slopes.outside(-1);
                for y in 0..=height {
                    inputs.read::<S, P>(input, block, image, y, (height, width));
                    if y < height && y % stride == 0 {
                        slope.ahead::<S>(image, rows * columns, block * rows + y / stride, columns);
                        let row = slope.pixels((image * rows + y / stride) * columns, columns);
                        row.read_block::<S, P>(block, &mut slopes.row(y as isize)[..width], stride);
                    } else {
                        slopes.outside(y as isize);
                    }
                    let Some(y) = y.checked_sub(1) else { continue };
                    if y % stride == 0 {
                        let [_, row, _] = slopes.around(y);
                        add_products::<S, P>(inputs.around(y), &row[1..=width], &mut sums);
                    }
                    if let Some((Destination { map, gathering }, add)) = target {
                        let size = height * width * blocks;
                        ahead::<S>(&map[image * size..][..size], block * height + y, width);
                        convolve_row::<S, P>(slopes.around(y), &turned, &mut result);
                        let row = (image * height + y) * width * blocks..(image * height + y + 1) * width * blocks;
                        let to = &mut map[row.clone()];
                        put::<S, P>(&result[..width], to, blocks, block, *add);
                        if let (Some(gathering), Some(activation)) = (gathering.as_mut(), input.activation) {
                            let values = &input.map[row];
                            gathering.add::<S, P>(block, &values[block..], &to[block..], blocks, activation);
                        }
                    }
                }
                for (total, sum) in gradient.iter_mut().zip(&sums) {
                    for part in 0..P {
                        S::store(S::add(S::load(total, part), S::load(sum, part)), total, part);
                    }
                }
            }
        }
    }
}
