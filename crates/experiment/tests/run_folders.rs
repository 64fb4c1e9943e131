//! Run folders: founded with their ledger, gone on with only where it is, and no other file taken for what it is not.

use std::fs;
use std::path::{Path, PathBuf};

use hnas_experiment::{Experiment, Resolved, RunFolder, Session};
use hnas_ledger::Store;
use tempfile::TempDir;

fn tiny() -> Resolved {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/tiny.ron");
    Experiment::load(&file).unwrap().resolve("tiny", None).unwrap()
}

/// A folder in which the tiny experiment was just founded.
fn founded(store: Option<&str>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    RunFolder::found(&run, tiny(), store).unwrap();
    (folder, run)
}

/// What is said of the folder by whoever goes on with it, founds it again and reports on it, the same each time.
fn refused(run: &Path) -> String {
    let opened = RunFolder::open(run, "tiny");
    let said = [
        RunFolder::resume(run, "tiny").unwrap_err().to_string(),
        RunFolder::found(run, tiny(), None).unwrap_err().to_string(),
        opened.and_then(|run| run.arms()).unwrap_err().to_string(),
    ];
    assert!(said.iter().all(|message| *message == said[0]), "{said:#?}");
    said[0].replace(run.to_str().unwrap(), "RUN")
}

fn begin(run: &Path) {
    let session = Session {
        started_unix: 0,
        experiment: "tiny".to_owned(),
        version: "0.0.1".to_owned(),
        revision: "abc".to_owned(),
        device: "cpu".to_owned(),
        workers: 1,
        threads: 1,
    };
    RunFolder::resume(run, "tiny").unwrap().begin(&session).unwrap();
}

#[test]
fn a_run_whose_ledger_is_gone_is_not_begun_anew() {
    let (_folder, run) = founded(None);
    let ledger = run.join("ledger.sqlite");
    assert_eq!(RunFolder::open(&run, "tiny").unwrap().arms().unwrap()[0].search, [], "founded, not begun");
    RunFolder::resume(&run, "tiny").unwrap();
    fs::remove_file(&ledger).unwrap();
    let gone = "RUN is a run whose trials are gone: there is no ledger at RUN/ledger.sqlite; bring the ledger back, or \
                choose another folder";
    assert_eq!(refused(&run), gone);
    assert!(!ledger.exists());
    fs::write(&ledger, "").unwrap();
    let empty = "RUN is a run whose trials are gone: RUN/ledger.sqlite is not a ledger of hnas: the file is empty; bring \
                 the ledger back, or choose another folder";
    assert_eq!(refused(&run), empty);
    assert_eq!(fs::metadata(&ledger).unwrap().len(), 0);
}

#[test]
fn a_report_of_trials_is_not_replaced_by_one_of_none() {
    let (_folder, run) = founded(None);
    fs::create_dir(run.join("tiny")).unwrap();
    fs::write(run.join("tiny/results.json"), "{}").unwrap();
    let opened = RunFolder::open(&run, "tiny").unwrap();
    let message = opened.arms().unwrap_err().to_string();
    let expected = "the ledger RUN/ledger.sqlite has no trials of this run, but RUN/tiny is a report of some: bring the \
                    run's ledger back, or remove the report if they may go";
    assert_eq!(message.replace(run.to_str().unwrap(), "RUN"), expected);
    let search = &opened.resolved().arms[0].search;
    opened.store().open(&search.name, &search.founding_text()).unwrap();
    assert_eq!(opened.arms().unwrap().len(), opened.resolved().arms.len());
}

#[test]
fn the_place_of_a_ledger_is_noted_once_it_is_there_and_the_same_from_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let missing = folder.path().join("none/led");
    RunFolder::found(&run, tiny(), missing.to_str()).unwrap_err();
    assert!(!run.join("store.txt").exists() && !run.join("tiny.ron").exists());
    // From here up to the root, and down again.
    let here = std::env::current_dir().unwrap();
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let relative = up.join(folder.path().strip_prefix("/").unwrap()).join("led.sqlite");
    RunFolder::found(&run, tiny(), relative.to_str()).unwrap();
    let noted = PathBuf::from(fs::read_to_string(run.join("store.txt")).unwrap().trim());
    assert!(noted.is_absolute() && noted.exists(), "{}", noted.display());
    assert!(!run.join("ledger.sqlite").exists());
    for same in [None, relative.to_str(), folder.path().join("led.sqlite").to_str(), noted.to_str()] {
        RunFolder::found(&run, tiny(), same).unwrap();
    }
    for other in [run.join("ledger.sqlite"), folder.path().join("other")] {
        let message = RunFolder::found(&run, tiny(), other.to_str()).unwrap_err().to_string();
        assert!(message.contains("has its ledger in ") && message.contains(other.to_str().unwrap()), "{message}");
        assert!(!other.exists());
    }
}

