//! `cargo xtask ci`: what must hold before a change lands.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{cargo, root, step};
use crate::{test, tidy};

/// Cheap checks first. The lints run on the CUDA build, so that one type-check serves both; it has a target folder of its own.
pub(crate) fn run() -> Result<()> {
    tidy::run()?;
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    // Tests may unwrap; programs and libraries may not.
    lint("lints of everything and the CUDA build's types", &["--all-targets"], &["--allow", "clippy::unwrap_used"])?;
    // With the examples, which need what tests need: then the libraries underneath are those of the first pass.
    lint("lints of programs and libraries", &["--lib", "--bins", "--examples"], &[])?;
    vulkan();
    postgres();
    test::run()
}

/// A software Vulkan device for the tests of the GPU's kernels, where there is no other and it can be installed.
fn vulkan() {
    let drivers = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"].map(std::fs::read_dir);
    if drivers.into_iter().flatten().flatten().next().is_some() {
        return;
    }
    if let Err(error) = install("Vulkan", &["mesa-vulkan-drivers", "libvulkan1"]) {
        eprintln!("xtask: no Vulkan device could be installed, so the tests of GPUs will not run: {error:#}");
    }
}

/// A PostgreSQL server for the tests of many machines, which start it themselves in a folder of their own.
fn postgres() {
    if test::has_postgres() {
        return;
    }
    // The package would start a server, if it were not told beforehand to make no cluster.
    let configuration = Path::new("/etc/postgresql-common/createcluster.conf");
    let told = || -> Result<()> {
        if !configuration.exists() {
            let folder = configuration.parent().unwrap_or(Path::new("/"));
            std::fs::create_dir_all(folder)?;
            std::fs::write(configuration, "create_main_cluster = false\n")?;
        }
        install("PostgreSQL", &["postgresql"])
    };
    if let Err(error) = told() {
        eprintln!("xtask: no PostgreSQL could be installed, so the tests of it will not run: {error:#}");
    }
}

/// Installs packages of the system, where this process may.
fn install(what: &str, packages: &[&str]) -> Result<()> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root || Command::new("apt-get").arg("--version").output().is_err() {
        bail!("it takes apt-get, and the rights of root");
    }
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"]);
    step("package lists", Command::new("apt-get").args(["update", "-qq"]))?;
    step(what, install.args(packages).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Clippy over the CUDA build. With `DOCS_RS` set, the GPU compiler's build script does not download LLVM, which a
/// type-check does not need.
fn lint(what: &str, targets: &[&str], lints: &[&str]) -> Result<()> {
    let mut command = cargo(&["clippy", "--workspace", "--features", "hnas-cli/cuda,hnas-cli/vulkan"]);
    command.args(targets).args(["--", "--deny", "warnings"]).args(lints);
    step(what, command.env("DOCS_RS", "1").env("CARGO_TARGET_DIR", root().join("target/cuda")))
}
