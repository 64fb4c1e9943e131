//! Sums of maps.

use hnas_gpu::Target;
use hnas_gpu::sum::{self, Part};
use hnas_kernels::{Block, blocks, values};

use crate::sample::{DeviceInput, FEW, PRECISIONS, Random, assert_map, machine, rounding, unwritten_map};

/// Each part has some channels and is added from some channel on.
fn check(pixels: usize, channels: usize, parts: &[(usize, usize)]) {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::with_maps(precision, 7);
        let kinds = [Some(true), None, Some(false)];
        let inputs: Vec<_> = parts
            .iter()
            .zip(kinds.iter().cycle())
            .map(|(&(channels, _), &kind)| random.input(pixels, channels, kind))
            .collect();
        let depth = blocks(channels);
        let mut expected = vec![Block::ZERO; pixels * depth];
        for (input, &(_, at)) in inputs.iter().zip(parts) {
            hnas_kernels::sum::add(input.reading(), at, &mut expected, depth);
        }
        let device: Vec<DeviceInput> = inputs.iter().map(|input| input.upload(&machine)).collect();
        let device_parts: Vec<Part> =
            device.iter().zip(parts).map(|(input, &(_, at))| Part { input: input.reading(), at }).collect();
        let output = unwritten_map(&machine, precision, pixels, channels);
        sum::forward(&machine, &device_parts, &output);
        // A second launch rounds once more.
        let twice = FEW + (parts.len().div_ceil(8) - 1) as f32 * rounding(precision);
        assert_map(&machine, "sum", &output, values(&expected), twice);

        let gradient = random.map(pixels, channels);
        let device_gradient = gradient.upload(&machine);
        for (number, &(own, at)) in parts.iter().enumerate() {
            let before = random.map(pixels, own);
            let target = before.upload(&machine);
            let add = number % 2 == 1;
            let mut expected = before.map;
            hnas_kernels::sum::backward(&gradient.map, depth, at, own, &mut expected, add);
            let to = if add { Target::Add(&target) } else { Target::Write(&target) };
            sum::backward(&machine, &device_gradient, at, to);
            assert_map(&machine, "gradient", &target, values(&expected), FEW);
        }
    }
}

#[test]
fn of_whole_blocks() {
    check(50, 32, &[(32, 0), (16, 0), (16, 16)]);
}

#[test]
fn of_parts_that_start_anywhere() {
    check(33, 23, &[(23, 0), (5, 0), (18, 5), (7, 11)]);
    check(9, 40, &[(3, 37), (1, 39), (20, 18), (33, 3), (16, 12)]);
}

#[test]
fn of_more_maps_than_one_launch_reads() {
    check(20, 16, &[(16, 0); 11]);
}
