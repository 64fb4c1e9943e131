//! Sums over many values in two stages: groups of units sum parts, then one group joins the parts of some channels.
//!
//! Which unit adds what, and in which order, follows from the number of values alone.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine, UNITS};
use crate::stored::{LINE, Line};

/// Lines of channels that a group sums: neighbouring units read neighbouring channels.
pub(crate) const LINES: usize = 4;

/// Units of a group that share the values of one line.
pub(crate) const LANES: usize = UNITS / LINES;

/// How often the lanes are halved until one is left.
const HALVINGS: usize = LANES.ilog2() as usize;

/// Parts there are at most: enough to keep a device busy, few enough for one group to join.
const PARTS: usize = 128;

/// How a number of pixels is cut into parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    /// Pixels of a part; the last may have fewer.
    pub(crate) run: usize,
    /// How many parts there are.
    pub(crate) count: usize,
}

impl Parts {
    pub(crate) fn of(pixels: usize) -> Parts {
        let run = pixels.div_ceil(PARTS).next_multiple_of(LANES);
        Parts { run, count: pixels.div_ceil(run) }
    }

    /// A group for every [`LINES`] lines of every part.
    pub(crate) fn groups(self, lines: usize) -> CubeCount {
        CubeCount::Static((lines / LINES) as u32, self.count as u32, 1)
    }
}

/// The sum of what the lanes of each line bring, for all of them.
#[cube]
pub(crate) fn sum_of_lanes(scratch: &mut Shared<[Line]>, value: Line) -> Line {
    let unit = UNIT_POS as usize;
    scratch[unit] = value;
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
    let sum = scratch[unit % LINES];
    // The next sum may be written only when all have read this one.
    sync_cube();
    sum
}

/// The values of `[parts, values]` summed over the parts.
#[cube(launch)]
fn join(parts: &[Line], sums: &mut [Line], count: usize) {
    let mut scratch = Shared::<[Line]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    let lines = sums.len();
    let line = CUBE_POS_X as usize * LINES + unit % LINES;
    let mut sum = Line::new(0.0);
    if line < lines {
        let mut part = unit / LINES;
        while part < count {
            sum += parts[part * lines + line];
            part += LANES;
        }
    }
    let total = sum_of_lanes(&mut scratch, sum);
    if unit < LINES && line < lines {
        sums[line] = total;
    }
}

/// Sums `[count, values]` over its parts into `[values]`.
pub(crate) fn join_parts(machine: &Machine, parts: &Buffer<f32>, count: usize, sums: &Buffer<f32>) {
    assert!(parts.len() == count * sums.len(), "{count} parts of {} values are not {}", sums.len(), parts.len());
    let groups = CubeCount::Static(sums.len().div_ceil(LINE * LINES) as u32, 1, 1);
    join::launch(machine.client(), groups, GROUP, parts.argument(), sums.argument(), count);
}
