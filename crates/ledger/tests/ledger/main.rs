//! The ledger from outside: the contract every backend keeps, and what is special to SQLite and to PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod contract;
#[cfg(unix)]
mod drills;
mod edited;
mod example;
#[cfg(unix)]
mod faults;
#[cfg(unix)]
mod hostile;
mod leases;
#[cfg(unix)]
mod network;
#[cfg(unix)]
mod postgres;
mod refusals;
#[cfg(unix)]
mod server;
mod sqlite;
#[cfg(unix)]
mod transfer;
#[cfg(unix)]
mod views;
mod waiting;
