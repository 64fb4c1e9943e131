//! `cargo xtask ci`: what must hold before a change lands.

use anyhow::Result;

use crate::shell::{cargo, root, step};
use crate::{test, tidy};

/// Cheap checks first. The lints run on the CUDA build, so that one type-check serves both; it has a target folder of its own.
pub(crate) fn run() -> Result<()> {
    tidy::run()?;
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    // Tests may unwrap; programs and libraries may not.
    lint("lints of everything and the CUDA build's types", &["--all-targets"], &["--allow", "clippy::unwrap_used"])?;
    lint("lints of programs and libraries", &[], &[])?;
    test::run()
}

/// Clippy over the CUDA build. With `DOCS_RS` set, the GPU compiler's build script does not download LLVM, which a
/// type-check does not need.
fn lint(what: &str, targets: &[&str], lints: &[&str]) -> Result<()> {
    let mut command = cargo(&["clippy", "--workspace", "--features", "hnas-cli/cuda"]);
    command.args(targets).args(["--", "--deny", "warnings"]).args(lints);
    step(what, command.env("DOCS_RS", "1").env("CARGO_TARGET_DIR", root().join("target/cuda")))
}
