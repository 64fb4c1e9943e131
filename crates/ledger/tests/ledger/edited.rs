//! Trials that were edited by hand into something else: a message that names the trial, never a panic.

use expect_test::{Expect, expect};
use hnas_ledger::{Ledger, SqliteLedger};
use rusqlite::Connection;

use crate::sqlite::File;

/// Edits trial 2 of three finished ones and reads all back. The message is that after the place.
fn check(edit: &str, message: Expect) {
    let file = File::with_results(3);
    let connection = Connection::open(file.path()).unwrap();
    connection.pragma_update(None, "ignore_check_constraints", true).unwrap();
    let edited = connection.execute(&format!("UPDATE trials SET {edit} WHERE id = 2"), []).unwrap();
    assert_eq!(edited, 1);
    let mut ledger = SqliteLedger::read(file.path(), "search").unwrap();
    let error = ledger.results(0).unwrap_err().to_string();
    let place = format!("ledger {}, study search, trial 2: ", file.path().display());
    message.assert_eq(error.strip_prefix(&place).unwrap_or(&error));
    assert_eq!(ledger.results(2).unwrap().len(), 1, "the trial after it can still be read");
}

#[test]
fn a_genotype_that_is_none() {
    check(
        "genotype = 'nonsense'",
        expect!["genotype is damaged: line 1, column 1: Expected struct `Genotype` but found `nonsense`"],
    );
    check(
        "genotype = replace(genotype, '1->2 ', '2->1 ')",
        expect!["genotype is damaged: level 2, motif 1: edge 2 -> 1 does not go forward"],
    );
    check("genotype = substr(genotype, 1, 300)", expect!["genotype is damaged: line 5, column 47: Expected string"]);
}

#[test]
fn columns_that_are_no_json() {
    check("mutation = '{\"level\": 2}'", expect!["mutation is damaged: missing field `motif` at line 1 column 12"]);
    check("runs = '[1'", expect!["runs is damaged: invalid type: integer `1`, expected struct Run at line 1 column 2"]);
    let no_number = r#"[{"seed": 1, "accuracy": null, "loss": 1, "seconds": 1}]"#;
    check(
        &format!("runs = '{no_number}'"),
        expect!["runs is damaged: invalid type: null, expected f64 at line 1 column 29"],
    );
}

#[test]
fn numbers_out_of_range() {
    check("parameters = -1", expect!["parameters is damaged: -1 is out of range"]);
    check("parent = -7", expect!["parent is damaged: -7 is out of range"]);
    check("redraws = 5000000000", expect!["redraws is damaged: 5000000000 is out of range"]);
    check("fitness = 9e999", expect!["fitness is damaged: a fitness is a finite number, not inf"]);
}

#[test]
fn contradictions() {
    check("verdict = 'maybe'", expect![[r#"verdict is damaged: "maybe" is none"#]]);
    check("verdict = 'refuse', refusal = NULL", expect!["refusal is damaged: Null is not its type"]);
    check("fitness = NULL", expect!["fitness is damaged: there is neither a fitness nor a failure"]);
    check("failure = 'no'", expect!["failure is damaged: there is a fitness, too"]);
    check("seconds = NULL", expect!["seconds is damaged: Null is not its type"]);
}

#[test]
fn a_trial_that_waits_names_itself_when_it_is_leased() {
    let file = File::fresh();
    let mut ledger = file.open();
    for id in 1..=2 {
        ledger.propose(&crate::example::proposal(id)).unwrap();
    }
    Connection::open(file.path()).unwrap().execute("UPDATE trials SET genotype = '' WHERE id = 1", []).unwrap();
    let error = ledger.lease("w").unwrap_err().to_string();
    assert!(error.contains("study search, trial 1: genotype is damaged: line 1, column 1: "), "{error}");
    let next = ledger.lease("w").unwrap().unwrap();
    assert_eq!(next.proposal.id.0, 2, "the others can still be leased");
}
