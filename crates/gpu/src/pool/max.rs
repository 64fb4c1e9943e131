//! The largest value under the window.

use cubecl::prelude::*;

use super::{TAPS, check_images, neighbour};
use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine};
use crate::map::Map;
use crate::reading::{Reading, Source, Target};
use crate::stored::{LINE, Line, Lines, Stored, launch};

/// Which place of the window held the largest value: 0 to 8, row by row. A byte a channel, four in a number:
/// `[pixels, pitch / 4]`.
#[derive(Clone, Debug)]
pub struct Winners(pub Buffer<u32>);

/// The largest value of the image under the window around each pixel, and where it was: the first of equal ones. What is
/// not a number counts as the largest.
///
/// Panics when a map or the buffer has another size.
pub fn max_forward(machine: &Machine, input: Reading, height: usize, width: usize, output: &Map, winners: &Winners) {
    check_images(output, input.map, height, width);
    winners.check(output);
    launch!(
        output.precision(),
        largest(
            machine.client(),
            machine.groups(output.lines()),
            GROUP,
            input.launch(),
            output.launch(),
            winners.0.argument(),
            height,
            width,
        )
    );
}

/// The gradient with respect to the input of a max pool: what each pixel won.
///
/// Panics when a map or the buffer has another size.
pub fn max_backward(machine: &Machine, gradient: &Map, winners: &Winners, height: usize, width: usize, target: Target) {
    let (target, add) = target.split();
    check_images(target, gradient, height, width);
    winners.check(gradient);
    launch!(
        target.precision(),
        won(
            machine.client(),
            machine.groups(target.lines()),
            GROUP,
            gradient.launch(),
            winners.0.argument(),
            target.launch(),
            target.pixel_lines(),
            height,
            width,
            add,
        )
    );
}

impl Winners {
    fn check(&self, map: &Map) {
        let (found, expected) = (self.0.len(), map.lines());
        assert!(found == expected, "winners for {found} lines of a map of {expected}");
    }
}

#[cube(launch)]
fn largest<S: Stored>(input: Source<S>, mut output: Lines<S>, winners: &mut [u32], height: usize, width: usize) {
    let at = ABSOLUTE_POS;
    if at < output.len() {
        let line = at % input.lines;
        let pixel = at / input.lines;
        let affine = input.affine(line);
        let mut best = Line::new(f32::MIN);
        let mut places = Vector::<u32, Const<4>>::new(0u32);
        for tap in 0..TAPS {
            let other = neighbour(pixel, tap, height, width);
            if other.inside {
                let value = input.read(&affine, other.pixel, line);
                let wins = value.greater_than(&best).or(value.is_nan());
                best = select_many(wins, value, best);
                places = select_many(wins, Vector::new(u32::cast_from(tap)), places);
            }
        }
        output.write(at, best);
        let mut packed = 0u32;
        #[unroll]
        for lane in 0..LINE {
            packed |= places.extract(lane) << comptime!(8 * lane as u32);
        }
        winners[at] = packed;
    }
}

/// A pixel is the last place of the window around its upper left neighbour, and so on to the first place of the window
/// around its lower right one.
#[cube(launch)]
fn won<S: Stored>(
    gradient: Lines<S>,
    winners: &[u32],
    mut target: Lines<S>,
    lines: usize,
    height: usize,
    width: usize,
    add: u32,
) {
    let at = ABSOLUTE_POS;
    if at < target.len() {
        let line = at % lines;
        let pixel = at / lines;
        let mut sum = Line::new(0.0);
        for tap in 0..TAPS {
            let other = neighbour(pixel, tap, height, width);
            if other.inside {
                let place = other.pixel * lines + line;
                let packed = winners[place];
                let own = u32::cast_from(TAPS - 1 - tap);
                let given = gradient.read(place);
                #[unroll]
                for lane in 0..LINE {
                    if (packed >> comptime!(8 * lane as u32)) & 255 == own {
                        sum.insert(lane, sum.extract(lane) + given.extract(lane));
                    }
                }
            }
        }
        if add == 1 {
            sum += target.read(at);
        }
        target.write(at, sum);
    }
}
