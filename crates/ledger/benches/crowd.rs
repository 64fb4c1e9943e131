//! How much longer than ideally a crowd of workers takes on one ledger: `cargo bench -p hnas-ledger --bench crowd -- 300 900 10
//! postgres://me@host/empty_database`, with the numbers of workers and evaluations and the seconds of one.
//!
//! A worker is a thread that does what `hnas worker` does, with a heartbeat four times within the lease, and sleeps where
//! that trains. Another thread proposes, so that always as many are under way as there are workers, and half as many wait.

mod made_up;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hnas_ledger::{Ledger, Store};
use made_up::{outcome, proposal};
use rand::RngExt;

const STUDY: &str = "crowd";

fn main() {
    // Cargo adds options of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [workers, evaluations, seconds, place] = &arguments[..] else {
        eprintln!("crowd WORKERS EVALUATIONS SECONDS PLACE");
        return;
    };
    let workers: u64 = workers.parse().expect("the number of workers");
    let evaluations: u64 = evaluations.parse().expect("the number of evaluations");
    let training = Duration::from_secs_f64(seconds.parse().expect("the seconds of one"));
    let store: Store = place.parse().expect("a place for a ledger");
    let mut ledger = store.open(STUDY, "bench").expect("a new ledger");
    let stop = AtomicBool::new(false);
    let took = std::thread::scope(|scope| {
        for worker in 1..=workers {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || work(store, &format!("worker {worker}"), training, stop));
        }
        let started = Instant::now();
        let (mut seen, mut proposed) = (0, 0);
        while seen < evaluations {
            seen += ledger.results(seen as i64).expect("read").len() as u64;
            while proposed < evaluations.min(seen + workers + workers / 2) {
                proposed += 1;
                ledger.propose(&proposal(proposed)).expect("proposed");
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        let took = started.elapsed();
        stop.store(true, Ordering::Release);
        took
    });
    let ideal = training * u32::try_from(evaluations.div_ceil(workers)).expect("a number of rounds");
    println!(
        "{workers} workers, {evaluations} evaluations of {seconds} s: {:.1} s, {:.2} times the ideal {:.1} s",
        took.as_secs_f64(),
        took.as_secs_f64() / ideal.as_secs_f64(),
        ideal.as_secs_f64()
    );
}

/// As the crew of an experiment does it.
fn work(store: &Store, name: &str, training: Duration, stop: &AtomicBool) {
    let mut ledger = store.join_all().expect("joined");
    ledger.turn_to(STUDY);
    let mut wait = 0.1;
    while !stop.load(Ordering::Acquire) {
        let waiting = ledger.standing().expect("looked").iter().any(|study| study.waiting);
        let Some(lease) = waiting.then(|| ledger.lease(name).expect("asked")).flatten() else {
            ledger.rest();
            std::thread::sleep(Duration::from_secs_f64(wait * rand::rng().random_range(0.5..1.0)));
            wait = (wait * 2.0_f64).min(5.0);
            continue;
        };
        wait = 0.1;
        let mut left = training;
        while left > lease.ttl / 4 {
            std::thread::sleep(lease.ttl / 4);
            left -= lease.ttl / 4;
            let mut heartbeat: Box<dyn Ledger> = store.join(STUDY).expect("joined");
            assert!(heartbeat.renew(&lease).expect("renewed"), "nobody else has it");
        }
        std::thread::sleep(left);
        assert!(ledger.record(&lease, &outcome(lease.proposal.id.0)).expect("recorded"), "nobody was faster");
    }
}
