//! Convolutions over all channels: 1x1 and larger.

use hnas_gpu::conv::{self, Layout, Product, Window};
use hnas_gpu::{Target, pitch};
use hnas_kernels::pointwise::{self, Destination, Weights, Writing};
use hnas_kernels::{Block, blocks, values};

use crate::sample::{
    DeviceInput, DeviceOutput, Input, MANY, Output, PRECISIONS, Random, assert_map, assert_same, machine, rounding,
    unwritten, unwritten_map,
};

/// 1x1 convolutions of `inputs` channels that give `outputs` channels each.
fn check_pointwise(pixels: usize, inputs: &[usize], outputs: &[usize]) {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::with_maps(precision, 2);
        let window = Window { height: pixels, width: 1, kernel: 1, stride: 1 };
        // A launch that adds to what the one before gave rounds once more.
        let tolerance =
            |count: usize, at_once: usize| MANY + (count.div_ceil(at_once) - 1) as f32 * rounding(precision);
        let total: usize = inputs.iter().sum();
        let kinds = [Some(true), None, Some(false)];
        let maps: Vec<Input> = inputs
            .iter()
            .zip(kinds.iter().cycle())
            .map(|(&channels, &kind)| random.input(pixels, channels, kind))
            .collect();
        let weights: Vec<Vec<f32>> = outputs.iter().map(|&channels| random.numbers(channels * total)).collect();
        let slopes: Vec<Output> = outputs
            .iter()
            .zip([true, false].iter().cycle())
            .map(|(&channels, &n)| random.output(pixels, channels, n))
            .collect();
        let layouts: Vec<Layout> =
            outputs.iter().map(|&outputs| Layout { inputs: inputs.to_vec(), outputs, kernel: 1 }).collect();

        let pairs: Vec<(usize, &[f32])> = outputs.iter().copied().zip(weights.iter().map(Vec::as_slice)).collect();
        let packed = Weights::pack(inputs, &pairs);
        let readings: Vec<_> = maps.iter().map(Input::reading).collect();
        let cpu_slopes: Vec<_> = slopes.iter().map(Output::slope).collect();
        let mut expected: Vec<Vec<Block>> =
            outputs.iter().map(|&channels| vec![Block::ZERO; pixels * blocks(channels)]).collect();
        let mut writings: Vec<Writing> = expected.iter_mut().map(|map| Writing { map, sums: None }).collect();
        pointwise::forward(&readings, &packed, &mut writings);

        let device_maps: Vec<DeviceInput> = maps.iter().map(|map| map.upload(&machine)).collect();
        let device_readings: Vec<_> = device_maps.iter().map(DeviceInput::reading).collect();
        let device_slopes: Vec<DeviceOutput> = slopes.iter().map(|slope| slope.upload(&machine)).collect();
        let device_weights: Vec<_> =
            layouts.iter().zip(&weights).map(|(layout, weight)| machine.upload(&layout.pack(weight))).collect();
        for ((&channels, weights), expected) in outputs.iter().zip(&device_weights).zip(&expected) {
            let output = unwritten_map(&machine, precision, pixels, channels);
            conv::forward(&machine, &device_readings, window, weights, &output);
            assert_map(&machine, "output", &output, values(expected), tolerance(inputs.len(), 8));
        }

        // Every other gradient is added to what is there.
        let mut targets: Vec<_> = inputs.iter().map(|&channels| random.map(pixels, channels)).collect();
        let device_targets: Vec<_> = targets.iter().map(|target| target.upload(&machine)).collect();
        let to: Vec<pointwise::Target> = (0..inputs.len())
            .map(
                |number| {
                    if number % 2 == 0 { pointwise::Target::Write(number) } else { pointwise::Target::Add(number) }
                },
            )
            .collect();
        let mut slices: Vec<Destination> =
            targets.iter_mut().map(|target| Destination { map: &mut target.map, gathering: None }).collect();
        let mut gradient = vec![hnas_kernels::Block::ZERO; packed.gradient_blocks()];
        pointwise::backward(&readings, &cpu_slopes, &packed, &to, &mut slices, &mut gradient);
        let products: Vec<Product> = device_slopes
            .iter()
            .zip(&device_weights)
            .map(|(slope, weights)| Product { slope: slope.slope(), weights })
            .collect();
        for (number, (target, expected)) in device_targets.iter().zip(&targets).enumerate() {
            let to = if number % 2 == 0 { Target::Write(target) } else { Target::Add(target) };
            conv::input_gradient(&machine, &products, inputs, number, window, to);
            assert_map(&machine, "input gradient", target, values(&expected.map), tolerance(outputs.len(), 4));
        }
        for ((slope, layout), expected) in device_slopes.iter().zip(&layouts).zip(packed.unpack(&gradient)) {
            let found = unwritten(&machine, layout.values());
            conv::weight_gradient(&machine, &device_readings, slope.slope(), window, &found);
            assert_same(&machine, "weight gradient", &found, &layout.pack(&expected), MANY);
            assert_eq!(layout.unpack(&layout.pack(&expected)), expected);
        }
    }
}

