//! Batch normalisation with an optional ReLU, forward and backward.
//!
//! The result is never kept: the backward pass computes its sign again from the input.

use super::chunks;
use super::vectorised::{Arithmetic, vectorised};

/// What normalisation does to one channel: `(x - mean) scale + shift`, then the ReLU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel {
    pub(crate) mean: f32,
    pub(crate) scale: f32,
    pub(crate) shift: f32,
}

/// The number of values, their mean and the sum of their squared distances from it.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Those of one plane. The mean is taken first, so that channels far from zero lose no digits.
    fn of(plane: &[f32]) -> Self {
        let count = plane.len() as f64;
        let mean = add(plane) / count;
        // The squares are taken around a rounded mean; the last term puts that right.
        let centre = mean as f32;
        let squares = add_squares(plane, centre) - count * (mean - f64::from(centre)).powi(2);
        Self { count, mean, squares: squares.max(0.0) }
    }

    /// Those of both sets of values together.
    fn join(self, other: Self) -> Self {
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + distance * other.count / count,
            squares: self.squares + other.squares + distance * distance * self.count * other.count / count,
        }
    }
}

/// The mean and the biased variance of each channel over the batch.
pub(crate) fn statistics(x: &[f32], [batch, channels, height, width]: [usize; 4]) -> (Vec<f32>, Vec<f32>) {
    let plane = height * width;
    let images = chunks::images_per_chunk(batch);
    let partial = chunks::build(chunks::count(batch) * channels, channels, |chunk, partial: &mut [Moments]| {
        let x = &x[chunk * images * channels * plane..];
        for (index, x) in x.chunks_exact(plane).take(images * channels).enumerate() {
            let moments = &mut partial[index % channels];
            *moments = moments.join(Moments::of(x));
        }
    });
    (0..channels)
        .map(|channel| {
            let of_chunks = partial[channel..].iter().step_by(channels);
            let all = of_chunks.fold(Moments::default(), |all, &moments| all.join(moments));
            (all.mean as f32, (all.squares / all.count) as f32)
        })
        .unzip()
}

/// The normalised feature maps.
pub(crate) fn forward(x: &[f32], channels: &[Channel], relu: bool, batch: usize, plane: usize) -> Vec<f32> {
    let length = chunks::images_per_chunk(batch) * channels.len() * plane;
    chunks::build(x.len(), length, |chunk, y| {
        let x = &x[chunk * length..];
        for ((y, x), channel) in y.chunks_exact_mut(plane).zip(x.chunks_exact(plane)).zip(channels.iter().cycle()) {
            if relu { normalise_relu(x, *channel, y) } else { normalise(x, *channel, y) }
        }
    })
}

/// For each channel the sum of the gradients that pass the ReLU, and the sum of their products with `x - mean`.
pub(crate) fn gradient_sums(
    x: &[f32],
    dy: &[f32],
    channels: &[Channel],
    relu: bool,
    batch: usize,
    plane: usize,
) -> Vec<[f64; 2]> {
    let width = channels.len();
    let images = chunks::images_per_chunk(batch);
    let partial = chunks::build(chunks::count(batch) * width, width, |chunk, partial: &mut [[f64; 2]]| {
        let start = chunk * images * width * plane;
        let planes = x[start..].chunks_exact(plane).zip(dy[start..].chunks_exact(plane)).take(images * width);
        for (index, (x, dy)) in planes.enumerate() {
            let (sum, products) = add_products(x, dy, channels[index % width], relu);
            partial[index % width][0] += sum;
            partial[index % width][1] += products;
        }
    });
    let total = |channel: usize| {
        partial[channel..].iter().step_by(width).fold([0.0; 2], |all, one| [all[0] + one[0], all[1] + one[1]])
    };
    (0..width).map(total).collect()
}

/// The gradient with respect to the input: `scale (dy - offset - (x - mean) slope)` with `(offset, slope)` from `terms`,
/// `dy` counted where it passes the ReLU.
pub(crate) fn input_gradient(
    x: &[f32],
    dy: &[f32],
    channels: &[Channel],
    terms: &[[f32; 2]],
    relu: bool,
    batch: usize,
) -> Vec<f32> {
    let plane = x.len() / batch / channels.len();
    let length = chunks::images_per_chunk(batch) * channels.len() * plane;
    chunks::build(x.len(), length, |chunk, dx| {
        let planes = x[chunk * length..].chunks_exact(plane).zip(dy[chunk * length..].chunks_exact(plane));
        let planes = dx.chunks_exact_mut(plane).zip(planes).zip(channels.iter().zip(terms).cycle());
        for ((dx, (x, dy)), (channel, terms)) in planes {
            if relu { pull_back_relu(x, dy, *channel, *terms, dx) } else { pull_back(x, dy, *channel, *terms, dx) }
        }
    })
}

