//! Sums of maps.

use hnas_kernels::{Block, blocks, sum};

use crate::naive::{Input, KINDS, Map, assert_map, one_of, rng, unwritten};

/// Maps of so many channels are added one behind the other from channel `first` on of a map with `total` channels.
fn check(first: usize, channels: &[usize], total: usize) {
    let (rng, pixels) = (&mut rng((first * 100 + total) as u64), 1 + total % 7);
    let what = format!("{channels:?} from {first} on of {total}");
    let mut expected = Map::zeros(pixels, total);
    let mut found = vec![Block::ZERO; pixels * blocks(total)];
    let gradient = Map::random(pixels, total, rng);
    let mut at = first;
    // Twice, so that there is something to add to.
    for &channels in channels.iter().chain(channels) {
        if at + channels > total {
            at = first;
        }
        let input = Input::random(pixels, channels, one_of(&KINDS, rng), rng);
        let read = input.read();
        for pixel in 0..pixels {
            (0..channels).for_each(|channel| *expected.at_mut(pixel, at + channel) += read.at(pixel, channel));
        }
        sum::add(input.reading(), at, &mut found, blocks(total));
        assert_map(&found, &expected, &what);

        let mut target = unwritten(pixels, channels);
        let mut dx = gradient.cut(at, channels);
        sum::backward(&gradient.blocks(), blocks(total), at, channels, &mut target, false);
        assert_map(&target, &dx, &format!("{what}, gradient at {at}"));
        let before = Map::random(pixels, channels, rng);
        target = before.blocks();
        sum::backward(&gradient.blocks(), blocks(total), at, channels, &mut target, true);
        dx.add(&before);
        assert_map(&target, &dx, &format!("{what}, gradient added at {at}"));
        at += channels;
    }
}

#[test]
fn equals_its_definition() {
    for channels in [1, 3, 16, 17, 20, 32, 48] {
        check(0, &[channels], channels);
        check(0, &[channels, channels], 2 * channels);
        check(5, &[channels], channels + 8);
        check(16, &[channels, 3], channels + 40);
    }
    check(0, &[3, 16, 5, 20], 44);
    check(15, &[1, 1, 1], 18);
}
