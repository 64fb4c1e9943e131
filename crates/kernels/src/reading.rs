//! Maps as they are read: scale, shift and ReLU on the way in, and the gradient of them on the way back.

use crate::block::Block;
use crate::simd::Simd;

/// What is applied to a map by whatever reads it: `max(floor, scale x + shift)`, each channel with its own numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// One value a channel; zero past the last.
    pub scale: Vec<Block>,
    /// One value a channel; zero past the last.
    pub shift: Vec<Block>,
    /// Zero for a ReLU, minus infinity for none.
    pub floor: f32,
}

/// A map, or whole images of it, as `[pixels, blocks]`, and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The values in memory.
    pub map: &'a [Block],
    /// Blocks of a pixel.
    pub blocks: usize,
    /// Channels of a pixel; what is left of the last block is padding.
    pub channels: usize,
    /// What is applied; `None` for the values as they are.
    pub activation: Option<&'a Activation>,
}

/// How the gradient of a normalised map becomes that of the map before its normalisation:
/// `scale (g where the ReLU let through) + slope z + offset`, with batch statistics as functions of the map.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficients {
    /// gamma / standard deviation; one value a channel.
    pub scale: Vec<Block>,
    /// What the variance's dependence on the map takes.
    pub slope: Vec<Block>,
    /// What the mean's dependence on the map takes.
    pub offset: Vec<Block>,
}

/// The gradient of the loss with respect to a map, `[pixels, blocks]`.
#[derive(Clone, Copy, Debug)]
pub struct Slope<'a> {
    /// With respect to the map as it is read.
    pub gradient: &'a [Block],
    /// Blocks of a pixel.
    pub blocks: usize,
    /// The map, its activation and the way back through its normalisation; `None` for a map that is read as it is.
    pub normalized: Option<(&'a [Block], &'a Activation, &'a Coefficients)>,
}

/// Part of a matrix `[pixels, pitch]`: where its next channels go.
pub(crate) struct Columns<'a> {
    pub(crate) matrix: &'a mut [Block],
    pub(crate) pitch: usize,
    pub(crate) at: usize,
}

impl<'a> Reading<'a> {
    /// The pixels from `first` on, `count` of them.
    pub fn pixels(self, first: usize, count: usize) -> Reading<'a> {
        Reading { map: &self.map[first * self.blocks..][..count * self.blocks], ..self }
    }

    /// Writes all its pixels into some columns of a matrix.
    #[inline(always)]
    pub(crate) fn read<S: Simd, const P: usize>(self, to: Columns) {
        let Columns { matrix, pitch, at } = to;
        let Some(activation) = self.activation else {
            for (from, to) in self.map.chunks_exact(self.blocks).zip(matrix.chunks_exact_mut(pitch)) {
                to[at..at + self.blocks].copy_from_slice(from);
            }
            return;
        };
        let floor = S::splat(activation.floor);
        for block in 0..self.blocks {
            let (scale, shift) = (&activation.scale[block], &activation.shift[block]);
            for part in 0..P {
                let (scale, shift) = (S::load(scale, part), S::load(shift, part));
                for (from, to) in self.map.chunks_exact(self.blocks).zip(matrix.chunks_exact_mut(pitch)) {
                    let value = S::max(floor, S::mul_add(S::load(&from[block], part), scale, shift));
                    S::store(value, &mut to[at + block], part);
                }
            }
        }
    }
}

impl Reading<'_> {
    /// Writes one block of each of its pixels into a row.
    #[inline(always)]
    pub(crate) fn read_block<S: Simd, const P: usize>(self, block: usize, to: &mut [Block]) {
        let Some(activation) = self.activation else {
            for (from, to) in self.map.chunks_exact(self.blocks).zip(to) {
                *to = from[block];
            }
            return;
        };
        let floor = S::splat(activation.floor);
        for part in 0..P {
            let scale = S::load(&activation.scale[block], part);
            let shift = S::load(&activation.shift[block], part);
            for (from, to) in self.map.chunks_exact(self.blocks).zip(&mut *to) {
                S::store(S::max(floor, S::mul_add(S::load(&from[block], part), scale, shift)), to, part);
            }
        }
    }
}

impl<'a> Slope<'a> {
    /// The pixels from `first` on, `count` of them.
    pub fn pixels(self, first: usize, count: usize) -> Slope<'a> {
        let cut = |map: &'a [Block]| &map[first * self.blocks..][..count * self.blocks];
        let normalized = self.normalized.map(|(map, activation, coefficients)| (cut(map), activation, coefficients));
        Slope { gradient: cut(self.gradient), normalized, ..self }
    }

    /// Writes the gradient before the normalisation into some columns of a matrix.
    #[inline(always)]
    pub(crate) fn read<S: Simd, const P: usize>(self, to: Columns) {
        let Columns { matrix, pitch, at } = to;
        let Some((map, activation, coefficients)) = self.normalized else {
            for (from, to) in self.gradient.chunks_exact(self.blocks).zip(matrix.chunks_exact_mut(pitch)) {
                to[at..at + self.blocks].copy_from_slice(from);
            }
            return;
        };
        let (floor, zero) = (S::splat(activation.floor), S::splat(0.0));
        for block in 0..self.blocks {
            for part in 0..P {
                let (scale, shift) = (S::load(&activation.scale[block], part), S::load(&activation.shift[block], part));
                let outer = S::load(&coefficients.scale[block], part);
                let slope = S::load(&coefficients.slope[block], part);
                let offset = S::load(&coefficients.offset[block], part);
                let pixels = self.gradient.chunks_exact(self.blocks).zip(map.chunks_exact(self.blocks));
                for ((gradient, map), to) in pixels.zip(matrix.chunks_exact_mut(pitch)) {
                    let value = S::load(&map[block], part);
                    let active = S::mul_add(value, scale, shift);
                    let gradient = S::if_greater(active, floor, S::load(&gradient[block], part), zero);
                    let result = S::mul_add(gradient, outer, S::mul_add(value, slope, offset));
                    S::store(result, &mut to[at + block], part);
                }
            }
        }
    }

    /// Writes one block of the gradient before the normalisation of each of its pixels into a row, `step` blocks apart.
    #[inline(always)]
    pub(crate) fn read_block<S: Simd, const P: usize>(self, block: usize, to: &mut [Block], step: usize) {
        let Some((map, activation, coefficients)) = self.normalized else {
            for (from, to) in self.gradient.chunks_exact(self.blocks).zip(to.iter_mut().step_by(step)) {
                *to = from[block];
            }
            return;
        };
        let (floor, zero) = (S::splat(activation.floor), S::splat(0.0));
        for part in 0..P {
            let (scale, shift) = (S::load(&activation.scale[block], part), S::load(&activation.shift[block], part));
            let outer = S::load(&coefficients.scale[block], part);
            let slope = S::load(&coefficients.slope[block], part);
            let offset = S::load(&coefficients.offset[block], part);
            let pixels = self.gradient.chunks_exact(self.blocks).zip(map.chunks_exact(self.blocks));
            for ((gradient, map), to) in pixels.zip(to.iter_mut().step_by(step)) {
                let value = S::load(&map[block], part);
                let active = S::mul_add(value, scale, shift);
                let gradient = S::if_greater(active, floor, S::load(&gradient[block], part), zero);
                S::store(S::mul_add(gradient, outer, S::mul_add(value, slope, offset)), to, part);
            }
        }
    }
}
