//! `cargo xtask test`: every test of the workspace, then the smoke scale of each experiment on real data.

use anyhow::{Context, Result};

use crate::reproduce;
use crate::shell::{FEATURES, cargo, root, step, step_watched};

/// Runs all of it and closes with one line that counts the tests.
pub(crate) fn run() -> Result<()> {
    // One selection of packages for everything here, so that the tensor library is built once. The program comes with it,
    // since its whole-program tests start it. Then the data: tests on real images run only where it is.
    step("build", &mut cargo(&["test", "--workspace", "--features", FEATURES, "--no-run"]))?;
    for name in ["cifar10", "food-groups"] {
        step("data", reproduce::hnas()?.args(["data", "fetch", name]))?;
    }

    let mut counts = Counts::default();
    let mut tests = cargo(&["test", "--workspace", "--features", FEATURES, "--no-fail-fast"]);
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // Vulkan's libraries complain when they are asked for a screen's devices and there is no such folder.
        tests.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
    let tests = step_watched("tests", &mut tests, |line| counts.read(line));
    if tests.is_err() {
        println!("tests: {} passed, {} failed", counts.passed, counts.failed);
        return tests;
    }

    // Someone else's project: it uses two of the crates by path and is no member of this workspace.
    let stranger = root().join("tests/reuse/Cargo.toml");
    let mut reuse = cargo(&["run", "--quiet", "--manifest-path"]);
    reuse.arg(stranger).arg("--target-dir").arg(root().join("target/reuse"));
    step("reuse of single crates", &mut reuse)?;

    let folder = root().join("target/smoke");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let out = folder.to_string_lossy().into_owned();
    reproduce::Plan::parse(&["all", "--scale", "smoke", "--out", &out].map(String::from))?.carry_out()?;
    println!("tests: {} passed, {} failed", counts.passed, counts.failed);
    let found = reproduce::hnas()?.args(["doctor", "--json"]).output().context("cannot run hnas doctor")?;
    if !String::from_utf8_lossy(&found.stdout).contains("vulkan:") {
        println!("NOT RUN, for want of a Vulkan device: the tests of the kernels for GPUs, and of trainings on one");
    }
    if !has_postgres() {
        println!("NOT RUN, for want of PostgreSQL: the tests of its ledger, and of searches on many machines");
    }
    Ok(())
}

/// Whether there is a PostgreSQL server that tests can start: that of Debian's package `postgresql`.
pub(crate) fn has_postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/initdb")).any(|initdb| initdb.is_file())
}

/// What the test runners said: `test result: ok. 12 passed; 0 failed; ..`.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
}

impl Counts {
    fn read(&mut self, line: &str) {
        if !line.starts_with("test result:") {
            return;
        }
        for part in line.split([';', '.']) {
            let mut words = part.split_whitespace();
            if let (Some(Ok(number)), Some(word)) = (words.next().map(str::parse::<usize>), words.next()) {
                match word {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn counts_add_up_over_runners() {
        let mut counts = Counts::default();
        counts.read("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.02s");
        counts.read("test something ... ok");
        counts.read("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s");
        assert_eq!((counts.passed, counts.failed), (15, 2));
    }
}
