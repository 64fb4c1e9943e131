//! What the products of a convolution share: a tile of pixels times a tile of weights, and which pixel a window covers.

use cubecl::prelude::*;

use crate::stored::{LINE, Line};

/// Pixels of a tile.
pub(super) const PIXELS: usize = 64;

/// Lines of channels of a tile: one block.
pub(super) const DEPTH: usize = 4;

/// Units of a group: each has one line of channels of some pixels of the tile.
pub(super) const UNITS: usize = 64;

/// Units that share a line of channels.
pub(super) const ROWS: usize = UNITS / DEPTH;

/// Pixels of a unit.
pub(super) const EACH: usize = PIXELS / ROWS;

/// Lines from pixel to pixel of a tile in shared memory: one more than there are, so that units that read the same line
/// of different pixels read from different banks.
pub(super) const STEP: usize = DEPTH + 1;

/// The group of a convolution's kernels.
pub(super) const GROUP: CubeDim = CubeDim::new_1d(UNITS as u32);

/// How many blocks of channels a group computes, so that a tile of pixels is read less often.
pub(super) fn blocks_at_once(blocks: usize) -> usize {
    if blocks.is_multiple_of(4) {
        4
    } else if blocks.is_multiple_of(2) {
        2
    } else {
        1
    }
}

/// Rows and columns of the images on both sides of a convolution.
#[derive(CubeType, CubeLaunch)]
pub(super) struct Grid {
    height: usize,
    width: usize,
    rows: usize,
    columns: usize,
}

/// A pixel, if there is one.
#[derive(CubeType)]
pub(super) struct Place {
    pub(super) inside: bool,
    pub(super) pixel: usize,
}

#[cube]
impl Grid {
    /// The input pixel at one place of the window of an output pixel.
    pub(super) fn covered(
        &self,
        pixel: usize,
        tap: usize,
        #[comptime] kernel: usize,
        #[comptime] stride: usize,
    ) -> Place {
        let half = kernel / 2;
        let x = pixel % self.columns * stride + tap % kernel;
        let y = pixel / self.columns % self.rows * stride + tap / kernel;
        let image = pixel / (self.columns * self.rows);
        let inside = y >= half && y < self.height + half && x >= half && x < self.width + half;
        Place { inside, pixel: (image * self.height + y - half) * self.width + x - half }
    }

    /// The output pixel whose window has an input pixel at one place.
    pub(super) fn covering(
        &self,
        pixel: usize,
        tap: usize,
        #[comptime] kernel: usize,
        #[comptime] stride: usize,
    ) -> Place {
        let half = kernel / 2;
        let x = pixel % self.width + half;
        let y = pixel / self.width % self.height + half;
        let image = pixel / (self.width * self.height);
        let left = tap % kernel;
        let top = tap / kernel;
        let mut inside = x >= left && y >= top;
        // Where it is not inside, these numbers mean nothing and are not used.
        let x = x - left;
        let y = y - top;
        inside = inside && x.is_multiple_of(stride) && y.is_multiple_of(stride);
        let column = x / stride;
        let row = y / stride;
        inside = inside && column < self.columns && row < self.rows;
        Place { inside, pixel: (image * self.rows + row) * self.columns + column }
    }
}

/// Adds to each unit's sums, `[EACH, wide]`, the products of its pixels with the tile of weights, over so many lines.
#[cube]
pub(super) fn multiply(
    pixels: &Shared<[Line]>,
    weights: &Shared<[Line]>,
    sums: &mut Array<Line>,
    lines: usize,
    #[comptime] wide: usize,
) {
    let unit = UNIT_POS as usize;
    for part in 0..lines {
        #[unroll]
        for lane in 0..LINE {
            let row = (part * LINE + lane) * DEPTH * wide + unit % DEPTH;
            #[unroll]
            for each in 0..EACH {
                let value = pixels[(unit / DEPTH + each * ROWS) * STEP + part].extract(lane);
                #[unroll]
                for block in 0..wide {
                    let weight = weights[row + block * DEPTH];
                    sums[each * wide + block] = fma(Line::new(value), weight, sums[each * wide + block]);
                }
            }
        }
    }
}

/// Sums of nothing yet.
#[cube]
pub(super) fn nothing(#[comptime] count: usize) -> Array<Line> {
    let mut sums = Array::<Line>::new(count);
    #[unroll]
    for index in 0..count {
        sums[index] = Line::new(0.0);
    }
    sums
}
