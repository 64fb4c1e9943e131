//! Searches from outside: invariants, asynchrony, and whether evolution is worth its name.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod asynchrony;
mod draws;
mod evolution;
mod fitness;
mod invariants;
mod plans;
mod simulation;
mod tournament;
