//! `cargo xtask bench`: the benchmarks, in the optimised profile of the tests.

use anyhow::Result;

use crate::Usage;
use crate::shell::{cargo, step};

/// The benchmarks by name, with the package each lives in.
const BENCHES: [(&str, &str); 2] = [("operations", "hnas-kernels"), ("ledger", "hnas-ledger")];

/// Runs the named benchmark, or all.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let wanted = match arguments {
        [] => None,
        [name] => Some(name.as_str()),
        [_, extra, ..] => return Err(Usage(format!("`bench` takes one name, got {extra:?} as well")).into()),
    };
    let chosen: Vec<_> = BENCHES.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = BENCHES.iter().map(|(name, _)| *name).collect();
        return Err(
            Usage(format!("there is no benchmark {:?}; there is {}", wanted.unwrap_or(""), names.join(", "))).into()
        );
    }
    for (name, package) in chosen {
        step(name, &mut cargo(&["bench", "--profile", "dev", "--package", package, "--bench", name]))?;
    }
    Ok(())
}
