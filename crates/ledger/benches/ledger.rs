//! How long each operation of a ledger takes when it holds many trials: `cargo bench -p hnas-ledger --bench ledger`, with
//! the number of trials and where to keep them as arguments, `-- 100000 postgres://me@host/empty_database`; without an
//! address in a file. A ledger that holds trials already, of this program, gets that many more: a large one is quickly made
//! in a file and copied to a database with `hnas copy-ledger`.
//!
//! The bound that matters is a training of minutes beside it: every operation but the reading of all results stays
//! within a few waits for the disk, whatever the number of trials.

mod made_up;

use std::time::{Duration, Instant};

use hnas_ledger::Store;
use made_up::{outcome, proposal};

fn main() {
    // Cargo adds options of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let trials = arguments.first().map_or(10_000, |number| number.parse().expect("the number of trials"));
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("ledger.db").display().to_string();
    let store: Store = arguments.get(1).unwrap_or(&file).parse().expect("a place for a ledger");
    // As in a search: who proposes, who works and who renews are three connections.
    let mut controller = store.open("search", "bench").expect("a new ledger");
    let mut worker = store.join("search").expect("the same ledger");
    let mut heartbeat = store.join("search").expect("the same ledger");

    let before = controller.backlog().expect("counted").proposed;
    let mut clock = Clock::default();
    for id in before + 1..=before + trials {
        let proposal = proposal(id);
        clock.time("propose", || controller.propose(&proposal)).expect("proposed");
        // A few hundred stay open, as in a search on many machines.
        if id > 300 {
            let lease = clock.time("lease", || worker.lease("worker")).expect("leased").expect("one waits");
            clock.time("renew", || heartbeat.renew(&lease)).expect("renewed");
            clock.time("record", || worker.record(&lease, &outcome(lease.proposal.id.0))).expect("recorded");
        }
        if id % 100 == 0 {
            clock.time("backlog", || controller.backlog()).expect("counted");
            let after = id.saturating_sub(400) as i64;
            clock.time("results, the last 100", || controller.results(after)).expect("read");
        }
    }
    clock.time("results, all", || controller.results(0)).expect("read");
    println!("{trials} trials after {before} in {store}");
    clock.print();
}

/// The times of each operation, in the order they were first timed.
#[derive(Default)]
struct Clock(Vec<(&'static str, Vec<Duration>)>);

impl Clock {
    fn time<T>(&mut self, what: &'static str, run: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = run();
        let taken = started.elapsed();
        match self.0.iter_mut().find(|(name, _)| *name == what) {
            Some((_, times)) => times.push(taken),
            None => self.0.push((what, vec![taken])),
        }
        result
    }

    fn print(&mut self) {
        println!("{:<22}{:>12}{:>12}{:>12}  (ms)", "", "median", "99 %", "last tenth");
        for (what, times) in &mut self.0 {
            let milliseconds = |duration: &Duration| duration.as_secs_f64() * 1e3;
            let median = |times: &[Duration]| {
                let mut times: Vec<f64> = times.iter().map(milliseconds).collect();
                times.sort_by(f64::total_cmp);
                (times[times.len() / 2], times[times.len() * 99 / 100])
            };
            let (half, most) = median(times);
            let (late, _) = median(&times[times.len() * 9 / 10..]);
            println!("{what:<22}{half:>12.3}{most:>12.3}{late:>12.3}");
        }
    }
}
