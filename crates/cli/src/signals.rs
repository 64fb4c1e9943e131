//! SIGTERM and SIGINT: leases are given back at once, so that other workers have the trials, and the process ends.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use hnas_experiment::Board;
use hnas_ledger::Store;

/// What the process is doing when a signal comes.
pub(crate) type Work = Arc<Mutex<Option<(Arc<Board>, Store)>>>;

/// Exits when a signal comes, having given the leases back of what `work` names then: with `code`, or with 128 and the
/// number of the signal if there is none. A second signal ends the process at once.
#[cfg(unix)]
pub(crate) fn watch(code: Option<i32>, work: &Work) -> Result<()> {
    use std::sync::PoisonError;

    use anyhow::Context;
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::exit;

    let mut signals = Signals::new([SIGTERM, SIGINT]).context("cannot watch for signals")?;
    let work = Arc::clone(work);
    std::thread::spawn(move || {
        let mut again = false;
        for signal in signals.forever() {
            if std::mem::replace(&mut again, true) {
                exit(128 + signal);
            }
            let work = Arc::clone(&work);
            std::thread::spawn(move || {
                let doing = work.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if let Some((board, store)) = doing {
                    let released = board.leave(&store);
                    eprintln!("hnas: signal {signal}: {released} leases given back");
                }
                // Trainings go on in other threads, so nothing is taken down in order.
                exit(code.unwrap_or(128 + signal));
            });
        }
    });
    Ok(())
}

/// Elsewhere a signal ends the process, and leases run out.
#[cfg(not(unix))]
pub(crate) fn watch(_: Option<i32>, _: &Work) -> Result<()> {
    Ok(())
}