/// One convolution with a larger window.
fn check_window(images: usize, window: Window, inputs: &[usize], outputs: usize) {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::with_maps(precision, 3);
        let Window { height, width, kernel, stride } = window;
        let total: usize = inputs.iter().sum();
        let cpu_window = hnas_kernels::conv::Window { height, width, channels: total, kernel, stride };
        let (rows, columns) = window.output();
        let (pixels, given) = (images * height * width, images * rows * columns);
        let kinds = [None, Some(true), Some(false)];
        let maps: Vec<Input> = inputs
            .iter()
            .zip(kinds.iter().cycle())
            .map(|(&channels, &kind)| random.input(pixels, channels, kind))
            .collect();
        let weight = random.numbers(outputs * total * kernel * kernel);
        let slope = random.output(given, outputs, true);
        let layout = Layout { inputs: inputs.to_vec(), outputs, kernel };

        let packed = cpu_window.pack(outputs, &weight);
        let readings: Vec<_> = maps.iter().map(Input::reading).collect();
        let mut expected = vec![Block::ZERO; given * blocks(outputs)];
        let mut writing = Writing { map: &mut expected, sums: None };
        hnas_kernels::conv::forward(&readings, cpu_window, &packed, &mut writing);

        let device_maps: Vec<DeviceInput> = maps.iter().map(|map| map.upload(&machine)).collect();
        let device_readings: Vec<_> = device_maps.iter().map(DeviceInput::reading).collect();
        let weights = machine.upload(&layout.pack(&weight));
        let output = unwritten_map(&machine, precision, given, outputs);
        conv::forward(&machine, &device_readings, window, &weights, &output);
        assert_map(&machine, "output", &output, values(&expected), MANY);

        let mut targets: Vec<_> = inputs.iter().map(|&channels| random.map(pixels, channels)).collect();
        let device_targets: Vec<_> = targets.iter().map(|target| target.upload(&machine)).collect();
        let to: Vec<pointwise::Target> = (0..inputs.len()).map(pointwise::Target::Add).collect();
        let mut slices: Vec<&mut [Block]> = targets.iter_mut().map(|target| target.map.as_mut_slice()).collect();
        let mut gradient = vec![hnas_kernels::Block::ZERO; packed.gradient_blocks()];
        hnas_kernels::conv::backward(&readings, cpu_window, slope.slope(), &packed, &to, &mut slices, &mut gradient);
        let device_slope = slope.upload(&machine);
        let product = Product { slope: device_slope.slope(), weights: &weights };
        for (number, (target, expected)) in device_targets.iter().zip(&targets).enumerate() {
            conv::input_gradient(&machine, &[product], inputs, number, window, Target::Add(target));
            assert_map(&machine, "input gradient", target, values(&expected.map), MANY);
        }
        let found = unwritten(&machine, layout.values());
        conv::weight_gradient(&machine, &device_readings, device_slope.slope(), window, &found);
        let expected = layout.pack(&cpu_window.unpack(&packed, &gradient));
        assert_same(&machine, "weight gradient", &found, &expected, MANY);
    }
}

#[test]
fn of_one_map() {
    check_pointwise(100, &[16], &[16]);
    check_pointwise(64, &[5], &[3]);
}

#[test]
fn of_several_maps_with_several_products() {
    check_pointwise(333, &[16, 19, 35], &[16, 24, 64, 33]);
}

#[test]
fn of_more_maps_than_one_launch_reads() {
    check_pointwise(70, &[16, 3, 16, 20, 1, 16, 16, 17, 8, 32], &[24]);
}

#[test]
fn of_more_products_than_one_launch_reads() {
    check_pointwise(70, &[20], &[16, 3, 16, 20, 1, 16, 16, 17, 8, 32]);
}

#[test]
fn of_more_pixels_than_one_part() {
    check_pointwise(5000, &[48, 16], &[32]);
}

#[test]
fn of_three_by_three() {
    check_window(3, Window { height: 7, width: 9, kernel: 3, stride: 1 }, &[3], 16);
    check_window(2, Window { height: 5, width: 6, kernel: 3, stride: 1 }, &[16, 21], 40);
}

#[test]
fn of_stride_two() {
    check_window(3, Window { height: 7, width: 9, kernel: 3, stride: 2 }, &[17, 4], 20);
    check_window(3, Window { height: 8, width: 6, kernel: 1, stride: 2 }, &[17, 16], 32);
    check_window(2, Window { height: 5, width: 7, kernel: 1, stride: 2 }, &[8], 16);
}

#[test]
fn weights_lie_where_their_channels_are() {
    let layout = Layout { inputs: vec![1, 2], outputs: 2, kernel: 1 };
    let packed = layout.pack(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let row = pitch(2);
    assert_eq!([packed[0], packed[16 * row], packed[17 * row]], [1.0, 2.0, 3.0]);
    assert_eq!([packed[1], packed[16 * row + 1], packed[17 * row + 1]], [4.0, 5.0, 6.0]);
    assert_eq!(packed.iter().sum::<f32>(), 21.0);
}
