//! `hnas simulate`: how busy so many workers would be, and which `in_flight` to choose for them.

use anyhow::{Result, bail};
use hnas_experiment::{Load, Simulated, simulate};
use serde::Serialize;

use crate::arguments::Simulate;
use crate::time::spoken;

/// How much longer than the shortest a search may take before a smaller `in_flight` is not worth it.
const WORTH: f64 = 1.02;

/// One line of the table.
#[derive(Serialize)]
struct Line {
    workers: usize,
    in_flight: usize,
    busy: f64,
    wall_seconds: f64,
    ideal_seconds: f64,
    idle_seconds_of_a_worker: f64,
    recommended: bool,
}

/// `hnas simulate`.
pub(crate) fn run(command: &Simulate) -> Result<()> {
    check(command)?;
    let mut lines = Vec::new();
    for (place, &workers) in command.workers.iter().enumerate() {
        if command.workers[..place].contains(&workers) {
            continue;
        }
        let mut group = Vec::new();
        for multiple in &command.in_flight {
            let in_flight = ((workers as f64 * multiple).ceil() as usize).max(1);
            if group.iter().all(|line: &Line| line.in_flight != in_flight) {
                group.push(line(command, workers, in_flight)?);
            }
        }
        recommend(&mut group);
        lines.extend(group);
    }
    if command.json {
        say!("{}", serde_json::to_string(&lines)?);
        return Ok(());
    }
    say!(
        "{} evaluations, of {} in the median with a spread of {}, {} % failing, {} s to the next trial.",
        command.evaluations,
        spoken(command.seconds),
        command.spread,
        100.0 * command.failures,
        command.latency
    );
    say!("\n{:>7} {:>9} {:>7} {:>9} {:>9} {:>14}", "workers", "in_flight", "busy", "takes", "ideally", "each is idle");
    for line in &lines {
        say!(
            "{:>7} {:>9} {:>6.1}% {:>9} {:>9} {:>14}{}",
            line.workers,
            line.in_flight,
            100.0 * line.busy,
            spoken(line.wall_seconds),
            spoken(line.ideal_seconds),
            spoken(line.idle_seconds_of_a_worker),
            if line.recommended { "  recommended" } else { "" }
        );
    }
    say!(
        "\nRecommended is the smallest in_flight within {:.0} % of the shortest time: with a larger one each child is bred from fewer\nresults. Ideally no worker ever waits, the last ones end together, and there is no ledger.",
        100.0 * (WORTH - 1.0)
    );
    Ok(())
}

fn check(command: &Simulate) -> Result<()> {
    if let Some(workers) = command.workers.iter().find(|workers| !(1..=1_000_000).contains(*workers)) {
        bail!("--workers {workers} is not between 1 and 1000000");
    }
    if command.evaluations.get() > 10_000_000 {
        bail!("--evaluations {} is more than 10000000", command.evaluations);
    }
    let numbers = [
        ("--seconds", command.seconds, 1e-3, 1e8),
        ("--spread", command.spread, 0.0, 3.0),
        ("--failures", command.failures, 0.0, 1.0),
        ("--latency", command.latency, 0.0, 1e6),
    ];
    let multiples = command.in_flight.iter().map(|&multiple| ("--in-flight", multiple, 1e-6, 1000.0));
    match numbers.into_iter().chain(multiples).find(|(_, value, least, most)| !(*least..=*most).contains(value)) {
        Some((flag, value, least, most)) => bail!("{flag} {value} is not between {least} and {most}"),
        None => Ok(()),
    }
}

fn line(command: &Simulate, workers: usize, in_flight: usize) -> Result<Line> {
    let load = Load {
        evaluations: command.evaluations,
        workers,
        in_flight,
        median_seconds: command.seconds,
        spread: command.spread,
        failures: command.failures,
        latency: command.latency,
        seed: command.seed,
    };
    let Simulated { wall_seconds, worked_seconds, busy, idle_seconds } = simulate(&load)?;
    // No evaluation is divided among workers.
    let ideal_seconds = worked_seconds / (workers as f64).min(command.evaluations.get() as f64);
    let idle_seconds_of_a_worker = idle_seconds;
    Ok(Line { workers, in_flight, busy, wall_seconds, ideal_seconds, idle_seconds_of_a_worker, recommended: false })
}

/// Marks the smallest `in_flight` that is nearly as fast as the fastest.
fn recommend(lines: &mut [Line]) {
    let shortest = lines.iter().map(|line| line.wall_seconds).fold(f64::INFINITY, f64::min);
    let worth = lines.iter_mut().filter(|line| line.wall_seconds <= WORTH * shortest);
    if let Some(line) = worth.min_by_key(|line| line.in_flight) {
        line.recommended = true;
    }
}
