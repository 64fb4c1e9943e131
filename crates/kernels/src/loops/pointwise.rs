//! 1x1 convolution as a matrix product for each image, forward and backward.
//!
//! A general matrix library packs its operands first, which costs as much as the product itself for the few channels of
//! these networks. Here the weights alone are packed, once a call, and the feature maps are read where they lie.

use super::chunks;
use super::rows::{self, PIXELS, Rows};
use super::vectorised::{Arithmetic, vectorised};

/// Output channels of a tile of the product.
const TILE: usize = 4;

/// Input channels of a block of the weight gradient, [`TILE`] output channels high.
const BLOCK: usize = 2;

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

/// The convolution of feature maps, laid one behind the other along the channels, with `weight` `[output, input]`.
pub(crate) fn forward(xs: &[&[f32]], weight: &[f32], sizes: Sizes) -> Vec<f32> {
    let packed = Packed::new(sizes.output, sizes.input, |o, i| weight[o * sizes.input + i]);
    multiply(xs, &packed, sizes)
}

/// The gradient with respect to the feature maps that give the `count` input channels from `first` on.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], sizes: Sizes, first: usize, count: usize) -> Vec<f32> {
    let packed = Packed::new(count, sizes.output, |i, o| weight[o * sizes.input + first + i]);
    multiply(&[dy], &packed, Sizes { input: sizes.output, output: count, ..sizes })
}

fn multiply(xs: &[&[f32]], packed: &Packed, sizes: Sizes) -> Vec<f32> {
    let Sizes { batch, output, plane, .. } = sizes;
    let images = chunks::images_per_chunk(batch);
    // The values one image has of each of the feature maps.
    let lengths: Vec<usize> = xs.iter().map(|x| x.len() / batch).collect();
    let cut = |from: usize, count: usize| -> Vec<&[f32]> {
        xs.iter().zip(&lengths).map(|(x, length)| &x[from * length..][..count * length]).collect()
    };
    chunks::build(batch * output * plane, images * output * plane, |chunk, y| {
        let first = chunk * images;
        if rows::can_be_read_in_place(plane) {
            for (image, y) in y.chunks_exact_mut(output * plane).enumerate() {
                product(packed, &cut(first + image, 1), plane, y, plane);
            }
            return;
        }
        let group = rows::group(plane).min(images);
        let mut from: Vec<Rows> = lengths.iter().map(|length| Rows::new(length / plane, group * plane)).collect();
        let mut to = Rows::new(output, group * plane);
        let pitch = to.pitch();
        for (index, y) in y.chunks_mut(group * output * plane).enumerate() {
            let xs = cut(first + index * group, y.len() / (output * plane));
            from.iter_mut().zip(xs).for_each(|(from, x)| from.gather(x, plane));
            let xs: Vec<&[f32]> = from.iter().map(Rows::values).collect();
            product(packed, &xs, pitch, to.values_mut(), pitch);
            to.scatter(y, plane);
        }
    })
}

/// The gradient with respect to the columns of `weight` that feature maps `x` of `sizes.input` channels meet.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { batch, input, output, plane } = sizes;
    let images = chunks::images_per_chunk(batch);
    let partial = chunks::build(chunks::count(batch) * output * input, output * input, |chunk, sums| {
        let count = images.min(batch - chunk * images);
        let x = &x[chunk * images * input * plane..][..count * input * plane];
        let dy = &dy[chunk * images * output * plane..][..count * output * plane];
        if rows::are_long(plane) {
            for (x, dy) in x.chunks_exact(input * plane).zip(dy.chunks_exact(output * plane)) {
                add_outer_products((x, input), (dy, output), plane, sums);
            }
            return;
        }
        let mut x_rows = Rows::new(input, count * plane);
        let mut dy_rows = Rows::new(output, count * plane);
        x_rows.gather(x, plane);
        dy_rows.gather(dy, plane);
        add_outer_products((x_rows.values(), input), (dy_rows.values(), output), x_rows.pitch(), sums);
    });
    chunks::total(&partial, output * input)
}

