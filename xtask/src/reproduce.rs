//! `cargo xtask reproduce NAME`: builds the program, fetches the data, runs or resumes the experiment, writes its report.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::Usage;
use crate::shell::{cargo, root, step};
use crate::test::experiments;

/// Reads the arguments, then does the three steps; each of them finds what an earlier, interrupted run left.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let plan = Plan::parse(arguments)?;
    let known = experiments()?;
    if !known.contains(&plan.name) {
        let error = format!("there is no experiment {:?}; there is {}", plan.name, known.join(", "));
        return Err(Usage(error).into());
    }
    let mut build = cargo(&["build", "--bin", "hnas"]);
    if plan.cuda {
        build.args(["--features", "hnas-cli/cuda"]);
    }
    step("build", &mut build)?;
    plan.carry_out()
}

/// The built program.
pub(crate) fn hnas() -> Command {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut command = Command::new(root().join(target).join("debug/hnas"));
    command.current_dir(root());
    command
}

/// What the arguments ask for. The options are those of `hnas search`; they are checked there.
pub(crate) struct Plan {
    name: String,
    /// Whether the program needs its CUDA build.
    cuda: bool,
    passed_on: Vec<String>,
}

impl Plan {
    pub(crate) fn parse(arguments: &[String]) -> Result<Plan, Usage> {
        let mut plan = Plan { name: String::new(), cuda: false, passed_on: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--plan" => plan.passed_on.push(argument.clone()),
                "--scale" | "--device" | "--workers" | "--seed" | "--out" => {
                    let value = rest.next().ok_or_else(|| Usage(format!("{argument} needs a value")))?;
                    plan.cuda |= argument == "--device" && value.starts_with("cuda");
                    plan.passed_on.extend([argument.clone(), value.clone()]);
                }
                option if option.starts_with('-') => return Err(Usage(format!("there is no option {option:?}"))),
                name if plan.name.is_empty() => plan.name = name.to_owned(),
                extra => return Err(Usage(format!("`reproduce` takes one name, got {extra:?} as well"))),
            }
        }
        if plan.name.is_empty() {
            return Err(Usage("`reproduce` needs the name of an experiment, for example cifar10".to_owned()));
        }
        Ok(plan)
    }

    /// Fetches the data, then runs or resumes the experiment, with the program as it is built.
    pub(crate) fn carry_out(&self) -> Result<()> {
        step("data", hnas().args(["data", "fetch", "--experiment"]).arg(self.file()))?;
        let mut search = hnas();
        search.arg("search").arg(self.file()).args(&self.passed_on);
        step(&format!("reproduce {}", self.name), &mut search)
    }

    fn file(&self) -> PathBuf {
        PathBuf::from("experiments").join(&self.name).join("experiment.ron")
    }
}
