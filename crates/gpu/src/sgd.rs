//! Stochastic gradient descent with momentum and weight decay.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine};
use crate::stored::{LINE, Line};

/// What does not change from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    /// The share of a velocity that is left after a step.
    pub momentum: f32,
    /// The share of a weight that is added to its gradient.
    pub decay: f32,
}

/// One step: `velocity = momentum velocity + gradient + decay weight`, `weight -= rate velocity`. The rate is one value
/// on the device.
///
/// Weights are any buffers of the same size; a network whose parameters lie in one buffer is updated at once. What is
/// padding stays zero.
///
/// Panics when the buffers differ in size, or are not whole lines of four values.
pub fn step(
    machine: &Machine,
    descent: Descent,
    rate: &Buffer<f32>,
    gradient: &Buffer<f32>,
    velocity: &Buffer<f32>,
    weights: &Buffer<f32>,
) {
    assert!(rate.len() == 1, "a rate is one value, not {}", rate.len());
    assert!(weights.len().is_multiple_of(LINE), "{} weights are no whole lines of {LINE}", weights.len());
    for (name, buffer) in [("gradient", gradient), ("velocity", velocity)] {
        assert!(buffer.len() == weights.len(), "{} weights have a {name} of {}", weights.len(), buffer.len());
    }
    descend::launch(
        machine.client(),
        machine.groups(weights.len() / LINE),
        GROUP,
        rate.argument(),
        gradient.argument(),
        velocity.argument(),
        weights.argument(),
        descent.momentum,
        descent.decay,
    );
}

#[cube(launch)]
fn descend(rate: &[f32], gradient: &[Line], velocity: &mut [Line], weights: &mut [Line], momentum: f32, decay: f32) {
    let at = ABSOLUTE_POS;
    if at < weights.len() {
        let slope = fma(weights[at], Line::new(decay), gradient[at]);
        let speed = fma(velocity[at], Line::new(momentum), slope);
        velocity[at] = speed;
        weights[at] = fma(speed, Line::new(-rate[0]), weights[at]);
    }
}
