//! Many workers in many processes, on a file and on PostgreSQL: whatever happens to them, the same trials.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod commands;
mod drills;
mod fleet;
mod same;
#[allow(dead_code, reason = "the tests of the ledger use more of it")]
#[path = "../../crates/ledger/tests/ledger/server.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../crates/ledger/tests/ledger/waiting.rs"]
mod waiting;
