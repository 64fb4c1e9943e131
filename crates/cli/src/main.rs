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
mod ending;
mod evaluate;
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
mod winner;
mod worker;

use std::process::ExitCode;

use anyhow::anyhow;
use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, Command};

/// The version and revision of this program: all trials of a search come from one build.
pub(crate) const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("HNAS_REVISION"), ")");

fn main() -> ExitCode {
    quiet_drivers();
    let arguments = Arguments::read();
    match log(&arguments).and_then(|()| carry_out(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has read enough (`hnas sample .. | head`) is no fault.
        Err(error) if ending::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ending::code(&error)
        }
    }
}

fn carry_out(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Search(command) => search::search(&command),
        Command::Resume(command) => search::resume(&command),
        Command::Worker(command) => worker::run(&command),
        Command::Status(command) => status::run(&command),
        Command::Simulate(command) => simulate::run(&command),
        Command::CopyLedger(command) => copy::run(&command),
        Command::Report(command) => page::report(&command),
        Command::Winner(command) => winner::run(&command),
        Command::Train(command) => train::run(&command),
        Command::Evaluate(command) => evaluate::run(&command),
        Command::Inspect(command) => inspect::run(&command),
        Command::Draw(command) => genotypes::draw(&command),
        Command::Pictures(command) => pictures::run(&command),
        Command::Sample(command) => genotypes::sample(&command),
        Command::Mutate(command) => genotypes::mutate(&command),
        Command::Data(command) => data::run(&command),
        Command::Doctor(command) => doctor::run(&command),
    }
}

/// Logs what is asked for to the standard error. By default warnings; those of `status` would tell again and again, while it
/// tries for some seconds, what it says at the end.
fn log(arguments: &Arguments) -> anyhow::Result<()> {
    let by_default = if matches!(arguments.command, Command::Status(_)) { "error" } else { "warn" };
    let filter = arguments.log.as_deref().unwrap_or(by_default);
    let filter = EnvFilter::try_new(filter).map_err(|error| anyhow!("--log {filter}: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

/// Mesa's drivers complain on the standard error, many times, where nobody has logged in: any folder contents them.
fn quiet_drivers() {
    const FOLDER: &str = "XDG_RUNTIME_DIR";
    if cfg!(all(unix, feature = "vulkan")) && std::env::var_os(FOLDER).is_none() {
        // SAFETY: this is the first thing that the program does, so no other thread reads the environment meanwhile.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var(FOLDER, std::env::temp_dir());
        }
    }
}
