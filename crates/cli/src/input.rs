//! Reads what a user names: genotype files, spaces, skeletons, recipes; faults are named by file, line and column.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hnas_compiler::Skeleton;
use hnas_engine::{EngineDevice, open_devices};
use hnas_genome::{Genotype, SearchSpace};
use serde::de::DeserializeOwned;

use crate::arguments::{Machine, Model};

/// The genotype in a file, or on the standard input for `-`.
pub(crate) fn genotype(path: &Path) -> Result<Genotype> {
    let (name, text) = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read a genotype from the standard input")?;
        ("standard input".to_owned(), text)
    } else {
        (path.display().to_string(), read(path)?)
    };
    ron(&name, &text)
}

/// A built-in search space by its name, or that in a file.
pub(crate) fn space(name: &str) -> Result<SearchSpace> {
    match name {
        "hierarchical" => Ok(SearchSpace::hierarchical()),
        "flat" => Ok(SearchSpace::flat()),
        file => named("--space", file, "hierarchical, flat"),
    }
}

impl Model {
    /// The skeleton that the flags name.
    pub(crate) fn skeleton(&self) -> Result<Skeleton> {
        let skeleton = match self.skeleton.as_str() {
            "small" => Skeleton::cifar_small(),
            "large" => Skeleton::cifar_large(64)?,
            "imagenet" => Skeleton::imagenet(),
            file => named("--skeleton", file, "small, large, imagenet")?,
        };
        match self.c0 {
            None => Ok(skeleton),
            Some(c0) => skeleton.with_c0(c0).with_context(|| format!("--c0 {c0}")),
        }
    }
}

/// The devices, slots and threads that the flags and the machine give.
pub(crate) struct Resources {
    /// One or more, of one kind.
    pub(crate) devices: Vec<EngineDevice>,
    /// Networks trained at once, over all devices.
    pub(crate) workers: usize,
    pub(crate) threads: usize,
}

impl Resources {
    /// The devices by their names.
    pub(crate) fn names(&self) -> String {
        self.devices.iter().map(EngineDevice::to_string).collect::<Vec<_>>().join(",")
    }
}

impl Machine {
    pub(crate) fn resources(&self) -> Result<Resources> {
        let devices = open_devices(&self.device)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for (flag, value) in [("--slots", self.slots), ("--threads", self.threads)] {
            if value.is_some_and(|value| !(1..=1024).contains(&value)) {
                bail!("{flag} {} is not between 1 and 1024", value.unwrap_or(0));
            }
        }
        let threads = self.threads.unwrap_or(cores);
        let on_cpu = devices.iter().all(EngineDevice::is_cpu);
        let slots = self.slots.unwrap_or(if on_cpu { threads } else { 1 });
        Ok(Resources { workers: slots * devices.len(), devices, threads })
    }
}

/// The value in a file that a flag names, where it could have named a built-in one.
fn named<T: DeserializeOwned>(flag: &str, file: &str, built_in: &str) -> Result<T> {
    if !Path::new(file).exists() {
        bail!("{flag} {file}: neither {built_in} nor a file");
    }
    ron_file(Path::new(file))
}

/// The value in a RON file.
pub(crate) fn ron_file<T: DeserializeOwned>(path: &Path) -> Result<T> {
    ron(&path.display().to_string(), &read(path)?)
}

fn ron<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    ron::from_str(text)
        .map_err(|error| anyhow::anyhow!("{name}:{}:{}: {}", error.span.start.line, error.span.start.col, error.code))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, content: &str) -> Result<()> {
    let mut draft = PathBuf::from(path);
    draft.as_mut_os_string().push(".part");
    std::fs::write(&draft, content)
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
