//! The largest value under the window.

use cubecl::prelude::*;

use super::{TAPS, check, images, neighbour};
use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine};
use crate::pitch;
use crate::reading::{LINE, Line, Reading, Source, Target, pixels};

/// Which place of the window held the largest value: 0 to 8, row by row. A byte a channel, four in a number:
/// `[pixels, pitch / 4]`.
#[derive(Clone, Debug)]
pub struct Winners(pub Buffer<u32>);

/// The largest value of the image under the window around each pixel, and where it was: the first of equal ones. What is
/// not a number counts as the largest. `output` is `[pixels, pitch]`.
///
/// Panics when a buffer has another size.
pub fn max_forward(
    machine: &Machine,
    input: Reading,
    height: usize,
    width: usize,
    output: &Buffer<f32>,
    winners: &Winners,
) {
    check(input.map.len(), output.len());
    check(output.len() / LINE, winners.0.len());
    images(input.pixels(), height, width);
    largest::launch(
        machine.client(),
        machine.groups(output.len() / LINE),
        GROUP,
        input.launch(),
        output.argument(),
        winners.0.argument(),
        height,
        width,
    );
}

/// The gradient with respect to the input of a max pool of so many channels: what each pixel won.
///
/// Panics when a buffer has another size.
pub fn max_backward(
    machine: &Machine,
    gradient: &Buffer<f32>,
    winners: &Winners,
    channels: usize,
    height: usize,
    width: usize,
    target: Target,
) {
    let (target, add) = target.split();
    check(gradient.len(), target.len());
    check(gradient.len() / LINE, winners.0.len());
    images(pixels(gradient, channels), height, width);
    won::launch(
        machine.client(),
        machine.groups(target.len() / LINE),
        GROUP,
        gradient.argument(),
        winners.0.argument(),
        target.argument(),
        pitch(channels) / LINE,
        height,
        width,
        add,
    );
}

#[cube(launch)]
fn largest(input: Source, output: &mut [Line], winners: &mut [u32], height: usize, width: usize) {
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
        output[at] = best;
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
fn won(gradient: &[Line], winners: &[u32], target: &mut [Line], lines: usize, height: usize, width: usize, add: u32) {
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
                let given = gradient[place];
                #[unroll]
                for lane in 0..LINE {
                    if (packed >> comptime!(8 * lane as u32)) & 255 == own {
                        sum.insert(lane, sum.extract(lane) + given.extract(lane));
                    }
                }
            }
        }
        if add == 1 {
            sum += target[at];
        }
        target[at] = sum;
    }
}
