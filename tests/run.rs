//! A run from its file to its report: any number of workers, any number of kills, the same trials.

mod support;

use std::path::Path;
use std::time::Duration;

use hnas_ledger::{Ledger, Outcome, SqliteLedger};
use support::{has_cifar10, hnas, refused, results, root, run, said};

const SEEDS: [u64; 2] = [3, 5];

/// Trials of the two searches, and of the retrainings of what they found, at most three each.
const SEARCHED: usize = 20;

fn search(out: &Path, workers: &str) -> Vec<String> {
    search_of("tests/cases/tiny.ron", out, workers);
    trials(out)
}

fn search_of(experiment: &str, out: &Path, workers: &str) -> String {
    let arguments = ["search", "--device", "cpu", "--slots", workers, "--out"].map(Into::into);
    let mut arguments: Vec<std::ffi::OsString> = arguments.into();
    arguments.extend([out.into(), root().join(experiment).into()]);
    said(run(&arguments))
}

/// The searches of the tiny experiment.
fn searches() -> Vec<String> {
    SEEDS.iter().map(|seed| format!("evolution/seed-{seed}")).collect()
}

/// Trials recorded so far, of all searches and retrainings.
fn finished(out: &Path) -> usize {
    studies(out).iter().map(|study| count(out, study)).sum()
}

fn count(out: &Path, study: &str) -> usize {
    let ledger = SqliteLedger::read(out.join("ledger.sqlite"), study).and_then(|mut ledger| ledger.results(0));
    // Not founded yet, or just being founded.
    ledger.map_or(0, |trials| trials.len())
}

/// Every study that there may be by now: the searches, and the retrainings of any of their trials.
fn studies(out: &Path) -> Vec<String> {
    let mut studies = searches();
    for search in searches() {
        for trial in 1..=count(out, &search) {
            studies.extend([4, 8].map(|c0| format!("{search}/trial-{trial}/c0-{c0}")));
        }
    }
    studies
}

fn trials(out: &Path) -> Vec<String> {
    let begun = studies(out).into_iter().filter(|study| count(out, study) > 0);
    begun.flat_map(|study| results(out, &study).into_iter().map(move |trial| format!("{study}: {trial}"))).collect()
}

#[test]
fn one_and_two_workers_give_the_same_trials() {
    if !has_cifar10("one_and_two_workers_give_the_same_trials") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let one = search(&folder.path().join("one"), "1");
    let two = search(&folder.path().join("two"), "2");
    let retrained = one.len() - SEARCHED;
    // A winner in two widths, and the best of the first trials, which may be the same: 2 runs each.
    assert!([8, 10, 12].contains(&retrained), "{retrained} trainings of winners");
    assert_eq!(one, two);
    for file in ["tiny/report.html", "tiny/results.json", "tiny.ron", "sessions.jsonl"] {
        assert!(folder.path().join("two").join(file).is_file(), "{file} is missing");
    }
    // The tables hold every trial of every arm: at least those that were searched, and a row for each training of a winner.
    let tables = folder.path().join("tables");
    let report = ["report".into(), folder.path().join("two"), "--csv".into(), tables.clone()];
    said(run(&report));
    let rows = |table: &str| std::fs::read_to_string(tables.join("tiny").join(table)).unwrap().lines().count() - 1;
    assert!(rows("trials.csv") >= SEARCHED && rows("final-runs.csv") >= retrained && rows("columns.csv") > 100);
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
    for recorded in (0..30).step_by(3) {
        let mut child = hnas()
            .arg("search")
            .arg("tests/cases/tiny.ron")
            .args(["--device", "cpu", "--slots", "2", "--out"])
            .arg(&killed)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while finished(&killed) < recorded || (recorded == 0 && !killed.join("tiny.ron").exists()) {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // On Unix this is kill -9.
        child.kill().unwrap();
        child.wait().unwrap();
        at_work += usize::from(finished(&killed) < undisturbed.len());
    }
    assert!(at_work >= 6, "only {at_work} of 10 kills came before the run was whole");
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
        "error: {path}/tiny.ron is another experiment: line 6 of its arms is `name: \"evolution/seed-3\",`, here it is `name: \"evolution/seed-4\",`; choose another folder with --out\n"
    );
    assert_eq!(error, expected);
    assert_eq!(trials(&out), before);
    // Nor without its ledger: the report stays, and no search begins anew.
    let report = std::fs::read_to_string(out.join("tiny/report.html")).unwrap();
    std::fs::rename(out.join("ledger.sqlite"), folder.path().join("moved")).unwrap();
    let expected = format!(
        "error: {path} is a run whose trials are gone: there is no ledger at {path}/ledger.sqlite; bring the ledger back, or choose another folder\n"
    );
    for arguments in [&["report", path][..], &["resume", path], &["search", "tests/cases/tiny.ron", "--out", path]] {
        assert_eq!(refused(run(arguments)), (Some(2), expected.clone()));
    }
    assert_eq!(std::fs::read_to_string(out.join("tiny/report.html")).unwrap(), report);
    assert!(!out.join("ledger.sqlite").exists());
}

#[test]
fn an_experiment_based_on_another_finds_its_trials_in_the_same_folder() {
    if !has_cifar10("an_experiment_based_on_another_finds_its_trials_in_the_same_folder") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let before = search(&out, "2");
    search_of("tests/cases/based.ron", &out, "2");
    assert_eq!(trials(&out), before, "nothing was trained");
    for file in ["tiny.ron", "based.ron", "tiny/report.html", "based/report.html"] {
        assert!(out.join(file).is_file(), "{file} is missing");
    }
    // Alone, in a folder of its own, it carries out the same search itself.
    let alone = folder.path().join("alone");
    search_of("tests/cases/based.ron", &alone, "1");
    let searched = |trials: Vec<String>| trials.into_iter().filter(|trial| !trial.contains("/c0-")).collect::<Vec<_>>();
    assert_eq!(trials(&alone), searched(before));
}

