//! Runs other programs from the repository's root and says what it runs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::Usage;

/// The repository's root: the folder above this package.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().map_or_else(|| package.to_path_buf(), Path::to_path_buf)
}

/// The cargo that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// The features of the program that are built everywhere: together with the whole workspace and its examples they decide
/// with which features the tensor library is built, and it takes minutes.
pub(crate) const FEATURES: &str = "hnas-cli/vulkan";

/// A command that builds the programs and examples as the tests are built.
pub(crate) fn build(features: &str) -> Command {
    cargo(&["build", "--workspace", "--bins", "--examples", "--features", features])
}

/// What `cargo metadata` says of the workspace, dependencies left out.
pub(crate) fn metadata() -> Result<Value> {
    let output = cargo(&["metadata", "--format-version", "1", "--no-deps"]).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata is no JSON")
}

/// Runs a command to its end, its output passed through; fails when it fails.
pub(crate) fn step(what: &str, command: &mut Command) -> Result<()> {
    let started = announce(what, command);
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    finish(what, started, status, command)
}

/// As [`step`], and hands every line of the standard output to `see` as well.
pub(crate) fn step_watched(what: &str, command: &mut Command, mut see: impl FnMut(&str)) -> Result<()> {
    let started = announce(what, command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {}", shown(command)))?;
    let output = child.stdout.take().context("the standard output was not piped")?;
    for line in BufReader::new(output).lines() {
        let line = line.with_context(|| format!("cannot read the output of {}", shown(command)))?;
        println!("{line}");
        see(&line);
    }
    let status = child.wait()?;
    finish(what, started, status, command)
}

fn announce(what: &str, command: &Command) -> Instant {
    eprintln!("xtask: {what}: {}", shown(command));
    Instant::now()
}

fn finish(what: &str, started: Instant, status: ExitStatus, command: &Command) -> Result<()> {
    let failure = format!("{what}: {} ended with {status}", shown(command));
    match status.code() {
        Some(0) => {
            eprintln!("xtask: {what}: done in {:.0} s", started.elapsed().as_secs_f64());
            Ok(())
        }
        // The program's own word for arguments that are wrong.
        Some(2) => Err(Usage(failure).into()),
        _ => bail!(failure),
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
