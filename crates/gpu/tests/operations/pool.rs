//! Pools.

use hnas_gpu::pool::{self, Winners};
use hnas_gpu::{Target, pitch};
use hnas_kernels::{Block, blocks, values};

use crate::sample::{FEW, Map, PRECISIONS, Random, assert_map, download, download_map, machine, unwritten_map};

fn check(images: usize, height: usize, width: usize, channels: usize, activation: Option<bool>) {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::with_maps(precision, 6);
        let (image, pixels, depth) = (height * width, images * height * width, blocks(channels));
        let input = random.input(pixels, channels, activation);
        let device = input.upload(&machine);
        let (gradient, before) = (random.map(pixels, channels), random.map(pixels, channels));
        let device_gradient = gradient.upload(&machine);

        let mut expected = vec![Block::ZERO; pixels * depth];
        let mut winners = vec![[0; 16]; pixels * depth];
        hnas_kernels::pool::max_forward(input.reading(), height, width, &mut expected, &mut winners);
        let output = unwritten_map(&machine, precision, pixels, channels);
        let device_winners = Winners(machine.room(pixels * pitch(channels) / 4));
        pool::max_forward(&machine, device.reading(), height, width, &output, &device_winners);
        assert_map(&machine, "max", &output, values(&expected), FEW);
        let found: Vec<u8> = download(&machine, &device_winners.0).into_iter().flat_map(u32::to_le_bytes).collect();
        for (pixel, (found, expected)) in found.chunks_exact(depth * 16).zip(winners.chunks_exact(depth)).enumerate() {
            assert_eq!(found[..channels], expected.as_flattened()[..channels], "winners of pixel {pixel}");
        }
        for_both(&before, |add, expected, target| {
            hnas_kernels::pool::max_backward(&gradient.map, &winners, depth, height, width, expected, add);
            pool::max_backward(&machine, &device_gradient, &device_winners, height, width, target);
        });

        hnas_kernels::pool::avg_forward(input.reading(), height, width, &mut expected);
        let output = unwritten_map(&machine, precision, pixels, channels);
        pool::avg_forward(&machine, device.reading(), height, width, &output);
        assert_map(&machine, "average", &output, values(&expected), FEW);
        for_both(&before, |add, expected, target| {
            hnas_kernels::pool::avg_backward(&gradient.map, depth, height, width, expected, add);
            pool::avg_backward(&machine, &device_gradient, height, width, target);
        });

        let mut expected = vec![Block::ZERO; images * depth];
        hnas_kernels::pool::global_forward(input.reading(), image, &mut expected);
        let output = unwritten_map(&machine, precision, images, channels);
        pool::global_forward(&machine, device.reading(), image, &output);
        assert_map(&machine, "global", &output, values(&expected), FEW);
        let gradient = random.map(images, channels);
        let device_gradient = gradient.upload(&machine);
        for_both(&before, |add, expected, target| {
            hnas_kernels::pool::global_backward(&gradient.map, depth, image, expected, add);
            pool::global_backward(&machine, &device_gradient, image, target);
        });
    }
}

/// Writes and adds on both sides, and compares.
fn for_both(before: &Map, backward: impl Fn(bool, &mut [Block], Target)) {
    let Some(machine) = machine() else { return };
    for add in [false, true] {
        let mut expected = before.map.clone();
        let target = before.upload(&machine);
        backward(add, &mut expected, if add { Target::Add(&target) } else { Target::Write(&target) });
        assert_map(&machine, "gradient", &target, values(&expected), FEW);
    }
}

#[test]
fn of_whole_blocks() {
    check(2, 8, 8, 16, Some(true));
}

#[test]
fn of_odd_sizes() {
    check(3, 7, 5, 19, Some(true));
    check(2, 4, 9, 40, Some(false));
}

#[test]
fn of_maps_as_they_are() {
    check(2, 3, 11, 5, None);
}

#[test]
fn of_one_row_or_column() {
    check(2, 1, 6, 3, None);
    check(2, 6, 1, 16, Some(true));
    check(2, 1, 1, 16, Some(true));
}

#[test]
fn what_is_not_a_number_wins() {
    let Some(machine) = machine() else { return };
    let mut map = vec![0.5; 9 * 16];
    map[4 * 16] = f32::NAN;
    for precision in PRECISIONS {
        let on_device = hnas_gpu::Map::upload(&machine, precision, 1, &map);
        let output = unwritten_map(&machine, precision, 9, 1);
        let reading = hnas_gpu::Reading { map: &on_device, activation: None };
        let winners = Winners(machine.room(9 * 4));
        pool::max_forward(&machine, reading, 3, 3, &output, &winners);
        assert!(download_map(&machine, &output).iter().step_by(16).all(|value| value.is_nan()));
    }
}
