//! Batch normalisation, backward: the gradients of its parameters, and how the gradient of a normalised map becomes that
//! of the map.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine, UNITS};
use crate::map::Map;
use crate::norm::Moments;
use crate::pitch;
use crate::reading::{Activation, Coefficients, Descent, Slope};
use crate::stored::{LINE, Line, Lines, Stored, launch};
use crate::sums::{LANES, LINES, Parts, sum_of_lanes};

/// A normalised map as it was in the forward pass, and the gradient of what was read of it.
#[derive(Clone, Copy, Debug)]
pub struct Normalized<'a> {
    /// As it was written.
    pub map: &'a Map,
    /// With respect to the map as it is read.
    pub gradient: &'a Map,
    /// Of the batch, from which the activation was made.
    pub moments: &'a Moments,
    /// What was applied.
    pub activation: &'a Activation,
    /// `[pitch]`
    pub gamma: &'a Buffer<f32>,
    /// What was added to a variance.
    pub epsilon: f32,
}

/// Where the gradients of a batch normalisation go.
#[derive(Clone, Copy, Debug)]
pub struct NormGradient<'a> {
    /// With respect to gamma, `[pitch]`.
    pub gamma: &'a Buffer<f32>,
    /// With respect to beta, `[pitch]`.
    pub beta: &'a Buffer<f32>,
    /// The way back to the map.
    pub coefficients: &'a Coefficients,
}

/// The gradients of a batch normalisation.
///
/// With the deviation `s = sqrt(variance + epsilon)`, `d = (z - mean) / s` and `n` pixels, the gradient of z is
/// `gamma / s (g - sum(g) / n - d sum(g d) / n)` (Ioffe and Szegedy 2015).
///
/// Panics when a buffer has another size.
pub fn gradients(machine: &Machine, of: Normalized, to: NormGradient) {
    let (pixels, pitch) = (of.map.pixels(), pitch(of.map.channels()));
    of.gradient.check_like(of.map);
    let tables = [
        (&of.moments.0, 2),
        (&of.activation.0, 3),
        (of.gamma, 1),
        (to.gamma, 1),
        (to.beta, 1),
        (&to.coefficients.0, 3),
    ];
    for (values, rows) in tables {
        assert!(values.len() == rows * pitch, "{} values for {rows} rows of {pitch}", values.len());
    }
    let (lines, parts) = (pitch / LINE, Parts::of(pixels));
    let partial = machine.room::<f32>(parts.count * 2 * pitch);
    launch!(
        of.map.precision(),
        gather(
            machine.client(),
            parts.groups(lines),
            GROUP,
            of.map.launch(),
            of.gradient.launch(),
            of.moments.0.argument(),
            of.activation.0.argument(),
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
        of.moments.0.argument(),
        of.gamma.argument(),
        to.gamma.argument(),
        to.beta.argument(),
        to.coefficients.0.argument(),
        lines,
        pixels,
        parts.count,
        of.epsilon,
    );
}

/// Puts the gradient of the map before its normalisation where the gradient of the map as it is read was. What reads it
/// several times then reads one buffer in place of two, as a [`Slope`] without normalisation.
pub fn settle(machine: &Machine, slope: Slope) {
    let Some((map, activation, coefficients)) = slope.normalized else { return };
    // The kernel writes what it reads, so that the gradient is an argument once, as the output.
    let read = Slope { gradient: map, normalized: Some((map, activation, coefficients)) };
    slope.gradient.check_like(map);
    launch!(
        map.precision(),
        undo(machine.client(), machine.groups(map.lines()), GROUP, read.launch(), slope.gradient.launch())
    );
}

/// Sums of the gradient where the ReLU let through, and of that times the distance from the mean: `[parts, 2, lines]`.
#[cube(launch)]
fn gather<S: Stored>(
    map: Lines<S>,
    gradient: Lines<S>,
    moments: &[Line],
    activation: &[Line],
    partial: &mut [Line],
    lines: usize,
    pixels: usize,
    run: usize,
) {
    let mut scratch = Shared::<[Line]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    let line = CUBE_POS_X as usize * LINES + unit % LINES;
    let part = CUBE_POS_Y as usize;
    let end = clamp_max((part + 1) * run, pixels);
    let mean = moments[line];
    let scale = activation[line];
    let shift = activation[lines + line];
    let floor = activation[2 * lines + line];
    let mut sum = Line::new(0.0);
    let mut products = Line::new(0.0);
    let mut pixel = part * run + unit / LINES;
    while pixel < end {
        let at = pixel * lines + line;
        let value = map.read(at);
        let active = fma(value, scale, shift).greater_than(&floor);
        let gradient = select_many(active, gradient.read(at), Line::new(0.0));
        sum += gradient;
        products = fma(gradient, value - mean, products);
        pixel += LANES;
    }
    let sum = sum_of_lanes(&mut scratch, sum);
    let products = sum_of_lanes(&mut scratch, products);
    if unit < LINES {
        partial[2 * part * lines + line] = sum;
        partial[(2 * part + 1) * lines + line] = products;
    }
}

#[cube(launch)]
fn join(
    partial: &[Line],
    moments: &[Line],
    gamma: &[Line],
    gamma_gradient: &mut [Line],
    beta_gradient: &mut [Line],
    coefficients: &mut [Line],
    lines: usize,
    pixels: usize,
    parts: usize,
    epsilon: f32,
) {
    let mut scratch = Shared::<[Line]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    let line = CUBE_POS_X as usize * LINES + unit % LINES;
    let mut sum = Line::new(0.0);
    let mut products = Line::new(0.0);
    let mut part = unit / LINES;
    while part < parts {
        sum += partial[2 * part * lines + line];
        products += partial[(2 * part + 1) * lines + line];
        part += LANES;
    }
    let sum = sum_of_lanes(&mut scratch, sum);
    let products = sum_of_lanes(&mut scratch, products);
    if unit < LINES {
        let mean = moments[line];
        let spread = moments[lines + line] + Line::new(epsilon);
        let deviation = spread.sqrt();
        let count = Line::new(f32::cast_from(pixels));
        let scale = gamma[line] / deviation;
        let slope = -(scale * products) / (spread * count);
        gamma_gradient[line] = products / deviation;
        beta_gradient[line] = sum;
        coefficients[line] = scale;
        coefficients[lines + line] = slope;
        coefficients[2 * lines + line] = -(scale * sum) / count - slope * mean;
    }
}

#[cube(launch)]
fn undo<S: Stored>(slope: Descent<S>, mut gradient: Lines<S>) {
    let at = ABSOLUTE_POS;
    if at < gradient.len() {
        let line = at % slope.lines;
        let undo = slope.undo(line);
        let settled = slope.back(&undo, gradient.read(at), at);
        gradient.write(at, settled);
    }
}
