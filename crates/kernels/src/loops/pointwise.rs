//! 1x1 convolution as a matrix product for each image, forward and backward.
//!
//! A general matrix library packs its operands first, which costs as much as the product itself for the few channels of
//! these networks. Here the weights alone are packed, once a call, and the feature maps are read where they lie.

use super::chunks;
use super::vectorised::{Arithmetic, vectorised};

/// Output channels of a tile of the product.
const TILE: usize = 4;

/// Pixels of a tile of the product: with [`TILE`] output channels, twelve vectors of eight sums stay in registers.
const PIXELS: usize = 24;

/// Input channels of a block of the weight gradient.
const BLOCK: usize = 3;

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    pub(crate) input: usize,
    pub(crate) output: usize,
    /// Pixels of one channel of one image.
    pub(crate) plane: usize,
}

/// Weights in the order the product reads them: for each group of [`TILE`] output channels and each input channel, the
/// weights of the group, zero past the last channel.
pub(crate) struct Packed {
    groups: Vec<[f32; TILE]>,
    input: usize,
}

impl Packed {
    /// Packs `weight(output, input)`.
    pub(crate) fn new(output: usize, input: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let value = |o: usize, i: usize| if o < output { weight(o, i) } else { 0.0 };
        let group = |group: usize| (0..input).map(move |i| std::array::from_fn(|o| value(group * TILE + o, i)));
        Self { groups: (0..output.div_ceil(TILE)).flat_map(group).collect(), input }
    }
}

/// The convolution of `x` with `weight` `[output, input]`.
pub(crate) fn forward(x: &[f32], weight: &[f32], sizes: Sizes) -> Vec<f32> {
    let packed = Packed::new(sizes.output, sizes.input, |o, i| weight[o * sizes.input + i]);
    multiply(x, &packed, sizes.batch, sizes.output, sizes.plane)
}

/// The gradient with respect to `x`.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], sizes: Sizes) -> Vec<f32> {
    let packed = Packed::new(sizes.input, sizes.output, |i, o| weight[o * sizes.input + i]);
    multiply(dy, &packed, sizes.batch, sizes.input, sizes.plane)
}

fn multiply(x: &[f32], packed: &Packed, batch: usize, output: usize, plane: usize) -> Vec<f32> {
    let mut y = vec![0.0; batch * output * plane];
    let images = chunks::images_per_chunk(batch);
    chunks::for_each(&mut y, images * output * plane, |chunk, y| {
        let x = &x[chunk * images * packed.input * plane..];
        for (y, x) in y.chunks_exact_mut(output * plane).zip(x.chunks_exact(packed.input * plane)) {
            product(packed, x, y, plane);
        }
    });
    y
}

/// The gradient with respect to `weight`.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { batch, input, output, plane } = sizes;
    let images = chunks::images_per_chunk(batch);
    let mut partial = vec![0.0; chunks::count(batch) * output * input];
    chunks::for_each(&mut partial, output * input, |chunk, sums| {
        let count = images.min(batch - chunk * images);
        let x = &x[chunk * images * input * plane..][..count * input * plane];
        let dy = &dy[chunk * images * output * plane..][..count * output * plane];
        add_outer_products(x, dy, sizes, sums);
    });
    chunks::total(&partial, output * input)
}

vectorised! {
    /// The product of the weights with the `[input, plane]` matrix of one image.
    pub(crate) fn product<A>(packed: &Packed, x: &[f32], y: &mut [f32], plane: usize) {
        let mut edge = Vec::new();
        for start in (0..plane).step_by(PIXELS) {
            let count = PIXELS.min(plane - start);
            let (tile, pitch) = if count == PIXELS {
                (&x[start..], plane)
            } else {
                // The pixels that do not fill a tile are copied to one.
                edge.resize(packed.input * PIXELS, 0.0);
                for (row, x) in edge.chunks_exact_mut(PIXELS).zip(x.chunks_exact(plane)) {
                    row[..count].copy_from_slice(&x[start..]);
                }
                (&edge[..], PIXELS)
            };
            let groups = packed.groups.chunks_exact(packed.input).zip(y.chunks_mut(TILE * plane));
            for (weights, y) in groups {
                let sums = tile_product::<A>(weights, tile, pitch);
                for (y, sums) in y.chunks_exact_mut(plane).zip(&sums) {
                    if count == PIXELS {
                        y[start..start + PIXELS].copy_from_slice(sums);
                    } else {
                        y[start..].copy_from_slice(&sums[..count]);
                    }
                }
            }
        }
    }
}

