//! The mean under the window.

use cubecl::prelude::*;

use super::{TAPS, check_images, neighbour};
use crate::machine::{GROUP, Machine};
use crate::map::Map;
use crate::reading::{Reading, Source, Target};
use crate::stored::{Line, Lines, Stored, launch};

/// The mean of the image's pixels under the window around each pixel.
///
/// Panics when a map has another size.
pub fn avg_forward(machine: &Machine, input: Reading, height: usize, width: usize, output: &Map) {
    check_images(output, input.map, height, width);
    launch!(
        output.precision(),
        mean(machine.client(), machine.groups(output.lines()), GROUP, input.launch(), output.launch(), height, width)
    );
}

/// The gradient with respect to the input of an average pool.
///
/// Panics when a map has another size.
pub fn avg_backward(machine: &Machine, gradient: &Map, height: usize, width: usize, target: Target) {
    let (target, add) = target.split();
    check_images(target, gradient, height, width);
    launch!(
        target.precision(),
        shared(
            machine.client(),
            machine.groups(target.lines()),
            GROUP,
            gradient.launch(),
            target.launch(),
            target.pixel_lines(),
            height,
            width,
            add,
        )
    );
}

/// One over the number of real pixels under the window around a pixel.
#[cube]
fn share(row: usize, column: usize, height: usize, width: usize) -> f32 {
    let mut rows = 1u32;
    if row > 0 {
        rows += 1;
    }
    if row + 1 < height {
        rows += 1;
    }
    let mut columns = 1u32;
    if column > 0 {
        columns += 1;
    }
    if column + 1 < width {
        columns += 1;
    }
    1.0 / f32::cast_from(rows * columns)
}

#[cube(launch)]
fn mean<S: Stored>(input: Source<S>, mut output: Lines<S>, height: usize, width: usize) {
    let at = ABSOLUTE_POS;
    if at < output.len() {
        let line = at % input.lines;
        let pixel = at / input.lines;
        let affine = input.affine(line);
        let mut sum = Line::new(0.0);
        for tap in 0..TAPS {
            let other = neighbour(pixel, tap, height, width);
            if other.inside {
                sum += input.read(&affine, other.pixel, line);
            }
        }
        output.write(at, sum * Line::new(share(pixel / width % height, pixel % width, height, width)));
    }
}

#[cube(launch)]
fn shared<S: Stored>(gradient: Lines<S>, mut target: Lines<S>, lines: usize, height: usize, width: usize, add: u32) {
    let at = ABSOLUTE_POS;
    if at < target.len() {
        let line = at % lines;
        let pixel = at / lines;
        let mut sum = Line::new(0.0);
        for tap in 0..TAPS {
            let other = neighbour(pixel, tap, height, width);
            if other.inside {
                let part = Line::new(share(other.row, other.column, height, width));
                sum = fma(gradient.read(other.pixel * lines + line), part, sum);
            }
        }
        if add == 1 {
            sum += target.read(at);
        }
        target.write(at, sum);
    }
}
