//! A run from its file to its report: any number of workers, any number of kills, the same trials.

mod support;

use std::path::Path;
use std::time::Duration;

use hnas_ledger::{Ledger, SqliteLedger};
use support::{has_cifar10, hnas, refused, results, root, run, said};

const STUDIES: [&str; 2] = ["evolution", "evolution/retraining"];

fn search(out: &Path, workers: &str) -> Vec<String> {
    let experiment = root().join("tests/cases/tiny.ron");
    let arguments = ["search", "--device", "cpu", "--slots", workers, "--out"].map(Into::into);
    let mut arguments: Vec<std::ffi::OsString> = arguments.into();
    arguments.extend([out.into(), experiment.into()]);
    said(run(&arguments));
    trials(out)
}

/// Trials recorded so far, of the search and the retraining.
fn finished(out: &Path) -> usize {
    let count = |study: &&str| {
        let ledger = SqliteLedger::read(out.join("ledger.sqlite"), study).and_then(|mut ledger| ledger.results(0));
        // Not founded yet, or just being founded.
        ledger.map_or(0, |trials| trials.len())
    };
    STUDIES.iter().map(count).sum()
}

fn trials(out: &Path) -> Vec<String> {
    STUDIES.iter().flat_map(|study| results(out, study)).collect()
}

#[test]
fn one_and_two_workers_give_the_same_trials() {
    if !has_cifar10("one_and_two_workers_give_the_same_trials") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let one = search(&folder.path().join("one"), "1");
    let two = search(&folder.path().join("two"), "2");
    assert_eq!(one.len(), 12, "10 trials of the search and 2 of the retraining");
    assert_eq!(one, two);
    for file in ["report.html", "results.json", "run.ron", "sessions.jsonl"] {
        assert!(folder.path().join("two").join(file).is_file(), "{file} is missing");
    }
}

#[test]
fn a_killed_run_goes_on_as_if_nothing_had_happened() {
    if !has_cifar10("a_killed_run_goes_on_as_if_nothing_had_happened") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = search(&folder.path().join("undisturbed"), "2");
    let killed = folder.path().join("killed");
    // Killed at different moments: before the first trial, then each time that so many trials are recorded.
    let mut at_work = 0;
    for recorded in 0..9 {
        let mut child = hnas()
            .arg("search")
            .arg("tests/cases/tiny.ron")
            .args(["--device", "cpu", "--slots", "2", "--out"])
            .arg(&killed)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while finished(&killed) < recorded || (recorded == 0 && !killed.join("run.ron").exists()) {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // On Unix this is kill -9.
        child.kill().unwrap();
        child.wait().unwrap();
        at_work += usize::from(finished(&killed) < 12);
    }
    assert!(at_work >= 5, "only {at_work} of 9 kills came before the run was whole");
    assert_eq!(search(&killed, "2"), undisturbed);
    let resumed = run(&[Path::new("resume"), &killed]);
    said(resumed);
    assert_eq!(trials(&killed), undisturbed, "resuming a whole run changes nothing");
}

#[test]
fn a_run_folder_opens_only_with_its_experiment() {
    if !has_cifar10("a_run_folder_opens_only_with_its_experiment") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let before = search(&out, "2");
    let path = out.to_str().unwrap();
    let (code, error) =
        refused(run(&["search", "tests/cases/tiny.ron", "--device", "cpu", "--seed", "4", "--out", path]));
    assert_eq!(code, Some(2));
    let expected = format!(
        "error: {path} holds another experiment: line 5 there is `seed: 3,`, here it is `seed: 4,`; choose another folder with --out\n"
    );
    assert_eq!(error, expected);
    assert_eq!(trials(&out), before);
}
