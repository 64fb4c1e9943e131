//! A run from its file to its report: any number of workers, any number of kills, the same trials.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{has_cifar10, hnas, refused, results, root, run, said};

const STUDIES: [&str; 2] = ["evolution", "evolution/retraining"];

fn search(out: &Path, workers: &str) -> Vec<String> {
    let experiment = root().join("tests/cases/tiny.ron");
    let arguments = ["search", "--device", "cpu", "--workers", workers, "--out"].map(Into::into);
    let mut arguments: Vec<std::ffi::OsString> = arguments.into();
    arguments.extend([out.into(), experiment.into()]);
    said(run(&arguments));
    trials(out)
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
    // At different moments: while the run is founded, at the first trials, in the middle, near the end.
    for milliseconds in [300, 700, 1100, 1500, 1900, 2300] {
        let mut child = hnas()
            .arg("search")
            .arg("tests/cases/tiny.ron")
            .args(["--device", "cpu", "--workers", "2", "--out"])
            .arg(&killed)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        // On Unix this is kill -9.
        child.kill().unwrap();
        child.wait().unwrap();
    }
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
        "error: {path} holds another experiment: line 10 there is `seed: 3,`, here it is `seed: 4,`; choose another folder with --out\n"
    );
    assert_eq!(error, expected);
    assert_eq!(trials(&out), before);
}