#[test]
fn a_search_ends_with_what_each_arm_found_and_gives_it_as_a_genotype() {
    if !has_cifar10("a_search_ends_with_what_each_arm_found_and_gives_it_as_a_genotype") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let said_at_end = search_of("tests/cases/tiny.ron", &out, "2");
    let (arms, report) = said_at_end.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(report, format!("report: {}", out.join("tiny/report.html").display()));
    let lines: Vec<&str> = arms.lines().collect();
    assert_eq!(lines.len(), 6, "{said_at_end}");
    assert!(
        lines[0].starts_with("evolution, seed 3: trial ") && lines[5].starts_with("short, seed 5: trial "),
        "{arms}"
    );
    for line in &lines {
        let (found, error) = line.split_once(" %; test error ").unwrap();
        let trials = if line.starts_with("short") { "fittest of 4: " } else { "fittest of 10: " };
        assert!(found.contains(trials) && error.contains(" +- ") && error.ends_with(" % in 2 trainings"), "{line}");
    }
    let winner = |arguments: &[&str]| run(&[&["winner", out.to_str().unwrap()], arguments].concat());
    assert_eq!(said(winner(&[])).trim_end(), arms);

    // The trial that is named, as a file that other commands take; the fittest over both seeds if none is named.
    let file = folder.path().join("winner.ron");
    let written = said(winner(&["--arm", "evolution", "--seed", "3", "--out", file.to_str().unwrap()]));
    assert_eq!(written, format!("genotype: {}\n", file.display()));
    let text = std::fs::read_to_string(&file).unwrap();
    let trial = lines[0].strip_prefix("evolution, seed 3: trial ").unwrap().split_once(' ').unwrap().0;
    assert!(
        text.starts_with(&format!("// experiment tiny, arm evolution: trial {trial} of evolution/seed-3, ")),
        "{text}"
    );
    said(run(&[Path::new("inspect"), &file]));
    let percent = |line: &str| line.split_once(": ").unwrap().1.split_once(": ").unwrap().1[..5].trim().to_owned();
    let number = |percent: &str| percent.parse::<f64>().unwrap();
    let best = lines[..1]
        .iter()
        .chain(&lines[3..4])
        .map(|line| percent(line))
        .max_by(|a, b| number(a).total_cmp(&number(b)))
        .unwrap();

    assert!(said(winner(&["--arm", "evolution"])).contains(&format!("fitness {best}")), "{arms}");

    for (arguments, why) in [
        (&["--arm", "none"][..], format!("--arm none: {} has evolution, short, wide", out.display())),
        (&["--arm", "wide", "--seed", "4"][..], "--seed 4: arm wide has 3, 5".to_owned()),
        (
            &["--arm", "wide", "--out", file.to_str().unwrap()][..],
            format!("--out {}: the file exists already, choose another", file.display()),
        ),
    ] {
        assert_eq!(refused(winner(arguments)), (Some(2), format!("error: {why}\n")));
    }
}

#[test]
fn a_retrained_network_is_kept_and_scores_again_what_is_recorded() {
    if !has_cifar10("a_retrained_network_is_kept_and_scores_again_what_is_recorded") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    search(&out, "2");
    let mut compared = 0;
    for study in studies(&out).iter().filter(|study| study.contains("/trial-")) {
        let recorded = SqliteLedger::read(out.join("ledger.sqlite"), study).and_then(|mut ledger| ledger.results(0));
        for trial in recorded.unwrap_or_default() {
            let Outcome::Scored { runs, .. } = &trial.outcome else { panic!("{trial:?}") };
            let start = format!("trial-{}-", trial.proposal.id);
            let kept = std::fs::read_dir(out.join("weights").join(study.replace('/', "+"))).unwrap();
            let mut kept = kept.map(|file| file.unwrap().path());
            let file = kept.find(|file| file.file_name().unwrap().to_str().unwrap().starts_with(&start)).unwrap();
            let arguments = ["evaluate", file.to_str().unwrap(), "--device", "cpu", "--test", "40", "--json"];
            let scored: serde_json::Value = serde_json::from_str(&said(run(&arguments))).unwrap();
            assert_eq!((&scored["accuracy"], &scored["loss"]), (&runs[0].accuracy.into(), &runs[0].loss.into()));
            compared += 1;
        }
    }
    assert!(compared >= 4, "{compared} networks");
}

#[test]
fn a_search_without_a_trial_that_scored_does_not_end_well() {
    if !has_cifar10("a_search_without_a_trial_that_scored_does_not_end_well") {
        return;
    }
    let broken = support::broken::Broken::new();
    broken.edited("tests/cases/tiny.ron", "tiny.ron", "parameters: Some(900)", "parameters: Some(1)");
    std::fs::write(broken.path("published.ron"), "[]").unwrap();
    let out = broken.path("run");
    let (file, device) = (broken.path("tiny.ron"), Path::new("cpu"));
    let output = run(&[Path::new("search"), &file, Path::new("--device"), device, Path::new("--out"), &out]);
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(said.starts_with("evolution, seed 3: none of 10 trials scored; the first failed: "), "{said}");
    assert!(out.join("tiny/report.html").is_file());
    let (code, error) = refused(output);
    assert_eq!(code, Some(1), "{error}");
    let last = "error: no trial scored: evolution, seed 3; wide, seed 3; short, seed 3; evolution, seed 5; wide, seed 5; short, seed 5";
    assert_eq!(error.lines().last(), Some(last));
}
