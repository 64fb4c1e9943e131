//! The bias of a classifier, and the loss.

use hnas_kernels::head::{add_bias, bias_gradient, cross_entropy};
use hnas_kernels::{Block, pack};
use rand::{RngExt, rngs::ChaCha8Rng};

use crate::naive::{CHANNELS, Map, assert_close, assert_map, random, rng, unwritten, wide};

#[test]
fn a_bias_is_added_to_each_pixel() {
    for channels in CHANNELS {
        for pixels in [1, 2, 130] {
            let rng = &mut rng((channels + pixels * 100) as u64);
            let (map, bias) = (Map::random(pixels, channels, rng), random(channels, rng));
            let expected =
                Map::build(pixels, channels, |pixel, channel| map.at(pixel, channel) + f64::from(bias[channel]));
            let mut found = map.blocks();
            add_bias(&mut found, &bias);
            assert_map(&found, &expected, "bias");
            let sum = |channel| (0..pixels).map(|pixel| map.at(pixel, channel)).sum();
            let sums: Vec<f64> = (0..channels).map(sum).collect();
            assert_close(&wide(&bias_gradient(&map.blocks(), channels)), &sums, "its gradient");
        }
    }
}

/// `- log(exp(l_label) / sum exp(l))`, the mean over images.
fn loss(logits: &Map, labels: &[u32]) -> f64 {
    let of = |(image, &label): (usize, &u32)| {
        let row = &logits.values[image * logits.channels..][..logits.channels];
        let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.iter().map(|logit| (logit - highest).exp()).sum::<f64>().ln() + highest - row[label as usize]
    };
    labels.iter().enumerate().map(of).sum::<f64>() / labels.len() as f64
}

fn draw(images: usize, classes: usize, scale: f64, rng: &mut ChaCha8Rng) -> (Map, Vec<u32>) {
    let mut logits = Map::random(images, classes, rng);
    logits.values.iter_mut().for_each(|value| *value = f64::from((*value * scale) as f32));
    (logits, (0..images).map(|_| rng.random_range(0..classes) as u32).collect())
}

#[test]
fn cross_entropy_equals_its_definition() {
    for classes in [1, 2, 10, 16, 17, 100, 256] {
        for images in [1, 3, 50] {
            for scale in [1e-3, 1.0, 30.0] {
                let rng = &mut rng((classes + images * 1000) as u64);
                let what = format!("{images} images, {classes} classes, logits up to {scale}");
                let (logits, labels) = draw(images, classes, scale, rng);
                let mut gradient = unwritten(images, classes);
                let found = cross_entropy(&logits.blocks(), classes, &labels, &mut gradient);
                assert_close(&[f64::from(found)], &[loss(&logits, &labels)], &what);

                let found = Map::of(&gradient, classes);
                for (index, &found) in found.values.iter().enumerate().step_by(7) {
                    let [up, down] = [1e-4, -1e-4].map(|step| {
                        let mut moved = logits.clone();
                        moved.values[index] += step;
                        loss(&moved, &labels)
                    });
                    let expected = (up - down) / 2e-4;
                    let distance = (found - expected).abs() * images as f64;
                    assert!(distance < 1e-6, "{what}, gradient {index}: {found} is not {expected}");
                }
            }
        }
    }
}

#[test]
fn logits_may_be_huge() {
    let mut gradient = [Block::ZERO; 1];
    let loss = cross_entropy(&pack(&[-3e38, 3e38, 0.0]), 3, &[1], &mut gradient);
    assert_eq!((loss, gradient[0]), (0.0, Block::ZERO));
    let loss = cross_entropy(&pack(&[1000.0, -1000.0]), 2, &[1], &mut gradient);
    assert_eq!((loss, &gradient[0].0[..3]), (2000.0, &[1.0, -1.0, 0.0][..]));
}

#[test]
fn a_loss_that_is_not_a_number_stays_one() {
    for wrong in [f32::NAN, f32::INFINITY] {
        for place in 0..3 {
            let mut logits = [1.0, 2.0, 3.0];
            logits[place] = wrong;
            assert!(cross_entropy(&pack(&logits), 3, &[1], &mut [Block::ZERO]).is_nan(), "{wrong} at {place}");
        }
    }
    assert!(cross_entropy(&pack(&[f32::NEG_INFINITY; 3]), 3, &[1], &mut [Block::ZERO]).is_nan());
}

#[test]
#[should_panic(expected = "out of bounds")]
fn a_label_that_is_no_class_is_refused() {
    cross_entropy(&[Block::ZERO], 10, &[10], &mut [Block::ZERO]);
}
