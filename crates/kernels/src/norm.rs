//! Batch normalisation: statistics gathered where a map is written, their gradient on the way back.

use crate::block::{BLOCK, Block, values};
use crate::reading::{Activation, Coefficients};
use crate::simd::{Simd, dispatched};

/// Sums over some pixels of a map, channel by channel, from which mean and variance follow.
///
/// They are taken around a value near the mean, so that the variance does not cancel out.
#[derive(Clone, Debug)]
pub struct Sums {
    centre: Vec<Block>,
    sum: Vec<Block>,
    squares: Vec<Block>,
    /// Pixels seen, block by block.
    pixels: Vec<usize>,
}

impl Sums {
    /// Of no pixels yet, of a map of so many blocks.
    pub fn new(blocks: usize) -> Sums {
        let zero = vec![Block::ZERO; blocks];
        Sums { centre: zero.clone(), sum: zero.clone(), squares: zero, pixels: vec![0; blocks] }
    }

    /// What was summed of a block; `None` before its first pixels, which decide what the sums are taken around.
    #[inline(always)]
    pub(crate) fn running<S: Simd, const P: usize>(&self, block: usize) -> Option<Running<S, P>> {
        let mut centre = [S::splat(0.0); P];
        for part in 0..P {
            centre[part] = S::load(&self.centre[block], part);
        }
        (self.pixels[block] > 0).then_some(Running { centre, sum: [S::splat(0.0); P], squares: [S::splat(0.0); P] })
    }

    /// Adds what was summed of so many pixels of a block.
    #[inline(always)]
    pub(crate) fn add_running<S: Simd, const P: usize>(&mut self, block: usize, running: Running<S, P>, pixels: usize) {
        let Running { centre: _, sum, squares } = running;
        for part in 0..P {
            S::store(S::add(S::load(&self.sum[block], part), sum[part]), &mut self.sum[block], part);
            S::store(S::add(S::load(&self.squares[block], part), squares[part]), &mut self.squares[block], part);
        }
        self.pixels[block] += pixels;
    }

    /// Adds one block's channels of some pixels, `pitch` blocks apart.
    #[inline(always)]
    pub(crate) fn add<S: Simd, const P: usize>(&mut self, block: usize, pixels: &[Block], pitch: usize) {
        if self.pixels[block] == 0 {
            let mut sum = [S::splat(0.0); P];
            for pixel in pixels.chunks(pitch) {
                for part in 0..P {
                    sum[part] = S::add(sum[part], S::load(&pixel[0], part));
                }
            }
            let share = S::splat(1.0 / pixels.len().div_ceil(pitch) as f32);
            for part in 0..P {
                S::store(S::mul(sum[part], share), &mut self.centre[block], part);
            }
        }
        let mut centre = [S::splat(0.0); P];
        for part in 0..P {
            centre[part] = S::load(&self.centre[block], part);
        }
        let mut running = Running::<S, P> { centre, sum: [S::splat(0.0); P], squares: [S::splat(0.0); P] };
        for pixel in pixels.chunks(pitch) {
            let mut value = [S::splat(0.0); P];
            for part in 0..P {
                value[part] = S::load(&pixel[0], part);
            }
            running.add(value);
        }
        self.add_running(block, running, pixels.len().div_ceil(pitch));
    }
}

/// Sums of one block's channels of some pixels, in registers.
pub(crate) struct Running<S: Simd, const P: usize> {
    centre: [S::Register; P],
    sum: [S::Register; P],
    squares: [S::Register; P],
}

impl<S: Simd, const P: usize> Running<S, P> {
    /// Adds a pixel.
    #[inline(always)]
    pub(crate) fn add(&mut self, value: [S::Register; P]) {
        for part in 0..P {
            let distance = S::sub(value[part], self.centre[part]);
            self.sum[part] = S::add(self.sum[part], distance);
            self.squares[part] = S::mul_add(distance, distance, self.squares[part]);
        }
    }
}

/// Mean and biased variance of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// `[channels]`
    pub mean: Vec<f32>,
    /// `[channels]`, divided by the number of values.
    pub variance: Vec<f32>,
}

impl Moments {
    /// Of all pixels of some sums, in their order.
    pub fn of(sums: &[Sums], channels: usize) -> Moments {
        let (mut mean, mut variance) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
        for channel in 0..channels {
            let of = |blocks: &[Block]| f64::from(blocks[channel / BLOCK].0[channel % BLOCK]);
            // Groups are joined by their means and squared distances from them (Chan, Golub and LeVeque 1979).
            let (mut count, mut middle, mut squares) = (0.0, 0.0, 0.0);
            for group in sums.iter().filter(|group| group.pixels[channel / BLOCK] > 0) {
                let (n, sum) = (group.pixels[channel / BLOCK] as f64, of(&group.sum));
                let distance = of(&group.centre) + sum / n - middle;
                let total = count + n;
                squares += of(&group.squares) - sum * sum / n + distance * distance * count * n / total;
                middle += distance * n / total;
                count = total;
            }
            mean.push(middle as f32);
            // `max` would turn what is not a number into zero.
            let spread = squares / count;
            variance.push(if spread < 0.0 { 0.0 } else { spread as f32 });
        }
        Moments { mean, variance }
    }

