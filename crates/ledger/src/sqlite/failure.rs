//! What SQLite says, in the words of a ledger.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Error, ErrorCode};

use crate::LedgerError;

/// How long an operation waits for others that write. A write takes milliseconds, so this is hundreds of workers in a
/// row, each waiting for the disk.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// The error of a ledger for an error of its database.
pub(super) fn classify(path: &Path, error: Error) -> LedgerError {
    let place = path.display().to_string();
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            LedgerError::Busy { place, seconds: BUSY_TIMEOUT.as_secs() }
        }
        Some(ErrorCode::DiskFull) => LedgerError::Full { place },
        // Not always the disk's fault: without room for the memory that is shared with other processes, SQLite says this.
        Some(ErrorCode::SystemIoFailure) => {
            let code = error.sqlite_error().map_or(0, |error| error.extended_code);
            LedgerError::Io { place, reason: format!("{reason}, code {code} of SQLite") }
        }
        Some(ErrorCode::ReadOnly) => LedgerError::ReadOnly { place },
        Some(ErrorCode::NotADatabase) => {
            LedgerError::Foreign { place, reason: "the file is not a database".to_owned() }
        }
        Some(ErrorCode::DatabaseCorrupt) => LedgerError::Damaged { place, reason },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            LedgerError::CannotOpen { place, reason: why_not(path) }
        }
        // The other codes of SQLite, of which there are many, have nothing to add to its own words.
        Some(_) | None => LedgerError::Database { place, reason },
    }
}

/// Why a file cannot be opened, since SQLite does not tell.
///
/// It is not opened to find out: closing it again would drop the locks that other connections of this process hold.
fn why_not(path: &Path) -> String {
    match path.metadata() {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => error.to_string(),
        Ok(_) => "no right to read and write it, or to make files beside it".to_owned(),
        Err(_) => "no right to make files in its folder".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use hnas_genome::{Genotype, SearchSpace};
    use hnas_search::TrialId;

    use rusqlite::ffi;

    use super::classify;
    use crate::{Ledger, LedgerError, Outcome, Proposal, SqliteLedger, Verdict};

    fn proposal(id: u64) -> Proposal {
        Proposal {
            id: TrialId(id),
            genotype: Genotype::identity_chain(&SearchSpace::hierarchical()),
            key: String::new(),
            parent: None,
            mutation: None,
            redraws: 0,
            parameters: 0,
            multiply_adds: 0,
            same_as: None,
            verdict: Verdict::Evaluate,
        }
    }

    #[test]
    fn l1_a_full_disk_loses_nothing_and_the_study_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = SqliteLedger::open(&path, "search", "").unwrap();
        let limit = |ledger: &SqliteLedger, pages: u32| {
            ledger.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
        };
        limit(&ledger, 40);
        let error = (1..).find_map(|id| ledger.propose(&proposal(id)).err()).unwrap();
        assert!(error.is_transient());
        assert_eq!(
            error.to_string(),
            format!(
                "the ledger {} cannot grow: the disk is full (what was recorded is safe; make room and go on)",
                path.display()
            )
        );
        let proposed = ledger.backlog().unwrap().proposed;
        assert!(proposed > 1, "{proposed}");
        let reason = "a long story. ".repeat(10_000);
        let leased = ledger.lease("w").unwrap().unwrap();
        let outcome = Outcome::Failed { reason };
        assert!(matches!(ledger.record(&leased, &outcome), Err(LedgerError::Full { .. })));
        assert_eq!(ledger.results(0).unwrap(), []);

        limit(&ledger, 1_000_000);
        assert!(ledger.record(&leased, &outcome).unwrap(), "the same record, again");
        assert!(ledger.propose(&proposal(proposed + 1)).unwrap());
        drop(ledger);
        let mut ledger = SqliteLedger::read(&path, "search").unwrap();
        assert_eq!(ledger.results(0).unwrap()[0].outcome, outcome);
        assert_eq!(ledger.backlog().unwrap().proposed, proposed + 1);
    }

    #[test]
    fn a_failing_disk_may_recover() {
        let codes = [ffi::SQLITE_IOERR, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_WRITE];
        for (code, number) in codes.into_iter().zip([10, 1034, 4874, 778]) {
            let said = Some("disk I/O error".to_owned());
            let error = classify(Path::new("a.db"), rusqlite::Error::SqliteFailure(ffi::Error::new(code), said));
            assert!(error.is_transient(), "{error}");
            assert_eq!(
                error.to_string(),
                format!(
                    "the ledger a.db could not be read or written: disk I/O error, code {number} of SQLite (its disk may \
                     be full or failing; what was recorded is safe)"
                )
            );
        }
        let other = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CONSTRAINT), None);
        assert!(!classify(Path::new("a.db"), other).is_transient());
    }

    #[test]
    fn a_lock_that_is_held_for_too_long_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = SqliteLedger::open(&path, "search", "").unwrap();
        ledger.connection.busy_timeout(Duration::from_millis(1)).unwrap();
        let other = SqliteLedger::open(&path, "search", "").unwrap();
        other.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = ledger.propose(&proposal(1)).unwrap_err();
        assert!(error.is_transient());
        let expected = format!("the ledger {} was locked by another process for more than 60 s", path.display());
        assert_eq!(error.to_string(), expected);
        assert_eq!(ledger.backlog().unwrap().proposed, 0, "reading needs no lock");
        assert_eq!(ledger.lease("w").unwrap(), None, "nor does a worker that finds nothing to do");
        other.connection.execute_batch("COMMIT").unwrap();
        assert!(ledger.propose(&proposal(1)).unwrap());
        other.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(ledger.lease("w"), Err(LedgerError::Busy { .. })), "a trial waits");
    }
}
