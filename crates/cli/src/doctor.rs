//! `hnas doctor`: what this machine has, what is missing, and what to do about it.

use anyhow::{Result, bail};
use hnas_data::{DataSet, cache_root};
use serde::Serialize;

use crate::arguments::{Doctor, Processor};
use crate::data::standing;
use crate::ending::Fruitless;

#[derive(Serialize)]
struct Findings {
    /// Why nothing can be trained here, if so.
    unusable: Option<String>,
    version: &'static str,
    revision: &'static str,
    devices: Vec<String>,
    threads: usize,
    data_folder: String,
    datasets: Vec<Dataset>,
    missing: Vec<String>,
}

#[derive(Serialize)]
struct Dataset {
    name: String,
    complete: bool,
    standing: &'static str,
}

/// `hnas doctor`.
pub(crate) fn run(command: &Doctor) -> Result<()> {
    let findings = look()?;
    if command.json {
        say!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        print(&findings)?;
    }
    match findings.unusable {
        Some(why) => bail!(Fruitless(format!("nothing can be trained here: {why}"))),
        None => Ok(()),
    }
}

fn print(findings: &Findings) -> Result<()> {
    say!("hnas       {} ({})", findings.version, findings.revision);
    let left_out: Vec<&str> = [("CUDA", cfg!(feature = "cuda")), ("Vulkan", cfg!(feature = "vulkan"))]
        .into_iter()
        .filter_map(|(name, built)| (!built).then_some(name))
        .collect();
    let left_out =
        if left_out.is_empty() { String::new() } else { format!(" (built without {})", left_out.join(", ")) };
    say!("devices    {}{left_out}", findings.devices.join(", "));
    say!("threads    {}", findings.threads);
    say!("data       {}", findings.data_folder);
    for dataset in &findings.datasets {
        say!("  {:<12} {}", dataset.name, dataset.standing);
    }
    if findings.missing.is_empty() {
        say!("Nothing is missing.");
    }
    for missing in &findings.missing {
        say!("- {missing}");
    }
    Ok(())
}

fn look() -> Result<Findings> {
    let root = cache_root()?;
    let devices = hnas_engine::devices();
    let mut missing = Vec::new();
    // What every training asks first: the words in the environment, and a device.
    let unusable = hnas_engine::open_devices(Processor::ANY).err().map(|error| error.to_string());
    if devices.is_empty() {
        missing.push("no device: build with --features cpu, cuda or vulkan".to_owned());
    } else if cfg!(feature = "cuda") && !devices.iter().any(|device| device.starts_with("cuda")) {
        missing.push("no CUDA device was found: by default networks are trained on the CPU".to_owned());
    }
    if cfg!(feature = "vulkan") && !devices.iter().any(|device| device.starts_with("vulkan")) {
        missing.push("no Vulkan device was found; Mesa's llvmpipe is one in software".to_owned());
    }
    let mut datasets = Vec::new();
    for name in DataSet::names() {
        let dataset = DataSet::builtin(name)?;
        let found = dataset.find(&root);
        let standing = standing(&dataset, &found, &root);
        datasets.push(Dataset { name: name.to_owned(), complete: found.is_ok(), standing });
        missing.extend(found.err().map(|error| error.to_string()));
    }
    Ok(Findings {
        unusable,
        version: env!("CARGO_PKG_VERSION"),
        revision: env!("HNAS_REVISION"),
        devices,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        data_folder: root.display().to_string(),
        datasets,
        missing,
    })
}
