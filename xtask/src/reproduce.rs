//! `cargo xtask reproduce NAME`: builds the program, fetches the data, runs or resumes the experiment, writes its report.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::Usage;
use crate::shell::{FEATURES, build, metadata, root, step};

/// Reads the arguments, then does the three steps; each of them finds what an earlier, interrupted run left.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let plan = Plan::parse(arguments)?;
    let known = experiments()?;
    if !known.contains(&plan.name) {
        let error = format!("there is no experiment {:?}; there is {}", plan.name, known.join(", "));
        return Err(Usage(error).into());
    }
    let features = if plan.wants_cuda() { format!("{FEATURES},hnas-cli/cuda") } else { FEATURES.to_owned() };
    step("build", &mut build(&features))?;
    plan.carry_out()
}

/// The names of the experiments: the folders under `experiments/` that have an `experiment.ron`.
pub(crate) fn experiments() -> Result<Vec<String>> {
    let folder = root().join("experiments");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if entry.path().join("experiment.ron").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The built program, in the target folder that cargo names.
pub(crate) fn hnas() -> Result<Command> {
    let metadata = metadata()?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
    let mut command =
        Command::new(Path::new(target).join("debug").join(format!("hnas{}", std::env::consts::EXE_SUFFIX)));
    command.current_dir(root());
    Ok(command)
}

/// What the arguments ask for. The options are those of `hnas search`; they are checked there.
pub(crate) struct Plan {
    name: String,
    /// The device asked for; `auto` if none.
    device: String,
    /// Whether only the plan is to be printed.
    only_plan: bool,
    passed_on: Vec<String>,
}

impl Plan {
    pub(crate) fn parse(arguments: &[String]) -> Result<Plan, Usage> {
        let mut plan = Plan { name: String::new(), device: "auto".to_owned(), only_plan: false, passed_on: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--plan" => {
                    plan.only_plan = true;
                    plan.passed_on.push(argument.clone());
                }
                "--scale" | "--device" | "--slots" | "--seed" | "--out" => {
                    let value = rest.next().ok_or_else(|| Usage(format!("{argument} needs a value")))?;
                    if argument == "--device" {
                        plan.device.clone_from(value);
                    }
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
        if !self.only_plan {
            step("data", hnas()?.args(["data", "fetch", "--experiment"]).arg(self.file()))?;
        }
        let mut search = hnas()?;
        search.arg("search").arg(self.file()).args(&self.passed_on);
        step(&format!("reproduce {}", self.name), &mut search)
    }

    /// Whether the program needs its CUDA build: a GPU is asked for, or the driver's own tool lists one.
    fn wants_cuda(&self) -> bool {
        match self.device.as_str() {
            "auto" => Command::new("nvidia-smi").arg("-L").output().is_ok_and(|output| output.status.success()),
            device => device.starts_with("cuda"),
        }
    }

    fn file(&self) -> PathBuf {
        PathBuf::from("experiments").join(&self.name).join("experiment.ron")
    }
}
