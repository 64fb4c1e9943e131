//! Batches cut out of images on the device.

use hnas_gpu::augmentation::{Cut, Cuts, Images, cut};
use hnas_gpu::pitch;

use crate::sample::{FEW, PRECISIONS, Random, assert_map, assert_panics, machine, unwritten_map};

fn check(count: usize, channels: usize, side: (usize, usize), crop: (usize, usize), batch: usize) {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::new(12);
        let ((height, width), (rows, columns)) = (side, crop);
        let bytes: Vec<u8> = (0..count * channels * height * width).map(|_| random.below(256) as u8).collect();
        let normalizer = random.numbers(2 * channels);
        let cuts: Vec<Cut> = (0..batch)
            .map(|_| Cut {
                image: random.below(count as u32),
                top: random.below((height - rows + 1) as u32),
                left: random.below((width - columns + 1) as u32),
                mirrored: random.below(2) == 1,
            })
            .collect();
        let mut expected = vec![0.0; batch * rows * columns * pitch(channels)];
        for (pixel, values) in expected.chunks_exact_mut(pitch(channels)).enumerate() {
            let cut = cuts[pixel / (rows * columns)];
            let (row, column) = (pixel / columns % rows, pixel % columns);
            let column = if cut.mirrored { columns - 1 - column } else { column };
            for (channel, value) in values[..channels].iter_mut().enumerate() {
                let plane = cut.image as usize * channels + channel;
                let byte = bytes[(plane * height + cut.top as usize + row) * width + cut.left as usize + column];
                *value = f32::from(byte) * normalizer[channel] + normalizer[channels + channel];
            }
        }
        let images = Images::upload(&machine, &bytes, channels, height, width);
        let device_cuts = Cuts::room(&machine, batch);
        device_cuts.write(&machine, &images, rows, columns, &cuts);
        let output = unwritten_map(&machine, precision, batch * rows * columns, channels);
        cut(&machine, &images, &device_cuts, &machine.upload(&normalizer), rows, columns, &output);
        assert_map(&machine, "batch", &output, &expected, FEW);
    }
}

#[test]
fn of_colour_images() {
    check(5, 3, (9, 7), (6, 5), 13);
}

#[test]
fn of_whole_images() {
    check(3, 3, (4, 5), (4, 5), 4);
}

#[test]
fn of_other_numbers_of_channels() {
    check(4, 1, (7, 7), (3, 6), 6);
    check(4, 18, (5, 3), (4, 2), 5);
}

#[test]
fn a_cut_is_inside_its_image() {
    let Some(machine) = machine() else { return };
    assert_panics("is not in the images", || {
        let images = Images::upload(&machine, &[0; 2 * 3 * 4 * 4], 3, 4, 4);
        let beyond = Cut { image: 0, top: 2, left: 0, mirrored: false };
        Cuts::room(&machine, 1).write(&machine, &images, 3, 4, &[beyond]);
    });
}
