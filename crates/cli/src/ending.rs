//! How the program ends: which errors have which exit code.

use std::fmt;
use std::process::ExitCode;

use hnas_experiment::ExperimentError;
use hnas_ledger::LedgerError;

/// The input was right, but there is no result, or nothing to get one with.
const FRUITLESS: u8 = 1;

/// Bad input, a missing file, or a machine that lacks something; `clap` uses the same for wrong flags.
const REFUSED: u8 = 2;

/// No process of this build and with this password will ever be let into the ledger, so it is of no use to start another.
const SHUT_OUT: u8 = 3;

/// Why there is no result although nothing was wrong with the input.
#[derive(Debug)]
pub(crate) struct Fruitless(pub(crate) String);

impl fmt::Display for Fruitless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fruitless {}

/// The exit code for an error.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    let ledger = error.downcast_ref::<LedgerError>().or_else(|| match error.downcast_ref::<ExperimentError>() {
        Some(ExperimentError::Ledger(error)) => Some(error),
        _ => None,
    });
    let another = matches!(
        error.downcast_ref::<ExperimentError>(),
        Some(ExperimentError::OtherBuild { .. } | ExperimentError::OtherProgram { .. })
    );
    ExitCode::from(if another || ledger.is_some_and(shuts_out) {
        SHUT_OUT
    } else if error.is::<Fruitless>() {
        FRUITLESS
    } else {
        REFUSED
    })
}

/// Whether a ledger lets nobody like this in, from whatever host.
fn shuts_out(error: &LedgerError) -> bool {
    use LedgerError::{Newer, Refused};
    matches!(error, Newer { .. } | Refused { .. })
}

/// Whether the reader of the output is gone.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(broken))
}
