//! From ledgers to one HTML page, figures and tables.
//!
//! [`write`] turns a [`Page`] into a self-contained page that opens offline, the same figures as files, and all numbers
//! as JSON. This crate runs nothing and judges nothing: it shows what was obtained beside what was published, and says
//! first in which numbers the run differs from the paper.

mod chart;
mod error;
mod figures;
mod format;
mod html;
mod page;
mod results;
mod statistics;
mod summary;
mod write;

pub use error::ReportError;
pub use page::{Arm, Difference, FinalRun, Page, Published};
pub use results::SCHEMA_VERSION;
pub use write::write;
