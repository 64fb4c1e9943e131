//! The SQLite ledger: the contract, reading beside writing, and queries that stay fast.

use std::path::PathBuf;
use std::time::Duration;

use hnas_ledger::{LEASE_TTL, Ledger, LedgerError, SqliteLedger};
use tempfile::TempDir;

use crate::contract::{Backend, contract};
use crate::example::{EXPERIMENT, ids, proposal, scored};

/// A file in a folder of its own, removed at the end.
pub(crate) struct File {
    folder: TempDir,
}

impl File {
    pub(crate) fn fresh() -> File {
        File { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    pub(crate) fn open(&self) -> SqliteLedger {
        SqliteLedger::open(self.path(), "search", EXPERIMENT).unwrap()
    }

    /// The study `search` with the trials `1 ..= trials` finished.
    pub(crate) fn with_results(trials: u64) -> File {
        let file = File::fresh();
        let mut ledger = file.open();
        for id in 1..=trials {
            ledger.propose(&proposal(id)).unwrap();
            let leased = ledger.lease("w").unwrap().unwrap();
            assert!(ledger.record(&leased, &scored(id, 0)).unwrap());
        }
        file
    }
}

impl Backend for File {
    fn open(&self, study: &str, founding: &str, ttl: Duration) -> Result<Box<dyn Ledger>, LedgerError> {
        Ok(Box::new(SqliteLedger::open(self.path(), study, founding)?.with_lease_ttl(ttl)))
    }
}

fn fresh() -> Option<File> {
    Some(File::fresh())
}

contract!(fresh);

#[test]
fn leases_last_two_minutes_unless_told_otherwise() {
    let file = File::fresh();
    let mut ledger = file.open();
    ledger.propose(&proposal(1)).unwrap();
    assert_eq!(ledger.lease("w").unwrap().unwrap().ttl, LEASE_TTL);
    assert_eq!(LEASE_TTL, Duration::from_secs(120));
}

#[test]
fn a_report_reads_while_others_write_and_changes_nothing() {
    let file = File::with_results(3);
    let mut report = SqliteLedger::read(file.path(), "search").unwrap();
    assert_eq!(ids(&report.results(0).unwrap()), [1, 2, 3]);

    let mut writer = file.open();
    writer.propose(&proposal(4)).unwrap();
    let leased = writer.lease("w").unwrap().unwrap();
    writer.record(&leased, &scored(4, 0)).unwrap();
    assert_eq!(ids(&report.results(3).unwrap()), [4], "what was committed is seen at once");

    writer.propose(&proposal(5)).unwrap();
    writer.propose(&proposal(6)).unwrap();
    let leased = writer.lease("w").unwrap().unwrap();
    let refused = [
        report.propose(&proposal(7)).map(drop),
        report.lease("w").map(drop),
        report.renew(&leased).map(drop),
        report.release(&leased).map(drop),
        report.record(&leased, &scored(5, 0)).map(drop),
    ];
    for result in refused {
        assert!(matches!(result, Err(LedgerError::ReadOnly { .. })), "{result:?}");
    }
    assert!(writer.renew(&leased).unwrap());
    assert_eq!(writer.backlog().unwrap().proposed, 6);
}

#[test]
fn a_report_leaves_the_file_as_it_was() {
    let file = File::with_results(3);
    let before = std::fs::read(file.path()).unwrap();
    for _ in 0..2 {
        SqliteLedger::read(file.path(), "search").unwrap().results(0).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), before);
        // Files of SQLite may stay beside it until the next writer closes it, with nothing in them that is not in it.
        assert_eq!(std::fs::metadata(file.folder.path().join("ledger.db-wal")).map_or(0, |log| log.len()), 0);
    }
}

#[test]
fn a_ledger_that_cannot_share_memory_is_read_as_it_is() {
    let file = File::with_results(2);
    // A folder in the place of the shared memory does what a folder without the right to write does, for root as well.
    std::fs::create_dir(file.folder.path().join("ledger.db-shm")).unwrap();
    let mut report = SqliteLedger::read(file.path(), "search").unwrap();
    assert_eq!(ids(&report.results(0).unwrap()), [1, 2]);
}
