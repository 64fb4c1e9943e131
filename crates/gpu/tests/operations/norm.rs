//! Batch normalisation, forward and backward.

use hnas_gpu::norm::{self, Moments, Norm};
use hnas_gpu::norm_gradient::{self, NormGradient, Normalized};
use hnas_gpu::{Activation, Coefficients, Slope, pitch};
use hnas_kernels::{Block, GradientSums, add_gradients, pack, values};

use crate::sample::{
    FEW, MANY, PRECISIONS, Random, assert_close, assert_same, download, download_map, machine, rounding, unwritten,
    upload_channels,
};

const EPSILON: f32 = 1e-5;

/// Mean and variance of each channel, in double precision.
fn moments(map: &[Block], channels: usize) -> hnas_kernels::Moments {
    let pixels: Vec<&[f32]> = values(map).chunks_exact(pitch(channels)).collect();
    let over = |of: &dyn Fn(f64) -> f64, channel: usize| -> f64 {
        pixels.iter().map(|pixel| of(f64::from(pixel[channel]))).sum::<f64>() / pixels.len() as f64
    };
    let means: Vec<f64> = (0..channels).map(|channel| over(&|value| value, channel)).collect();
    let variance = |channel: usize| over(&|value| (value - means[channel]).powi(2), channel) as f32;
    hnas_kernels::Moments {
        variance: (0..channels).map(variance).collect(),
        mean: means.iter().map(|&mean| mean as f32).collect(),
    }
}

/// `far` is how far the values are from zero, in deviations.
fn check(pixels: usize, channels: usize, relu: bool, far: f32) {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::with_maps(precision, 4);
        let mut map = random.map(pixels, channels);
        for pixel in map.map.chunks_exact_mut(channels.div_ceil(16)) {
            hnas_kernels::values_mut(pixel)[..channels].iter_mut().for_each(|value| *value += far);
        }
        let map = map.exact();
        let (gamma, beta) = (random.numbers(channels), random.numbers(channels));
        let cpu = moments(&map.map, channels);
        let cpu_activation = cpu.activation(&gamma, &beta, f64::from(EPSILON), relu);

        let device_map = map.upload(&machine);
        let [device_gamma, device_beta] = [&gamma, &beta].map(|numbers| upload_channels(&machine, numbers));
        let norm = Norm { gamma: &device_gamma, beta: &device_beta, epsilon: EPSILON, relu };
        let width = pitch(channels);
        let device_moments = Moments(unwritten(&machine, 2 * width));
        let activation = Activation(unwritten(&machine, 3 * width));
        norm::batch_statistics(&machine, &device_map, norm, &device_moments, &activation);
        let found = download(&machine, &device_moments.0);
        assert_close("mean", &found[..width], values(&pack(&cpu.mean)), FEW);
        assert_close("variance", &found[width..], values(&pack(&cpu.variance)), MANY);
        let check_activation = |activation: &Activation| {
            let found = download(&machine, &activation.0);
            assert_close("scale", &found[..width], values(&cpu_activation.scale), MANY);
            assert_close("shift", &found[width..2 * width], values(&cpu_activation.shift), MANY);
            let floor = if relu { 0.0 } else { f32::MIN };
            assert!(found[2 * width..].iter().all(|&found| found == floor));
        };
        check_activation(&activation);
        let again = Activation(unwritten(&machine, 3 * width));
        norm::activation(&machine, channels, norm, &device_moments, &again);
        check_activation(&again);

        let gradient = random.map(pixels, channels);
        let mean = pack(&cpu.mean);
        let mut sums = GradientSums::new(mean.len());
        add_gradients(&mut sums, &map.map, &gradient.map, &cpu_activation, &mean);
        let expected = hnas_kernels::NormGradient::of(&[sums], &cpu, &gamma, f64::from(EPSILON), pixels);
        let device_gradient = gradient.upload(&machine);
        let coefficients = Coefficients(unwritten(&machine, 3 * width));
        let [gamma_gradient, beta_gradient] = [(); 2].map(|()| unwritten(&machine, width));
        let of = Normalized {
            map: &device_map,
            gradient: &device_gradient,
            moments: &device_moments,
            activation: &activation,
            gamma: &device_gamma,
            epsilon: EPSILON,
        };
        let to = NormGradient { gamma: &gamma_gradient, beta: &beta_gradient, coefficients: &coefficients };
        norm_gradient::gradients(&machine, of, to);
        // These sums cancel: they are judged against what was summed.
        let scale = (pixels as f32).sqrt();
        let near = |what: &str, found: &[f32], expected: &[f32], size: f32| {
            let distance = found.iter().zip(expected).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
            assert!(distance <= 1e-5 * size, "{what}: {distance} of {size}");
        };
        near("beta", &download(&machine, &beta_gradient), values(&pack(&expected.beta)), scale);
        near("gamma", &download(&machine, &gamma_gradient), values(&pack(&expected.gamma)), scale * (1.0 + far));
        let way = &expected.coefficients;
        let rows = [&way.scale, &way.slope, &way.offset].map(|row| values(row)).concat();
        let found = download(&machine, &coefficients.0);
        near("coefficients", &found, &rows, (1.0 + far) * (1.0 + far));

        // The gradient of the map itself, by the definition.
        let slope = Slope { gradient: &device_gradient, normalized: Some((&device_map, &activation, &coefficients)) };
        norm_gradient::settle(&machine, slope);
        let mut undone = vec![0.0; pixels * width];
        for ((undone, map), gradient) in undone
            .chunks_exact_mut(width)
            .zip(values(&map.map).chunks_exact(width))
            .zip(values(&gradient.map).chunks_exact(width))
        {
            for channel in 0..channels {
                let active = map[channel]
                    .mul_add(values(&cpu_activation.scale)[channel], values(&cpu_activation.shift)[channel]);
                let through = if active > cpu_activation.floor { gradient[channel] } else { 0.0 };
                let [scale, slope, offset] = [&way.scale, &way.slope, &way.offset].map(|row| values(row)[channel]);
                undone[channel] = scale * through + slope * map[channel] + offset;
            }
        }
        let largest = undone.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let size = (1.0 + far) * (1.0 + far) + 1e5 * rounding(precision) * largest;
        near("settled", &download_map(&machine, &device_gradient), &undone, size);
    }
}

#[test]
fn of_odd_sizes() {
    check(77, 19, true, 0.0);
    check(1000, 5, false, 0.5);
}

#[test]
fn of_many_pixels() {
    check(20_000, 33, true, 0.0);
}

#[test]
fn far_from_zero() {
    check(5000, 16, true, 30.0);
}

#[test]
fn running_moments_are_mixed() {
    let Some(machine) = machine() else { return };
    let mut random = Random::new(5);
    let (running, batch) = (random.numbers(96), random.numbers(96));
    let expected: Vec<f32> = running.iter().zip(&batch).map(|(old, new)| 0.9 * old + 0.1 * new).collect();
    let device = machine.upload(&running);
    norm::update_running(&machine, &device, &machine.upload(&batch), 0.1);
    assert_same(&machine, "running", &device, &expected, FEW);
}
