//! Maps in 64-bit floats, what reading them means, convolutions as plain loops, and the comparison with what is found.

use hnas_kernels::{
    Activation, BLOCK, Block, Coefficients, GradientSums, Moments, NormGradient, Reading, Slope, blocks, pack, values,
    values_mut,
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// Channel counts: one, a part of a block, whole blocks, and one more.
pub(crate) const CHANNELS: [usize; 8] = [1, 3, 5, 16, 17, 20, 32, 48];

/// Height and width of images: single pixels, rows and columns, odd sizes, more pixels than a tile has.
pub(crate) const SIZES: [(usize, usize); 11] =
    [(1, 1), (1, 2), (5, 1), (1, 6), (2, 2), (3, 3), (4, 7), (9, 5), (6, 6), (7, 13), (2, 33)];

/// How a map is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Plain,
    Affine,
    Relu,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Plain, Kind::Affine, Kind::Relu];

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub(crate) fn one_of<T: Copy>(choices: &[T], rng: &mut ChaCha8Rng) -> T {
    choices[rng.random_range(0..choices.len())]
}

/// Values between -1 and 1 that 32 bits hold.
pub(crate) fn random(length: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..length).map(|_| rng.random_range(-1.0f32..1.0)).collect()
}

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

pub(crate) fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// `[pixels, channels]`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Map {
    pub(crate) channels: usize,
    pub(crate) values: Vec<f64>,
}

impl Map {
    pub(crate) fn build(pixels: usize, channels: usize, mut value: impl FnMut(usize, usize) -> f64) -> Map {
        let values = (0..pixels * channels).map(|index| value(index / channels, index % channels)).collect();
        Map { channels, values }
    }

    pub(crate) fn zeros(pixels: usize, channels: usize) -> Map {
        Map::build(pixels, channels, |_, _| 0.0)
    }

    pub(crate) fn random(pixels: usize, channels: usize, rng: &mut ChaCha8Rng) -> Map {
        Map { channels, values: wide(&random(pixels * channels, rng)) }
    }

    /// What lies in memory; the padding of each pixel must be zero.
    pub(crate) fn of(found: &[Block], channels: usize) -> Map {
        let mut map = Map { channels, values: Vec::new() };
        for (number, pixel) in found.chunks_exact(blocks(channels)).enumerate() {
            let (inside, padding) = values(pixel).split_at(channels);
            assert!(padding.iter().all(|&value| value == 0.0), "pixel {number}: the padding is {padding:?}");
            map.values.extend(wide(inside));
        }
        map
    }

    pub(crate) fn pixels(&self) -> usize {
        self.values.len() / self.channels
    }

    pub(crate) fn at(&self, pixel: usize, channel: usize) -> f64 {
        self.values[pixel * self.channels + channel]
    }

    pub(crate) fn at_mut(&mut self, pixel: usize, channel: usize) -> &mut f64 {
        &mut self.values[pixel * self.channels + channel]
    }

    pub(crate) fn add(&mut self, other: &Map) {
        self.values.iter_mut().zip(&other.values).for_each(|(to, from)| *to += from);
    }

    /// As it lies in memory.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut packed = vec![Block::ZERO; self.pixels() * blocks(self.channels)];
        for (pixel, from) in packed.chunks_exact_mut(blocks(self.channels)).zip(self.values.chunks(self.channels)) {
            values_mut(pixel)[..self.channels].copy_from_slice(&narrow(from));
        }
        packed
    }

    /// Maps that lie one behind the other along the channels.
    pub(crate) fn concat(maps: &[Map]) -> Map {
        let from: Vec<_> = maps.iter().flat_map(|map| (0..map.channels).map(move |channel| (map, channel))).collect();
        Map::build(maps[0].pixels(), from.len(), |pixel, channel| from[channel].0.at(pixel, from[channel].1))
    }

    /// Some of its channels.
    pub(crate) fn cut(&self, first: usize, channels: usize) -> Map {
        Map::build(self.pixels(), channels, |pixel, channel| self.at(pixel, first + channel))
    }
}

/// Room that nothing was written to yet.
pub(crate) fn unwritten(pixels: usize, channels: usize) -> Vec<Block> {
    vec![Block::splat(f32::NAN); pixels * blocks(channels)]
}

/// A map and how it is read.
pub(crate) struct Input {
    pub(crate) map: Map,
    memory: Vec<Block>,
    scale: Vec<f64>,
    shift: Vec<f64>,
    activation: Option<Activation>,
}

