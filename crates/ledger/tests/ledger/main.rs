//! The ledger from outside: the contract every backend keeps, and what is special to SQLite.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod contract;
mod drills;
mod edited;
mod example;
mod leases;
mod refusals;
mod sqlite;
