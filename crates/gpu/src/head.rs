//! What a classifier adds to a fully connected layer: the bias, and the loss.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine, UNITS};
use crate::map::Map;
use crate::pitch;
use crate::stored::{LINE, Line, Lines, Stored, launch};
use crate::sums::{LANES, LINES, Parts, join_parts, sum_of_lanes};

/// How often the units of a group are halved until one is left.
const HALVINGS: usize = UNITS.ilog2() as usize;

/// Adds a bias, `[pitch]`, to each pixel of a map.
///
/// Panics when the bias has another size.
pub fn add_bias(machine: &Machine, map: &Map, bias: &Buffer<f32>) {
    check_bias(map, bias);
    launch!(
        map.precision(),
        shift(machine.client(), machine.groups(map.lines()), GROUP, map.launch(), bias.argument())
    );
}

/// The gradient of a bias, `[pitch]`: the sum of the map's gradient over all pixels.
///
/// Panics when the bias has another size.
pub fn bias_gradient(machine: &Machine, gradient: &Map, bias: &Buffer<f32>) {
    let (pixels, lines) = (gradient.pixels(), gradient.pixel_lines());
    check_bias(gradient, bias);
    let parts = Parts::of(pixels);
    let partial = machine.room(parts.count * bias.len());
    launch!(
        gradient.precision(),
        columns(
            machine.client(),
            parts.groups(lines),
            GROUP,
            gradient.launch(),
            partial.argument(),
            lines,
            pixels,
            parts.run,
        )
    );
    join_parts(machine, &partial, parts.count, bias);
}

/// The cross-entropy of the softmax of logits, a pixel an image and a channel a class, with the images' labels, `[batch]`:
/// the mean over the batch, written to place `at` of `losses`. Its gradient with respect to the logits is written to
/// `gradient`.
///
/// Labels are numbers of classes; the device does not check it. Panics when a map or a buffer has another size.
pub fn cross_entropy(
    machine: &Machine,
    logits: &Map,
    labels: &Buffer<u32>,
    gradient: &Map,
    (losses, at): (&Buffer<f32>, usize),
) {
    let images = logits.pixels();
    assert!(labels.len() == images, "{} labels for {images} images", labels.len());
    gradient.check_like(logits);
    assert!(at < losses.len(), "loss {at} of {}", losses.len());
    let each = machine.room::<f32>(images);
    launch!(
        logits.precision(),
        surprise(
            machine.client(),
            machine.groups(images),
            GROUP,
            logits.launch(),
            labels.argument(),
            gradient.launch(),
            each.argument(),
            logits.channels(),
            logits.pixel_lines(),
        )
    );
    let group = CubeCount::Static(1, 1, 1);
    mean::launch(machine.client(), group, GROUP, each.argument(), losses.argument(), images, at);
}

fn check_bias(map: &Map, bias: &Buffer<f32>) {
    let channels = map.channels();
    assert!(bias.len() == pitch(channels), "a bias of {} values for {channels} channels", bias.len());
}

#[cube(launch)]
fn shift<S: Stored>(mut map: Lines<S>, bias: &[Line]) {
    let at = ABSOLUTE_POS;
    if at < map.len() {
        map.write(at, map.read(at) + bias[at % bias.len()]);
    }
}

/// Sums of some lines over the pixels of a part: `[parts, lines]`.
#[cube(launch)]
fn columns<S: Stored>(map: Lines<S>, partial: &mut [Line], lines: usize, pixels: usize, run: usize) {
    let mut scratch = Shared::<[Line]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    let line = CUBE_POS_X as usize * LINES + unit % LINES;
    let part = CUBE_POS_Y as usize;
    let end = clamp_max((part + 1) * run, pixels);
    let mut sum = Line::new(0.0);
    let mut pixel = part * run + unit / LINES;
    while pixel < end {
        sum += map.read(pixel * lines + line);
        pixel += LANES;
    }
    let sum = sum_of_lanes(&mut scratch, sum);
    if unit < LINES {
        partial[part * lines + line] = sum;
    }
}

/// One unit an image.
#[cube(launch)]
fn surprise<S: Stored>(
    logits: Lines<S>,
    labels: &[u32],
    mut gradient: Lines<S>,
    losses: &mut [f32],
    classes: usize,
    lines: usize,
) {
    let image = ABSOLUTE_POS;
    if image < losses.len() {
        let first = image * lines;
        let label = labels[image] as usize;
        // Relative to the highest logit, so that nothing overflows; one that is not a number stays one.
        let mut highest = logits.read(first).extract(0usize);
        let mut own = highest;
        for line in 0..lines {
            let values = logits.read(first + line);
            #[unroll]
            for lane in 0..LINE {
                let (class, logit) = (line * LINE + lane, values.extract(lane));
                if class < classes && logit > highest {
                    highest = logit;
                }
                if class == label {
                    own = logit;
                }
            }
        }
        let mut sum = 0.0f32;
        for line in 0..lines {
            let values = logits.read(first + line);
            #[unroll]
            for lane in 0..LINE {
                if line * LINE + lane < classes {
                    sum += (values.extract(lane) - highest).exp();
                }
            }
        }
        losses[image] = sum.ln() + (highest - own);
        let share = 1.0 / f32::cast_from(losses.len());
        for line in 0..lines {
            let values = logits.read(first + line);
            let mut slopes = Line::new(0.0);
            #[unroll]
            for lane in 0..LINE {
                let class = line * LINE + lane;
                if class < classes {
                    let mut slope = (values.extract(lane) - highest).exp() / sum;
                    if class == label {
                        slope -= 1.0;
                    }
                    slopes.insert(lane, slope * share);
                }
            }
            gradient.write(first + line, slopes);
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
