//! 3x3 convolution of each channel on its own, padded by one pixel.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine, UNITS};
use crate::map::Map;
use crate::pitch;
use crate::reading::{Descent, Reading, Slope, Source, Target};
use crate::stored::{Line, Lines, Stored, launch};
use crate::sums::{LANES, LINES, Parts, join_parts, sum_of_lanes};

/// Places of the window.
const TAPS: usize = 9;

/// Rows and columns of the images that are read, and the step of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// 1 or 2.
    pub stride: usize,
}

impl Size {
    /// Rows and columns of the output.
    pub fn output(self) -> (usize, usize) {
        (self.height.div_ceil(self.stride), self.width.div_ceil(self.stride))
    }

    /// Images of a map that is read.
    fn images(self, pixels: usize) -> usize {
        let image = self.height * self.width;
        assert!(pixels.is_multiple_of(image), "{pixels} pixels are no images of {image}");
        pixels / image
    }
}

/// Kernels `[channels, 1, 3, 3]` as `[9, pitch]`.
pub fn pack(weight: &[f32]) -> Vec<f32> {
    let pitch = pitch(weight.len() / TAPS);
    let mut packed = vec![0.0; TAPS * pitch];
    for (channel, kernel) in weight.chunks_exact(TAPS).enumerate() {
        for (tap, &value) in kernel.iter().enumerate() {
            packed[tap * pitch + channel] = value;
        }
    }
    packed
}

/// The other way: the kernels of so many channels.
pub fn unpack(packed: &[f32], channels: usize) -> Vec<f32> {
    let pitch = pitch(channels);
    (0..channels).flat_map(|channel| (0..TAPS).map(move |tap| packed[tap * pitch + channel])).collect()
}

/// Convolves whole images. `weights` are `[9, pitch]`, `output` is of `[batch, rows, columns]` pixels.
///
/// Panics when a buffer has another size.
pub fn forward(machine: &Machine, input: Reading, size: Size, weights: &Buffer<f32>, output: &Map) {
    let (rows, columns) = size.output();
    let channels = input.map.channels();
    check_weights(weights, channels);
    let (expected, given) = (size.images(input.map.pixels()) * rows * columns, output.pixels());
    assert!(given == expected, "the output has {given} pixels, not {expected}");
    assert!(output.channels() == channels, "{channels} channels became {}", output.channels());
    launch!(
        output.precision(),
        convolve(
            machine.client(),
            machine.groups(output.lines()),
            GROUP,
            input.launch(),
            weights.argument(),
            output.launch(),
            FrameLaunch::new(size.height, size.width, rows, columns, size.stride),
        )
    );
}

/// The gradient with respect to the input.
///
/// Panics when a buffer has another size.
pub fn input_gradient(machine: &Machine, slope: Slope, size: Size, weights: &Buffer<f32>, target: Target) {
    let (rows, columns) = size.output();
    let (target, add) = target.split();
    check_weights(weights, target.channels());
    check_slope(slope, size.images(target.pixels()) * rows * columns, target.channels());
    launch!(
        target.precision(),
        turn_back(
            machine.client(),
            machine.groups(target.lines()),
            GROUP,
            slope.launch(),
            weights.argument(),
            target.launch(),
            FrameLaunch::new(size.height, size.width, rows, columns, size.stride),
            add,
        )
    );
}

/// The gradient with respect to the weights, `[9, pitch]`.
///
/// Panics when a buffer has another size.
pub fn weight_gradient(machine: &Machine, input: Reading, slope: Slope, size: Size, gradient: &Buffer<f32>) {
    let (rows, columns) = size.output();
    check_weights(gradient, input.map.channels());
    let pixels = size.images(input.map.pixels()) * rows * columns;
    check_slope(slope, pixels, input.map.channels());
    let parts = Parts::of(pixels);
    let partial = machine.room(parts.count * gradient.len());
    launch!(
        slope.gradient.precision(),
        correlate(
            machine.client(),
            parts.groups(input.map.pixel_lines()),
            GROUP,
            input.launch(),
            slope.launch(),
            partial.argument(),
            FrameLaunch::new(size.height, size.width, rows, columns, size.stride),
            pixels,
            parts.run,
        )
    );
    join_parts(machine, &partial, parts.count, gradient);
}

fn check_weights(weights: &Buffer<f32>, channels: usize) {
    let pitch = pitch(channels);
    assert!(weights.len() == TAPS * pitch, "{} weights are not 9 x {pitch}", weights.len());
}

