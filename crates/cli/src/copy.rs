//! `hnas copy-ledger`: a whole ledger from a file to a database or back.

use anyhow::Result;

use crate::arguments::CopyLedger;

/// `hnas copy-ledger`.
pub(crate) fn run(command: &CopyLedger) -> Result<()> {
    let CopyLedger { from, to } = command;
    let moved = from.copy_to(to)?;
    say!("copied {} studies with {} trials to {to}", moved.studies, moved.trials);
    Ok(())
}
