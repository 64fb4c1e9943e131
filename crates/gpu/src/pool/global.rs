//! The mean over all pixels.

use cubecl::prelude::*;

use super::check;
use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine};
use crate::pitch;
use crate::reading::{LINE, Line, Reading, Source, Target};

/// The mean over all pixels of each image, of so many each. `output` is `[batch, pitch]`.
///
/// Panics when a buffer has another size.
pub fn global_forward(machine: &Machine, input: Reading, pixels: usize, output: &Buffer<f32>) {
    check(output.len() * pixels, input.map.len());
    let groups = machine.groups(output.len() / LINE);
    whole::launch(machine.client(), groups, GROUP, input.launch(), output.argument(), pixels);
}

/// The gradient with respect to the input of a global average pool of so many channels and pixels an image.
///
/// Panics when a buffer has another size.
pub fn global_backward(machine: &Machine, gradient: &Buffer<f32>, channels: usize, pixels: usize, target: Target) {
    let (target, add) = target.split();
    check(gradient.len() * pixels, target.len());
    spread::launch(
        machine.client(),
        machine.groups(target.len() / LINE),
        GROUP,
        gradient.argument(),
        target.argument(),
        pitch(channels) / LINE,
        pixels,
        add,
    );
}

#[cube(launch)]
fn whole(input: Source, output: &mut [Line], pixels: usize) {
    let at = ABSOLUTE_POS;
    if at < output.len() {
        let line = at % input.lines;
        let first = at / input.lines * pixels;
        let affine = input.affine(line);
        let mut sum = Line::new(0.0);
        for pixel in first..first + pixels {
            sum += input.read(&affine, pixel, line);
        }
        output[at] = sum / Line::new(f32::cast_from(pixels));
    }
}

#[cube(launch)]
fn spread(gradient: &[Line], target: &mut [Line], lines: usize, pixels: usize, add: u32) {
    let at = ABSOLUTE_POS;
    if at < target.len() {
        let image = at / lines / pixels;
        let mut given = gradient[image * lines + at % lines] / Line::new(f32::cast_from(pixels));
        if add == 1 {
            given += target[at];
        }
        target[at] = given;
    }
}
