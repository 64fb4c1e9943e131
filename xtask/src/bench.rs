//! `cargo xtask bench`: the benchmarks, in the optimised profile of the tests.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{FEATURES, build, cargo, metadata, step};
use crate::{Usage, pytorch};

/// The benchmarks by name, with the package each lives in.
const BENCHES: [(&str, &str); 2] = [("operations", "hnas-kernels"), ("ledger", "hnas-ledger")];

/// Runs the named benchmark, or all; or the engine against another one, which takes hours and is never among all.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let wanted = match words[..] {
        [] => None,
        ["engine", "--against", "pytorch", ref options @ ..] => return pytorch::compare(options),
        ["engine"] => return engine(),
        ["engine", ..] => {
            return Err(Usage("`bench engine` stands alone or with `--against pytorch`".to_owned()).into());
        }
        [name] => Some(name),
        [_, extra, ..] => return Err(Usage(format!("`bench` takes one name, got {extra:?} as well")).into()),
    };
    let chosen: Vec<_> = BENCHES.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = BENCHES.iter().map(|(name, _)| *name).collect();
        let (wanted, names) = (wanted.unwrap_or(""), names.join(", "));
        return Err(
            Usage(format!("there is no benchmark {wanted:?}; there is {names}, engine [--against pytorch]")).into()
        );
    }
    for (name, package) in chosen {
        step(name, &mut cargo(&["bench", "--profile", "dev", "--package", package, "--bench", name]))?;
    }
    Ok(())
}

/// Whole networks on the processor, and then each operation.
fn engine() -> Result<()> {
    step("build", &mut build(FEATURES))?;
    let target = metadata()?["target_directory"].as_str().map(str::to_owned).context("cargo metadata has no target")?;
    step("networks", Command::new(Path::new(&target).join("debug/examples/speed")).arg("cpu"))?;
    run(&["operations".to_owned()])
}
