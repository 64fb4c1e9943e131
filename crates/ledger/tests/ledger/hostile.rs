//! Hostile content, on both engines: it fails its own call or trial with a message, and nothing more.

use std::time::Duration;

use hnas_ledger::{LedgerError, Outcome, Verdict};

use crate::contract::{Backend, LONG, lease};
use crate::example::{EXPERIMENT, proposal, scored};
use crate::postgres::Database;
use crate::server::sql;
use crate::sqlite::File;

/// Does the same on each engine that is there.
fn on_both(check: impl Fn(&dyn Backend)) {
    check(&File::fresh());
    if let Some(database) = Database::fresh() {
        check(&database);
    }
}

#[test]
fn names_of_studies() {
    let long = "x".repeat(5_000_000);
    let end = format!("\" cannot be the name of a study: it has {} bytes, at most 200 fit", long.len());
    on_both(|backend| {
        for (name, message) in [
            ("", "\"\" cannot be the name of a study: it is empty"),
            ("a\0b", "\"a\\0b\" cannot be the name of a study: it has a control character"),
            ("a\nb", "\"a\\nb\" cannot be the name of a study: it has a control character"),
            (&long, &format!("\"{}{end}", "x".repeat(60))),
        ] {
            assert_eq!(backend.open(name, EXPERIMENT, LONG).err().unwrap().to_string(), message);
        }
        for name in ["é".repeat(100), "'; DROP SCHEMA hnas CASCADE; --".to_owned(), "\u{202e}%s{}$1".to_owned()] {
            let mut ledger = backend.open(&name, EXPERIMENT, LONG).unwrap();
            assert!(ledger.propose(&proposal(1)).unwrap());
        }
        let nul = backend.open("search", "a\0", LONG).err().unwrap().to_string();
        assert_eq!(nul, "study search: the founding text has a NUL character at byte 1, which no ledger can keep");
    });
}

#[test]
fn texts_with_nul() {
    on_both(|backend| {
        let mut ledger = backend.search();
        let mut refused = proposal(1);
        refused.verdict = Verdict::Refuse("a\0".to_owned());
        assert!(matches!(ledger.propose(&refused), Err(LedgerError::Nul { field: "refusal", position: 1, .. })));
        let mut key = proposal(1);
        key.key = "\0".to_owned();
        assert!(matches!(ledger.propose(&key), Err(LedgerError::Nul { field: "key", position: 0, .. })));
        ledger.propose(&proposal(1)).unwrap();
        assert!(matches!(ledger.lease("\0"), Err(LedgerError::Nul { field: "worker", .. })));
        // A result is not lost for what its reason quotes.
        let leased = lease(&mut *ledger, "w");
        let outcome = Outcome::Failed { reason: "it said a\0b".to_owned() };
        assert!(ledger.record(&leased, &outcome).unwrap());
        assert!(ledger.record(&leased, &outcome).unwrap(), "and is recognised");
        let reason = "it said a\u{FFFD}b".to_owned();
        assert_eq!(ledger.results(0).unwrap()[0].outcome, Outcome::Failed { reason });
    });
}

#[test]
fn huge_texts() {
    on_both(|backend| {
        let mut ledger = backend.search();
        let mut huge = proposal(1);
        huge.verdict = Verdict::Refuse("no ".repeat(2_000_000));
        huge.key = "k".repeat(1_000_000);
        assert!(ledger.propose(&huge).unwrap());
        let worker = "w".repeat(1_000_000);
        let leased = lease(&mut *ledger, &worker);
        assert_eq!(leased.proposal, huge);
        let outcome = Outcome::Failed { reason: "€'\\\n\u{1}".repeat(1_000_000) };
        assert!(ledger.record(&leased, &outcome).unwrap());
        let results = ledger.results(0).unwrap();
        assert_eq!((&results[0].outcome, &results[0].worker), (&outcome, &worker));
    });
}

/// Edits trial 2 of three finished ones and reads all back, in a database.
#[test]
fn trials_edited_in_a_database_name_themselves() {
    let Some(database) = Database::fresh() else { return };
    let mut ledger = database.search();
    for id in 1..=3 {
        ledger.propose(&proposal(id)).unwrap();
        let leased = lease(&mut *ledger, "w");
        assert!(ledger.record(&leased, &scored(id, 0)).unwrap());
    }
    sql(
        &database.address,
        "ALTER TABLE hnas.trials DROP CONSTRAINT trials_check; ALTER TABLE hnas.trials DROP CONSTRAINT trials_verdict_check;
         CREATE TABLE kept AS SELECT * FROM hnas.trials WHERE id = 2",
    );
    for (edit, message) in [
        ("genotype = 'nonsense'", "genotype is damaged: line 1, column 1: "),
        ("genotype = repeat('(', 1000000)", "genotype is damaged: line 1, "),
        ("mutation = repeat('[', 1000000)", "mutation is damaged: "),
        ("parameters = -1", "parameters is damaged: -1 is out of range"),
        ("redraws = 5000000000", "redraws is damaged: 5000000000 is out of range"),
        ("fitness = 'NaN'", "fitness is damaged: a fitness is a finite number, not NaN"),
        ("fitness = 'Infinity'", "fitness is damaged: a fitness is a finite number, not inf"),
        ("verdict = 'maybe'", "verdict is damaged: \"maybe\" is none"),
        ("fitness = NULL", "fitness is damaged: there is neither a fitness nor a failure"),
        ("failure = 'no'", "failure is damaged: there is a fitness, too"),
        ("seconds = NULL", "seconds is damaged: Null is not its type"),
        ("finished = 'Infinity'", "finished is damaged: inf is no time"),
    ] {
        sql(&database.address, &format!("UPDATE hnas.trials SET {edit} WHERE id = 2"));
        let error = ledger.results(0).unwrap_err().to_string();
        let start = format!("ledger {}, study search, trial 2: {message}", database.store());
        assert!(error.starts_with(&start), "{error}");
        assert_eq!(ledger.results(2).unwrap().len(), 1, "the trial after it can still be read");
        sql(&database.address, "DELETE FROM hnas.trials WHERE id = 2; INSERT INTO hnas.trials SELECT * FROM kept");
    }
    assert_eq!(ledger.results(0).unwrap().len(), 3);
}

#[test]
fn a_damaged_trial_that_waits_does_not_stop_the_others() {
    let Some(database) = Database::fresh() else { return };
    let mut ledger = database.open("search", EXPERIMENT, Duration::from_secs(1000)).unwrap();
    for id in 1..=2 {
        ledger.propose(&proposal(id)).unwrap();
    }
    sql(&database.address, "UPDATE hnas.trials SET genotype = '' WHERE id = 1");
    let error = ledger.lease("w").unwrap_err().to_string();
    assert!(error.contains("study search, trial 1: genotype is damaged: line 1, column 1: "), "{error}");
    assert_eq!(ledger.lease("w").unwrap().unwrap().proposal.id.0, 2);
    assert_eq!(ledger.backlog().unwrap().proposed, 2);
}
