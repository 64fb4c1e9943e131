//! The convolution itself.

use cubecl::prelude::*;

use super::tile::{DEPTH, EACH, GROUP, Grid, PIXELS, ROWS, STEP, blocks_at_once, multiply, nothing};
use super::{MAPS, Window};
use crate::buffer::Buffer;
use crate::machine::Machine;
use crate::map::Map;
use crate::reading::{Reading, Source};
use crate::stored::{LINE, Line, Lines, Stored, launch};
use crate::{BLOCK, pitch};

/// Convolves whole images of `inputs`. `weights` lie as a [`Layout`](super::Layout) says.
///
/// Panics when a buffer has another size, or there are no inputs.
pub fn forward(machine: &Machine, inputs: &[Reading], window: Window, weights: &Buffer<f32>, output: &Map) {
    assert!(!inputs.is_empty(), "a convolution of nothing");
    let width = pitch(output.channels());
    let depth: usize = inputs.iter().map(|input| pitch(input.map.channels())).sum();
    let expected = window.kernel * window.kernel * depth * width;
    assert!(weights.len() == expected, "{} weights are not {expected}", weights.len());
    let pixels = output.pixels();
    for input in inputs {
        let given = window.outputs(input.map.pixels());
        assert!(given == pixels, "an input for {given} pixels, an output of {pixels}");
    }
    let wide = blocks_at_once(width / BLOCK);
    let groups = Window::groups(pixels, width / BLOCK, wide);
    let mut first = 0;
    for (number, inputs) in inputs.chunks(MAPS).enumerate() {
        launch!(
            output.precision(),
            convolve(
                machine.client(),
                groups.clone(),
                GROUP,
                inputs.iter().map(Reading::launch).collect(),
                weights.argument(),
                output.launch(),
                window.launch(),
                RowsLaunch::new(first, depth, width / LINE, pixels),
                u32::from(number > 0),
                window.kernel,
                window.stride,
                wide,
            )
        );
        first += inputs.iter().map(|input| pitch(input.map.channels())).sum::<usize>();
    }
}

/// Which weights are multiplied, and with how many pixels.
#[derive(CubeType, CubeLaunch)]
struct Rows {
    /// The row of weights of the first channel.
    first: usize,
    /// Rows of a place of the window.
    depth: usize,
    /// Lines of a row.
    lines: usize,
    pixels: usize,
}

/// A group computes some blocks of channels of a tile of pixels.
#[cube(launch)]
fn convolve<S: Stored>(
    inputs: Sequence<Source<S>>,
    weights: &[Line],
    mut output: Lines<S>,
    grid: Grid,
    rows: Rows,
    add: u32,
    #[comptime] kernel: usize,
    #[comptime] stride: usize,
    #[comptime] wide: usize,
) {
    let mut pixels = Shared::<[Line]>::new_slice(PIXELS * STEP);
    let mut tile = Shared::<[Line]>::new_slice(BLOCK * DEPTH * wide);
    let unit = UNIT_POS as usize;
    let own_row = unit / DEPTH;
    let own_line = unit % DEPTH;
    let first_pixel = (CUBE_POS_Z * CUBE_COUNT_X + CUBE_POS_X) as usize * PIXELS;
    let first_line = CUBE_POS_Y as usize * DEPTH * wide;
    let mut sums = nothing(EACH * wide);
    for tap in 0..kernel * kernel {
        let mut row = tap * rows.depth + rows.first;
        #[unroll]
        for number in 0..inputs.len() {
            let input = inputs.index(number);
            for block in 0..input.lines / DEPTH {
                let line = block * DEPTH + own_line;
                let affine = input.affine(line);
                #[unroll]
                for each in 0..EACH {
                    let pixel = first_pixel + own_row + each * ROWS;
                    let mut value = Line::new(0.0);
                    if pixel < rows.pixels {
                        if comptime!(kernel == 1 && stride == 1) {
                            value = input.read(&affine, pixel, line);
                        } else {
                            let place = grid.covered(pixel, tap, kernel, stride);
                            if place.inside {
                                value = input.read(&affine, place.pixel, line);
                            }
                        }
                    }
                    pixels[(own_row + each * ROWS) * STEP + own_line] = value;
                }
                #[unroll]
                for other in 0..wide {
                    let at = other * DEPTH + own_line;
                    tile[own_row * DEPTH * wide + at] = weights[(row + own_row) * rows.lines + first_line + at];
                }
                sync_cube();
                // The rest of the last block is padding: zeros times zeros.
                let filled = clamp_max(input.filled - block * DEPTH, DEPTH);
                multiply(&pixels, &tile, &mut sums, filled, wide);
                sync_cube();
                row += BLOCK;
            }
        }
    }
    #[unroll]
    for each in 0..EACH {
        let pixel = first_pixel + own_row + each * ROWS;
        if pixel < rows.pixels {
            #[unroll]
            for other in 0..wide {
                let at = pixel * rows.lines + first_line + other * DEPTH + own_line;
                let mut sum = sums[each * wide + other];
                if add == 1 {
                    sum += output.read(at);
                }
                output.write(at, sum);
            }
        }
    }
}
