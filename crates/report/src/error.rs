//! Why a report could not be written.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a report could not be written. Its content cannot be the reason.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A folder could not be made.
    #[error("cannot create the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
