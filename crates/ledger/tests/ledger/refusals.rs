//! Files that are no ledger, or not this one: the exact message for each.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use hnas_ledger::{Ledger, LedgerError, SqliteLedger, Store};
use rusqlite::Connection;

use crate::example::EXPERIMENT;
use crate::sqlite::File;

fn message(result: Result<SqliteLedger, LedgerError>, folder: &Path) -> String {
    let error = result.expect_err("it does not open");
    error.to_string().replace(&folder.display().to_string(), "FOLDER")
}

/// Opens `FOLDER/name` after `prepare` has put something there. The message is that of opening it for writing; that of
/// opening it for reading follows if it is another.
fn check(name: &str, prepare: impl Fn(&Path), expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    prepare(&path);
    let writing = message(SqliteLedger::open(&path, "search", EXPERIMENT), folder.path());
    let reading = message(SqliteLedger::read(&path, "search"), folder.path());
    expected.assert_eq(&if writing == reading { writing } else { format!("{writing}\n{reading}") });
}

#[test]
fn places_that_cannot_hold_a_ledger() {
    check("a", |path| fs::create_dir(path).unwrap(), expect!["FOLDER/a is a folder, not the file of a ledger"]);
    check(
        "missing/a",
        |_| {},
        expect![[r#"
        no ledger can be made at FOLDER/missing/a: there is no folder FOLDER/missing
        there is no ledger at FOLDER/missing/a"#]],
    );
    // Below a file, where root cannot write either.
    check(
        "file/a",
        |path| fs::write(path.parent().unwrap(), "").unwrap(),
        expect![[r#"
        no ledger can be made at FOLDER/file/a: there is no folder FOLDER/file
        the ledger FOLDER/file/a cannot be opened: Not a directory (os error 20)"#]],
    );
    // Longer than names may be.
    check(
        &"name".repeat(64),
        |_| {},
        expect![
            "the ledger FOLDER/namenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamename cannot be opened: File name too long (os error 36)"
        ],
    );
}

#[test]
fn an_empty_text_is_no_place() {
    let message = |text: &str| text.parse::<Store>().unwrap_err().to_string();
    expect![[r#""" is no place of a ledger: it names neither a file nor a database"#]].assert_eq(&message(""));
    expect![[r#"" \n" is no place of a ledger: it names neither a file nor a database"#]].assert_eq(&message(" \n"));
}

#[test]
fn a_ledger_is_made_without_studies_and_made_again_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::from(folder.path().join("ledger.db"));
    assert!(matches!(store.studies(), Err(LedgerError::Missing { .. })));
    store.make().unwrap();
    assert_eq!(store.studies().unwrap(), []);
    store.open("search", EXPERIMENT).unwrap();
    store.make().unwrap();
    assert_eq!(store.studies().unwrap().len(), 1);
    assert!(matches!(Store::from(folder.path().join("none/a")).make(), Err(LedgerError::NoFolder { .. })));
}

#[test]
fn files_of_other_programs() {
    check(
        "a",
        |path| fs::write(path, "hello").unwrap(),
        expect!["FOLDER/a is not a ledger of hnas: the file is not a database"],
    );
    check(
        "a",
        |path| fs::write(path, "# a text\n".repeat(1000)).unwrap(),
        expect!["FOLDER/a is not a ledger of hnas: the file is not a database"],
    );
    let notes = |path: &Path| Connection::open(path).unwrap().execute_batch("CREATE TABLE notes (note TEXT)").unwrap();
    check("a", notes, expect!["FOLDER/a is not a ledger of hnas: it is a database of another program"]);
    let map = |path: &Path| Connection::open(path).unwrap().pragma_update(None, "application_id", 0x4750_4B47).unwrap();
    check(
        "a",
        map,
        expect![
            "FOLDER/a is not a ledger of hnas: it is a database of another program, with application id 0x47504b47"
        ],
    );
}

/// A ledger of 30 trials whose file was changed by `damage`.
fn damaged(path: &Path, damage: impl Fn(&mut Vec<u8>)) {
    let file = File::with_results(30);
    let mut bytes = fs::read(file.path()).unwrap();
    damage(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn damaged_files() {
    check(
        "a",
        |path| damaged(path, |bytes| bytes[4096..8192].fill(0xA5)),
        expect!["the ledger FOLDER/a is damaged (database disk image is malformed): restore it from a copy"],
    );
    check(
        "a",
        |path| damaged(path, |bytes| bytes[..16].fill(0)),
        expect!["FOLDER/a is not a ledger of hnas: the file is not a database"],
    );
    check(
        "a",
        |path| damaged(path, |bytes| bytes.truncate(4096)),
        expect!["the ledger FOLDER/a is damaged (database disk image is malformed): restore it from a copy"],
    );
    check(
        "a",
        |path| damaged(path, |bytes| bytes[100..200].fill(0xA5)),
        expect!["the ledger FOLDER/a is damaged (database disk image is malformed): restore it from a copy"],
    );
}

#[test]
fn damage_deep_in_a_file_is_told_when_it_is_read() {
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    let overwritten = |bytes: &mut Vec<u8>| {
        let half = bytes.len() / 2;
        bytes[half..].fill(0xA5);
    };
    for damage in [&cut as &dyn Fn(&mut Vec<u8>), &overwritten] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        damaged(&path, damage);
        let error = SqliteLedger::read(&path, "search").and_then(|mut ledger| ledger.results(0)).unwrap_err();
        assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
    }
}

#[test]
fn an_empty_file_is_founded_but_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    fs::write(&path, "").unwrap();
    let message = message(SqliteLedger::read(&path, "search"), folder.path());
    expect!["FOLDER/ledger.db is not a ledger of hnas: the file is empty"].assert_eq(&message);
    SqliteLedger::open(&path, "search", EXPERIMENT).unwrap();
    SqliteLedger::read(&path, "search").unwrap();
}

#[test]
fn ledgers_of_a_later_format() {
    let later = |path: &Path| {
        drop(SqliteLedger::open(path, "search", EXPERIMENT).unwrap());
        Connection::open(path).unwrap().pragma_update(None, "user_version", 4).unwrap();
    };
    check(
        "a",
        later,
        expect!["the ledger FOLDER/a has format 4, this hnas knows formats up to 3: use the hnas that made it"],
    );
}

#[test]
fn l2_another_experiment_and_other_studies() {
    let file = File::with_results(1);
    let path = file.path();
    let folder = path.parent().unwrap();
    let other = EXPERIMENT.replace("seed: 1", "seed: 2");
    expect![[r#"
        study search of the ledger FOLDER/ledger.db was founded by another experiment; they differ first in line 3
          founded:     seed: 1,
          now:         seed: 2,"#]]
    .assert_eq(&message(SqliteLedger::open(&path, "search", &other), folder));
    expect![[r#"
        study search of the ledger FOLDER/ledger.db was founded by another experiment; they differ first in line 2
          founded:     name: "test",
          now:     """#]]
    .assert_eq(&message(SqliteLedger::open(&path, "search", "(\n"), folder));
    SqliteLedger::open(&path, "final", EXPERIMENT).unwrap();
    let message = message(SqliteLedger::read(&path, "finals"), folder);
    expect!["the ledger FOLDER/ledger.db has no study finals, only: search, final"].assert_eq(&message);
    assert_eq!(SqliteLedger::read(&path, "final").unwrap().studies().unwrap(), ["search", "final"]);
}

#[test]
fn a_refused_file_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (note TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    SqliteLedger::open(&path, "search", EXPERIMENT).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "and nothing was put beside it");
}