vectorised! {
    /// The product of the weights with matrices `[part of input, x_pitch]` one below the other, as a matrix
    /// `[output, y_pitch]`. The first are whole tiles wide; of the last tile what the second has room for is written.
    pub(crate) fn product<A>(packed: &Packed, xs: &[&[f32]], x_pitch: usize, y: &mut [f32], y_pitch: usize) {
        for start in (0..y_pitch).step_by(PIXELS) {
            let count = PIXELS.min(y_pitch - start);
            let groups = packed.groups.chunks_exact(packed.input).zip(y.chunks_mut(TILE * y_pitch));
            for (mut weights, y) in groups {
                let mut sums = [[0.0; PIXELS]; TILE];
                for x in xs {
                    let of_this;
                    (of_this, weights) = weights.split_at(x.len() / x_pitch);
                    sums = tile_product::<A>(of_this, &x[start..], x_pitch, sums);
                }
                for (y, sums) in y.chunks_exact_mut(y_pitch).zip(&sums) {
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

/// The sums of a tile.
type Tile = [[f32; PIXELS]; TILE];

/// Adds the product of a group of weights with a tile of pixels, whose rows are `pitch` apart.
#[inline(always)]
fn tile_product<A: Arithmetic>(weights: &[[f32; TILE]], x: &[f32], pitch: usize, mut sums: Tile) -> Tile {
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
    /// Adds to `sums` `[output, input]` the products of the rows of `dy` with the rows of `x`, over all pixels. Both come
    /// with their number of rows.
    pub(crate) fn add_outer_products<A>(x: (&[f32], usize), dy: (&[f32], usize), plane: usize, sums: &mut [f32]) {
        let ((x, input), (dy, output)) = (x, dy);
        for i in (0..input).step_by(BLOCK) {
            for o in (0..output).step_by(TILE) {
                // A block over the edge repeats the last channel; what comes of it is dropped.
                let x = |k: usize| &x[(i + k).min(input - 1) * plane..][..plane];
                let dy = |k: usize| &dy[(o + k).min(output - 1) * plane..][..plane];
                let lanes = block_products::<A>([x(0), x(1)], [dy(0), dy(1), dy(2), dy(3)]);
                for (o, lanes) in (o..output).zip(&lanes) {
                    for (i, lanes) in (i..input).zip(lanes) {
                        sums[o * input + i] += lanes.iter().sum::<f32>();
                    }
                }
            }
        }
    }
}

/// Lane by lane sums of the products of each output channel's gradient with each input channel of a block.
type Lanes = [[[f32; 8]; BLOCK]; TILE];

#[inline(always)]
fn block_products<A: Arithmetic>([x0, x1]: [&[f32]; BLOCK], [dy0, dy1, dy2, dy3]: [&[f32]; TILE]) -> Lanes {
    let whole = x0.len() / 8;
    let vectors = |row| first_vectors(row, whole);
    let (x0s, x1s) = (vectors(x0), vectors(x1));
    let (dy0s, dy1s, dy2s, dy3s) = (vectors(dy0), vectors(dy1), vectors(dy2), vectors(dy3));
    let mut sums = [[[0.0; 8]; BLOCK]; TILE];
    for p in 0..whole {
        add_vectors::<A>([x0s[p], x1s[p]], [dy0s[p], dy1s[p], dy2s[p], dy3s[p]], &mut sums);
    }
    if whole * 8 < x0.len() {
        let last = |row: &[f32]| last_vector(&row[whole * 8..]);
        add_vectors::<A>([last(x0), last(x1)], [last(dy0), last(dy1), last(dy2), last(dy3)], &mut sums);
    }
    sums
}

#[inline(always)]
fn add_vectors<A: Arithmetic>(x: [[f32; 8]; BLOCK], dy: [[f32; 8]; TILE], sums: &mut Lanes) {
    for (sums, dy) in sums.iter_mut().zip(&dy) {
        for (sums, x) in sums.iter_mut().zip(&x) {
            for lane in 0..8 {
                sums[lane] = A::multiply_add(dy[lane], x[lane], sums[lane]);
            }
        }
    }
}

#[inline(always)]
fn first_vectors(row: &[f32], count: usize) -> &[[f32; 8]] {
    &row.as_chunks().0[..count]
}

/// The last pixels of a row, filled up with zeros.
#[inline(always)]
fn last_vector(rest: &[f32]) -> [f32; 8] {
    let mut vector = [0.0; 8];
    vector[..rest.len()].copy_from_slice(rest);
    vector
}