impl Input {
    /// No value is so close to the edge of the ReLU that rounding could carry it over.
    pub(crate) fn random(pixels: usize, channels: usize, kind: Kind, rng: &mut ChaCha8Rng) -> Input {
        let scale: Vec<f32> = random(channels, rng).into_iter().map(|value| value + 0.5f32.copysign(value)).collect();
        let shift = random(channels, rng);
        let (scale, shift) = (wide(&scale), wide(&shift));
        let mut map = Map::random(pixels, channels, rng);
        for pixel in 0..pixels {
            for channel in 0..channels {
                let value = map.at_mut(pixel, channel);
                if (scale[channel] * *value + shift[channel]).abs() < 1e-3 {
                    *value = f64::from((*value + 0.01) as f32);
                }
            }
        }
        Input::new(map, kind, scale, shift)
    }

    pub(crate) fn new(map: Map, kind: Kind, scale: Vec<f64>, shift: Vec<f64>) -> Input {
        let floor = if kind == Kind::Relu { 0.0 } else { f32::NEG_INFINITY };
        let activation = Activation { scale: pack(&narrow(&scale)), shift: pack(&narrow(&shift)), floor };
        Input { memory: map.blocks(), map, scale, shift, activation: (kind != Kind::Plain).then_some(activation) }
    }

    pub(crate) fn reading(&self) -> Reading<'_> {
        let channels = self.map.channels;
        Reading { map: &self.memory, blocks: blocks(channels), channels, activation: self.activation.as_ref() }
    }

    /// The value before the ReLU.
    fn inner(&self, pixel: usize, channel: usize) -> f64 {
        self.scale[channel] * self.map.at(pixel, channel) + self.shift[channel]
    }

    pub(crate) fn activation(&self) -> Option<&Activation> {
        self.activation.as_ref()
    }

    /// Does a ReLU let a value through?
    fn passes(&self, pixel: usize, channel: usize) -> bool {
        self.activation.as_ref().is_none_or(|activation| self.inner(pixel, channel) > f64::from(activation.floor))
    }

    /// Are these the sums of such a gradient with respect to what is read, with distances from such a mean?
    pub(crate) fn assert_sums(&self, found: GradientSums, gradient: &Map, mean: &[f32], what: &str) {
        let (pixels, channels) = (self.map.pixels(), self.map.channels);
        // Without a deviation and a gamma to speak of, the gradients are the sums.
        let moments = Moments { mean: mean.to_vec(), variance: vec![1.0; channels] };
        let found = NormGradient::of(&[found], &moments, &vec![1.0; channels], 0.0, pixels);
        let [mut sums, mut products] = [(); 2].map(|()| vec![0.0; channels]);
        for (pixel, channel) in (0..pixels).flat_map(|pixel| (0..channels).map(move |channel| (pixel, channel))) {
            if self.passes(pixel, channel) {
                sums[channel] += gradient.at(pixel, channel);
                products[channel] +=
                    gradient.at(pixel, channel) * (self.map.at(pixel, channel) - f64::from(mean[channel]));
            }
        }
        // Sums may cancel out.
        let least = gradient.values.iter().fold(0.0, |largest, value| value.abs().max(largest));
        assert_within(&wide(&found.beta), &sums, least, &format!("{what}, sums"));
        assert_within(&wide(&found.gamma), &products, least, &format!("{what}, products"));
    }

    /// What is read.
    pub(crate) fn read(&self) -> Map {
        Map::build(self.map.pixels(), self.map.channels, |pixel, channel| match &self.activation {
            None => self.map.at(pixel, channel),
            Some(activation) if activation.floor == 0.0 => self.inner(pixel, channel).max(0.0),
            Some(_) => self.inner(pixel, channel),
        })
    }
}

/// The gradient of a map and how it is read.
pub(crate) struct Gradient {
    map: Map,
    memory: Vec<Block>,
    normalized: Option<(Input, [Vec<f64>; 3], Coefficients)>,
}

impl Gradient {
    pub(crate) fn random(pixels: usize, channels: usize, kind: Kind, rng: &mut ChaCha8Rng) -> Gradient {
        let map = Map::random(pixels, channels, rng);
        let numbers = [(); 3].map(|()| random(channels, rng));
        let [scale, slope, offset] = numbers.each_ref().map(|numbers| pack(numbers));
        let coefficients = Coefficients { scale, slope, offset };
        let input = Input::random(pixels, channels, kind, rng);
        let normalized = (input, numbers.map(|numbers| wide(&numbers)), coefficients);
        Gradient { memory: map.blocks(), map, normalized: (kind != Kind::Plain).then_some(normalized) }
    }

    pub(crate) fn slope(&self) -> Slope<'_> {
        let normalized = self.normalized.as_ref().map(|(input, _, coefficients)| {
            let activation = input.activation.as_ref().expect("a normalised map has one");
            (input.memory.as_slice(), activation, coefficients)
        });
        Slope { gradient: &self.memory, blocks: blocks(self.map.channels), normalized }
    }

    /// What is read: the gradient of the map before its normalisation.
    pub(crate) fn read(&self) -> Map {
        let Some((input, [scale, slope, offset], _)) = &self.normalized else { return self.map.clone() };
        let z = &input.map;
        Map::build(self.map.pixels(), self.map.channels, |pixel, channel| {
            let gradient = if input.passes(pixel, channel) { self.map.at(pixel, channel) } else { 0.0 };
            scale[channel] * gradient + slope[channel] * z.at(pixel, channel) + offset[channel]
        })
    }
}

