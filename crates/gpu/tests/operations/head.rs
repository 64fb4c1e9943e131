//! The bias and the loss of a classifier.

use hnas_gpu::head;
use hnas_kernels::{Block, blocks, values};

use crate::sample::{
    FEW, MANY, Map, PRECISIONS, Random, assert_close, assert_map, assert_same, download, machine, unwritten,
    unwritten_map, upload_channels,
};

fn check_bias(pixels: usize, channels: usize) {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::with_maps(precision, 8);
        let (map, bias) = (random.map(pixels, channels), random.numbers(channels));
        let (device_map, device_bias) = (map.upload(&machine), upload_channels(&machine, &bias));
        let found = unwritten(&machine, device_bias.len());
        head::bias_gradient(&machine, &device_map, &found);
        let expected = hnas_kernels::pack(&hnas_kernels::head::bias_gradient(&map.map, channels));
        assert_same(&machine, "bias gradient", &found, values(&expected), MANY);

        head::add_bias(&machine, &device_map, &device_bias);
        let mut expected = map.map;
        hnas_kernels::head::add_bias(&mut expected, &bias);
        assert_map(&machine, "biased", &device_map, values(&expected), FEW);
    }
}

fn check_loss(images: usize, classes: usize, size: f32) {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::with_maps(precision, 9);
        let mut logits = random.map(images, classes);
        hnas_kernels::values_mut(&mut logits.map).iter_mut().for_each(|logit| *logit *= size);
        let logits = logits.exact();
        let labels: Vec<u32> = (0..images).map(|_| random.below(classes as u32)).collect();
        let mut expected = vec![Block::ZERO; images * blocks(classes)];
        let expected_loss = hnas_kernels::head::cross_entropy(&logits.map, classes, &labels, &mut expected);

        let device_labels = machine.upload(&labels);
        let (gradient, loss) = (unwritten_map(&machine, precision, images, classes), unwritten(&machine, 1));
        head::cross_entropy(&machine, &logits.upload(&machine), &device_labels, &gradient, (&loss, 0));
        assert_close("loss", &download(&machine, &loss), &[expected_loss], MANY);
        assert_map(&machine, "gradient", &gradient, values(&expected), MANY);
    }
}

#[test]
fn bias_of_one_pixel_an_image() {
    check_bias(37, 10);
    check_bias(3000, 33);
}

#[test]
fn loss_of_some_images() {
    check_loss(1, 2, 1.0);
    check_loss(37, 10, 3.0);
    check_loss(700, 100, 1.0);
}

#[test]
fn loss_of_large_logits() {
    check_loss(50, 10, 500.0);
}

#[test]
fn a_logit_that_is_not_a_number_makes_the_loss_none() {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut logits = Map { map: vec![Block::ZERO; 3], channels: 10, precision };
        logits.map[1].0[4] = f32::NAN;
        let (gradient, loss) = (unwritten_map(&machine, precision, 3, 10), unwritten(&machine, 1));
        let labels = machine.upload(&[1u32, 2, 3]);
        head::cross_entropy(&machine, &logits.upload(&machine), &labels, &gradient, (&loss, 0));
        assert!(download(&machine, &loss)[0].is_nan());
    }
}
