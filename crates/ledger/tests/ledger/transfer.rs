//! A ledger moves between a file and a database, and is the same afterwards.

use hnas_ledger::{Ledger, LedgerError, Moved, Store};
use tempfile::TempDir;

use crate::contract::lease;
use crate::example::{EXPERIMENT, failed, ids, proposal, scored};
use crate::postgres::Database;

struct Folder(TempDir);

impl Folder {
    fn store(&self, name: &str) -> Store {
        self.0.path().join(name).to_str().unwrap().parse().unwrap()
    }
}

/// Two studies with trials in every state but leased.
fn fill(store: &Store) {
    let mut search = store.open("search", EXPERIMENT).unwrap();
    for id in 1..=7 {
        search.propose(&proposal(id)).unwrap();
    }
    let leases: Vec<_> = (1..=6).map(|_| lease(&mut *search, "w é")).collect();
    for (index, outcome) in [(2, scored(3, 0)), (0, failed(1)), (3, scored(4, 1)), (1, scored(2, 0))] {
        assert!(search.record(&leases[index], &outcome).unwrap());
    }
    search.release(&leases[4]).unwrap();
    search.abandon_leases("w é").unwrap();
    search.note_build("1.2.3 abc").unwrap();
    let mut last = store.open("final", "another\n").unwrap();
    last.propose(&proposal(1)).unwrap();
}

/// Finishes what is left, in the same way wherever it is.
fn go_on(ledger: &mut dyn Ledger) {
    while let Some(leased) = ledger.lease("later").unwrap() {
        assert!(ledger.record(&leased, &scored(leased.proposal.id.0, 5)).unwrap());
    }
}

#[test]
fn a_ledger_moves_to_a_database_and_back() {
    let Some(database) = Database::fresh() else { return };
    let folder = Folder(tempfile::tempdir().unwrap());
    let (file, middle, back) = (folder.store("a"), database.store(), folder.store("b"));
    fill(&file);
    let moved = Moved { studies: 2, trials: 8 };
    assert_eq!(file.copy_to(&middle).unwrap(), moved);
    assert_eq!(middle.copy_to(&back).unwrap(), moved);
    assert_eq!(file.studies().unwrap(), middle.studies().unwrap());
    assert_eq!(file.studies().unwrap(), back.studies().unwrap());
    // Every column of every row, times and attempts as well.
    let rows = |name: &str| -> Vec<String> {
        let connection = rusqlite::Connection::open(folder.0.path().join(name)).unwrap();
        let mut statement = connection.prepare("SELECT * FROM trials ORDER BY study, id").unwrap();
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row| -> Result<String, rusqlite::Error> {
            let values: Result<Vec<rusqlite::types::Value>, _> = (0..columns).map(|column| row.get(column)).collect();
            Ok(format!("{:?}", values?))
        };
        statement.query_map([], row).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(rows("a").len(), 8);
    assert_eq!(rows("a"), rows("b"));
    for study in ["search", "final"] {
        let [here, there, back] = [&file, &middle, &back].map(|store| store.read(study).unwrap());
        for (mut ledger, expected) in [(there, &file), (back, &file), (here, &file)] {
            let mut expected = expected.read(study).unwrap();
            assert_eq!(ledger.results(0).unwrap(), expected.results(0).unwrap());
            assert_eq!(ledger.backlog().unwrap(), expected.backlog().unwrap());
        }
    }
    // It goes on there as it would have here.
    let finished = [&file, &middle, &back].map(|store| {
        let mut ledger = store.open("search", EXPERIMENT).unwrap();
        go_on(&mut *ledger);
        ledger
            .results(0)
            .unwrap()
            .into_iter()
            .map(|trial| (trial.seq, trial.proposal, trial.outcome, trial.attempt))
            .collect::<Vec<_>>()
    });
    assert_eq!(finished[0].len(), 7);
    assert_eq!(finished[0], finished[1]);
    assert_eq!(finished[0], finished[2]);
}

#[test]
fn a_ledger_that_is_worked_on_does_not_move() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let stores = [Some(folder.store("a")), Database::fresh().map(|database| database.store())];
    for (number, store) in stores.into_iter().flatten().enumerate() {
        fill(&store);
        let mut ledger = store.open("search", EXPERIMENT).unwrap();
        let leased = lease(&mut *ledger, "w");
        let target = folder.store(&format!("target{number}"));
        let error = store.copy_to(&target).unwrap_err().to_string();
        let expected = format!(
            "study search of the ledger {store} has 1 leased trials, whose results would be missing in a copy: stop its \
             workers, and wait until the leases ran out"
        );
        assert_eq!(error, expected);
        assert!(matches!(target.studies(), Err(LedgerError::Missing { .. })), "nothing was made");
        assert!(ledger.record(&leased, &scored(leased.proposal.id.0, 0)).unwrap());
        store.copy_to(&target).unwrap();
        let again = store.copy_to(&target).unwrap_err();
        assert!(matches!(again, LedgerError::StudyThere { .. }), "{again}");
        assert_eq!(ids(&target.read("search").unwrap().results(0).unwrap()).len(), 5, "once");
        let onto_itself = store.copy_to(&store).unwrap_err();
        assert!(matches!(onto_itself, LedgerError::StudyThere { .. }), "{onto_itself}");
    }
}

#[test]
fn many_trials_move() {
    let Some(database) = Database::fresh() else { return };
    let folder = Folder(tempfile::tempdir().unwrap());
    let (file, back) = (folder.store("a"), folder.store("b"));
    let mut ledger = file.open("search", EXPERIMENT).unwrap();
    // More than are read or written at once, and not a whole number of such.
    for id in 1..=1203 {
        ledger.propose(&proposal(id)).unwrap();
    }
    assert_eq!(file.copy_to(&database.store()).unwrap().trials, 1203);
    assert_eq!(database.store().copy_to(&back).unwrap().trials, 1203);
    assert_eq!(back.read("search").unwrap().backlog().unwrap().proposed, 1203);
}
