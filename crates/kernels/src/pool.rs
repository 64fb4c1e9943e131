//! 3x3 pools of stride 1, padded by one pixel, and the mean over all pixels.

use crate::block::{BLOCK, Block, values_mut};
use crate::reading::Reading;
use crate::scratch;
use crate::simd::{Simd, dispatched};
use crate::window::{Ring, ahead, put};

/// For each channel of a block, which place of the window held the largest value: 0 to 8, row by row.
pub type Winners = [u8; BLOCK];

/// Of no place of any window.
const NOBODY: f32 = 9.0;

dispatched! {
    /// The largest value of the image under the window around each pixel, and where it was: the first of equal ones.
    /// What is not a number is passed over.
    pub fn max_forward<S, P, X>(input: Reading, height: usize, width: usize, output: &mut [Block], winners: &mut [Winners]) {
        let blocks = input.blocks;
        let mut pixels = scratch::take(width + 2);
        // Of each row, the largest of three neighbours and which of them it is.
        let (mut largest, mut places) = (Ring::new(width, f32::NEG_INFINITY), Ring::new(width, 0.0));
        let images = output.chunks_exact_mut(height * width * blocks).zip(winners.chunks_exact_mut(height * width * blocks));
        for (image, (output, winners)) in images.enumerate() {
            for block in 0..blocks {
                largest.outside(-1);
                for y in 0..=height {
                    if y < height {
                        pixels[0] = Block::splat(f32::NEG_INFINITY);
                        pixels[width + 1] = pixels[0];
                        let row = input.pixels((image * height + y) * width, width);
                        row.read_block::<S, P>(block, &mut pixels[1..=width]);
                        largest_in_row::<S, P>(&pixels[..width + 2], largest.row(y as isize), places.row(y as isize));
                    } else {
                        largest.outside(y as isize);
                    }
                    let Some(y) = y.checked_sub(1) else { continue };
                    ahead::<S>(output, block * height + y, width);
                    let row = y * width * blocks..(y + 1) * width * blocks;
                    let (output, winners) = (&mut output[row.clone()][block..], &mut winners[row][block..]);
                    let rows = [largest.around(y), places.around(y)].map(|rows| rows.map(|row| &row[1..=width]));
                    largest_of_rows::<S, P>(rows, output.iter_mut().step_by(blocks).zip(winners.iter_mut().step_by(blocks)));
                }
            }
        }
    }
}

/// The largest of each pixel and its neighbours to the left and right, and which of the three it is, from 0.
#[inline(always)]
fn largest_in_row<S: Simd, const P: usize>(pixels: &[Block], largest: &mut [Block], places: &mut [Block]) {
    for (window, (to, place)) in pixels.array_windows::<3>().zip(largest.iter_mut().zip(places)) {
        for part in 0..P {
            let (mut best, mut at) = (S::splat(f32::NEG_INFINITY), S::splat(0.0));
            for (pixel, number) in window.iter().zip([0.0, 1.0, 2.0]) {
                let value = S::load(pixel, part);
                at = S::if_greater(value, best, S::splat(number), at);
                best = S::max(value, best);
            }
            S::store(best, to, part);
            S::store(at, place, part);
        }
    }
}

/// The largest of three rows' largest, and its place in the whole window.
#[inline(always)]
fn largest_of_rows<'a, S: Simd, const P: usize>(
    [largest, places]: [[&[Block]; 3]; 2],
    to: impl Iterator<Item = (&'a mut Block, &'a mut Winners)>,
) {
    for (x, (to, winners)) in to.enumerate() {
        for part in 0..P {
            let (mut best, mut at) = (S::splat(f32::NEG_INFINITY), S::splat(0.0));
            for ((largest, places), first) in largest.iter().zip(places).zip([0.0, 3.0, 6.0]) {
                let value = S::load(&largest[x], part);
                let place = S::add(S::load(&places[x], part), S::splat(first));
                at = S::if_greater(value, best, place, at);
                best = S::max(value, best);
            }
            S::store(best, to, part);
            S::store_bytes(at, winners, part);
        }
    }
}

