//! The PostgreSQL ledger: the contract, on a real server, and what is special to it.

use std::time::Duration;

use hnas_ledger::{Ledger, LedgerError, Store};

use crate::contract::{Backend, contract};
use crate::example::{EXPERIMENT, proposal, scored};
use crate::server::{Server, sql};
use crate::waiting::eventually;

/// A database of its own on the shared server.
pub(crate) struct Database {
    pub(crate) address: String,
}

impl Database {
    pub(crate) fn fresh() -> Option<Database> {
        Some(Database { address: Server::shared()?.database() })
    }

    pub(crate) fn store(&self) -> Store {
        self.address.parse().unwrap()
    }
}

impl Backend for Database {
    fn open(&self, study: &str, founding: &str, ttl: Duration) -> Result<Box<dyn Ledger>, LedgerError> {
        let mut ledger = self.store().open(study, founding)?;
        ledger.set_lease_ttl(ttl);
        Ok(ledger)
    }
}

contract!(Database::fresh);

/// The message of what does not open, without the address.
fn message(result: Result<Box<dyn Ledger>, LedgerError>, database: &Database) -> String {
    let error = result.err().expect("it does not open").to_string();
    error.replace(&database.store().to_string(), "DATABASE")
}

#[test]
fn only_the_founder_makes_tables() {
    let Some(database) = Database::fresh() else { return };
    let store = database.store();
    let expected = "there is no ledger at DATABASE";
    assert_eq!(message(store.join("search"), &database), expected);
    assert_eq!(message(store.read("search"), &database), expected);
    assert!(matches!(store.studies(), Err(LedgerError::Missing { .. })));
    assert_eq!(sql(&database.address, "SELECT COUNT(*) FROM pg_namespace WHERE nspname = 'hnas'"), ["0"]);
    store.make().unwrap();
    assert_eq!(store.studies().unwrap(), []);
    store.open("search", EXPERIMENT).unwrap();
    let mut worker = store.join("search").unwrap();
    assert_eq!(worker.lease("w").unwrap(), None);
    let other = message(store.join("other"), &database);
    assert_eq!(other, "the ledger DATABASE has no study other, only: search");
    let studies = store.studies().unwrap();
    assert_eq!((&studies[0].name[..], &studies[0].founding[..], studies.len()), ("search", EXPERIMENT, 1));
}

#[test]
fn several_found_at_once() {
    let Some(database) = Database::fresh() else { return };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| database.store().open("search", EXPERIMENT).unwrap());
        }
    });
    assert_eq!(sql(&database.address, "SELECT version FROM hnas.format"), ["3"]);
}

#[test]
fn tables_of_earlier_formats_are_brought_forward_and_of_later_ones_refused() {
    let Some(database) = Database::fresh() else { return };
    let store = database.store();
    let mut ledger = store.open("search", EXPERIMENT).unwrap();
    ledger.propose(&proposal(1)).unwrap();
    // What format 1 was.
    sql(
        &database.address,
        "SET search_path = hnas; DROP VIEW best_so_far, by_worker, ancestry; ALTER TABLE studies DROP COLUMN build; ALTER TABLE trials DROP COLUMN renewed;
         UPDATE format SET version = 1",
    );
    let older = message(store.join("search"), &database);
    assert_eq!(older, "the ledger DATABASE has format 1, this needs 3: open it once with `hnas search`");
    assert_eq!(store.read("search").unwrap().backlog().unwrap().proposed, 1, "reading needs no more");
    assert_eq!(store.open("search", EXPERIMENT).unwrap().backlog().unwrap().proposed, 1);
    assert_eq!(sql(&database.address, "SELECT version FROM hnas.format"), ["3"]);
    assert!(sql(&database.address, "SELECT id FROM hnas.best_so_far").is_empty());

    sql(&database.address, "UPDATE hnas.format SET version = 4");
    let later = "the ledger DATABASE has format 4, this hnas knows formats up to 3: use the hnas that made it";
    assert_eq!(message(store.open("search", EXPERIMENT), &database), later);
    assert_eq!(message(store.read("search"), &database), later);

    sql(&database.address, "DROP TABLE hnas.format CASCADE");
    let foreign = "DATABASE is not a ledger of hnas: its schema hnas holds tables of something else";
    assert_eq!(message(store.open("search", EXPERIMENT), &database), foreign);
}

#[test]
fn roles_may_do_what_they_are_granted() {
    let Some(database) = Database::fresh() else { return };
    let name = database.address.rsplit_once('/').unwrap().1.split_once('?').unwrap().0;
    let mut owner = database.store().open("search", EXPERIMENT).unwrap();
    owner.propose(&proposal(1)).unwrap();
    owner.propose(&proposal(2)).unwrap();
    sql(
        &database.address,
        &format!(
            "CREATE ROLE reader_{name} LOGIN; GRANT USAGE ON SCHEMA hnas TO reader_{name};
             GRANT SELECT ON ALL TABLES IN SCHEMA hnas TO reader_{name};
             CREATE ROLE worker_{name} LOGIN; GRANT USAGE ON SCHEMA hnas TO worker_{name};
             GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA hnas TO worker_{name};
             CREATE ROLE nobody_{name} LOGIN"
        ),
    );
    let role = |role: &str| Database { address: database.address.replacen("hnas@", &format!("{role}_{name}@"), 1) };
    let (reader, worker, nobody) = (role("reader"), role("worker"), role("nobody"));

    let mut working = worker.store().join("search").unwrap();
    let leased = working.lease("w").unwrap().unwrap();
    assert!(working.record(&leased, &scored(1, 0)).unwrap());
    let error = working.propose(&proposal(3)).unwrap_err();
    assert!(matches!(error, LedgerError::Refused { .. }), "{error}");

    let mut reading = reader.store().read("search").unwrap();
    assert_eq!(reading.results(0).unwrap().len(), 1);
    assert_eq!(reading.backlog().unwrap().proposed, 2);
    assert_eq!(reader.store().studies().unwrap().len(), 1);
    assert!(matches!(reading.lease("w").unwrap_err(), LedgerError::Refused { .. } | LedgerError::ReadOnly { .. }));
    // Even where it may: what is opened for reading only reads.
    let mut reading = database.store().read("search").unwrap();
    assert!(matches!(reading.lease("w").unwrap_err(), LedgerError::ReadOnly { .. }));
    let refused = message(nobody.store().read("search"), &nobody);
    assert_eq!(refused, "the database DATABASE refuses: permission denied for schema hnas (SQLSTATE 42501)");
}

#[test]
fn nothing_is_connected_while_a_worker_trains() {
    let Some(database) = Database::fresh() else { return };
    let connections = || {
        let count =
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hnas'";
        sql(&database.address, count)[0].parse::<u32>().unwrap()
    };
    let until = |number: u32| eventually("connections come and go", || (connections() == number).then_some(()));
    let mut controller = database.store().open("search", EXPERIMENT).unwrap();
    controller.propose(&proposal(1)).unwrap();
    until(1);
    let mut worker = database.store().join("search").unwrap();
    let mut heartbeat = database.store().join("search").unwrap();
    let leased = worker.lease("w").unwrap().unwrap();
    assert!(heartbeat.renew(&leased).unwrap());
    until(1);
    assert!(worker.record(&leased, &scored(1, 0)).unwrap());
    until(2);
    assert_eq!(worker.lease("w").unwrap(), None);
    until(1);
}