#[test]
fn a_ledger_that_was_moved_is_gone_on_with() {
    let (folder, run) = founded(None);
    let there = folder.path().join("led.sqlite");
    let message = RunFolder::found(&run, tiny(), there.to_str()).unwrap_err().to_string();
    assert!(message.contains("`hnas copy-ledger FROM TO` moves one"), "{message}");
    RunFolder::store_of(&run).unwrap().copy_to(&Store::from(there.clone())).unwrap();
    fs::remove_file(run.join("ledger.sqlite")).unwrap();
    RunFolder::found(&run, tiny(), there.to_str()).unwrap();
    RunFolder::resume(&run, "tiny").unwrap();
}

#[test]
fn a_note_that_names_no_place_is_refused() {
    let (_folder, run) = founded(None);
    fs::write(run.join("store.txt"), "\n").unwrap();
    assert_eq!(refused(&run), "RUN/store.txt: \"\" is no place of a ledger: it names neither a file nor a database");
}

#[test]
fn words_of_a_founded_run_may_change_and_are_kept() {
    let (_folder, run) = founded(None);
    let mut other = tiny();
    other.title = "Another title".to_owned();
    other.arms[0].description = "Another description.".to_owned();
    let taken = RunFolder::found(&run, other.clone(), None).unwrap();
    assert_eq!(*taken.resolved(), other);
    assert_eq!(*RunFolder::open(&run, "tiny").unwrap().resolved(), other);
    drop(taken);
    other.arms[0].search.data.train += 1;
    RunFolder::found(&run, other, None).unwrap_err();
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let (_folder, run) = founded(None);
    let whole = fs::read_to_string(run.join("tiny.ron")).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(whole.contains(from), "no {from}");
        fs::write(run.join("tiny.ron"), whole.replacen(from, to, 1)).unwrap();
        let message = RunFolder::open(&run, "tiny").unwrap_err().to_string();
        assert!(message.contains("tiny.ron:") && message.ends_with(expected), "{message}");
    };
    check("name: \"tiny\"", "name: \"../../evil\"", "experiment name \"../../evil\": use letters, digits, - and _");
    check("name: \"evolution\"", "name: \"a/b\"", "arm name \"a/b\": use letters, digits, - and _");
    check("name: \"evolution/seed-3\"", "name: \"../seed-3\"", "arm name \"..\": use letters, digits, - and _");
    check(
        "name: \"evolution/seed-3\"",
        "name: \"evolution/seed-4\"",
        "the search \"evolution/seed-4\" of arm \"evolution\" is not ARM/seed-3",
    );
    check("name: \"tiny\"", "name: \"other\"", "the experiment in it is called \"other\", which would be another file");
}

#[test]
fn other_files_of_a_run_folder_are_no_experiments() {
    let (_folder, run) = founded(None);
    fs::write(run.join("note.ron"), "(a note)").unwrap();
    assert_eq!(RunFolder::experiments(&run).unwrap(), ["tiny"]);
    fs::remove_file(run.join("tiny.ron")).unwrap();
    let message = RunFolder::experiments(&run).unwrap_err().to_string();
    assert!(message.contains("/note.ron:1:"), "{message}");
}

#[test]
fn an_experiment_of_an_older_build_names_that_build() {
    let (_folder, run) = founded(None);
    begin(&run);
    let text = fs::read_to_string(run.join("tiny.ron")).unwrap().replacen("title:", "colour: 1, title:", 1);
    fs::write(run.join("tiny.ron"), text).unwrap();
    assert_eq!(RunFolder::experiments(&run).unwrap(), ["tiny"], "it was begun, so it is one");
    let message = refused(&run);
    assert!(message.starts_with("RUN/tiny.ron:3:5: Unexpected field named `colour` in `Resolved`, "), "{message}");
    assert!(message.ends_with(" (it was begun by hnas 0.0.1 of revision abc)"), "{message}");
}
