//! Convolutions over all channels of maps that lie one behind the other, padded by half their kernel.
//!
//! A 1x1 convolution is the kernel of one pixel, and a fully connected layer the one over images of one pixel. The
//! kernels are compiled for the side of the window, its step and the number of maps, so a 1x1 convolution pays nothing
//! for what a larger window needs. They multiply tiles of pixels with tiles of weights, both in the memory that the units
//! of a group share.

mod forward;
mod input_gradient;
mod tile;
mod weight_gradient;

pub use forward::forward;
pub use input_gradient::{Product, input_gradient};
pub use weight_gradient::weight_gradient;

use cubecl::prelude::CubeCount;

use crate::pitch;

/// Maps that one launch reads. A longer list takes several launches, each adding to what the one before gave: so there
/// are few variants of a kernel, and none binds more than the 31 buffers that the most modest drivers allow.
const MAPS: usize = 8;

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
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

    /// Pixels of the output for so many pixels of the input.
    ///
    /// Panics when these are not whole images.
    fn outputs(self, pixels: usize) -> usize {
        let (rows, columns) = self.output();
        let image = self.height * self.width;
        assert!(self.kernel % 2 == 1, "the side of a kernel is odd, not {}", self.kernel);
        assert!(pixels.is_multiple_of(image), "{pixels} pixels are no images of {image}");
        pixels / image * rows * columns
    }

    /// Groups of units for so many pixels and blocks of channels, `wide` of them at once. Drivers number 65,535 groups in
    /// a direction, so tiles of pixels go on in the third.
    fn groups(pixels: usize, blocks: usize, wide: usize) -> CubeCount {
        let tiles = pixels.div_ceil(tile::PIXELS);
        let across = tiles.min(usize::from(u16::MAX));
        CubeCount::Static(across as u32, (blocks / wide) as u32, tiles.div_ceil(across.max(1)) as u32)
    }

    fn launch(self) -> tile::GridLaunch {
        let (rows, columns) = self.output();
        tile::GridLaunch::new(self.height, self.width, rows, columns)
    }
}

/// How the weights of a convolution lie on the device: `[kernel, kernel, sum of the inputs' pitches, pitch]`, zeros where
/// a channel is padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Channels of each input.
    pub inputs: Vec<usize>,
    /// Channels of the output.
    pub outputs: usize,
    /// Side of the kernel.
    pub kernel: usize,
}

impl Layout {
    /// Values on the device.
    pub fn values(&self) -> usize {
        self.kernel * self.kernel * self.depth() * pitch(self.outputs)
    }

    /// Lays out a weight `[outputs, sum of inputs, kernel, kernel]`.
    ///
    /// Panics when the weight has another size.
    pub fn pack(&self, weight: &[f32]) -> Vec<f32> {
        let expected = self.kernel * self.kernel * self.inputs.iter().sum::<usize>() * self.outputs;
        assert!(weight.len() == expected, "{} weights are not {expected}", weight.len());
        let mut packed = vec![0.0; self.values()];
        self.places().zip(weight).for_each(|(place, &value)| packed[place] = value);
        packed
    }

    /// The other way.
    pub fn unpack(&self, packed: &[f32]) -> Vec<f32> {
        self.places().map(|place| packed[place]).collect()
    }

    /// Channels in memory of all inputs.
    fn depth(&self) -> usize {
        self.inputs.iter().map(|&channels| pitch(channels)).sum()
    }

    /// The place on the device of each weight, in the order `[outputs, inputs, kernel, kernel]`.
    fn places(&self) -> impl Iterator<Item = usize> {
        let (taps, depth, pitch_out) = (self.kernel * self.kernel, self.depth(), pitch(self.outputs));
        let mut rows = Vec::new();
        let mut first = 0;
        for &channels in &self.inputs {
            rows.extend(first..first + channels);
            first += pitch(channels);
        }
        (0..self.outputs).flat_map(move |output| {
            rows.clone()
                .into_iter()
                .flat_map(move |row| (0..taps).map(move |tap| (tap * depth + row) * pitch_out + output))
        })
    }
}
