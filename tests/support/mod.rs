//! Starts the program and reads what it says.
#![allow(dead_code, unreachable_pub, reason = "each test program includes this file and uses a part")]

pub mod broken;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use hnas_ledger::{Store, Trial};

/// The program, from the repository's root.
pub fn hnas() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hnas"));
    command.current_dir(root());
    command
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the program to its end.
pub fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    hnas().args(arguments).stdin(Stdio::null()).output().expect("the program starts")
}

/// Runs the program with `input` on its standard input.
pub fn run_with_input<S: AsRef<OsStr>>(arguments: &[S], input: &str) -> Output {
    let mut child = hnas()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().unwrap().write_all(input.as_bytes()).expect("the program reads its input");
    child.wait_with_output().expect("the program ends")
}

/// What it printed, of a run that went well.
pub fn said(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

/// The exit code and the error it printed.
pub fn refused(output: Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr).expect("the error is UTF-8"))
}

/// Whether CIFAR-10 is there; if not, says in one line what is not tested.
pub fn has_cifar10(test: &str) -> bool {
    has(test, "cifar10")
}

/// Whether the photographs of foods are there; if not, says in one line what is not tested.
pub fn has_food_groups(test: &str) -> bool {
    has(test, "food-groups")
}

fn has(test: &str, dataset: &str) -> bool {
    let there = run(&["data", "verify", dataset]).status.success();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "{test}: {dataset} is not there");
        // Past the test runner, which would keep the line to itself.
        let line = format!("{test}: NOT RUN, since {dataset} is not there: `hnas data fetch {dataset}` fetches it\n");
        std::io::stderr().write_all(line.as_bytes()).expect("the standard error is open");
    }
    there
}

/// Whether there is a Vulkan device; if not, says in one line what is not tested.
pub fn has_vulkan(test: &str) -> bool {
    let there = said(run(&["doctor", "--json"])).contains("\"vulkan:0\"");
    if !there {
        let line = format!("{test}: NOT RUN, since there is no Vulkan device; one in software will do\n");
        std::io::stderr().write_all(line.as_bytes()).expect("the standard error is open");
    }
    there
}

/// What must not depend on the machine: every trial's proposal and outcome, seconds left out.
pub fn results(run: &Path, study: &str) -> Vec<String> {
    let file = run.join("ledger.sqlite");
    results_at(&file.to_str().expect("the path is UTF-8").parse().expect("it is a file"), study)
}

/// The same, wherever the ledger is.
pub fn results_at(store: &Store, study: &str) -> Vec<String> {
    let mut trials = store.read(study).expect("the ledger opens").results(0).expect("it reads");
    trials.sort_by_key(|trial| trial.proposal.id);
    trials.iter().map(bits).collect()
}

fn bits(trial: &Trial) -> String {
    let outcome = match &trial.outcome {
        hnas_ledger::Outcome::Scored { fitness, runs } => {
            let runs: Vec<_> = runs.iter().map(|run| (run.seed, run.accuracy.to_bits(), run.loss.to_bits())).collect();
            format!("{:016x} {runs:x?}", fitness.get().to_bits())
        }
        hnas_ledger::Outcome::Failed { reason } => reason.clone(),
    };
    format!("{:?} {outcome}", trial.proposal)
}