/// The sums of a plane are taken in this many lanes, so that they run in whole vectors and round little.
const LANES: usize = 32;

vectorised! {
    /// The sum of all values.
    pub(crate) fn add<A>(x: &[f32]) -> f64 {
        let mut lanes = [0.0; LANES];
        let (whole, rest) = x.as_chunks::<LANES>();
        for x in whole {
            for lane in 0..LANES {
                lanes[lane] += x[lane];
            }
        }
        lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>() + rest.iter().map(|&x| f64::from(x)).sum::<f64>()
    }
}

vectorised! {
    /// The sum of the squared distances from `centre`.
    pub(crate) fn add_squares<A>(x: &[f32], centre: f32) -> f64 {
        let mut lanes = [0.0; LANES];
        let (whole, rest) = x.as_chunks::<LANES>();
        for x in whole {
            for lane in 0..LANES {
                let distance = x[lane] - centre;
                lanes[lane] = A::multiply_add(distance, distance, lanes[lane]);
            }
        }
        let rest = rest.iter().map(|&x| f64::from(x - centre).powi(2)).sum::<f64>();
        lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>() + rest
    }
}

/// The normalised value before the ReLU. Forward and backward must round alike, or they disagree about its sign.
#[inline(always)]
fn normal<A: Arithmetic>(x: f32, channel: Channel) -> f32 {
    A::multiply_add(x - channel.mean, channel.scale, channel.shift)
}

vectorised! {
    /// Normalises a plane.
    pub(crate) fn normalise<A>(x: &[f32], channel: Channel, y: &mut [f32]) {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = normal::<A>(x, channel));
    }
}

vectorised! {
    /// Normalises a plane and applies the ReLU. What is not a number stays so: a diverged training must not look sane.
    pub(crate) fn normalise_relu<A>(x: &[f32], channel: Channel, y: &mut [f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            let value = normal::<A>(x, channel);
            *y = if value < 0.0 { 0.0 } else { value };
        }
    }
}

vectorised! {
    /// The sum of the gradients of a plane, and of their products with `x - mean`.
    pub(crate) fn add_products<A>(x: &[f32], dy: &[f32], channel: Channel, relu: bool) -> (f64, f64) {
        if relu { products::<A, true>(x, dy, channel) } else { products::<A, false>(x, dy, channel) }
    }
}

#[inline(always)]
fn products<A: Arithmetic, const RELU: bool>(x: &[f32], dy: &[f32], channel: Channel) -> (f64, f64) {
    const WIDTH: usize = 16;
    let (mut sums, mut products) = ([0.0; WIDTH], [0.0; WIDTH]);
    let mut add = |x: &[f32; WIDTH], dy: &[f32; WIDTH]| {
        for lane in 0..WIDTH {
            let blocked = RELU && normal::<A>(x[lane], channel) <= 0.0;
            // A mask instead of a branch: the compiler does not turn the branch into vectors here.
            let gradient = f32::from_bits(dy[lane].to_bits() & u32::from(blocked).wrapping_sub(1));
            sums[lane] += gradient;
            products[lane] = A::multiply_add(gradient, x[lane] - channel.mean, products[lane]);
        }
    };
    let ((x, x_rest), (dy, dy_rest)) = (x.as_chunks(), dy.as_chunks());
    x.iter().zip(dy).for_each(|(x, dy)| add(x, dy));
    let mut last = ([0.0; WIDTH], [0.0; WIDTH]);
    last.0[..x_rest.len()].copy_from_slice(x_rest);
    last.1[..dy_rest.len()].copy_from_slice(dy_rest);
    add(&last.0, &last.1);
    let total = |lanes: [f32; WIDTH]| lanes.iter().map(|&lane| f64::from(lane)).sum();
    (total(sums), total(products))
}

vectorised! {
    /// The gradient with respect to a plane, without ReLU.
    pub(crate) fn pull_back<A>(x: &[f32], dy: &[f32], channel: Channel, terms: [f32; 2], dx: &mut [f32]) {
        for (dx, (&x, &dy)) in dx.iter_mut().zip(x.iter().zip(dy)) {
            *dx = channel.scale * (dy - A::multiply_add(x - channel.mean, terms[1], terms[0]));
        }
    }
}

vectorised! {
    /// The gradient with respect to a plane, with ReLU.
    pub(crate) fn pull_back_relu<A>(x: &[f32], dy: &[f32], channel: Channel, terms: [f32; 2], dx: &mut [f32]) {
        for (dx, (&x, &dy)) in dx.iter_mut().zip(x.iter().zip(dy)) {
            let gradient = if normal::<A>(x, channel) <= 0.0 { 0.0 } else { dy };
            *dx = channel.scale * (gradient - A::multiply_add(x - channel.mean, terms[1], terms[0]));
        }
    }
}
