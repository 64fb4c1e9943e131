//! Trials on disk: recorded once, in one order, never lost.
//!
//! The paper's memory table M and data queue Q (section 3) are one table here, a row a trial: proposed by the
//! controller, leased by a worker, finished with an outcome. [`Ledger`] says what a ledger does; [`Store`] says where one
//! is kept: in a file by SQLite, for one machine, or in a PostgreSQL database, for any number. This crate knows no
//! tensors and starts no work; it hands it out.

mod cells;
mod error;
mod founding;
mod ledger;
mod postgres;
mod row;
mod sqlite;
mod status;
mod store;
mod transfer;
mod trial;

pub use error::LedgerError;
pub use ledger::{LEASE_TTL, Ledger, MAX_ATTEMPTS};
pub use sqlite::SqliteLedger;
pub use status::{RECENT_SECONDS, Standing, StudyStatus, WorkerStatus};
pub use store::{Store, StudyInfo};
pub use transfer::Moved;
pub use trial::{Backlog, Lease, Outcome, Proposal, Run, Trial, Verdict};
