//! Depthwise convolutions.

use hnas_gpu::{Target, depthwise};
use hnas_kernels::pointwise::Destination;
use hnas_kernels::{Block, values};

use crate::sample::{FEW, MANY, PRECISIONS, Random, assert_map, assert_same, machine, unwritten, unwritten_map};

fn check(images: usize, height: usize, width: usize, channels: usize, stride: usize, activation: Option<bool>) {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::with_maps(precision, 1);
        let size = depthwise::Size { height, width, stride };
        let cpu_size = hnas_kernels::depthwise::Size { height, width, stride };
        let (rows, columns) = size.output();
        let pixels = images * rows * columns;
        let input = random.input(images * height * width, channels, activation);
        let weight = random.numbers(channels * 9);
        let kernels = hnas_kernels::depthwise::pack(&weight);
        let (device_input, weights) = (input.upload(&machine), machine.upload(&depthwise::pack(&weight)));

        let mut expected = vec![Block::ZERO; pixels * kernels.len()];
        hnas_kernels::depthwise::forward(input.reading(), cpu_size, &kernels, &mut expected, &mut None);
        let output = unwritten_map(&machine, precision, pixels, channels);
        depthwise::forward(&machine, device_input.reading(), size, &weights, &output);
        assert_map(&machine, "output", &output, values(&expected), FEW);

        let slope = random.output(pixels, channels, activation.is_some());
        let before = random.map(images * height * width, channels);
        for add in [false, true] {
            let mut expected = before.map.clone();
            let mut gradient = vec![[Block::ZERO; 9]; kernels.len()];
            let mut target = Some((Destination { map: &mut expected, gathering: None }, add));
            let (reading, cpu_slope) = (input.reading(), slope.slope());
            hnas_kernels::depthwise::backward(reading, cpu_slope, cpu_size, &kernels, &mut target, &mut gradient);

            let device_slope = slope.upload(&machine);
            let target = before.upload(&machine);
            let to = if add { Target::Add(&target) } else { Target::Write(&target) };
            depthwise::input_gradient(&machine, device_slope.slope(), size, &weights, to);
            assert_map(&machine, "input gradient", &target, values(&expected), FEW);

            let found = unwritten(&machine, weights.len());
            depthwise::weight_gradient(&machine, device_input.reading(), device_slope.slope(), size, &found);
            let unpacked = hnas_kernels::depthwise::unpack(&gradient, channels);
            assert_same(&machine, "weight gradient", &found, &depthwise::pack(&unpacked), MANY);
            assert_eq!(depthwise::unpack(&depthwise::pack(&unpacked), channels), unpacked);
        }
    }
}

#[test]
fn of_whole_blocks() {
    check(2, 8, 8, 16, 1, Some(true));
}

#[test]
fn of_odd_sizes() {
    check(3, 7, 5, 19, 1, Some(true));
}

#[test]
fn of_more_pixels_than_one_part() {
    check(11, 31, 29, 35, 1, Some(true));
}

#[test]
fn without_a_relu_or_a_normalisation() {
    check(2, 6, 9, 5, 1, Some(false));
    check(2, 6, 9, 5, 1, None);
}

#[test]
fn of_stride_two() {
    check(3, 8, 6, 16, 2, Some(true));
    check(3, 7, 9, 40, 2, Some(true));
    check(2, 1, 1, 3, 2, None);
}