/// The product of a group of weights with a tile of pixels; the tile's rows are `pitch` apart.
#[inline(always)]
fn tile_product<A: Arithmetic>(weights: &[[f32; TILE]], x: &[f32], pitch: usize) -> [[f32; PIXELS]; TILE] {
    let mut sums = [[0.0; PIXELS]; TILE];
    for (weights, row) in weights.iter().zip(x.chunks(pitch)) {
        let row: &[f32; PIXELS] = row.first_chunk().expect("a tile's rows are whole");
        for (sums, &weight) in sums.iter_mut().zip(weights) {
            for (sum, &pixel) in sums.iter_mut().zip(row) {
                *sum = A::multiply_add(weight, pixel, *sum);
            }
        }
    }
    sums
}

vectorised! {
    /// Adds to `sums` `[output, input]` the products of each output channel's gradient with each input channel, over all
    /// pixels of the images in `x` and `dy`.
    pub(crate) fn add_outer_products<A>(x: &[f32], dy: &[f32], sizes: Sizes, sums: &mut [f32]) {
        let Sizes { input, output, plane, .. } = sizes;
        for i in (0..input).step_by(BLOCK) {
            for o in (0..output).step_by(TILE) {
                let mut lanes = [[[0.0; 8]; BLOCK]; TILE];
                for (x, dy) in x.chunks_exact(input * plane).zip(dy.chunks_exact(output * plane)) {
                    // A block over the edge repeats the last channel; what comes of it is dropped.
                    let x = std::array::from_fn(|k| &x[(i + k).min(input - 1) * plane..][..plane]);
                    let dy = std::array::from_fn(|k| &dy[(o + k).min(output - 1) * plane..][..plane]);
                    add_block::<A>(x, dy, &mut lanes);
                }
                for (o, lanes) in (o..output).zip(&lanes) {
                    for (i, lanes) in (i..input).zip(lanes) {
                        sums[o * input + i] += lanes.iter().sum::<f32>();
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn add_block<A: Arithmetic>(x: [&[f32]; BLOCK], dy: [&[f32]; TILE], lanes: &mut [[[f32; 8]; BLOCK]; TILE]) {
    let mut sums = *lanes;
    let whole = x[0].len() / 8;
    let x_vectors = x.map(|row| &row.as_chunks::<8>().0[..whole]);
    let dy_vectors = dy.map(|row| &row.as_chunks::<8>().0[..whole]);
    for p in 0..whole {
        let x: [[f32; 8]; BLOCK] = std::array::from_fn(|k| x_vectors[k][p]);
        for o in 0..TILE {
            let dy = dy_vectors[o][p];
            for i in 0..BLOCK {
                for lane in 0..8 {
                    sums[o][i][lane] = A::multiply_add(dy[lane], x[i][lane], sums[o][i][lane]);
                }
            }
        }
    }
    if whole * 8 < x[0].len() {
        let x = x.map(|row| last_vector(&row[whole * 8..]));
        let dy = dy.map(|row| last_vector(&row[whole * 8..]));
        for o in 0..TILE {
            for i in 0..BLOCK {
                for lane in 0..8 {
                    sums[o][i][lane] = A::multiply_add(dy[o][lane], x[i][lane], sums[o][i][lane]);
                }
            }
        }
    }
    *lanes = sums;
}

/// The last pixels of a row, filled up with zeros.
#[inline(always)]
fn last_vector(rest: &[f32]) -> [f32; 8] {
    let mut vector = [0.0; 8];
    vector[..rest.len()].copy_from_slice(rest);
    vector
}
