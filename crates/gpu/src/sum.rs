//! Sums of maps.

use cubecl::prelude::*;

use crate::machine::{GROUP, Machine};
use crate::map::Map;
use crate::reading::{Reading, Source, Target};
use crate::stored::{LINE, Line, Lines, Stored, launch};

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

/// The sum of some maps. A channel to which no map is added is zero.
///
/// Panics when a map has another size, a part has channels that the sum has not, or there are no parts.
pub fn forward(machine: &Machine, parts: &[Part], output: &Map) {
    assert!(!parts.is_empty(), "a sum of nothing");
    let (pixels, channels) = (output.pixels(), output.channels());
    for Part { input, at } in parts {
        let (own, own_channels) = (input.map.pixels(), input.map.channels());
        assert!(own == pixels, "a map of {own} pixels in a sum of {pixels}");
        assert!(at + own_channels <= channels, "{own_channels} channels from {at} on, of {channels}");
    }
    for (number, parts) in parts.chunks(MAPS).enumerate() {
        launch!(
            output.precision(),
            add_up(
                machine.client(),
                machine.groups(output.lines()),
                GROUP,
                parts.iter().map(Part::launch).collect(),
                output.launch(),
                output.pixel_lines(),
                u32::from(number > 0),
            )
        );
    }
}

/// The gradient with respect to a map that was added from channel `at` of a sum on.
///
/// Panics when a map has another size.
pub fn backward(machine: &Machine, gradient: &Map, at: usize, target: Target) {
    let (target, add) = target.split();
    let (from, to) = (gradient.pixels(), target.pixels());
    assert!(from == to, "a gradient of {from} pixels for a map of {to}");
    let (channels, all) = (target.channels(), gradient.channels());
    assert!(at + channels <= all, "{channels} channels from {at} on, of {all}");
    launch!(
        target.precision(),
        hand_out(
            machine.client(),
            machine.groups(target.lines()),
            GROUP,
            gradient.launch(),
            target.launch(),
            gradient.pixel_lines(),
            target.pixel_lines(),
            at,
            channels,
            add,
        )
    );
}

impl Part<'_> {
    fn launch<S: Stored>(&self) -> TermLaunch<S> {
        TermLaunch::new(self.input.launch(), self.at)
    }
}

/// A [`Part`] on the device.
#[derive(CubeType, CubeLaunch)]
struct Term<S: Stored> {
    source: Source<S>,
    at: usize,
}

#[cube]
impl<S: Stored> Term<S> {
    /// What is added to a line of the sum, in its pixel. The padding of a map is read as zero.
    fn read(&self, pixel: usize, line: usize) -> Line {
        // One line more than its own, so that the number does not fall below zero.
        let skipped = self.at.div_ceil(LINE);
        let offset = skipped * LINE - self.at;
        let next = line + 1 - skipped;
        let mut low = Line::new(0.0);
        let mut high = Line::new(0.0);
        if line >= skipped && next - 1 < self.source.filled {
            low = self.source.read(&self.source.affine(next - 1), pixel, next - 1);
        }
        if offset > 0 && line + 1 >= skipped && next < self.source.filled {
            high = self.source.read(&self.source.affine(next), pixel, next);
        }
        across(low, high, offset)
    }
}

/// Four channels from one of the lower line on, those of the upper line behind them.
#[cube]
fn across(low: Line, high: Line, offset: usize) -> Line {
    let mut line = low;
    if offset > 0 {
        #[unroll]
        for lane in 0..LINE {
            let from = lane + offset;
            #[unroll]
            for other in 0..LINE {
                if from == other {
                    line.insert(lane, low.extract(other));
                }
                if from == other + LINE {
                    line.insert(lane, high.extract(other));
                }
            }
        }
    }
    line
}

/// One unit a line of the sum.
#[cube(launch)]
fn add_up<S: Stored>(terms: Sequence<Term<S>>, mut output: Lines<S>, lines: usize, add: u32) {
    let at = ABSOLUTE_POS;
    if at < output.len() {
        let pixel = at / lines;
        let line = at % lines;
        let mut sum = Line::new(0.0);
        if add == 1 {
            sum = output.read(at);
        }
        #[unroll]
        for number in 0..terms.len() {
            sum += terms.index(number).read(pixel, line);
        }
        output.write(at, sum);
    }
}

/// One unit a line of the target.
#[cube(launch)]
fn hand_out<S: Stored>(
    gradient: Lines<S>,
    mut target: Lines<S>,
    sum_lines: usize,
    lines: usize,
    first: usize,
    channels: usize,
    add: u32,
) {
    let at = ABSOLUTE_POS;
    if at < target.len() {
        let line = at % lines;
        let own = first / LINE + line;
        let offset = first % LINE;
        let pixel = at / lines * sum_lines;
        let mut low = Line::new(0.0);
        let mut high = Line::new(0.0);
        if own < sum_lines {
            low = gradient.read(pixel + own);
        }
        if offset > 0 && own + 1 < sum_lines {
            high = gradient.read(pixel + own + 1);
        }
        let found = across(low, high, offset);
        // The channels behind the map's own are another map's.
        let mut value = Line::new(0.0);
        #[unroll]
        for lane in 0..LINE {
            if line * LINE + lane < channels {
                value.insert(lane, found.extract(lane));
            }
        }
        if add == 1 {
            value += target.read(at);
        }
        target.write(at, value);
    }
}
