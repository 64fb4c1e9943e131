//! Maps as they are read: scale, shift and ReLU on the way in, and the gradient of them on the way back.

use crate::block::Block;
use crate::simd::Simd;
use crate::window::ahead;

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
            copy::<S, P>(self.map, self.blocks, Columns { matrix, pitch, at });
            return;
        };
        let floor = S::splat(activation.floor);
        for block in 0..self.blocks {
            let [scale, shift] = load::<S, P, 2>([&activation.scale[block], &activation.shift[block]]);
            let pixels = self.map[block..].chunks(self.blocks).zip(matrix[at + block..].chunks_mut(pitch));
            for (from, to) in pixels {
                S::prefetch(from.as_ptr().wrapping_add(self.map.len()));
                for part in 0..P {
                    let value = S::mul_add(S::load(&from[0], part), scale[part], shift[part]);
                    S::store(S::max(floor, value), &mut to[0], part);
                }
            }
        }
    }
}

/// Writes pixels of so many blocks into some columns of a matrix, as they are.
#[inline(always)]
fn copy<S: Simd, const P: usize>(map: &[Block], blocks: usize, to: Columns) {
    let Columns { matrix, pitch, at } = to;
    for (from, to) in map.chunks_exact(blocks).zip(matrix.chunks_exact_mut(pitch)) {
        for (from, to) in from.iter().zip(&mut to[at..at + blocks]) {
            S::prefetch((from as *const Block).wrapping_add(map.len()));
            for part in 0..P {
                S::store(S::load(from, part), to, part);
            }
        }
    }
}

/// The registers of some blocks.
#[inline(always)]
fn load<S: Simd, const P: usize, const N: usize>(blocks: [&Block; N]) -> [[S::Register; P]; N] {
    let mut registers = [[S::splat(0.0); P]; N];
    for (registers, block) in registers.iter_mut().zip(blocks) {
        for (part, register) in registers.iter_mut().enumerate() {
            *register = S::load(block, part);
        }
    }
    registers
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
        let [scale, shift] = load::<S, P, 2>([&activation.scale[block], &activation.shift[block]]);
        for (from, to) in self.map[block..].chunks(self.blocks).zip(to) {
            S::prefetch(from.as_ptr().wrapping_add(self.map.len()));
            for part in 0..P {
                let value = S::mul_add(S::load(&from[0], part), scale[part], shift[part]);
                S::store(S::max(floor, value), to, part);
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

    /// As [`ahead`] of all that is read, while image `image` of so many pixels is worked on.
    #[inline(always)]
    pub(crate) fn ahead<S: Simd>(self, image: usize, pixels: usize, row: usize, columns: usize) {
        let size = pixels * self.blocks;
        ahead::<S>(&self.gradient[image * size..][..size], row, columns);
        if let Some((map, ..)) = self.normalized {
            ahead::<S>(&map[image * size..][..size], row, columns);
        }
    }

    /// Writes the gradient before the normalisation into some columns of a matrix.
    #[inline(always)]
    pub(crate) fn read<S: Simd, const P: usize>(self, to: Columns) {
        let Columns { matrix, pitch, at } = to;
        let Some((map, activation, coefficients)) = self.normalized else {
            copy::<S, P>(self.gradient, self.blocks, Columns { matrix, pitch, at });
            return;
        };
        for block in 0..self.blocks {
            let way = Way::<S, P>::of(activation, coefficients, block);
            let pixels = self.gradient[block..].chunks(self.blocks).zip(map[block..].chunks(self.blocks));
            for ((gradient, map), to) in pixels.zip(matrix[at + block..].chunks_mut(pitch)) {
                S::prefetch(gradient.as_ptr().wrapping_add(self.gradient.len()));
                S::prefetch(map.as_ptr().wrapping_add(self.gradient.len()));
                way.take(&gradient[0], &map[0], &mut to[0]);
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
        let way = Way::<S, P>::of(activation, coefficients, block);
        let pixels = self.gradient[block..].chunks(self.blocks).zip(map[block..].chunks(self.blocks));
        for ((gradient, map), to) in pixels.zip(to.iter_mut().step_by(step)) {
            S::prefetch(gradient.as_ptr().wrapping_add(self.gradient.len()));
            S::prefetch(map.as_ptr().wrapping_add(self.gradient.len()));
            way.take(&gradient[0], &map[0], to);
        }
    }
}

/// The way back through an activation and its normalisation, for one block of channels.
struct Way<S: Simd, const P: usize> {
    scale: [S::Register; P],
    shift: [S::Register; P],
    outer: [S::Register; P],
    slope: [S::Register; P],
    offset: [S::Register; P],
    floor: S::Register,
}

impl<S: Simd, const P: usize> Way<S, P> {
    #[inline(always)]
    fn of(activation: &Activation, coefficients: &Coefficients, block: usize) -> Self {
        let Activation { scale, shift, floor } = activation;
        let Coefficients { scale: outer, slope, offset } = coefficients;
        let [scale, shift, outer, slope, offset] =
            load::<S, P, 5>([&scale[block], &shift[block], &outer[block], &slope[block], &offset[block]]);
        Way { scale, shift, outer, slope, offset, floor: S::splat(*floor) }
    }

    #[inline(always)]
    fn take(&self, gradient: &Block, map: &Block, to: &mut Block) {
        for part in 0..P {
            let value = S::load(map, part);
            let active = S::mul_add(value, self.scale[part], self.shift[part]);
            let gradient = S::if_greater(active, self.floor, S::load(gradient, part), S::splat(0.0));
            let rest = S::mul_add(value, self.slope[part], self.offset[part]);
            S::store(S::mul_add(gradient, self.outer[part], rest), to, part);
        }
    }
}
