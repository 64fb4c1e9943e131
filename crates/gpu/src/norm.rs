//! Batch normalisation, forward: statistics of a map, and the activation that follows from them.
//!
//! Mean and variance are taken in two stages. A group of units takes those of a part of the pixels, the variance around
//! the part's own mean, so that it does not cancel out; another group joins the parts by the same rule.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine, UNITS};
use crate::map::Map;
use crate::pitch;
use crate::reading::Activation;
use crate::stored::{LINE, Line, Lines, Stored, launch};
use crate::sums::{LANES, LINES, Parts, sum_of_lanes};

/// The parameters of a batch normalisation.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    /// `[pitch]`, zero past the last channel.
    pub gamma: &'a Buffer<f32>,
    /// `[pitch]`, zero past the last channel.
    pub beta: &'a Buffer<f32>,
    /// What is added to a variance.
    pub epsilon: f32,
    /// Whether a ReLU follows.
    pub relu: bool,
}

/// Mean and biased variance of each channel, `[2, pitch]`: of a batch, or running ones.
#[derive(Clone, Debug)]
pub struct Moments(pub Buffer<f32>);

/// The moments of a map, as it lies in memory, and the activation that normalises it by them.
///
/// Panics when a buffer has another size.
pub fn batch_statistics(machine: &Machine, map: &Map, norm: Norm, moments: &Moments, activation: &Activation) {
    let (pixels, lines) = (map.pixels(), map.pixel_lines());
    norm.check(map.channels(), moments, activation);
    let parts = Parts::of(pixels);
    let partial = machine.room::<f32>(parts.count * 2 * pitch(map.channels()));
    launch!(
        map.precision(),
        gather(
            machine.client(),
            parts.groups(lines),
            GROUP,
            map.launch(),
            partial.argument(),
            lines,
            pixels,
            parts.run,
        )
    );
    join::launch(
        machine.client(),
        CubeCount::Static((lines / LINES) as u32, 1, 1),
        GROUP,
        partial.argument(),
        norm.launch(),
        moments.0.argument(),
        activation.0.argument(),
        lines,
        pixels,
        parts.run,
        parts.count,
    );
}

/// The activation that normalises by moments that are known, of so many channels.
///
/// Panics when a buffer has another size.
pub fn activation(machine: &Machine, channels: usize, norm: Norm, moments: &Moments, activation: &Activation) {
    norm.check(channels, moments, activation);
    let lines = pitch(channels) / LINE;
    known::launch(
        machine.client(),
        machine.groups(lines),
        GROUP,
        norm.launch(),
        moments.0.argument(),
        activation.0.argument(),
        lines,
    );
}

/// Mixes a batch's moments into the running ones: `running = (1 - momentum) running + momentum batch`. Moments that lie
/// in one buffer may be mixed at once.
///
/// Panics when the buffers differ in size.
pub fn update_running(machine: &Machine, running: &Buffer<f32>, batch: &Buffer<f32>, momentum: f32) {
    assert!(running.len() == batch.len(), "{} running moments, {} of a batch", running.len(), batch.len());
    let units = running.len().div_ceil(LINE);
    mix::launch(machine.client(), machine.groups(units), GROUP, running.argument(), batch.argument(), momentum);
}

impl Norm<'_> {
    fn check(&self, channels: usize, moments: &Moments, activation: &Activation) {
        let pitch = pitch(channels);
        for (values, rows) in [(self.gamma, 1), (self.beta, 1), (&moments.0, 2), (&activation.0, 3)] {
            assert!(values.len() == rows * pitch, "{} values for {rows} rows of {pitch}", values.len());
        }
    }

    fn launch(&self) -> ParametersLaunch {
        ParametersLaunch::new(self.gamma.argument(), self.beta.argument(), self.epsilon, self.floor())
    }

    fn floor(&self) -> f32 {
        if self.relu { 0.0 } else { f32::MIN }
    }
}

