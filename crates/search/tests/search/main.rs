//! Searches from outside: invariants, asynchrony, and whether evolution is worth its name.

mod asynchrony;
mod draws;
mod evolution;
mod fitness;
mod invariants;
mod plans;
mod simulation;
mod tournament;
