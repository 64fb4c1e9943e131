//! The `hnas` command: arguments in, text out. What it does is done by the other crates.

/// Prints a line; a reader that is gone is an error like any other, not a panic.
macro_rules! say {
    ($($text:tt)*) => {
        std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($text)*)))?
    };
}

mod arguments;
mod copy;
mod data;
mod doctor;
mod genotypes;
mod input;
mod inspect;
mod page;
mod pictures;
mod plan;
mod progress;
mod roofline;
mod search;
mod signals;
mod simulate;
mod status;
mod time;
mod train;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

/// The version and revision of this program: all trials of a search come from one build.
pub(crate) const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("HNAS_REVISION"), ")");

/// Exit code for bad input, a missing file or a machine that lacks something; `clap` uses the same for wrong flags.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(&arguments.log))
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    let done = match arguments.command {
        Command::Search(command) => search::search(&command),
        Command::Resume(command) => search::resume(&command),
        Command::Worker(command) => worker::run(&command),
        Command::Status(command) => status::run(&command),
        Command::Simulate(command) => simulate::run(&command),
        Command::CopyLedger(command) => copy::run(&command),
        Command::Report(command) => page::report(&command),
        Command::Train(command) => train::run(&command),
        Command::Inspect(command) => inspect::run(&command),
        Command::Draw(command) => genotypes::draw(&command),
        Command::Pictures(command) => pictures::run(&command),
        Command::Sample(command) => genotypes::sample(&command),
        Command::Mutate(command) => genotypes::mutate(&command),
        Command::Data(command) => data::run(&command),
        Command::Doctor(command) => doctor::run(&command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has read enough (`hnas sample .. | head`) is no fault.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(REFUSED)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(broken))
}
