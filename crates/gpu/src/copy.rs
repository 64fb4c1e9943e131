//! Copies: how fast a device moves memory, and results that have to outlive the memory they were computed in.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine};
use crate::reading::{LINE, Line};

/// Copies one buffer to another.
///
/// Panics when they differ in size, or are not whole lines of four values.
pub fn copy(machine: &Machine, from: &Buffer<f32>, to: &Buffer<f32>) {
    assert!(from.len() == to.len(), "{} values do not fill {}", from.len(), to.len());
    assert!(from.len().is_multiple_of(LINE), "{} values are no whole lines of {LINE}", from.len());
    move_lines::launch(machine.client(), machine.groups(from.len() / LINE), GROUP, from.argument(), to.argument());
}

#[cube(launch)]
fn move_lines(from: &[Line], to: &mut [Line]) {
    let at = ABSOLUTE_POS;
    if at < to.len() {
        to[at] = from[at];
    }
}
