//! `cargo xtask ci`: what must hold before a change lands.

use anyhow::Result;

use crate::shell::{cargo, root, step};
use crate::{test, tidy};

/// Cheap checks first. The lints run on the CUDA build, so that one type-check serves both; it has a target folder of its own.
pub(crate) fn run() -> Result<()> {
    tidy::run()?;
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    let mut lints =
        cargo(&["clippy", "--workspace", "--all-targets", "--features", "hnas-cli/cuda", "--", "--deny", "warnings"]);
    // With DOCS_RS set, the GPU compiler's build script does not download LLVM, which a type-check does not need.
    lints.env("DOCS_RS", "1").env("CARGO_TARGET_DIR", root().join("target/cuda"));
    step("lints and the CUDA build's types", &mut lints)?;
    test::run()
}
