//! From ledgers to one HTML page, figures and tables.
//!
//! [`write()`] turns a [`Page`] into a self-contained page that opens offline, the same figures as files, and all numbers
//! as JSON; [`write_csv`] writes its tables. This crate runs nothing: it shows what was obtained beside what was
//! published, gives a verdict only where the run allows one, and says first in which numbers it differs from the paper.

mod bootstrap;
mod chart;
mod correlations;
mod counts;
mod error;
mod figures;
mod format;
mod html;
mod page;
mod query;
mod rank;
mod results;
mod searches;
mod statistics;
mod summary;
mod tables;
mod usage;
mod verdict;
mod write;

pub use error::ReportError;
pub use page::{Arm, Claim, Difference, Evidence, FinalRun, Page, Published, Retraining, Seed};
pub use results::SCHEMA_VERSION;
pub use tables::write_csv;
pub use write::write;
