//! `hnas copy-ledger`: a whole ledger from a file to a database or back.

use anyhow::Result;
use hnas_ledger::Store;

use crate::arguments::CopyLedger;

/// `hnas copy-ledger`.
pub(crate) fn run(command: &CopyLedger) -> Result<()> {
    let (from, to): (Store, Store) = (command.from.parse()?, command.to.parse()?);
    let moved = from.copy_to(&to)?;
    say!("copied {} studies with {} trials to {to}", moved.studies, moved.trials);
    Ok(())
}
