//! What a classifier adds to a fully connected layer: the bias, and the loss.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine, UNITS};
use crate::pitch;
use crate::reading::{LINE, Line, pixels};
use crate::sums::{LANES, LINES, Parts, join_parts, sum_of_lanes};

/// How often the units of a group are halved until one is left.
const HALVINGS: usize = UNITS.ilog2() as usize;

/// Adds a bias, `[pitch]`, to each pixel of a map of so many channels.
///
/// Panics when a buffer has another size.
pub fn add_bias(machine: &Machine, map: &Buffer<f32>, channels: usize, bias: &Buffer<f32>) {
    pixels(map, channels);
    assert!(bias.len() == pitch(channels), "a bias of {} values for {channels} channels", bias.len());
    let units = map.len() / LINE;
    shift::launch(machine.client(), machine.groups(units), GROUP, map.argument(), bias.argument());
}

/// The gradient of a bias, `[pitch]`: the sum of the map's gradient over all pixels.
///
/// Panics when a buffer has another size.
pub fn bias_gradient(machine: &Machine, gradient: &Buffer<f32>, channels: usize, bias: &Buffer<f32>) {
    let (pixels, lines) = (pixels(gradient, channels), pitch(channels) / LINE);
    assert!(bias.len() == pitch(channels), "a bias of {} values for {channels} channels", bias.len());
    let parts = Parts::of(pixels);
    let partial = machine.room(parts.count * bias.len());
    columns::launch(
        machine.client(),
        parts.groups(lines),
        GROUP,
        gradient.argument(),
        partial.argument(),
        lines,
        pixels,
        parts.run,
    );
    join_parts(machine, &partial, parts.count, bias);
}

/// The cross-entropy of the softmax of logits, `[batch, pitch]`, with the images' labels, `[batch]`: the mean over the
/// batch, written to place `at` of `losses`. Its gradient with respect to the logits is written to `gradient`.
///
/// Labels are below `classes`; the device does not check it. Panics when a buffer has another size.
pub fn cross_entropy(
    machine: &Machine,
    logits: &Buffer<f32>,
    classes: usize,
    labels: &Buffer<u32>,
    gradient: &Buffer<f32>,
    (losses, at): (&Buffer<f32>, usize),
) {
    let images = pixels(logits, classes);
    assert!(labels.len() == images, "{} labels for {images} images", labels.len());
    assert!(gradient.len() == logits.len(), "{} logits have a gradient of {}", logits.len(), gradient.len());
    assert!(at < losses.len(), "loss {at} of {}", losses.len());
    let each = machine.room::<f32>(images);
    surprise::launch(
        machine.client(),
        machine.groups(images),
        GROUP,
        logits.argument(),
        labels.argument(),
        gradient.argument(),
        each.argument(),
        classes,
        pitch(classes),
    );
    let group = CubeCount::Static(1, 1, 1);
    mean::launch(machine.client(), group, GROUP, each.argument(), losses.argument(), images, at);
}

#[cube(launch)]
fn shift(map: &mut [Line], bias: &[Line]) {
    let at = ABSOLUTE_POS;
    if at < map.len() {
        map[at] += bias[at % bias.len()];
    }
}

/// Sums of some lines over the pixels of a part: `[parts, lines]`.
#[cube(launch)]
fn columns(map: &[Line], partial: &mut [Line], lines: usize, pixels: usize, run: usize) {
    let mut scratch = Shared::<[Line]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    let line = CUBE_POS_X as usize * LINES + unit % LINES;
    let part = CUBE_POS_Y as usize;
    let end = clamp_max((part + 1) * run, pixels);
    let mut sum = Line::new(0.0);
    let mut pixel = part * run + unit / LINES;
    while pixel < end {
        sum += map[pixel * lines + line];
        pixel += LANES;
    }
    let sum = sum_of_lanes(&mut scratch, sum);
    if unit < LINES {
        partial[part * lines + line] = sum;
    }
}

/// One unit an image.
#[cube(launch)]
fn surprise(logits: &[f32], labels: &[u32], gradient: &mut [f32], losses: &mut [f32], classes: usize, pitch: usize) {
    let image = ABSOLUTE_POS;
    if image < losses.len() {
        let first = image * pitch;
        let own = first + labels[image] as usize;
        // Relative to the highest logit, so that nothing overflows; one that is not a number stays one.
        let mut highest = logits[first];
        for class in 1..classes {
            let logit = logits[first + class];
            if logit > highest {
                highest = logit;
            }
        }
        let mut sum = 0.0f32;
        for class in 0..classes {
            sum += (logits[first + class] - highest).exp();
        }
        losses[image] = sum.ln() + (highest - logits[own]);
        let share = 1.0 / f32::cast_from(losses.len());
        for class in 0..pitch {
            let at = first + class;
            let mut slope = 0.0f32;
            if class < classes {
                slope = (logits[at] - highest).exp() / sum;
                if at == own {
                    slope -= 1.0;
                }
            }
            gradient[at] = slope * share;
        }
    }
}

/// The mean of some numbers, by one group.
#[cube(launch)]
fn mean(numbers: &[f32], means: &mut [f32], count: usize, place: usize) {
    let mut scratch = Shared::<[f32]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    let mut sum = 0.0f32;
    let mut at = unit;
    while at < count {
        sum += numbers[at];
        at += UNITS;
    }
    scratch[unit] = sum;
    sync_cube();
    #[unroll]
    for halving in 0..HALVINGS {
        let span = comptime!(UNITS >> (halving + 1));
        if unit < span {
            let other = scratch[unit + span];
            scratch[unit] += other;
        }
        sync_cube();
    }
    if unit == 0 {
        means[place] = scratch[0] / f32::cast_from(count);
    }
}