dispatched! {
    /// The gradient with respect to the input of a max pool: what each pixel won. Written to `target` or added to it.
    pub fn max_backward<S, P, X>(gradient: &[Block], winners: &[Winners], blocks: usize, height: usize, width: usize, target: &mut [Block], add: bool) {
        let mut gradients = Ring::new(width, 0.0);
        let mut places = Ring::new(width, NOBODY);
        let mut result = scratch::take(width);
        for (image, target) in target.chunks_exact_mut(height * width * blocks).enumerate() {
            for block in 0..blocks {
                gradients.outside(-1);
                places.outside(-1);
                for y in 0..=height {
                    if y < height {
                        let size = height * width * blocks;
                        ahead::<S>(&gradient[image * size..][..size], block * height + y, width);
                        let pixels = (image * height + y) * width * blocks..(image * height + y + 1) * width * blocks;
                        let rows = gradient[pixels.clone()].chunks_exact(blocks).zip(winners[pixels].chunks_exact(blocks));
                        let to = gradients.row(y as isize)[..width].iter_mut().zip(&mut places.row(y as isize)[..width]);
                        for ((gradient, winners), (to, places)) in rows.zip(to) {
                            *to = gradient[block];
                            for (to, &place) in places.0.iter_mut().zip(&winners[block]) {
                                *to = f32::from(place);
                            }
                        }
                    } else {
                        gradients.outside(y as isize);
                        places.outside(y as isize);
                    }
                    let Some(y) = y.checked_sub(1) else { continue };
                    ahead::<S>(target, block * height + y, width);
                    won::<S, P>(gradients.around(y), places.around(y), &mut result);
                    put::<S, P>(&result, &mut target[y * width * blocks..][..width * blocks], blocks, block, add);
                }
            }
        }
    }
}

/// A pixel is the last place of the window around its upper left neighbour, and so on to the first place of the window
/// around its lower right one.
#[inline(always)]
fn won<S: Simd, const P: usize>(gradients: [&[Block]; 3], places: [&[Block]; 3], to: &mut [Block]) {
    for part in 0..P {
        for (x, to) in to.iter_mut().enumerate() {
            let mut sum = S::splat(0.0);
            let mut number = 8.0;
            for (gradients, places) in gradients.iter().zip(places) {
                let windows = gradients[x..x + 3].iter().zip(&places[x..x + 3]);
                for (gradient, place) in windows {
                    let place = S::load(place, part);
                    sum = S::add(sum, S::if_equal(place, S::splat(number), S::load(gradient, part)));
                    number -= 1.0;
                }
            }
            S::store(sum, to, part);
        }
    }
}

/// One over the number of real pixels under the window around a pixel.
fn share(y: usize, x: usize, height: usize, width: usize) -> f32 {
    let along = |at: usize, length: usize| 1 + usize::from(at > 0) + usize::from(at + 1 < length);
    1.0 / (along(y, height) * along(x, width)) as f32
}

dispatched! {
    /// The mean of the image's pixels under the window around each pixel.
    pub fn avg_forward<S, P, X>(input: Reading, height: usize, width: usize, output: &mut [Block]) {
        let blocks = input.blocks;
        let mut ring = Ring::new(width, 0.0);
        let mut result = scratch::take(width);
        for (image, output) in output.chunks_exact_mut(height * width * blocks).enumerate() {
            for block in 0..blocks {
                ring.outside(-1);
                for y in 0..=height {
                    ring.read::<S, P>(input, block, image, y, (height, width));
                    let Some(y) = y.checked_sub(1) else { continue };
                    ahead::<S>(output, block * height + y, width);
                    sum_windows::<S, P>(ring.around(y), &mut result);
                    for (x, result) in result.iter_mut().enumerate() {
                        scale::<S, P>(result, share(y, x, height, width));
                    }
                    put::<S, P>(&result, &mut output[y * width * blocks..][..width * blocks], blocks, block, false);
                }
            }
        }
    }
}

