//! `hnas worker`: evaluates what a search elsewhere proposes.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use hnas_data::cache_root;
use hnas_experiment::{Board, Crew, Event, Observer, Serving};
use hnas_ledger::{Outcome, Store};
use jiff::Timestamp;

use crate::BUILD;
use crate::arguments::Worker;
use crate::input::Resources;
use crate::signals;

/// `hnas worker`.
pub(crate) fn run(command: &Worker) -> Result<()> {
    let store: Store = command.store.parse()?;
    let resources = command.machine.resources()?;
    let (workers, names) = (resources.workers, resources.names());
    let Resources { devices, threads, .. } = resources;
    let board = Arc::new(Board::default());
    signals::watch(Some(0), &Arc::new(Mutex::new(Some((Arc::clone(&board), store.clone())))))?;
    // Beside the ledger where it is a file, as its own search keeps them; of a database, on this host.
    let folder = match store.folder() {
        Some(folder) => folder.to_owned(),
        None => cache_root()?,
    };
    let mut crew = Crew::new(store.clone(), BUILD, &Journal)
        .with_workers(workers, devices, threads)
        .with_data(cache_root()?, true)
        .with_checkpoints(folder.join("checkpoints"))
        .with_weights(folder.join("weights"))
        .until(command.stop_after, command.idle_exit);
    if let Some(lease) = command.lease {
        crew = crew.with_lease(lease);
    }
    note(&format!("hnas {BUILD} works for {store} on {names}, {workers} at a time"));
    crew.work(&board, &Serving::All)?;
    note("no more trials are begun");
    Ok(())
}

/// A line for each trial that is begun and ended.
struct Journal;

impl Observer for Journal {
    fn on(&self, study: &str, event: Event<'_>) {
        match event {
            Event::Leased { lease } => {
                let again = if lease.attempt > 1 { format!(", attempt {}", lease.attempt) } else { String::new() };
                note(&format!("{study}: trial {} begun as {}{again}", lease.proposal.id, lease.worker));
            }
            Event::Evaluated { trial, outcome, recorded } => {
                let outcome = match outcome {
                    Outcome::Scored { fitness, .. } => format!("{:.2} %", 100.0 * fitness.get()),
                    Outcome::Failed { reason } => format!("failed: {reason}"),
                };
                let late = if recorded { "" } else { ", but another worker was first" };
                note(&format!("{study}: trial {trial} {outcome}{late}"));
            }
            Event::Trained { .. }
            | Event::Supplied { .. }
            | Event::Begun { .. }
            | Event::Recorded { .. }
            | Event::Ended => {}
        }
    }
}

/// A line with the time. A closed standard error is no reason to stop.
fn note(line: &str) {
    let now = Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
    drop(std::io::Write::write_all(&mut std::io::stderr(), format!("{now} {line}\n").as_bytes()));
}
