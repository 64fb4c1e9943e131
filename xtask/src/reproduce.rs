//! `cargo xtask reproduce NAME`: builds the program, fetches the data, runs or resumes the experiment, writes its report.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::Usage;
use crate::shell::{FEATURES, build, metadata, root, step};

/// What `reproduce` calls all experiments together.
const ALL: &str = "all";

/// Reads the arguments, then builds the program and carries out what they ask for.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let plan = Plan::parse(arguments)?;
    let known = experiments()?;
    if plan.name != ALL && !known.contains(&plan.name) {
        let error = format!("there is no experiment {:?}; there is {}, or {ALL}", plan.name, known.join(", "));
        return Err(Usage(error).into());
    }
    plan.check_pictures()?;
    let features = if plan.wants_cuda() { format!("{FEATURES},hnas-cli/cuda") } else { FEATURES.to_owned() };
    step("build", &mut build(&features))?;
    plan.carry_out()
}

/// The names of the experiments: the folders under `experiments/` that hold an experiment, or pictures to draw.
pub(crate) fn experiments() -> Result<Vec<String>> {
    let folder = root().join("experiments");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if ["experiment.ron", "pictures.ron"].iter().any(|file| entry.path().join(file).is_file()) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The list of pictures of an experiment that is nothing else, from the root.
fn pictures(name: &str) -> PathBuf {
    PathBuf::from("experiments").join(name).join("pictures.ron")
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
    /// The run folder, if one is asked for.
    out: Option<PathBuf>,
    passed_on: Vec<String>,
}

impl Plan {
    pub(crate) fn parse(arguments: &[String]) -> Result<Plan, Usage> {
        let device = "auto".to_owned();
        let mut plan = Plan { name: String::new(), device, only_plan: false, out: None, passed_on: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--plan" => {
                    plan.only_plan = true;
                    plan.passed_on.push(argument.clone());
                }
                "--scale" | "--device" | "--slots" | "--workers" | "--store" | "--seed" | "--out" => {
                    let value = rest.next().ok_or_else(|| Usage(format!("{argument} needs a value")))?;
                    match argument.as_str() {
                        "--device" => plan.device.clone_from(value),
                        "--out" => plan.out = Some(value.into()),
                        _ => {}
                    }
                    plan.passed_on.extend([argument.clone(), value.clone()]);
                }
                option if option.starts_with('-') => return Err(Usage(format!("there is no option {option:?}"))),
                name if plan.name.is_empty() => plan.name = name.to_owned(),
                extra => return Err(Usage(format!("`reproduce` takes one name, got {extra:?} as well"))),
            }
        }
        if plan.name.is_empty() {
            return Err(Usage(format!("`reproduce` needs the name of an experiment, for example cifar10, or {ALL}")));
        }
        Ok(plan)
    }

    /// Pictures are drawn, not trained: asked for by their name, they take no options but a folder and `--plan`.
    fn check_pictures(&self) -> Result<(), Usage> {
        let option =
            self.passed_on.iter().find(|word| word.starts_with("--") && !["--plan", "--out"].contains(&word.as_str()));
        match option {
            Some(option) if self.name != ALL && root().join(pictures(&self.name)).is_file() => {
                Err(Usage(format!("{} are pictures, so {option} means nothing to them", self.name)))
            }
            _ => Ok(()),
        }
    }

    /// With the program as it is built: fetches the data and runs or resumes each experiment asked for, one after the
    /// other; each step finds what an earlier, interrupted run left. Sums up when there are several.
    pub(crate) fn carry_out(&self) -> Result<()> {
        let names = if self.name == ALL { experiments()? } else { vec![self.name.clone()] };
        let mut lines = Vec::new();
        for name in &names {
            let started = Instant::now();
            self.one(name)?;
            lines.push(format!("{name:<16} {:>7.0} s", started.elapsed().as_secs_f64()));
        }
        if names.len() > 1 {
            println!("\n{}", lines.join("\n"));
            println!("{} experiments {}.", names.len(), if self.only_plan { "planned" } else { "reproduced" });
        }
        Ok(())
    }

    fn one(&self, name: &str) -> Result<()> {
        let pictures = pictures(name);
        if root().join(&pictures).is_file() {
            if self.only_plan {
                println!("{name}: pictures, drawn in a second; nothing is trained.");
                return Ok(());
            }
            let out = self.out.clone().unwrap_or_else(|| PathBuf::from("runs")).join(name);
            return step(&format!("reproduce {name}"), hnas()?.arg("pictures").arg(pictures).arg("--out").arg(out));
        }
        let file = PathBuf::from("experiments").join(name).join("experiment.ron");
        if !self.only_plan {
            step("data", hnas()?.args(["data", "fetch", "--experiment"]).arg(&file))?;
        }
        step(&format!("reproduce {name}"), hnas()?.arg("search").arg(file).args(&self.passed_on))
    }

    /// Whether the program needs its CUDA build: a GPU is asked for, or the driver's own tool lists one.
    fn wants_cuda(&self) -> bool {
        match self.device.as_str() {
            "auto" => Command::new("nvidia-smi").arg("-L").output().is_ok_and(|output| output.status.success()),
            device => device.starts_with("cuda"),
        }
    }
}
