//! `hnas doctor`: what this machine has, what is missing, and what to do about it.

use anyhow::Result;
use hnas_data::{DataSet, cache_root};
use serde::Serialize;

use crate::arguments::Doctor;

#[derive(Serialize)]
struct Findings {
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
}

/// `hnas doctor`.
pub(crate) fn run(command: &Doctor) -> Result<()> {
    let findings = look()?;
    if command.json {
        say!("{}", serde_json::to_string_pretty(&findings)?);
        return Ok(());
    }
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
        say!("  {:<12} {}", dataset.name, if dataset.complete { "complete" } else { "not complete" });
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
        let complete = match DataSet::builtin(name)?.verify(&root) {
            Ok(()) => true,
            Err(error) => {
                missing.push(error.to_string());
                false
            }
        };
        datasets.push(Dataset { name: name.to_owned(), complete });
    }
    Ok(Findings {
        version: env!("CARGO_PKG_VERSION"),
        revision: env!("HNAS_REVISION"),
        devices,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        data_folder: root.display().to_string(),
        datasets,
        missing,
    })
}
