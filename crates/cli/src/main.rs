//! The hnas command.

fn main() {}
