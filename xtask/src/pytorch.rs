//! `cargo xtask bench engine --against pytorch`: a virtual environment with PyTorch, this project's side, the comparison.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{FEATURES, build, metadata, root, step};

/// The Python that makes the virtual environment, when it is not `python3`.
const PYTHON: &str = "HNAS_PYTHON";

/// The package index that PyTorch comes from. Its own index has builds for the CPU alone,
/// <https://download.pytorch.org/whl/cpu>; those of PyPI, the default, compute the same on a CPU, but bring gigabytes of
/// CUDA libraries along.
const INDEX: &str = "HNAS_TORCH_INDEX";

/// Installs PyTorch where it is not installed yet, builds our side, and runs the comparison with the given options.
pub(crate) fn compare(options: &[&str]) -> Result<()> {
    let target = metadata()?["target_directory"].as_str().map(PathBuf::from).context("cargo metadata has no target")?;
    let folder = target.join("pytorch");
    let python = python(&folder.join("venv"))?;
    step("build", &mut build(FEATURES))?;
    let mut compare = Command::new(python);
    // -B: no compiled copies beside the sources.
    compare.arg("-B").arg("crates/engine/versus/compare.py").current_dir(root());
    compare.arg("--engine").arg(target.join("debug/examples/versus")).arg("--out").arg(&folder).args(options);
    step("compare", &mut compare)
}

/// The Python of a virtual environment that has PyTorch; a complete one is left as it is.
fn python(venv: &Path) -> Result<PathBuf> {
    let (python, complete) = (venv.join("bin/python"), venv.join("complete"));
    if complete.exists() {
        return Ok(python);
    }
    let system = std::env::var_os(PYTHON).unwrap_or_else(|| "python3".into());
    step("venv", Command::new(system).args(["-m", "venv", "--clear"]).arg(venv))?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "torch"]);
    match std::env::var(INDEX) {
        Ok(index) if !index.is_empty() => {
            install.args(["--index-url", &index]);
        }
        _ => eprintln!("xtask: PyTorch comes from PyPI, 5 GB with its CUDA libraries; {INDEX} can name another index"),
    }
    step("PyTorch", &mut install)?;
    std::fs::write(&complete, "").with_context(|| format!("cannot write {}", complete.display()))?;
    Ok(python)
}
