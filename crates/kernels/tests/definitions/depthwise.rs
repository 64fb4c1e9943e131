//! 3x3 convolutions of each channel on its own.

use hnas_kernels::depthwise::{Size, backward, forward, pack, unpack};
use hnas_kernels::pointwise::Destination;
use hnas_kernels::{Block, Gathering, GradientSums, Moments, Sums, blocks, pack as pack_channels};
use rand::RngExt;

use crate::naive::{
    CHANNELS, Gradient, Input, KINDS, Map, SIZES, Windows, assert_close, assert_gaps, assert_map, one_of, random, rng,
    statistics, unwritten, wide,
};

fn check(windows: Windows, channels: usize) {
    let Windows { images, height, width, stride, .. } = windows;
    let rng = &mut rng((images + height * 10 + width * 1000 + stride * 100_000 + channels * 1_000_000) as u64);
    let what = format!("{windows:?}, {channels} channels");
    let input = Input::random(windows.pixels(), channels, one_of(&KINDS, rng), rng);
    let gradient = Gradient::random(windows.outputs(), channels, one_of(&KINDS, rng), rng);
    let weight = random(channels * 9, rng);

    let (x, dz) = (input.read(), gradient.read());
    let mut y = Map::zeros(windows.outputs(), channels);
    let (mut dx, mut dw) = (Map::zeros(windows.pixels(), channels), vec![0.0; weight.len()]);
    for (to, tap, from) in windows.places() {
        for channel in 0..channels {
            let (index, weight) = (channel * 9 + tap, f64::from(weight[channel * 9 + tap]));
            *y.at_mut(to, channel) += weight * x.at(from, channel);
            *dx.at_mut(from, channel) += weight * dz.at(to, channel);
            dw[index] += x.at(from, channel) * dz.at(to, channel);
        }
    }

    let (size, packed) = (Size { height, width, stride }, pack(&weight));
    let mut map = unwritten(windows.outputs(), channels);
    let mut sums = Sums::new(blocks(channels));
    forward(input.reading(), size, &packed, &mut map, &mut Some(&mut sums));
    assert_map(&map, &y, &what);
    let moments = Moments::of(&[sums], channels);
    let (mean, variance) = statistics(&Map::of(&map, channels));
    assert_close(&wide(&moments.mean), &mean, &format!("{what}, mean"));
    assert_close(&wide(&moments.variance), &variance, &format!("{what}, variance"));
    let mut alone = unwritten(windows.outputs(), channels);
    forward(input.reading(), size, &packed, &mut alone, &mut None);
    assert_eq!(map, alone, "{what}, without sums");

    let mut found = vec![[Block::ZERO; 9]; packed.len()];
    let (before, mean) = (Map::random(windows.pixels(), channels, rng), random(channels, rng));
    for (time, add) in [(1.0, None), (2.0, Some(false)), (3.0, Some(true))] {
        let mut memory = if add == Some(true) { before.blocks() } else { unwritten(windows.pixels(), channels) };
        let mut sums = GradientSums::new(blocks(channels));
        let gathering = Some(Gathering { sums: &mut sums, mean: &pack_channels(&mean) });
        let mut target = add.map(|add| (Destination { map: &mut memory, gathering }, add));
        backward(input.reading(), gradient.slope(), size, &packed, &mut target, &mut found);
        if let Some(add) = add {
            let mut expected = dx.clone();
            if add {
                expected.add(&before);
            }
            assert_map(&memory, &expected, &format!("{what}, input, {add}"));
            if input.activation().is_some() {
                input.assert_sums(sums, &expected, &mean, &what);
            }
        }
        let unpacked = unpack(&found, channels);
        let expected: Vec<f64> = dw.iter().map(|value| value * time).collect();
        assert_close(&wide(&unpacked), &expected, &format!("{what}, weight"));
        assert_gaps(found.as_flattened(), &unpacked, &what);
    }
}

#[test]
fn equals_its_definition() {
    for (height, width) in SIZES.into_iter().chain([(3, 4), (3, 8), (2, 9), (8, 3)]) {
        for channels in CHANNELS {
            for stride in [1, 2] {
                check(Windows { images: 1 + (width + channels) % 3, height, width, kernel: 3, stride }, channels);
            }
        }
    }
}

#[test]
fn weights_are_packed_and_unpacked() {
    for channels in CHANNELS {
        let weight = random(channels * 9, &mut rng(channels as u64));
        let packed = pack(&weight);
        assert_eq!(packed.len(), blocks(channels));
        assert_eq!(unpack(&packed, channels), weight);
        assert_gaps(packed.as_flattened(), &weight, "kernels");
    }
}

#[test]
fn what_is_not_a_number_passes_a_relu() {
    let rng = &mut rng(2);
    let mut map = Map::random(5 * 4, 3, rng);
    let pixel = rng.random_range(0..20);
    *map.at_mut(pixel, 1) = f64::NAN;
    let input = Input::new(map, KINDS[2], vec![1.0; 3], vec![0.0; 3]);
    let mut output = unwritten(5 * 4, 3);
    forward(input.reading(), Size { height: 5, width: 4, stride: 1 }, &pack(&[0.5; 27]), &mut output, &mut None);
    for (at, found) in output.iter().enumerate() {
        let near = (at / 4).abs_diff(pixel / 4) <= 1 && (at % 4).abs_diff(pixel % 4) <= 1;
        assert_eq!(found.0.map(f32::is_nan)[..3], [false, near, false], "pixel {at}, {pixel} is not a number");
    }
}