    /// `gamma (x - mean) / sqrt(variance + epsilon) + beta`, and a ReLU if asked for.
    pub fn activation(&self, gamma: &[f32], beta: &[f32], epsilon: f64, relu: bool) -> Activation {
        let deviations = self.variance.iter().map(|&variance| (f64::from(variance) + epsilon).sqrt());
        let scale: Vec<f32> =
            gamma.iter().zip(deviations).map(|(&gamma, deviation)| (f64::from(gamma) / deviation) as f32).collect();
        let centred = scale.iter().zip(&self.mean).map(|(&scale, &mean)| f64::from(scale) * f64::from(mean));
        let shift: Vec<f32> =
            beta.iter().zip(centred).map(|(&beta, centred)| (f64::from(beta) - centred) as f32).collect();
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        Activation { scale: crate::block::pack(&scale), shift: crate::block::pack(&shift), floor }
    }
}

/// What the gradients of gamma and beta are made of, over some pixels of a map.
#[derive(Clone, Debug)]
pub struct GradientSums {
    /// Of the gradient, where the ReLU let through.
    gradient: Vec<Block>,
    /// Of the same times the distance of the map from its mean.
    products: Vec<Block>,
}

impl GradientSums {
    /// Of no pixels yet, of a map of so many blocks.
    pub fn new(blocks: usize) -> GradientSums {
        let zero = vec![Block::ZERO; blocks];
        GradientSums { gradient: zero.clone(), products: zero }
    }
}

/// The gradient sums of a map to which a step adds last: gathered while the gradient is written.
#[derive(Debug)]
pub struct Gathering<'a> {
    /// What is added to.
    pub sums: &'a mut GradientSums,
    /// Mean of each channel of the map.
    pub mean: &'a [Block],
}

impl Gathering<'_> {
    /// Adds one block's channels of some pixels, `pitch` blocks apart.
    #[inline(always)]
    pub(crate) fn add<S: Simd, const P: usize>(
        &mut self,
        block: usize,
        map: &[Block],
        gradient: &[Block],
        pitch: usize,
        activation: &Activation,
    ) {
        let (floor, zero) = (S::splat(activation.floor), S::splat(0.0));
        for part in 0..P {
            let (scale, shift) = (S::load(&activation.scale[block], part), S::load(&activation.shift[block], part));
            let mean = S::load(&self.mean[block], part);
            let (mut sum, mut products) = (zero, zero);
            for (map, gradient) in map.chunks(pitch).zip(gradient.chunks(pitch)) {
                let value = S::load(&map[0], part);
                let active = S::mul_add(value, scale, shift);
                let gradient = S::if_greater(active, floor, S::load(&gradient[0], part), zero);
                sum = S::add(sum, gradient);
                products = S::mul_add(gradient, S::sub(value, mean), products);
            }
            let GradientSums { gradient: total, products: totals } = &mut *self.sums;
            S::store(S::add(S::load(&total[block], part), sum), &mut total[block], part);
            S::store(S::add(S::load(&totals[block], part), products), &mut totals[block], part);
        }
    }
}

/// Pixels whose sums are taken on their own before they are added: it keeps rounding small.
const RUN: usize = 64;

dispatched! {
    /// Adds the pixels of a map and of the gradient with respect to what is read of it.
    pub fn add_gradients<S, P, X>(sums: &mut GradientSums, map: &[Block], gradient: &[Block], activation: &Activation, mean: &[Block]) {
        let blocks = mean.len();
        let mut gathering = Gathering { sums, mean };
        for (map, gradient) in map.chunks(RUN * blocks).zip(gradient.chunks(RUN * blocks)) {
            for block in 0..blocks {
                gathering.add::<S, P>(block, &map[block..], &gradient[block..], blocks, activation);
            }
        }
    }
}

/// The gradients of a batch normalisation.
#[derive(Clone, Debug, PartialEq)]
pub struct NormGradient {
    /// With respect to gamma, `[channels]`.
    pub gamma: Vec<f32>,
    /// With respect to beta, `[channels]`.
    pub beta: Vec<f32>,
    /// The way back to the map.
    pub coefficients: Coefficients,
}

impl NormGradient {
    /// From the sums over a whole batch of `pixels` pixels, in their order.
    ///
    /// With the deviation `s = sqrt(variance + epsilon)`, `d = (z - mean) / s` and `n` pixels, the gradient of z is
    /// `gamma / s (g - sum(g) / n - d sum(g d) / n)` (Ioffe and Szegedy 2015).
    pub fn of(sums: &[GradientSums], moments: &Moments, gamma: &[f32], epsilon: f64, pixels: usize) -> NormGradient {
        let channels = gamma.len();
        let mut found = [const { Vec::new() }; 5];
        for channel in 0..channels {
            let total = |of: fn(&GradientSums) -> &[Block]| -> f64 {
                sums.iter().map(|sums| f64::from(values(of(sums))[channel])).sum()
            };
            let (sum, products) = (total(|sums| &sums.gradient), total(|sums| &sums.products));
            let deviation = (f64::from(moments.variance[channel]) + epsilon).sqrt();
            let scale = f64::from(gamma[channel]) / deviation;
            let slope = -scale * products / (deviation * deviation * pixels as f64);
            let offset = -scale * sum / pixels as f64 - slope * f64::from(moments.mean[channel]);
            let numbers = [products / deviation, sum, scale, slope, offset];
            found.iter_mut().zip(numbers).for_each(|(found, number)| found.push(number as f32));
        }
        let [gamma, beta, scale, slope, offset] = found;
        let [scale, slope, offset] = [scale, slope, offset].map(|channels| crate::block::pack(&channels));
        NormGradient { gamma, beta, coefficients: Coefficients { scale, slope, offset } }
    }
}
