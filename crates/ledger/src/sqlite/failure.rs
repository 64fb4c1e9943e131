//! What SQLite says, in the words of a ledger.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use super::open::BUSY_TIMEOUT;
use crate::LedgerError;

/// The error of a ledger for an error of its database.
pub(super) fn classify(path: &Path, error: Error) -> LedgerError {
    let place = path.display().to_string();
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            LedgerError::Busy { place, seconds: BUSY_TIMEOUT.as_secs() }
        }
        Some(ErrorCode::DiskFull) => LedgerError::Full { place },
        Some(ErrorCode::ReadOnly) => LedgerError::ReadOnly { place },
        Some(ErrorCode::NotADatabase) => {
            LedgerError::Foreign { place, reason: "the file is not a database".to_owned() }
        }
        Some(ErrorCode::DatabaseCorrupt) => LedgerError::Damaged { place, reason },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => LedgerError::CannotOpen { place, reason },
        // The other codes of SQLite, of which there are many, have nothing to add to its own words.
        Some(_) | None => LedgerError::Database { place, reason },
    }
}
