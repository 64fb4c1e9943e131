//! The ledger from outside: the contract every backend keeps, and what is special to SQLite.

mod contract;
mod drills;
mod edited;
mod example;
mod leases;
mod refusals;
mod sqlite;
