//! What PostgreSQL, the driver and the system say, in the words of a ledger.

use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::address::said;
use crate::LedgerError;

/// Something a caller has to act upon rather than pass on.
#[derive(Debug)]
pub(super) enum Failure {
    /// Two took the same place in the order of finished trials; the statement can be repeated at once.
    Collision,
    /// Everything else.
    Error(LedgerError),
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Failure {
        Failure::Error(error)
    }
}

/// The failure of a ledger for an error of its database.
pub(super) fn classify(place: &str, error: &Error) -> Failure {
    let place = place.to_owned();
    let Some(said_by_server) = error.as_db_error() else {
        return Failure::Error(if passes(error) {
            LedgerError::Away { place, reason: said(error) }
        } else {
            LedgerError::Refused { place, reason: advice(&said(error)) }
        });
    };
    let code = said_by_server.code();
    let reason = format!("{} (SQLSTATE {})", said_by_server.message(), code.code());
    Failure::Error(match &code.code()[..2] {
        "23" if said_by_server.constraint() == Some("trials_finished") => return Failure::Collision,
        // Disconnected, out of connections or memory, interrupted, shutting down or starting up.
        "08" | "57" => LedgerError::Away { place, reason },
        "53" if *code == SqlState::DISK_FULL => LedgerError::Full { place },
        "53" => LedgerError::Away { place, reason },
        // Statements that lost to others and can be repeated.
        "40" => LedgerError::Away { place, reason },
        "58" => LedgerError::Io { place, reason },
        // What the wait for an answer can not cure: who asks, what for, and in which database.
        "28" | "3D" => LedgerError::Refused { place, reason: advice(&reason) },
        _ if *code == SqlState::LOCK_NOT_AVAILABLE => LedgerError::Away { place, reason },
        _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => LedgerError::ReadOnly { place },
        _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => LedgerError::Refused { place, reason },
        _ if [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(code) => {
            LedgerError::Damaged { place, reason }
        }
        _ => LedgerError::Database { place, reason },
    })
}

/// Whether the database may be there a little later: the network or the server was at fault, not what was asked.
fn passes(error: &Error) -> bool {
    if error.is_closed() {
        return true;
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            // A certificate that is not trusted comes as invalid data, and will not be trusted later.
            return !matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
        }
        source = cause.source();
    }
    false
}

/// Adds what can be done about it.
fn advice(reason: &str) -> String {
    let advice = if reason.contains("password") {
        "passwords are read from the file that PGPASSFILE names, or from PGPASSWORD"
    } else if reason.contains("certificate") {
        "name a file of trusted certificates with sslrootcert=FILE in the address"
    } else if reason.contains("does not support TLS") {
        "sslmode=disable in the address does without"
    } else {
        return reason.to_owned();
    };
    format!("{reason}; {advice}")
}
