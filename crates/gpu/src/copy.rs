//! Copies: how fast a device moves memory, other precisions, and results that have to outlive the memory they were
//! computed in.

use cubecl::prelude::*;

use crate::machine::{GROUP, Machine};
use crate::map::{Map, Precision};
use crate::stored::{Halves, Line, Lines, Stored};

/// Copies one map to another, which may be of another precision.
///
/// Panics when they differ in pixels or channels.
pub fn copy(machine: &Machine, from: &Map, to: &Map) {
    to.check_like(from);
    match (from.precision(), to.precision()) {
        (Precision::F32, Precision::F32) => copy_as::<Line, Line>(machine, from, to),
        (Precision::F32, Precision::Bf16) => copy_as::<Line, Halves>(machine, from, to),
        (Precision::Bf16, Precision::F32) => copy_as::<Halves, Line>(machine, from, to),
        (Precision::Bf16, Precision::Bf16) => copy_as::<Halves, Halves>(machine, from, to),
    }
}

fn copy_as<F: Stored, T: Stored>(machine: &Machine, from: &Map, to: &Map) {
    move_lines::launch::<F, T>(machine.client(), machine.groups(to.lines()), GROUP, from.launch(), to.launch());
}

#[cube(launch)]
fn move_lines<F: Stored, T: Stored>(from: Lines<F>, mut to: Lines<T>) {
    let at = ABSOLUTE_POS;
    if at < to.len() {
        to.write(at, from.read(at));
    }
}
