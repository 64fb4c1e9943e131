//! 3x3 pools of stride 1, padded by one pixel, and the mean over all pixels.
//!
//! Backward, each pixel gathers what it is owed from the windows around it, so no two units write one value.

mod average;
mod global;
mod max;

use cubecl::prelude::*;

pub use average::{avg_backward, avg_forward};
pub use global::{global_backward, global_forward};
pub use max::{Winners, max_backward, max_forward};

use crate::map::Map;

/// Places of the window.
const TAPS: usize = 9;

/// Panics unless both are maps of the same whole images.
fn check_images(map: &Map, other: &Map, height: usize, width: usize) {
    map.check_like(other);
    let pixels = map.pixels();
    assert!(pixels.is_multiple_of(height * width), "{pixels} pixels are no images of {height}x{width}");
}

/// The pixel at one place of the window around another.
#[derive(CubeType)]
struct Neighbour {
    inside: bool,
    pixel: usize,
    row: usize,
    column: usize,
}

#[cube]
fn neighbour(pixel: usize, tap: usize, height: usize, width: usize) -> Neighbour {
    // One more than its own, so that they do not fall below zero.
    let column = pixel % width + tap % 3;
    let row = pixel / width % height + tap / 3;
    let inside = row >= 1 && row <= height && column >= 1 && column <= width;
    Neighbour { inside, pixel: pixel + tap / 3 * width + tap % 3 - width - 1, row: row - 1, column: column - 1 }
}
