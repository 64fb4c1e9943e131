//! Batch normalisation: the statistics of a map and the way back through them.

use hnas_kernels::pointwise::{Destination, Target, Weights, Writing, backward, forward};
use hnas_kernels::{
    Activation, Block, GradientSums, Moments, NormGradient, Reading, Slope, Sums, add_gradients, blocks, pack, values,
};
use rand::{RngExt, rngs::ChaCha8Rng};

use crate::naive::{
    CHANNELS, Map, assert_close, assert_map, channel, narrow, random, rng, statistics, unwritten, wide,
};

const EPSILON: f64 = 1e-5;

/// Weights that leave a map as it is.
fn identity(channels: usize) -> Weights {
    let weight: Vec<f32> =
        (0..channels * channels).map(|index| f32::from(u8::from(index / channels == index % channels))).collect();
    Weights::pack(&[channels], &[(channels, &weight)])
}

/// Sums of the parts of a map that end at the given pixels, gathered where it is written.
fn gather(map: &Map, ends: &[usize]) -> Vec<Sums> {
    let (memory, width, weights) = (map.blocks(), blocks(map.channels), identity(map.channels));
    let mut first = 0;
    let of = |&end: &usize| {
        let part = &memory[first * width..end * width];
        first = end;
        let reading = Reading { map: part, blocks: width, channels: map.channels, activation: None };
        let (mut written, mut sums) = (vec![Block::ZERO; part.len()], Sums::new(width));
        forward(&[reading], &weights, &mut [Writing { map: &mut written, sums: Some(&mut sums) }]);
        assert_eq!(written, part);
        sums
    };
    ends.iter().map(of).collect()
}

/// Mean and variance of some values that are made of a pixel's number and a drawn number, each to such a part.
fn check_moments(pixels: usize, channels: usize, ends: &[usize], exact: f64, value: impl Fn(usize, f64) -> f64) {
    let rng = &mut rng((pixels + channels) as u64);
    let map = Map::build(pixels, channels, |pixel, _| f64::from(value(pixel, rng.random_range(-1.0..1.0)) as f32));
    let found = Moments::of(&gather(&map, ends), channels);
    let (mean, variance) = statistics(&map);
    for c in 0..channels {
        let what = format!("{pixels} pixels, {channels} channels, {ends:?}, channel {c}, {} {}", mean[c], variance[c]);
        let away = (f64::from(found.mean[c]) - mean[c]).abs();
        // A mean of 32 bits is rounded.
        assert!(away <= exact * variance[c].sqrt() + 6e-8 * mean[c].abs(), "{what}: the mean is {away} away");
        let away = (f64::from(found.variance[c]) - variance[c]).abs();
        assert!(away <= exact * variance[c], "{what}: the variance is {away} away");
    }
}

#[test]
fn moments_are_mean_and_biased_variance() {
    for (pixels, ends) in [
        (1, vec![1]),
        (2, vec![1, 2]),
        (48, vec![48]),
        (49, vec![49]),
        (500, vec![7, 7, 100, 500]),
        (50_000, vec![50_000]),
    ] {
        let channels = if pixels > 1000 { 3 } else { 20 };
        for (middle, deviation) in [(0.0, 1.0), (1000.0, 1.0), (-3e4, 30.0), (1.0, 1e-3), (1e-3, 1e-6), (0.0, 1e-9)] {
            check_moments(pixels, channels, &ends, 3e-6, |_, drawn| middle + deviation * drawn);
        }
    }
}

/// The first pixels, around which sums are taken, may lie ten deviations from the mean.
#[test]
fn moments_hold_where_the_first_pixels_are_others() {
    for early in [1, 48, 96] {
        let late = |pixel, drawn| if pixel < early { drawn } else { 1000.0 + drawn };
        check_moments(5000, 5, &[5000], 1e-4, late);
        check_moments(5000, 5, &[early, 2500, 5000], 3e-6, late);
        check_moments(5000, 5, &[5000], 1e-4, |pixel, drawn| if pixel < early { -50.0 } else { drawn });
    }
}

#[test]
fn equal_values_have_no_variance() {
    for value in [0.0, 0.1, -1234.567] {
        let map = Map::build(300, 3, |_, _| f64::from(value as f32));
        let found = Moments::of(&gather(&map, &[100, 300]), 3);
        assert_eq!(found.mean, [value as f32; 3]);
        assert!(found.variance.iter().all(|&variance| variance >= 0.0 && f64::from(variance) <= 1e-12 * value * value));
    }
}

