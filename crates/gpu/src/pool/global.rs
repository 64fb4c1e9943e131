//! The mean over all pixels.

use cubecl::prelude::*;

use crate::machine::{GROUP, Machine};
use crate::map::Map;
use crate::reading::{Reading, Source, Target};
use crate::stored::{Line, Lines, Stored, launch};

/// The mean over all pixels of each image, of so many each. `output` has one pixel an image.
///
/// Panics when a map has another size.
pub fn global_forward(machine: &Machine, input: Reading, pixels: usize, output: &Map) {
    check(input.map, pixels, output);
    let groups = machine.groups(output.lines());
    launch!(output.precision(), whole(machine.client(), groups, GROUP, input.launch(), output.launch(), pixels));
}

/// The gradient with respect to the input of a global average pool of so many pixels an image.
///
/// Panics when a map has another size.
pub fn global_backward(machine: &Machine, gradient: &Map, pixels: usize, target: Target) {
    let (target, add) = target.split();
    check(target, pixels, gradient);
    launch!(
        target.precision(),
        spread(
            machine.client(),
            machine.groups(target.lines()),
            GROUP,
            gradient.launch(),
            target.launch(),
            target.pixel_lines(),
            pixels,
            add,
        )
    );
}

fn check(map: &Map, pixels: usize, means: &Map) {
    let (given, images, channels) = (map.pixels(), means.pixels(), map.channels());
    assert!(given == images * pixels, "{given} pixels are not {images} images of {pixels}");
    assert!(means.channels() == channels, "{channels} channels have means of {}", means.channels());
}

#[cube(launch)]
fn whole<S: Stored>(input: Source<S>, mut output: Lines<S>, pixels: usize) {
    let at = ABSOLUTE_POS;
    if at < output.len() {
        let line = at % input.lines;
        let first = at / input.lines * pixels;
        let affine = input.affine(line);
        let mut sum = Line::new(0.0);
        for pixel in first..first + pixels {
            sum += input.read(&affine, pixel, line);
        }
        output.write(at, sum / Line::new(f32::cast_from(pixels)));
    }
}

#[cube(launch)]
fn spread<S: Stored>(gradient: Lines<S>, mut target: Lines<S>, lines: usize, pixels: usize, add: u32) {
    let at = ABSOLUTE_POS;
    if at < target.len() {
        let image = at / lines / pixels;
        let mut given = gradient.read(image * lines + at % lines) / Line::new(f32::cast_from(pixels));
        if add == 1 {
            given += target.read(at);
        }
        target.write(at, given);
    }
}