dispatched! {
    /// The gradient with respect to the input of an average pool. Written to `target` or added to it.
    pub fn avg_backward<S, P, X>(gradient: &[Block], blocks: usize, height: usize, width: usize, target: &mut [Block], add: bool) {
        let mut ring = Ring::new(width, 0.0);
        let mut result = scratch::take(width);
        for (image, target) in target.chunks_exact_mut(height * width * blocks).enumerate() {
            for block in 0..blocks {
                ring.outside(-1);
                for y in 0..=height {
                    if y < height {
                        let size = height * width * blocks;
                        ahead::<S>(&gradient[image * size..][..size], block * height + y, width);
                        let pixels = gradient[(image * height + y) * width * blocks..][..width * blocks].chunks_exact(blocks);
                        for ((x, from), to) in pixels.enumerate().zip(ring.row(y as isize)) {
                            *to = from[block];
                            scale::<S, P>(to, share(y, x, height, width));
                        }
                    } else {
                        ring.outside(y as isize);
                    }
                    let Some(y) = y.checked_sub(1) else { continue };
                    ahead::<S>(target, block * height + y, width);
                    sum_windows::<S, P>(ring.around(y), &mut result);
                    put::<S, P>(&result, &mut target[y * width * blocks..][..width * blocks], blocks, block, add);
                }
            }
        }
    }
}

#[inline(always)]
fn scale<S: Simd, const P: usize>(block: &mut Block, factor: f32) {
    for part in 0..P {
        S::store(S::mul(S::load(block, part), S::splat(factor)), block, part);
    }
}

#[inline(always)]
fn sum_windows<S: Simd, const P: usize>(rows: [&[Block]; 3], to: &mut [Block]) {
    for part in 0..P {
        let (mut left, mut middle) = (column_sum::<S, P>(rows, 0, part), column_sum::<S, P>(rows, 1, part));
        for (x, to) in to.iter_mut().enumerate() {
            let right = column_sum::<S, P>(rows, x + 2, part);
            S::store(S::add(S::add(left, middle), right), to, part);
            (left, middle) = (middle, right);
        }
    }
}

#[inline(always)]
fn column_sum<S: Simd, const P: usize>(rows: [&[Block]; 3], x: usize, part: usize) -> S::Register {
    let [above, middle, below] = rows;
    S::add(S::add(S::load(&above[x], part), S::load(&middle[x], part)), S::load(&below[x], part))
}

dispatched! {
    /// The mean over all pixels of each image.
    pub fn global_forward<S, P, X>(input: Reading, pixels: usize, output: &mut [Block]) {
        let blocks = input.blocks;
        let mut row = vec![Block::ZERO; pixels];
        for (image, output) in output.chunks_exact_mut(blocks).enumerate() {
            for (block, output) in output.iter_mut().enumerate() {
                input.pixels(image * pixels, pixels).read_block::<S, P>(block, &mut row);
                let mut sum = [0.0f64; BLOCK];
                for pixel in &row {
                    sum.iter_mut().zip(&pixel.0).for_each(|(sum, &value)| *sum += f64::from(value));
                }
                output.0 = sum.map(|sum| (sum / pixels as f64) as f32);
            }
        }
    }
}

/// The gradient with respect to the input of a global average pool. Written to `target` or added to it.
pub fn global_backward(gradient: &[Block], blocks: usize, pixels: usize, target: &mut [Block], add: bool) {
    let share = 1.0 / pixels as f32;
    for (gradient, target) in gradient.chunks_exact(blocks).zip(target.chunks_exact_mut(pixels * blocks)) {
        for target in target.chunks_exact_mut(blocks) {
            let pairs = values_mut(target).iter_mut().zip(crate::block::values(gradient));
            pairs.for_each(|(target, &gradient)| *target = gradient * share + if add { *target } else { 0.0 });
        }
    }
}