fn check_slope(slope: Slope, pixels: usize, channels: usize) {
    let (given, own) = (slope.gradient.pixels(), slope.gradient.channels());
    assert!(given == pixels, "the gradient has {given} pixels, not {pixels}");
    assert!(own == channels, "{channels} channels became {own}");
}

#[derive(CubeType, CubeLaunch)]
struct Frame {
    height: usize,
    width: usize,
    rows: usize,
    columns: usize,
    stride: usize,
}

/// One unit an output line.
#[cube(launch)]
fn convolve<S: Stored>(input: Source<S>, weights: &[Line], mut output: Lines<S>, frame: Frame) {
    let at = ABSOLUTE_POS;
    if at < output.len() {
        let line = at % input.lines;
        let pixel = at / input.lines;
        let column = pixel % frame.columns * frame.stride;
        let row = pixel / frame.columns % frame.rows * frame.stride;
        let image = pixel / (frame.columns * frame.rows) * frame.height;
        let affine = input.affine(line);
        let mut sum = Line::new(0.0);
        for tap in 0..TAPS {
            // One more than the pixel's own, so that they do not fall below zero.
            let y = row + tap / 3;
            let x = column + tap % 3;
            if y >= 1 && y <= frame.height && x >= 1 && x <= frame.width {
                let value = input.read(&affine, (image + y - 1) * frame.width + x - 1, line);
                sum = fma(value, weights[tap * input.lines + line], sum);
            }
        }
        output.write(at, sum);
    }
}

/// One unit a line of the input.
#[cube(launch)]
fn turn_back<S: Stored>(slope: Descent<S>, weights: &[Line], mut target: Lines<S>, frame: Frame, add: u32) {
    let at = ABSOLUTE_POS;
    if at < target.len() {
        let line = at % slope.lines;
        let pixel = at / slope.lines;
        let column = pixel % frame.width;
        let row = pixel / frame.width % frame.height;
        let image = pixel / (frame.width * frame.height) * frame.rows;
        let undo = slope.undo(line);
        let mut sum = Line::new(0.0);
        for tap in 0..TAPS {
            // Of the window that has this pixel at this place; one more than its own, as above.
            let y = row + 2 - tap / 3;
            let x = column + 2 - tap % 3;
            let inside = y >= 1 && y <= frame.height && x >= 1 && x <= frame.width;
            if inside && (y - 1).is_multiple_of(frame.stride) && (x - 1).is_multiple_of(frame.stride) {
                let window = (image + (y - 1) / frame.stride) * frame.columns + (x - 1) / frame.stride;
                sum = fma(slope.read(&undo, window, line), weights[tap * slope.lines + line], sum);
            }
        }
        if add == 1 {
            sum += target.read(at);
        }
        target.write(at, sum);
    }
}

/// A group sums the windows of one part, for a few lines of channels.
#[cube(launch)]
fn correlate<S: Stored>(
    input: Source<S>,
    slope: Descent<S>,
    sums: &mut [Line],
    frame: Frame,
    pixels: usize,
    run: usize,
) {
    let mut scratch = Shared::<[Line]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    let line = CUBE_POS_X as usize * LINES + unit % LINES;
    let part = CUBE_POS_Y as usize;
    let affine = input.affine(line);
    let undo = slope.undo(line);
    let mut found = Array::<Line>::new(TAPS);
    #[unroll]
    for tap in 0..TAPS {
        found[tap] = Line::new(0.0);
    }
    let end = clamp_max((part + 1) * run, pixels);
    let mut pixel = part * run + unit / LINES;
    while pixel < end {
        let gradient = slope.read(&undo, pixel, line);
        let column = pixel % frame.columns * frame.stride;
        let row = pixel / frame.columns % frame.rows * frame.stride;
        let image = pixel / (frame.columns * frame.rows) * frame.height;
        #[unroll]
        for tap in 0..TAPS {
            let y = row + tap / 3;
            let x = column + tap % 3;
            if y >= 1 && y <= frame.height && x >= 1 && x <= frame.width {
                let value = input.read(&affine, (image + y - 1) * frame.width + x - 1, line);
                found[tap] = fma(value, gradient, found[tap]);
            }
        }
        pixel += LANES;
    }
    #[unroll]
    for tap in 0..TAPS {
        let sum = sum_of_lanes(&mut scratch, found[tap]);
        if unit < LINES {
            sums[(part * TAPS + tap) * input.lines + line] = sum;
        }
    }
}
