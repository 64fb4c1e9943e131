//! The gradient of convolutions with respect to one of the maps they read.

use cubecl::prelude::*;

use super::Window;
use super::tile::{DEPTH, EACH, GROUP, Grid, PIXELS, ROWS, STEP, blocks_at_once, multiply, nothing};
use crate::buffer::Buffer;
use crate::machine::Machine;
use crate::reading::{Descent, Slope, Target};
use crate::stored::{LINE, Line, Lines, Stored, launch};
use crate::{BLOCK, pitch};

/// Products that one launch reads, of five buffers each; the rest as with [`MAPS`](super::MAPS).
const PRODUCTS: usize = 4;

/// One of the convolutions that read a map.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    /// The gradient with respect to what it gave.
    pub slope: Slope<'a>,
    /// Its weights, as a [`Layout`](super::Layout) says.
    pub weights: &'a Buffer<f32>,
}

/// The gradient with respect to input `number` of convolutions that read the same maps, of `inputs` channels each: the
/// sum over all of them.
///
/// Panics when a buffer has another size, or there are no products.
pub fn input_gradient(
    machine: &Machine,
    products: &[Product],
    inputs: &[usize],
    number: usize,
    window: Window,
    target: Target,
) {
    assert!(!products.is_empty(), "a gradient of nothing");
    let (target, mut add) = target.split();
    let (width, pixels) = (pitch(inputs[number]), target.pixels());
    let given = target.channels();
    assert!(given == inputs[number], "a gradient of {given} channels for an input of {}", inputs[number]);
    let depth: usize = inputs.iter().map(|&channels| pitch(channels)).sum();
    let first: usize = inputs[..number].iter().map(|&channels| pitch(channels)).sum();
    let outputs = window.outputs(pixels);
    for Product { slope, weights } in products {
        let expected = window.kernel * window.kernel * depth * pitch(slope.gradient.channels());
        assert!(weights.len() == expected, "{} weights are not {expected}", weights.len());
        let given = slope.gradient.pixels();
        assert!(given == outputs, "a gradient of {given} pixels, not {outputs}");
    }
    let wide = blocks_at_once(width / BLOCK);
    for products in products.chunks(PRODUCTS) {
        launch!(
            target.precision(),
            turn_back(
                machine.client(),
                Window::groups(pixels, width / BLOCK, wide),
                GROUP,
                products.iter().map(Product::launch).collect(),
                target.launch(),
                window.launch(),
                ColumnsLaunch::new(first, depth, width / LINE, pixels),
                add,
                window.kernel,
                window.stride,
                wide,
            )
        );
        add = 1;
    }
}

impl Product<'_> {
    fn launch<S: Stored>(&self) -> FactorsLaunch<S> {
        FactorsLaunch::new(self.slope.launch(), self.weights.argument())
    }
}

/// A [`Product`] on the device.
#[derive(CubeType, CubeLaunch)]
struct Factors<S: Stored> {
    slope: Descent<S>,
    weights: Box<[f32]>,
}

/// Which rows of the weights belong to the map, and how many pixels it has.
#[derive(CubeType, CubeLaunch)]
struct Columns {
    first: usize,
    /// Rows of a place of the window.
    depth: usize,
    /// Lines of a pixel.
    lines: usize,
    pixels: usize,
}

/// A group computes some blocks of channels of a tile of pixels, as in the forward direction, with the weights
/// transposed.
#[cube(launch)]
fn turn_back<S: Stored>(
    products: Sequence<Factors<S>>,
    mut target: Lines<S>,
    grid: Grid,
    columns: Columns,
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
        let row = tap * columns.depth + columns.first + first_line * LINE;
        #[unroll]
        for number in 0..products.len() {
            let product = products.index(number);
            let pitch = product.slope.lines * LINE;
            for block in 0..product.slope.lines / DEPTH {
                let line = block * DEPTH + own_line;
                let undo = product.slope.undo(line);
                #[unroll]
                for each in 0..EACH {
                    let pixel = first_pixel + own_row + each * ROWS;
                    let mut value = Line::new(0.0);
                    if pixel < columns.pixels {
                        if comptime!(kernel == 1 && stride == 1) {
                            value = product.slope.read(&undo, pixel, line);
                        } else {
                            let place = grid.covering(pixel, tap, kernel, stride);
                            if place.inside {
                                value = product.slope.read(&undo, place.pixel, line);
                            }
                        }
                    }
                    pixels[(own_row + each * ROWS) * STEP + own_line] = value;
                }
                #[unroll]
                for other in 0..wide {
                    let at = other * DEPTH + own_line;
                    let mut weights = Line::new(0.0);
                    #[unroll]
                    for lane in 0..LINE {
                        let place = (row + at * LINE + lane) * pitch + block * BLOCK + own_row;
                        weights.insert(lane, product.weights[place]);
                    }
                    tile[own_row * DEPTH * wide + at] = weights;
                }
                sync_cube();
                multiply(&pixels, &tile, &mut sums, DEPTH, wide);
                sync_cube();
            }
        }
    }
    #[unroll]
    for each in 0..EACH {
        let pixel = first_pixel + own_row + each * ROWS;
        if pixel < columns.pixels {
            #[unroll]
            for other in 0..wide {
                let at = pixel * columns.lines + first_line + other * DEPTH + own_line;
                let mut sum = sums[each * wide + other];
                if add == 1 {
                    sum += target.read(at);
                }
                target.write(at, sum);
            }
        }
    }
}
