//! The views for people say the same on both engines.

use hnas_ledger::Ledger;
use hnas_search::TrialId;

use crate::contract::{Backend, LONG, lease};
use crate::example::{EXPERIMENT, failed, proposal, scored};
use crate::postgres::Database;
use crate::server;
use crate::sqlite::File;

/// Six trials of two workers: the third and the fifth are the fittest so far, the fifth bred from the third, that from
/// the first; the fourth failed, the sixth is leased.
fn fill(backend: &dyn Backend) {
    let mut ledger = backend.open("search", EXPERIMENT, LONG).unwrap();
    let parents = [None, Some(1), Some(1), Some(3), Some(3), Some(5)];
    for (id, parent) in (1..).zip(parents) {
        let mut proposal = proposal(id);
        proposal.parent = parent.map(TrialId);
        ledger.propose(&proposal).unwrap();
    }
    for (id, outcome) in [(1, scored(1, 0)), (2, scored(2, 0)), (3, scored(3, 1)), (4, failed(4)), (5, scored(5, 2))] {
        let leased = lease(&mut *ledger, if id % 2 == 0 { "even" } else { "odd" });
        assert!(ledger.record(&leased, &outcome).unwrap());
    }
    lease(&mut *ledger, "even");
    // A study that is not asked for.
    let mut other = backend.open("other", EXPERIMENT, LONG).unwrap();
    other.propose(&proposal(1)).unwrap();
    let leased = lease(&mut *other, "odd");
    other.record(&leased, &scored(1, 9)).unwrap();
}

fn check(ask: impl Fn(&str) -> Vec<String>) {
    let best = "SELECT seq || ' ' || id || ' ' || round(CAST(fitness * 100 AS numeric)) FROM best_so_far
                WHERE study = 'search' ORDER BY seq";
    assert_eq!(
        ask(best).iter().map(|line| line.trim_end_matches(".0")).collect::<Vec<_>>(),
        ["1 1 25", "3 3 117", "5 5 213"]
    );
    let workers = "SELECT worker || ' ' || scored || ' ' || failed || ' ' || leased || ' ' || lost FROM by_worker
                   WHERE study = 'search' ORDER BY worker";
    assert_eq!(ask(workers), ["even 1 1 1 0", "odd 3 0 0 0"]);
    let line = "SELECT steps_back || ' ' || id FROM ancestry WHERE study = 'search' ORDER BY steps_back";
    assert_eq!(ask(line), ["0 5", "1 3", "2 1"]);
    assert_eq!(ask("SELECT id FROM ancestry WHERE study = 'other'"), ["1"]);
}

#[test]
fn of_a_file() {
    let file = File::fresh();
    fill(&file);
    check(|sql| {
        let connection = rusqlite::Connection::open(file.path()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let text = |row: &rusqlite::Row| -> Result<String, rusqlite::Error> {
            row.get::<_, String>(0).or_else(|_| Ok(row.get::<_, i64>(0)?.to_string()))
        };
        statement.query_map([], text).unwrap().map(Result::unwrap).collect()
    });
}

#[test]
fn of_a_database() {
    let Some(database) = Database::fresh() else { return };
    fill(&database);
    check(|sql| server::sql(&database.address, &format!("SET search_path = hnas; {sql}")));
}

#[test]
fn files_of_the_first_format_get_them() {
    let file = File::with_results(2);
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    connection
        .execute_batch(
            "DROP VIEW best_so_far; DROP VIEW by_worker; DROP VIEW ancestry; PRAGMA user_version = 1;
             ALTER TABLE studies DROP COLUMN build; ALTER TABLE trials DROP COLUMN renewed",
        )
        .unwrap();
    let older = hnas_ledger::SqliteLedger::join(file.path(), "search").unwrap_err().to_string();
    assert!(older.ends_with("has format 1, this needs 3: open it once with `hnas search`"), "{older}");
    let mut reader = hnas_ledger::SqliteLedger::read(file.path(), "search").unwrap();
    assert_eq!(reader.results(0).unwrap().len(), 2);
    assert_eq!(file.open().results(0).unwrap().len(), 2);
    let ids: i64 = connection.query_row("SELECT COUNT(*) FROM best_so_far", [], |row| row.get(0)).unwrap();
    assert_eq!(ids, 1);
}
