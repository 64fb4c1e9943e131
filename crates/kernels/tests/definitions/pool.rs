//! Pools.

use hnas_kernels::pool::{
    Winners, avg_backward, avg_forward, global_backward, global_forward, max_backward, max_forward,
};
use hnas_kernels::{BLOCK, Block, blocks};
use rand::{RngExt, rngs::ChaCha8Rng};

use crate::naive::{CHANNELS, Input, KINDS, Kind, Map, SIZES, Windows, assert_map, one_of, rng, unwritten};

/// Calls `check` with images of all sizes and channel counts.
fn each(check: impl Fn(Windows, usize, &str, &mut ChaCha8Rng)) {
    for (height, width) in SIZES {
        for channels in CHANNELS {
            let windows = Windows { images: 1 + (height + channels) % 3, height, width, kernel: 3, stride: 1 };
            let what = format!("{windows:?}, {channels} channels");
            check(windows, channels, &what, &mut rng((height + width * 100 + channels * 10_000) as u64));
        }
    }
}

/// Runs a way back twice, writing and adding.
fn check_backward(dx: &Map, what: &str, rng: &mut ChaCha8Rng, backward: impl Fn(&mut [Block], bool)) {
    let mut target = unwritten(dx.pixels(), dx.channels);
    backward(&mut target, false);
    assert_map(&target, dx, &format!("{what}, written"));
    let mut sum = Map::random(dx.pixels(), dx.channels, rng);
    target = sum.blocks();
    backward(&mut target, true);
    sum.add(dx);
    assert_map(&target, &sum, &format!("{what}, added"));
}

/// Values from a few, so that often several of a window are the largest, read without rounding.
fn stepped(pixels: usize, channels: usize, rng: &mut ChaCha8Rng) -> Input {
    let lowest = rng.random_range(-9..1);
    let map = Map::build(pixels, channels, |_, _| f64::from(rng.random_range(lowest..lowest + 4)));
    let scale = (0..channels).map(|_| one_of(&[-0.5, 1.0, 2.0], rng)).collect();
    let shift = (0..channels).map(|_| one_of(&[-2.0, 0.0, 3.0], rng)).collect();
    Input::new(map, one_of(&KINDS, rng), scale, shift)
}

#[test]
fn max_equals_its_definition() {
    each(|windows, channels, what, rng| {
        let input = stepped(windows.pixels(), channels, rng);
        let (x, dy) = (input.read(), Map::random(windows.pixels(), channels, rng));
        let mut y = Map::build(windows.pixels(), channels, |_, _| f64::NEG_INFINITY);
        let mut won = vec![(usize::MAX, usize::MAX); windows.pixels() * channels];
        for (to, tap, from) in windows.places() {
            for channel in 0..channels {
                if x.at(from, channel) > y.at(to, channel) {
                    *y.at_mut(to, channel) = x.at(from, channel);
                    won[to * channels + channel] = (tap, from);
                }
            }
        }
        let mut dx = Map::zeros(windows.pixels(), channels);
        for (index, &(_, from)) in won.iter().enumerate() {
            *dx.at_mut(from, index % channels) += dy.values[index];
        }

        let Windows { height, width, .. } = windows;
        let mut output = unwritten(windows.pixels(), channels);
        let mut winners: Vec<Winners> = vec![[u8::MAX; BLOCK]; output.len()];
        max_forward(input.reading(), height, width, &mut output, &mut winners);
        assert_eq!(Map::of(&output, channels), y, "{what}");
        for (index, &(tap, _)) in won.iter().enumerate() {
            let (pixel, channel) = (index / channels, index % channels);
            let found = winners[pixel * blocks(channels) + channel / BLOCK][channel % BLOCK];
            assert_eq!(usize::from(found), tap, "{what}, pixel {pixel}, channel {channel}");
        }
        let gradient = dy.blocks();
        check_backward(&dx, what, rng, |target, add| {
            max_backward(&gradient, &winners, blocks(channels), height, width, target, add);
        });
    });
}

#[test]
fn avg_equals_its_definition() {
    each(|windows, channels, what, rng| {
        let input = Input::random(windows.pixels(), channels, one_of(&KINDS, rng), rng);
        let (x, dy) = (input.read(), Map::random(windows.pixels(), channels, rng));
        let places = windows.places();
        let mut under = vec![0.0; windows.pixels()];
        places.iter().for_each(|&(to, ..)| under[to] += 1.0);
        let [mut y, mut dx] = [(); 2].map(|()| Map::zeros(windows.pixels(), channels));
        for (to, _, from) in places {
            for channel in 0..channels {
                *y.at_mut(to, channel) += x.at(from, channel) / under[to];
                *dx.at_mut(from, channel) += dy.at(to, channel) / under[to];
            }
        }

        let Windows { height, width, .. } = windows;
        let mut output = unwritten(windows.pixels(), channels);
        avg_forward(input.reading(), height, width, &mut output);
        assert_map(&output, &y, what);
        let gradient = dy.blocks();
        check_backward(&dx, what, rng, |target, add| {
            avg_backward(&gradient, blocks(channels), height, width, target, add);
        });
    });
}

#[test]
fn global_equals_its_definition() {
    each(|windows, channels, what, rng| {
        let pixels = windows.height * windows.width;
        let input = Input::random(windows.pixels(), channels, one_of(&KINDS, rng), rng);
        let (x, dy) = (input.read(), Map::random(windows.images, channels, rng));
        let mean = |image, channel| (0..pixels).map(|pixel| x.at(image * pixels + pixel, channel)).sum::<f64>();
        let y = Map::build(windows.images, channels, |image, channel| mean(image, channel) / pixels as f64);
        let share = |pixel, channel| dy.at(pixel / pixels, channel) / pixels as f64;
        let dx = Map::build(windows.pixels(), channels, share);

        let mut output = unwritten(windows.images, channels);
        global_forward(input.reading(), pixels, &mut output);
        assert_map(&output, &y, what);
        let gradient = dy.blocks();
        check_backward(&dx, what, rng, |target, add| {
            global_backward(&gradient, blocks(channels), pixels, target, add);
        });
    });
}

/// A whole window of it gives minus infinity, which the next normalisation turns into what is not a number again.
#[test]
fn what_is_not_a_number_is_passed_over_by_the_largest() {
    for (values, expected) in [([f64::NAN, 2.0, 1.0], [2.0, 2.0, 2.0]), ([f64::NAN; 3], [f64::NEG_INFINITY; 3])] {
        let input = Input::new(Map { channels: 1, values: values.to_vec() }, Kind::Plain, Vec::new(), Vec::new());
        let (mut output, mut winners) = (unwritten(3, 1), [Winners::default(); 3]);
        max_forward(input.reading(), 1, 3, &mut output, &mut winners);
        let [a, b, c] = expected;
        assert_eq!(Map::of(&output, 1).values, [a, b.max(c), c], "{values:?}");
    }
}

#[test]
fn what_is_not_a_number_passes_averages() {
    let mut map = Map::zeros(12, 3);
    *map.at_mut(5, 1) = f64::NAN;
    let input = Input::new(map, Kind::Relu, vec![1.0; 3], vec![0.0; 3]);
    let mut output = unwritten(12, 3);
    avg_forward(input.reading(), 3, 4, &mut output);
    let found: Vec<usize> = (0..12).filter(|&pixel| output[pixel].0[1].is_nan()).collect();
    assert_eq!(found, [0, 1, 2, 4, 5, 6, 8, 9, 10]);
    global_forward(input.reading(), 12, &mut output[..1]);
    assert_eq!(output[0].0.map(f32::is_nan)[..3], [false, true, false]);
}