/// Sizes of images and of the windows over them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) images: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
}

impl Windows {
    pub(crate) fn pixels(self) -> usize {
        self.images * self.height * self.width
    }

    pub(crate) fn outputs(self) -> usize {
        self.images * self.height.div_ceil(self.stride) * self.width.div_ceil(self.stride)
    }

    /// For each pixel of the output, each place of its window and the pixel of the input there, if that is inside.
    pub(crate) fn places(self) -> Vec<(usize, usize, usize)> {
        let Windows { images, height, width, kernel, stride } = self;
        let (rows, columns, half) = (height.div_ceil(stride), width.div_ceil(stride), kernel as isize / 2);
        let mut places = Vec::new();
        for (n, y, x) in (0..images).flat_map(|n| (0..rows).flat_map(move |y| (0..columns).map(move |x| (n, y, x)))) {
            for (row, column) in (0..kernel).flat_map(|row| (0..kernel).map(move |column| (row, column))) {
                let at_y = (y * stride + row) as isize - half;
                let at_x = (x * stride + column) as isize - half;
                if (0..height as isize).contains(&at_y) && (0..width as isize).contains(&at_x) {
                    let pixel = (n * height + at_y as usize) * width + at_x as usize;
                    places.push(((n * rows + y) * columns + x, row * kernel + column, pixel));
                }
            }
        }
        places
    }
}

/// A convolution with weights `[outputs, channels, kernel, kernel]` and its gradients.
pub(crate) struct Convolution {
    pub(crate) y: Map,
    pub(crate) dx: Map,
    pub(crate) dw: Vec<f64>,
}

impl Convolution {
    pub(crate) fn of(windows: Windows, x: &Map, weight: &[f64], dy: &Map) -> Convolution {
        let taps = windows.kernel * windows.kernel;
        let mut y = Map::zeros(windows.outputs(), dy.channels);
        let (mut dx, mut dw) = (Map::zeros(x.pixels(), x.channels), vec![0.0; weight.len()]);
        for (to, tap, from) in windows.places() {
            for output in 0..dy.channels {
                for channel in 0..x.channels {
                    let index = (output * x.channels + channel) * taps + tap;
                    *y.at_mut(to, output) += weight[index] * x.at(from, channel);
                    *dx.at_mut(from, channel) += weight[index] * dy.at(to, output);
                    dw[index] += x.at(from, channel) * dy.at(to, output);
                }
            }
        }
        Convolution { y, dx, dw }
    }
}

/// Equal but for the rounding of sums, relative to the largest value.
pub(crate) fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_within(found, expected, 1e-30, what);
}

/// The same, relative to no less than `least`.
pub(crate) fn assert_within(found: &[f64], expected: &[f64], least: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(least, |largest, value| largest.max(value.abs()));
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let distance = (found - expected).abs() / largest;
        assert!(distance < 1e-5, "{what}, value {index}: {found} is not {expected}, {distance:e} of {largest}");
    }
}

/// The same of a map in memory, whose padding must be zero.
pub(crate) fn assert_map(found: &[Block], expected: &Map, what: &str) {
    assert_eq!(found.len(), expected.pixels() * blocks(expected.channels), "{what}");
    assert_close(&Map::of(found, expected.channels).values, &expected.values, what);
}

/// Do as many values differ from zero as those of the weights? Then the gaps between packed weights are zero.
pub(crate) fn assert_gaps(packed: &[Block], weights: &[f32], what: &str) {
    let set = |values: &[f32]| values.iter().filter(|&&value| value != 0.0).count();
    assert_eq!(set(values(packed)), set(weights), "{what}: not as many values differ from zero");
}

/// Mean and biased variance of each channel.
pub(crate) fn statistics(map: &Map) -> (Vec<f64>, Vec<f64>) {
    let mean_of = |value: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
        let sum = |channel| (0..map.pixels()).map(|pixel| value(pixel, channel)).sum::<f64>();
        (0..map.channels).map(|channel| sum(channel) / map.pixels() as f64).collect()
    };
    let mean = mean_of(&|pixel, channel| map.at(pixel, channel));
    let variance = mean_of(&|pixel, channel| (map.at(pixel, channel) - mean[channel]).powi(2));
    (mean, variance)
}

/// One channel of a block.
pub(crate) fn channel(blocks: &[Block], channel: usize) -> f32 {
    blocks[channel / BLOCK].0[channel % BLOCK]
}
