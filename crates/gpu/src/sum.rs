//! Sums of maps.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine};
use crate::pitch;
use crate::reading::{Reading, Target, pixels};

/// Maps that one launch adds up; a longer list takes several, each adding to what the one before gave.
const MAPS: usize = 8;

/// A map, and the channel of the sum to which its first channel is added.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// What is read.
    pub input: Reading<'a>,
    /// The channel of the sum.
    pub at: usize,
}

/// The sum of some maps, `[pixels, pitch]` of so many channels. A channel to which no map is added is zero.
///
/// Panics when a buffer has another size, a part has channels that the sum has not, or there are no parts.
pub fn forward(machine: &Machine, parts: &[Part], output: &Buffer<f32>, channels: usize) {
    assert!(!parts.is_empty(), "a sum of nothing");
    let pixels = pixels(output, channels);
    for Part { input, at } in parts {
        assert!(input.pixels() == pixels, "a map of {} pixels in a sum of {pixels}", input.pixels());
        assert!(at + input.channels <= channels, "{} channels from {at} on, of {channels}", input.channels);
    }
    for (number, parts) in parts.chunks(MAPS).enumerate() {
        add_up::launch(
            machine.client(),
            machine.groups(output.len()),
            GROUP,
            parts.iter().map(Part::launch).collect(),
            output.argument(),
            pitch(channels),
            u32::from(number > 0),
        );
    }
}

/// The gradient with respect to a map of so many channels that was added from channel `at` of `sum_channels` on.
///
/// Panics when a buffer has another size.
pub fn backward(
    machine: &Machine,
    gradient: &Buffer<f32>,
    sum_channels: usize,
    at: usize,
    channels: usize,
    target: Target,
) {
    let (target, add) = target.split();
    let (from, to) = (pixels(gradient, sum_channels), pixels(target, channels));
    assert!(from == to, "a gradient of {from} pixels for a map of {to}");
    assert!(at + channels <= sum_channels, "{channels} channels from {at} on, of {sum_channels}");
    hand_out::launch(
        machine.client(),
        machine.groups(target.len()),
        GROUP,
        gradient.argument(),
        target.argument(),
        pitch(sum_channels),
        pitch(channels),
        at,
        channels,
        add,
    );
}

impl Part<'_> {
    fn launch(&self) -> TermLaunch {
        let (map, activation) = (self.input.map, self.input.activation);
        TermLaunch::new(
            map.argument(),
            activation.map_or(map, |activation| &activation.0).argument(),
            pitch(self.input.channels),
            self.input.channels,
            self.at,
            u32::from(activation.is_some()),
        )
    }
}

/// A [`Part`] on the device, channel by channel: the channels of a part need not lie under the same lines as those of the
/// sum.
#[derive(CubeType, CubeLaunch)]
struct Term {
    map: Box<[f32]>,
    activation: Box<[f32]>,
    pitch: usize,
    channels: usize,
    at: usize,
    activated: u32,
}

/// One unit a channel of a pixel.
#[cube(launch)]
fn add_up(terms: Sequence<Term>, output: &mut [f32], pitch: usize, add: u32) {
    let at = ABSOLUTE_POS;
    if at < output.len() {
        let pixel = at / pitch;
        let channel = at % pitch;
        let mut sum = 0.0f32;
        if add == 1 {
            sum = output[at];
        }
        #[unroll]
        for number in 0..terms.len() {
            let term = terms.index(number);
            if channel >= term.at && channel < term.at + term.channels {
                let own = channel - term.at;
                let mut value = term.map[pixel * term.pitch + own];
                if term.activated == 1 {
                    value = fma(value, term.activation[own], term.activation[term.pitch + own]);
                    let floor = term.activation[2 * term.pitch + own];
                    if value < floor {
                        value = floor;
                    }
                }
                sum += value;
            }
        }
        output[at] = sum;
    }
}

/// One unit a channel of a pixel of the target.
#[cube(launch)]
fn hand_out(
    gradient: &[f32],
    target: &mut [f32],
    sum_pitch: usize,
    pitch: usize,
    first: usize,
    channels: usize,
    add: u32,
) {
    let at = ABSOLUTE_POS;
    if at < target.len() {
        let channel = at % pitch;
        let mut value = 0.0f32;
        if channel < channels {
            value = gradient[at / pitch * sum_pitch + first + channel];
        }
        if add == 1 {
            value += target[at];
        }
        target[at] = value;
    }
}