/// A [`Norm`] on the device.
#[derive(CubeType, CubeLaunch)]
struct Parameters {
    gamma: Box<[Line]>,
    beta: Box<[Line]>,
    epsilon: f32,
    floor: f32,
}

#[cube]
impl Parameters {
    /// Writes what normalises a line by its moments.
    fn write(&self, mean: Line, variance: Line, line: usize, lines: usize, activation: &mut [Line]) {
        let deviation = (variance + Line::new(self.epsilon)).sqrt();
        let scale = self.gamma[line] / deviation;
        activation[line] = scale;
        activation[lines + line] = self.beta[line] - scale * mean;
        activation[2 * lines + line] = Line::new(self.floor);
    }
}

/// Means, and squared distances from them, of some lines of one part: `[parts, 2, lines]`.
#[cube(launch)]
fn gather<S: Stored>(map: Lines<S>, partial: &mut [Line], lines: usize, pixels: usize, run: usize) {
    let mut scratch = Shared::<[Line]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    let line = CUBE_POS_X as usize * LINES + unit % LINES;
    let part = CUBE_POS_Y as usize;
    let first = part * run;
    let end = clamp_max(first + run, pixels);
    let mut sum = Line::new(0.0);
    let mut pixel = first + unit / LINES;
    while pixel < end {
        sum += map.read(pixel * lines + line);
        pixel += LANES;
    }
    let mean = sum_of_lanes(&mut scratch, sum) / Line::new(f32::cast_from(end - first));
    let mut squares = Line::new(0.0);
    let mut pixel = first + unit / LINES;
    while pixel < end {
        let distance = map.read(pixel * lines + line) - mean;
        squares = fma(distance, distance, squares);
        pixel += LANES;
    }
    let squares = sum_of_lanes(&mut scratch, squares);
    if unit < LINES {
        partial[2 * part * lines + line] = mean;
        partial[(2 * part + 1) * lines + line] = squares;
    }
}

/// Joins the parts of some lines (Chan, Golub and LeVeque 1979): the mean of the means, and the squared distances of the
/// parts' means from it on top of their own.
#[cube(launch)]
fn join(
    partial: &[Line],
    norm: Parameters,
    moments: &mut [Line],
    activation: &mut [Line],
    lines: usize,
    pixels: usize,
    run: usize,
    parts: usize,
) {
    let mut scratch = Shared::<[Line]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    let line = CUBE_POS_X as usize * LINES + unit % LINES;
    let mut sum = Line::new(0.0);
    let mut part = unit / LINES;
    while part < parts {
        let count = clamp_max(pixels - part * run, run);
        sum = fma(partial[2 * part * lines + line], Line::new(f32::cast_from(count)), sum);
        part += LANES;
    }
    let pixels_real = Line::new(f32::cast_from(pixels));
    let mean = sum_of_lanes(&mut scratch, sum) / pixels_real;
    let mut squares = Line::new(0.0);
    let mut part = unit / LINES;
    while part < parts {
        let count = clamp_max(pixels - part * run, run);
        let distance = partial[2 * part * lines + line] - mean;
        let own = partial[(2 * part + 1) * lines + line];
        squares += fma(distance * distance, Line::new(f32::cast_from(count)), own);
        part += LANES;
    }
    let variance = sum_of_lanes(&mut scratch, squares) / pixels_real;
    if unit < LINES {
        moments[line] = mean;
        moments[lines + line] = variance;
        norm.write(mean, variance, line, lines, activation);
    }
}

#[cube(launch)]
fn known(norm: Parameters, moments: &[Line], activation: &mut [Line], lines: usize) {
    let line = ABSOLUTE_POS;
    if line < lines {
        norm.write(moments[line], moments[lines + line], line, lines, activation);
    }
}

#[cube(launch)]
fn mix(running: &mut [Line], batch: &[Line], momentum: f32) {
    let at = ABSOLUTE_POS;
    if at < running.len() {
        running[at] = running[at] * Line::new(1.0 - momentum) + batch[at] * Line::new(momentum);
    }
}
