//! Everything a person or CI runs in this repository: `cargo xtask help`.
//!
//! It depends on none of the crates, so it compiles in seconds.

mod bench;
mod browser;
mod ci;
mod pytorch;
mod reproduce;
mod screenshots;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;

const HELP: &str = "\
cargo xtask COMMAND

  reproduce NAME [--scale smoke|laptop|workstation|paper] [--device auto|cpu|cuda:N|vulkan:N] [--slots N] [--seed N] [--out DIR] [--plan]
                 [--store PLACE] [--workers N]
                 run an experiment of the paper, from fetching its data to its report, or `all` of them; run again, it goes on
                 where it stopped. Experiments at one scale share a folder, and the searches that they have in common.
                 --store keeps the ledger elsewhere, for workers on many machines; --workers 0 only proposes (docs/cluster.md).
                 --plan prints what would run and the estimated hours, and runs nothing else
                 example: cargo xtask reproduce cifar10 --scale smoke
  test           every test of the workspace, then the smoke scale of each experiment on real data
                 example: cargo xtask test
  tidy           the rules that the compiler does not hold: doors between crates, file sizes, file headers
  ci             what must hold before a change lands: tidy, format, lints, the CUDA build's types, test
  bench [NAME]   the benchmarks; NAME picks one, for example: cargo xtask bench operations
  bench engine   how fast networks are trained and evaluated with one thread and with all, then each operation
  bench engine --against pytorch [--quick] [--only TITLE] [--no-compile] [--curves]
                 trains the same networks with this engine and with PyTorch, in turn in one run: speed, memory, and whether
                 loss and gradients agree. --quick takes two networks (40 minutes where torch.compile takes 5), without it fifteen (up to 3 hours);
                 --no-compile leaves torch.compile out;
                 --curves compares losses and accuracies of 200 steps instead, with three seeds (40 minutes).
                 Needs python3 with venv, and a C++ compiler for torch.compile.
                 PyTorch is installed under target/pytorch from PyPI (5 GB), or from the index that HNAS_TORCH_INDEX names:
                 https://download.pytorch.org/whl/cpu has small builds without CUDA
                 example: cargo xtask bench engine --against pytorch --quick --no-compile
  screenshots RUN [--out DIR]
                 opens RUN/report.html in headless Chromium at desktop and phone width, light and dark, and as a grey print; writes
                 PNGs to RUN/screenshots, and fails when anything overlaps or is cut off. Needs Chromium (Debian: chromium)
                 example: cargo xtask screenshots runs/smoke
  help           this text; `cargo xtask COMMAND --help` is the part of a command

Every command exits with 0 when all went well, 2 when its arguments are wrong, 1 otherwise.
";

/// The arguments are wrong: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (see `cargo xtask help`)", self.0)
    }
}

impl std::error::Error for Usage {}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// The part of the help that is about one command; all of it where there is no such command.
fn help_of(command: &str) -> String {
    let mut wanted = false;
    let part = HELP.lines().filter(|line| {
        if let Some(heading) = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')) {
            wanted = heading.split(' ').next() == Some(command);
        } else if !line.starts_with(' ') {
            wanted = false;
        }
        wanted
    });
    let part: Vec<&str> = part.collect();
    if part.is_empty() { HELP.to_owned() } else { part.join("\n") + "\n" }
}

fn run(arguments: &[String]) -> Result<()> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    let alone = |name: &str| match rest.first() {
        None => Ok(()),
        Some(extra) => Err(Usage(format!("`{name}` takes no argument, got {extra:?}"))),
    };
    if rest.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{}", help_of(command));
        return Ok(());
    }
    match command {
        "help" | "--help" | "-h" => print!("{HELP}"),
        "reproduce" => reproduce::run(rest)?,
        "bench" => bench::run(rest)?,
        "test" => {
            alone("test")?;
            test::run()?;
        }
        "screenshots" => screenshots::run(rest)?,
        "tidy" => {
            alone("tidy")?;
            tidy::run()?;
        }
        "ci" => {
            alone("ci")?;
            ci::run()?;
        }
        other => return Err(Usage(format!("there is no command {other:?}")).into()),
    }
    Ok(())
}
