//! The gradient of a convolution with respect to its weights.

use cubecl::prelude::*;

use super::tile::{DEPTH, EACH, GROUP, Grid, PIXELS, ROWS, STEP, nothing};
use super::{MAPS, Window};
use crate::buffer::Buffer;
use crate::machine::Machine;
use crate::reading::{Descent, Reading, Slope, Source};
use crate::stored::{LINE, Line, Stored, launch};
use crate::sums::join_parts;
use crate::{BLOCK, pitch};

/// Groups that keep a device busy.
const ENOUGH: usize = 1024;

/// Tiles of pixels that are summed in a row at most: it keeps rounding small.
const LONGEST: usize = 16;

/// Units that sum different pixels for the same weights.
const LANES: usize = 4;

/// The gradient with respect to the weights of a convolution of `inputs`, as its [`Layout`](super::Layout) says.
///
/// Panics when a buffer has another size, or there are no inputs.
pub fn weight_gradient(machine: &Machine, inputs: &[Reading], slope: Slope, window: Window, gradient: &Buffer<f32>) {
    assert!(!inputs.is_empty(), "a convolution of nothing");
    let (taps, width) = (window.kernel * window.kernel, pitch(slope.gradient.channels()));
    let depth: usize = inputs.iter().map(|input| pitch(input.map.channels())).sum();
    assert!(gradient.len() == taps * depth * width, "{} weights are not {}", gradient.len(), taps * depth * width);
    let pixels = slope.gradient.pixels();
    for input in inputs {
        let given = window.outputs(input.map.pixels());
        assert!(given == pixels, "an input for {given} pixels, a gradient of {pixels}");
    }
    let tiles = pixels.div_ceil(PIXELS);
    let wanted = ENOUGH.div_ceil(taps * depth * width / (BLOCK * BLOCK));
    let run = tiles.div_ceil(wanted).min(LONGEST);
    let parts = tiles.div_ceil(run);
    let partial = machine.room(parts * gradient.len());
    let mut first = 0;
    for inputs in inputs.chunks(MAPS) {
        let rows: usize = inputs.iter().map(|input| pitch(input.map.channels())).sum();
        launch!(
            slope.gradient.precision(),
            correlate(
                machine.client(),
                CubeCount::Static((rows / BLOCK * taps) as u32, (width / BLOCK) as u32, parts as u32),
                GROUP,
                inputs.iter().map(Reading::launch).collect(),
                slope.launch(),
                partial.argument(),
                window.launch(),
                ShareLaunch::new(first, rows / BLOCK, depth, pixels, run),
                window.kernel,
                window.stride,
            )
        );
        first += rows;
    }
    join_parts(machine, &partial, parts, gradient);
}

/// What of the weights and of the pixels a launch has.
#[derive(CubeType, CubeLaunch)]
struct Share {
    /// The row of weights of the first channel.
    first: usize,
    /// Blocks of channels of all maps of the launch.
    blocks: usize,
    /// Rows of a place of the window.
    depth: usize,
    pixels: usize,
    /// Tiles of a part.
    run: usize,
}

/// A group sums a part of the pixels for one block of input channels, one block of output channels and one place of the
/// window. A unit has four input channels, four output channels and every fourth pixel.
#[cube(launch)]
fn correlate<S: Stored>(
    inputs: Sequence<Source<S>>,
    slope: Descent<S>,
    sums: &mut [Line],
    grid: Grid,
    share: Share,
    #[comptime] kernel: usize,
    #[comptime] stride: usize,
) {
    let mut values = Shared::<[Line]>::new_slice(PIXELS * STEP);
    let mut gradients = Shared::<[Line]>::new_slice(PIXELS * STEP);
    let unit = UNIT_POS as usize;
    let own_row = unit / DEPTH;
    let own_line = unit % DEPTH;
    let tap = CUBE_POS_X as usize / share.blocks;
    let block = CUBE_POS_X as usize % share.blocks;
    let part = CUBE_POS_Z as usize;
    let first_line = CUBE_POS_Y as usize * DEPTH;
    let undo = slope.undo(first_line + own_line);
    let input_line = unit / DEPTH % DEPTH;
    let lane = unit / (DEPTH * DEPTH);
    let mut found = nothing(LINE);
    for tile in part * share.run..(part + 1) * share.run {
        let first_pixel = tile * PIXELS;
        #[unroll]
        for each in 0..EACH {
            let pixel = first_pixel + own_row + each * ROWS;
            let mut gradient = Line::new(0.0);
            if pixel < share.pixels {
                gradient = slope.read(&undo, pixel, first_line + own_line);
            }
            gradients[(own_row + each * ROWS) * STEP + own_line] = gradient;
        }
        // The map that has the block of this group.
        let mut before = 0;
        #[unroll]
        for number in 0..inputs.len() {
            let input = inputs.index(number);
            let own = input.lines / DEPTH;
            if block >= before && block < before + own {
                let line = (block - before) * DEPTH + own_line;
                let affine = input.affine(line);
                #[unroll]
                for each in 0..EACH {
                    let pixel = first_pixel + own_row + each * ROWS;
                    let mut value = Line::new(0.0);
                    if pixel < share.pixels {
                        if comptime!(kernel == 1 && stride == 1) {
                            value = input.read(&affine, pixel, line);
                        } else {
                            let place = grid.covered(pixel, tap, kernel, stride);
                            if place.inside {
                                value = input.read(&affine, place.pixel, line);
                            }
                        }
                    }
                    values[(own_row + each * ROWS) * STEP + own_line] = value;
                }
            }
            before += own;
        }
        sync_cube();
        for step in 0..PIXELS / LANES {
            let pixel = (step * LANES + lane) * STEP;
            let gradient = gradients[pixel + own_line];
            let value = values[pixel + input_line];
            #[unroll]
            for channel in 0..LINE {
                found[channel] = fma(Line::new(value.extract(channel)), gradient, found[channel]);
            }
        }
        sync_cube();
    }
    // The sums of the four units that have the same weights, which `values` has room for.
    #[unroll]
    for channel in 0..LINE {
        values[unit * LINE + channel] = found[channel];
    }
    sync_cube();
    // Each unit now has one input channel.
    let channel = lane;
    let mut sum = Line::new(0.0);
    #[unroll]
    for other in 0..LANES {
        sum += values[((other * DEPTH + input_line) * DEPTH + own_line) * LINE + channel];
    }
    let row = (part * comptime!(kernel * kernel) + tap) * share.depth + share.first + block * BLOCK;
    sums[(row + input_line * LINE + channel) * slope.lines + first_line + own_line] = sum;
}
