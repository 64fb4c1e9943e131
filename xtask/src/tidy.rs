//! `cargo xtask tidy`: the rules of ARCHITECTURE.md and STYLE.md that the compiler does not hold.
//!
//! - Doors: a crate uses only the crates that the table below lets it use, read from `cargo metadata`.
//! - Every Rust file opens with a `//!` line that says its job, and has at most 400 lines.
//! - The top level holds the agreed folders and no others.
//! - Every experiment's README.md has the agreed headings in their order.
//! - No page for people holds a place that is still to be filled in (two at signs in a row).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::reproduce::experiments;
use crate::shell::{metadata, root};

/// Which crates each crate may use. Whoever widens this table says why in ARCHITECTURE.md.
const DOORS: [(&str, &[&str]); 12] = [
    ("hnas-genome", &[]),
    ("hnas-compiler", &["hnas-genome"]),
    ("hnas-kernels", &[]),
    ("hnas-gpu", &[]),
    ("hnas-data", &[]),
    ("hnas-engine", &["hnas-compiler", "hnas-kernels", "hnas-gpu", "hnas-data"]),
    ("hnas-search", &["hnas-genome"]),
    ("hnas-ledger", &["hnas-genome", "hnas-search"]),
    ("hnas-experiment", &["hnas-genome", "hnas-compiler", "hnas-data", "hnas-engine", "hnas-search", "hnas-ledger"]),
    ("hnas-report", &["hnas-ledger", "hnas-compiler", "hnas-genome", "hnas-search"]),
    (
        "hnas-cli",
        &[
            "hnas-experiment",
            "hnas-report",
            "hnas-genome",
            "hnas-compiler",
            "hnas-data",
            "hnas-engine",
            "hnas-search",
            "hnas-ledger",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that must build without a tensor library.
const WITHOUT_BURN: [&str; 9] = [
    "hnas-genome",
    "hnas-compiler",
    "hnas-kernels",
    "hnas-gpu",
    "hnas-data",
    "hnas-search",
    "hnas-ledger",
    "hnas-report",
    "xtask",
];

const FOLDERS: [&str; 8] = ["crates", "datasets", "experiments", "xtask", "tests", "docs", "target", "runs"];
const HEADINGS: [&str; 11] = [
    "Claim",
    "Command",
    "Hardware and hours",
    "Data, split and order",
    "Search space",
    "Skeleton",
    "Recipe",
    "Initialisation",
    "Metric and target",
    "Deviations and open points",
    "Results obtained",
];
const LONGEST_FILE: usize = 400;

/// Collects every broken rule, then fails with all of them.
pub(crate) fn run() -> Result<()> {
    let mut broken = Vec::new();
    doors(&mut broken)?;
    folders(&mut broken)?;
    pages(&root(), &mut broken)?;
    pages(&root().join("docs"), &mut broken)?;
    for experiment in experiments()? {
        let folder = root().join("experiments").join(experiment);
        pages(&folder, &mut broken)?;
        headings(&folder.join("README.md"), &mut broken)?;
    }
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "tests"] {
        rust_files(&root().join(folder), &mut files)?;
    }
    for file in &files {
        rust_file(file, &mut broken)?;
    }
    if !broken.is_empty() {
        bail!("{} rules are broken:\n  {}", broken.len(), broken.join("\n  "));
    }
    eprintln!("xtask: tidy: {} crates, {} files: in order", DOORS.len(), files.len());
    Ok(())
}

fn doors(broken: &mut Vec<String>) -> Result<()> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    let members: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = DOORS.iter().find(|(crate_name, _)| *crate_name == name) else {
            broken.push(format!("{name}: has no row in the table of doors"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            let for_tests = dependency["kind"].as_str() == Some("dev");
            if members.contains(&used) && !for_tests && !allowed.contains(&used) {
                broken.push(format!("{name}: may not use {used}"));
            }
            if used.starts_with("burn") && WITHOUT_BURN.contains(&name) {
                broken.push(format!("{name}: must build without a tensor library, but uses {used}"));
            }
        }
    }
    Ok(())
}

fn folders(broken: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(root())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ignored = name.starts_with('.') || name.starts_with("target-");
        if entry.path().is_dir() && !ignored && !FOLDERS.contains(&name.as_str()) {
            broken.push(format!("{name}/: no agreed top-level folder"));
        }
    }
    Ok(())
}

fn pages(folder: &Path, broken: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") && std::fs::read_to_string(&path)?.contains("@@")
        {
            broken.push(format!("{}: holds a place that is still to be filled in", path.display()));
        }
    }
    Ok(())
}

/// Every experiment answers the same questions in the same order.
fn headings(page: &Path, broken: &mut Vec<String>) -> Result<()> {
    let text = std::fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
    let found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    if found != HEADINGS {
        broken.push(format!(
            "{}: its headings are {}; they must be {}",
            page.display(),
            found.join(", "),
            HEADINGS.join(", ")
        ));
    }
    Ok(())
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

fn rust_file(path: &Path, broken: &mut Vec<String>) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let shown = path.strip_prefix(root()).unwrap_or(path).display();
    if !text.starts_with("//!") {
        broken.push(format!("{shown}: does not open with a `//!` line that says its job"));
    }
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        broken.push(format!("{shown}: {lines} lines, more than {LONGEST_FILE}"));
    }
    Ok(())
}
