//! The mean under the window.

use cubecl::prelude::*;

use super::{TAPS, check, images, neighbour};
use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine};
use crate::pitch;
use crate::reading::{LINE, Line, Reading, Source, Target, pixels};

/// The mean of the image's pixels under the window around each pixel. `output` is `[pixels, pitch]`.
///
/// Panics when a buffer has another size.
pub fn avg_forward(machine: &Machine, input: Reading, height: usize, width: usize, output: &Buffer<f32>) {
    check(input.map.len(), output.len());
    images(input.pixels(), height, width);
    mean::launch(
        machine.client(),
        machine.groups(output.len() / LINE),
        GROUP,
        input.launch(),
        output.argument(),
        height,
        width,
    );
}

/// The gradient with respect to the input of an average pool of so many channels.
///
/// Panics when a buffer has another size.
pub fn avg_backward(
    machine: &Machine,
    gradient: &Buffer<f32>,
    channels: usize,
    height: usize,
    width: usize,
    target: Target,
) {
    let (target, add) = target.split();
    check(gradient.len(), target.len());
    images(pixels(gradient, channels), height, width);
    shared::launch(
        machine.client(),
        machine.groups(target.len() / LINE),
        GROUP,
        gradient.argument(),
        target.argument(),
        pitch(channels) / LINE,
        height,
        width,
        add,
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
fn mean(input: Source, output: &mut [Line], height: usize, width: usize) {
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
        output[at] = sum * Line::new(share(pixel / width % height, pixel % width, height, width));
    }
}

#[cube(launch)]
fn shared(gradient: &[Line], target: &mut [Line], lines: usize, height: usize, width: usize, add: u32) {
    let at = ABSOLUTE_POS;
    if at < target.len() {
        let line = at % lines;
        let pixel = at / lines;
        let mut sum = Line::new(0.0);
        for tap in 0..TAPS {
            let other = neighbour(pixel, tap, height, width);
            if other.inside {
                let part = Line::new(share(other.row, other.column, height, width));
                sum = fma(gradient[other.pixel * lines + line], part, sum);
            }
        }
        if add == 1 {
            sum += target[at];
        }
        target[at] = sum;
    }
}