#[test]
fn an_activation_normalises() {
    let moments = Moments { mean: vec![0.5, -2.0, 100.0], variance: vec![4.0, 0.25, 0.0] };
    for (relu, floor) in [(true, 0.0), (false, f32::NEG_INFINITY)] {
        let Activation { scale, shift, floor: found } =
            moments.activation(&[1.0, -2.0, 0.5], &[0.0, 1.0, 3.0], 1e-2, relu);
        let expected = [4.0f64, 0.25, 0.0].map(|variance| (variance + 1e-2).sqrt());
        let expected = [1.0 / expected[0], -2.0 / expected[1], 0.5 / expected[2]];
        assert_close(&wide(&values(&scale)[..3]), &expected, "scale");
        assert_close(
            &wide(&values(&shift)[..3]),
            &[-0.5 * expected[0], 1.0 + 2.0 * expected[1], 3.0 - 100.0 * expected[2]],
            "shift",
        );
        assert!(values(&scale)[3..].iter().chain(&values(&shift)[3..]).all(|&value| value == 0.0));
        assert_eq!(found, floor);
    }
}

/// `sum(g relu(gamma (z - mean) / sqrt(variance + epsilon) + beta))`
#[derive(Clone)]
struct Normalised {
    z: Map,
    gamma: Vec<f64>,
    beta: Vec<f64>,
    g: Map,
    relu: bool,
}

impl Normalised {
    /// With z around such a value, and no value so close to the edge of the ReLU that rounding, or a step of the
    /// differences, could carry it over.
    fn random(pixels: usize, channels: usize, middle: f64, relu: bool, rng: &mut ChaCha8Rng) -> Normalised {
        let edge = if middle.abs() > 10.0 { 1e-4 } else { 1e-5 };
        loop {
            let (gamma, beta) = (wide(&random(channels, rng)), wide(&random(channels, rng)));
            let [mut z, g] = [(); 2].map(|()| Map::random(pixels, channels, rng));
            z.values.iter_mut().for_each(|value| *value = f64::from((middle + *value) as f32));
            let drawn = Normalised { z, gamma, beta, g, relu };
            if !relu || drawn.values().iter().all(|value| value.abs() > edge) {
                return drawn;
            }
        }
    }

    /// Before the ReLU.
    fn values(&self) -> Vec<f64> {
        let (mean, variance) = statistics(&self.z);
        let of = |(index, z): (usize, &f64)| {
            let c = index % self.gamma.len();
            self.gamma[c] * (z - mean[c]) / (variance[c] + EPSILON).sqrt() + self.beta[c]
        };
        self.z.values.iter().enumerate().map(of).collect()
    }

    fn sum(&self) -> f64 {
        let least = if self.relu { 0.0 } else { f64::NEG_INFINITY };
        self.values().iter().zip(&self.g.values).map(|(value, g)| g * value.max(least)).sum()
    }

    /// The derivative with respect to what `change` adds a step to.
    fn derivative(&self, change: impl Fn(&mut Normalised, f64)) -> f64 {
        let [up, down] = [1e-6, -1e-6].map(|step| {
            let mut changed = self.clone();
            change(&mut changed, step);
            changed.sum()
        });
        (up - down) / 2e-6
    }
}

fn check_backward(seed: u64, pixels: usize, channels: usize, middle: f64, relu: bool) {
    let what = format!("{pixels} pixels, {channels} channels around {middle}, {relu}");
    let case = Normalised::random(pixels, channels, middle, relu, &mut rng(seed));
    let (gamma, beta) = (narrow(&case.gamma), narrow(&case.beta));

    let ends = [pixels / 3, pixels / 2, pixels];
    let moments = Moments::of(&gather(&case.z, &ends), channels);
    let activation = moments.activation(&gamma, &beta, EPSILON, relu);
    let (map, gradient, width) = (case.z.blocks(), case.g.blocks(), blocks(channels));
    let mut first = 0;
    let parts = ends.map(|end| {
        let (part, mut sums) = (first * width..end * width, GradientSums::new(width));
        first = end;
        add_gradients(&mut sums, &map[part.clone()], &gradient[part], &activation, &pack(&moments.mean));
        sums
    });
    let found = NormGradient::of(&parts, &moments, &gamma, EPSILON, pixels);

    // Relative to what is added up, which may cancel out. Maps are read without taking their mean off first, so that it
    // counts how many deviations that is.
    let ratio = moments.mean.iter().zip(&moments.variance).fold(0.0, |largest: f64, (&mean, &variance)| {
        largest.max(f64::from(mean).abs() / (f64::from(variance) + EPSILON).sqrt())
    });
    let scales = values(&found.coefficients.scale).iter().map(|&scale| f64::from(scale.abs()));
    let least = scales.fold(0.0, f64::max);
    let close = |found: &[f64], expected: &[f64], of: &str| {
        let largest = expected.iter().fold(least, |largest, value| largest.max(value.abs()));
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            let allowed = (1e-5 + 2e-7 * ratio) * largest;
            assert!((found - expected).abs() < allowed, "{what}, {of} {index}: {found} is not {expected}");
        }
    };
    let gammas = (0..channels).map(|c| case.derivative(|case, step| case.gamma[c] += step));
    close(&wide(&found.gamma), &gammas.collect::<Vec<_>>(), "gamma");
    let betas = (0..channels).map(|c| case.derivative(|case, step| case.beta[c] += step));
    close(&wide(&found.beta), &betas.collect::<Vec<_>>(), "beta");

    // What is read of the gradient is the gradient of z.
    let normalized = Some((map.as_slice(), &activation, &found.coefficients));
    let slope = Slope { gradient: &gradient, blocks: width, normalized };
    let reading = Reading { map: &map, blocks: width, channels, activation: Some(&activation) };
    let (weights, mut dz) = (identity(channels), unwritten(pixels, channels));
    let destination = Destination { map: &mut dz, gathering: None };
    backward(
        &[reading],
        &[slope],
        &weights,
        &[Target::Write(0)],
        &mut [destination],
        &mut vec![Block::ZERO; weights.gradient_blocks()],
    );
    let dz = Map::of(&dz, channels);
    let some = (0..dz.values.len()).step_by(1 + dz.values.len() / 40);
    let (dz, expected): (Vec<f64>, Vec<f64>) =
        some.map(|index| (dz.values[index], case.derivative(|case, step| case.z.values[index] += step))).unzip();
    close(&dz, &expected, "map");
}

