//! 3x3 windows over an image, one block of channels at a time: three rows with their borders are kept at hand.

use crate::block::Block;
use crate::reading::Reading;
use crate::scratch::{self, Scratch};
use crate::simd::Simd;

/// Pixels of a row that are computed at once.
pub(crate) const STEP: usize = 4;

/// Three rows around the one that is computed. A row has a pixel of border on its left and at least one on its right.
pub(crate) struct Ring {
    rows: Scratch,
    /// Blocks of a row.
    length: usize,
    border: f32,
}

impl Ring {
    /// For images of so many pixels a row; what lies outside is `border`.
    pub(crate) fn new(width: usize, border: f32) -> Ring {
        // A whole step may be read past the last pixel.
        let length = width + 1 + STEP;
        let mut rows = scratch::take(3 * length);
        rows.fill(Block::splat(border));
        Ring { rows, length, border }
    }

    /// The pixels of row `y` without the left border, to be written. Rows count from -1, the one above the image.
    pub(crate) fn row(&mut self, y: isize) -> &mut [Block] {
        &mut self.rows[slot(y) * self.length..][1..self.length]
    }

    /// Takes row `y` of one block of an image in: from the map, or from outside past its last row.
    #[inline(always)]
    pub(crate) fn read<S: Simd, const P: usize>(
        &mut self,
        input: Reading,
        block: usize,
        image: usize,
        y: usize,
        size: (usize, usize),
    ) {
        let (height, width) = size;
        if y < height {
            let size = height * width * input.blocks;
            ahead::<S>(&input.map[image * size..][..size], block * height + y, width);
            let row = input.pixels((image * height + y) * width, width);
            row.read_block::<S, P>(block, &mut self.row(y as isize)[..width]);
        } else {
            self.outside(y as isize);
        }
    }

    /// Makes row `y` one outside the image.
    pub(crate) fn outside(&mut self, y: isize) {
        self.rows[slot(y) * self.length..][..self.length].fill(Block::splat(self.border));
    }

    /// Rows `y - 1`, `y` and `y + 1`, left borders included.
    pub(crate) fn around(&self, y: usize) -> [&[Block]; 3] {
        let y = y as isize;
        [y - 1, y, y + 1].map(|y| &self.rows[slot(y) * self.length..][..self.length])
    }
}

/// Blocks of an image up to which the next one is asked for while it is worked on: larger ones are read in long enough
/// runs that the processor does so by itself, and would push out of the cache what is at hand.
const SMALL_IMAGE: usize = 512;

/// Asks for a part of the image that follows this one in memory: for its row `row`, of so many pixels, when the rows of
/// all blocks are counted through. A kernel that calls it for each row of a small image does not wait for the next.
#[inline(always)]
pub(crate) fn ahead<S: Simd>(image: &[Block], row: usize, pixels: usize) {
    if image.len() <= SMALL_IMAGE {
        let first = image.as_ptr().wrapping_add(image.len() + row * pixels);
        for pixel in 0..pixels {
            S::prefetch_far(first.wrapping_add(pixel));
        }
    }
}

fn slot(y: isize) -> usize {
    (y + 1) as usize % 3
}

/// The weighted sum of the window around each pixel of a row. `to` has room for whole steps.
#[inline(always)]
pub(crate) fn convolve_row<S: Simd, const P: usize>(rows: [&[Block]; 3], weights: &[Block; 9], to: &mut [Block]) {
    for part in 0..P {
        let mut weight = [S::splat(0.0); 9];
        for (weight, from) in weight.iter_mut().zip(weights) {
            *weight = S::load(from, part);
        }
        for (step, to) in to.chunks_exact_mut(STEP).enumerate() {
            let mut sums = [S::splat(0.0); STEP];
            for (row, weight) in rows.iter().zip(weight.as_chunks::<3>().0) {
                let row: &[Block; STEP + 2] = row[step * STEP..].first_chunk().expect("rows have room for whole steps");
                for (pixel, sum) in sums.iter_mut().enumerate() {
                    for (offset, &weight) in weight.iter().enumerate() {
                        *sum = S::mul_add(S::load(&row[pixel + offset], part), weight, *sum);
                    }
                }
            }
            for (to, &sum) in to.iter_mut().zip(&sums) {
                S::store(sum, to, part);
            }
        }
    }
}

/// Adds, for each place of the window, the products of a row's pixels with the gradients at the window's centres.
#[inline(always)]
pub(crate) fn add_products<S: Simd, const P: usize>(rows: [&[Block]; 3], gradients: &[Block], sums: &mut [Block; 9]) {
    for part in 0..P {
        let mut found = [S::splat(0.0); 9];
        let [above, middle, below] = rows.map(|row| row.array_windows::<3>());
        for (((above, middle), below), gradient) in above.zip(middle).zip(below).zip(gradients) {
            let gradient = S::load(gradient, part);
            for (found, row) in found.as_chunks_mut::<3>().0.iter_mut().zip([above, middle, below]) {
                for (found, pixel) in found.iter_mut().zip(row) {
                    *found = S::mul_add(S::load(pixel, part), gradient, *found);
                }
            }
        }
        for (sum, &found) in sums.iter_mut().zip(&found) {
            S::store(S::add(S::load(sum, part), found), sum, part);
        }
    }
}

/// Writes a row of one block into a map's pixels, or adds it.
#[inline(always)]
pub(crate) fn put<S: Simd, const P: usize>(row: &[Block], to: &mut [Block], blocks: usize, block: usize, add: bool) {
    let length = to.len();
    for (from, to) in row.iter().zip(to[block..].chunks_mut(blocks)) {
        S::prefetch(to.as_ptr().wrapping_add(length));
        let to = &mut to[0];
        for part in 0..P {
            let value = S::load(from, part);
            S::store(if add { S::add(S::load(to, part), value) } else { value }, to, part);
        }
    }
}
