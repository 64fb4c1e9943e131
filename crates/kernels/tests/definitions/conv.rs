//! Convolutions over all channels with larger kernels or steps.

use hnas_kernels::conv::{Window, backward, forward};
use hnas_kernels::pointwise::{Target, Writing};
use hnas_kernels::{Block, Moments, Reading, Sums, blocks};

use crate::naive::{
    Convolution, Gradient, Input, KINDS, Map, SIZES, Windows, assert_close, assert_gaps, assert_map, one_of, random,
    rng, statistics, unwritten, wide,
};

fn check(windows: Windows, channels: &[usize], output: usize) {
    let Windows { images, height, width, kernel, stride } = windows;
    let rng = &mut rng((images + height * 10 + width * 100 + kernel * 1000 + stride * 10000 + output * 100000) as u64);
    let what = format!("{windows:?}, {channels:?} to {output}");
    let inputs: Vec<Input> =
        channels.iter().map(|&c| Input::random(windows.pixels(), c, one_of(&KINDS, rng), rng)).collect();
    let total = channels.iter().sum();
    let weight = random(output * total * kernel * kernel, rng);
    let gradient = Gradient::random(windows.outputs(), output, one_of(&KINDS, rng), rng);
    let x = Map::concat(&inputs.iter().map(Input::read).collect::<Vec<_>>());
    let expected = Convolution::of(windows, &x, &wide(&weight), &gradient.read());

    let window = Window { height, width, channels: total, kernel, stride };
    assert_eq!(window.output(), (height.div_ceil(stride), width.div_ceil(stride)));
    let packed = window.pack(output, &weight);
    let readings: Vec<Reading> = inputs.iter().map(Input::reading).collect();
    let (mut map, mut sums) = (unwritten(windows.outputs(), output), Sums::new(blocks(output)));
    forward(&readings, window, &packed, &mut Writing { map: &mut map, sums: Some(&mut sums) });
    assert_map(&map, &expected.y, &what);
    let moments = Moments::of(&[sums], output);
    let (mean, variance) = statistics(&Map::of(&map, output));
    assert_close(&wide(&moments.mean), &mean, &format!("{what}, mean"));
    assert_close(&wide(&moments.variance), &variance, &format!("{what}, variance"));

    let mut found = vec![Block::ZERO; packed.gradient_blocks()];
    for time in [1.0, 2.0] {
        // All ways of handing a gradient on, in turns.
        let (mut to, mut memory, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = 0;
        for (index, &channels) in channels.iter().enumerate() {
            let dx = expected.dx.cut(first, channels);
            first += channels;
            match (index + output + time as usize) % 3 {
                0 => to.push(Target::Nowhere),
                1 => {
                    to.push(Target::Write(memory.len()));
                    memory.push(unwritten(windows.pixels(), channels));
                    targets.push(dx);
                }
                _ => {
                    to.push(Target::Add(memory.len()));
                    let mut before = Map::random(windows.pixels(), channels, rng);
                    memory.push(before.blocks());
                    before.add(&dx);
                    targets.push(before);
                }
            }
        }
        let mut borrowed: Vec<_> = memory.iter_mut().map(Vec::as_mut_slice).collect();
        backward(&readings, window, gradient.slope(), &packed, &to, &mut borrowed, &mut found);
        for (number, (memory, expected)) in memory.iter().zip(&targets).enumerate() {
            assert_map(memory, expected, &format!("{what}, {to:?}, target {number}"));
        }
        let unpacked = window.unpack(&packed, &found);
        let expected: Vec<f64> = expected.dw.iter().map(|value| value * time).collect();
        assert_close(&wide(&unpacked), &expected, &format!("{what}, weight"));
        assert_gaps(&found, &unpacked, &what);
    }
}

#[test]
fn equals_its_definition() {
    for (height, width) in SIZES {
        for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (5, 2)] {
            for (channels, output) in [(&[3][..], 16), (&[1], 1), (&[17], 5), (&[5, 20, 3], 20), (&[16, 16], 33)] {
                let images = 1 + (height + output) % 3;
                check(Windows { images, height, width, kernel, stride }, channels, output);
            }
        }
    }
}

/// An input that is read twice gets both gradients.
#[test]
fn a_target_that_occurs_twice_gets_the_sum() {
    let windows = Windows { images: 2, height: 5, width: 7, kernel: 3, stride: 2 };
    let rng = &mut rng(11);
    let input = Input::random(windows.pixels(), 5, KINDS[2], rng);
    let gradient = Gradient::random(windows.outputs(), 3, KINDS[2], rng);
    let weight = random(3 * 10 * 9, rng);
    let x = Map::concat(&[input.read(), input.read()]);
    let expected = Convolution::of(windows, &x, &wide(&weight), &gradient.read());
    let window = Window { height: 5, width: 7, channels: 10, kernel: 3, stride: 2 };
    let (packed, mut target) = (window.pack(3, &weight), unwritten(windows.pixels(), 5));
    let (readings, to) = ([input.reading(), input.reading()], [Target::Write(0), Target::Add(0)]);
    backward(
        &readings,
        window,
        gradient.slope(),
        &packed,
        &to,
        &mut [&mut target],
        &mut vec![Block::ZERO; packed.gradient_blocks()],
    );
    let mut sum = expected.dx.cut(0, 5);
    sum.add(&expected.dx.cut(5, 5));
    assert_map(&target, &sum, "both");
}