#[test]
fn gradients_are_those_of_normalisation_and_relu() {
    for (number, pixels) in [2, 3, 63, 64, 65, 130, 200].into_iter().enumerate() {
        for channels in CHANNELS {
            for relu in [false, true] {
                check_backward((number * 100 + channels) as u64, pixels, channels, 0.0, relu);
                check_backward((number * 100 + channels) as u64, pixels, channels, 3.0, relu);
            }
        }
    }
}

/// Where the mean is a thousand times the deviation, 32 bits hold what is read to some ten thousandths.
#[test]
fn gradients_hold_far_from_zero() {
    for relu in [false, true] {
        check_backward(1, 130, 5, 600.0, relu);
    }
}

/// Sums over a batch stay exact to a part in 100,000.
#[test]
fn sums_of_many_gradients_are_exact() {
    let (pixels, channels, rng) = (50_000, 3, &mut rng(5));
    let z = Map::random(pixels, channels, rng);
    let g = Map::build(pixels, channels, |_, _| f64::from(rng.random_range(0.0f32..1.0)));
    let moments = Moments::of(&gather(&z, &[pixels]), channels);
    let (gamma, beta) = ([1.0; 3], [0.0; 3]);
    let activation = moments.activation(&gamma, &beta, EPSILON, false);
    let mut sums = GradientSums::new(1);
    add_gradients(&mut sums, &z.blocks(), &g.blocks(), &activation, &pack(&moments.mean));
    let found = NormGradient::of(&[sums], &moments, &gamma, EPSILON, pixels);
    let (mean, variance) = statistics(&z);
    for c in 0..channels {
        let sum: f64 = (0..pixels).map(|pixel| g.at(pixel, c)).sum();
        let products: f64 = (0..pixels).map(|pixel| g.at(pixel, c) * (z.at(pixel, c) - mean[c])).sum();
        let size: f64 = (0..pixels).map(|pixel| g.at(pixel, c) * (z.at(pixel, c) - mean[c]).abs()).sum();
        let deviation = (variance[c] + EPSILON).sqrt();
        assert!((f64::from(found.beta[c]) - sum).abs() < 1e-5 * sum);
        assert!((f64::from(found.gamma[c]) - products / deviation).abs() < 1e-5 * size / deviation);
    }
}

#[test]
fn coefficients_are_zero_past_the_last_channel() {
    let moments = Moments { mean: vec![1.0; 17], variance: vec![2.0; 17] };
    let mut sums = GradientSums::new(2);
    let map = Map::random(20, 17, &mut rng(1)).blocks();
    let activation = moments.activation(&[1.0; 17], &narrow(&[0.5; 17]), EPSILON, true);
    add_gradients(&mut sums, &map, &map, &activation, &pack(&moments.mean));
    let found = NormGradient::of(&[sums], &moments, &[1.0; 17], EPSILON, 20).coefficients;
    for blocks in [&found.scale, &found.slope, &found.offset] {
        assert_eq!(blocks.len(), 2);
        assert!((17..32).all(|c| channel(blocks, c) == 0.0) && (0..17).all(|c| channel(blocks, c).is_finite()));
    }
    assert_map(&[found.scale[1]], &Map::build(1, 1, |_, _| f64::from(found.scale[1].0[0])), "scale");
}
