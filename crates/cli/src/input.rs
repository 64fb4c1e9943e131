//! Reads what a user names: genotype files, spaces, skeletons, recipes; faults are named by file, line and column. Writes
//! what a user asks for, and nothing over what is there.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use hnas_compiler::Skeleton;
use hnas_engine::{EngineDevice, open_devices};
use hnas_genome::{Genotype, SearchSpace};
use serde::de::DeserializeOwned;

use crate::arguments::{Machine, Model, Processor};

/// The most threads, networks trained at once on a device, and workers.
pub(crate) const MOST_AT_ONCE: usize = 1024;

/// The longest message about a file, in characters: what is wrong with it may hold any part of it.
const LONGEST_MESSAGE: usize = 500;

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

impl Processor {
    /// The devices and the threads.
    pub(crate) fn open(&self) -> Result<(Vec<EngineDevice>, usize)> {
        let devices = open_devices(&self.device)?;
        if let Some(threads) = self.threads {
            within("--threads", threads, 1, MOST_AT_ONCE)?;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok((devices, self.threads.unwrap_or(cores)))
    }
}

impl Machine {
    pub(crate) fn resources(&self) -> Result<Resources> {
        if let Some(slots) = self.slots {
            within("--slots", slots, 1, MOST_AT_ONCE)?;
        }
        let (devices, threads) = self.processor.open()?;
        let on_cpu = devices.iter().all(EngineDevice::is_cpu);
        let slots = self.slots.unwrap_or(if on_cpu { threads } else { 1 });
        Ok(Resources { workers: slots * devices.len(), devices, threads })
    }
}

/// Refuses a number that a flag does not take.
pub(crate) fn within(flag: &str, value: usize, least: usize, most: usize) -> Result<()> {
    if !(least..=most).contains(&value) {
        bail!("{flag} {value} is not between {least} and {most}");
    }
    Ok(())
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
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    ron::from_str(text).map_err(|error| {
        let (place, message) = (error.span.start, cut(&error.code.to_string()));
        match error.code {
            // Refused when it was read to its end, so that is the place; the message names the part.
            ron::Error::Message(_) => anyhow!("{name}: {message}"),
            _ => anyhow!("{name}:{}:{}: {message}", place.line, place.col),
        }
    })
}

/// Beginning and end of a message that is too long for a line or two.
fn cut(message: &str) -> String {
    let length = message.chars().count();
    if length <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let begin: String = message.chars().take(LONGEST_MESSAGE / 2).collect();
    let end: String = message.chars().skip(length - LONGEST_MESSAGE / 2).collect();
    format!("{begin} .. {end}")
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Refuses, before anything is computed for it, a file that cannot be written or would be written over.
pub(crate) fn check_new_file(flag: &str, path: &Path) -> Result<()> {
    check_file(flag, path)?;
    if path.exists() {
        bail!("{flag} {}: the file exists already, choose another", path.display());
    }
    Ok(())
}

/// Refuses, before anything is computed for it, a file that is a folder or is in none.
pub(crate) fn check_file(flag: &str, path: &Path) -> Result<()> {
    if path.is_dir() || path.file_name().is_none() {
        bail!("{flag} {}: is a folder, not a file", path.display());
    }
    match path.parent() {
        Some(folder) if folder != Path::new("") && !folder.is_dir() => {
            bail!("{flag} {}: there is no folder {}", path.display(), folder.display())
        }
        _ => Ok(()),
    }
}

/// Makes a folder to write to, if there is none.
pub(crate) fn make_folder(flag: &str, folder: &Path) -> Result<()> {
    if folder.exists() && !folder.is_dir() {
        bail!("{flag} {}: is a file, not a folder", folder.display());
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot write {}", folder.display()))
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, content: &str) -> Result<()> {
    let mut draft = PathBuf::from(path);
    draft.as_mut_os_string().push(".part");
    let written = std::fs::write(&draft, content).and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        // It may not be there at all.
        drop(std::fs::remove_file(&draft));
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}
