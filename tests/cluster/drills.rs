//! What happens to processes and databases: killed, stopped, told to leave, away. Each drill prints its seed;
//! HNAS_DRILL_SEED repeats one.

use std::time::{Duration, Instant};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::fleet::{Fleet, Process, undisturbed};
use crate::server::Server;
use crate::support::has_cifar10;
use crate::waiting::eventually;

/// Steps of a candidate's training that takes a part of a second, and of one that does not end within a test.
const SOME: usize = 30;
const ENDLESS: usize = 1_000_000;

const SEARCH: &str = "evolution/seed-3";

fn draws(drill: &str) -> ChaCha8Rng {
    let told = std::env::var("HNAS_DRILL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = told.unwrap_or_else(|| u64::from(std::process::id()) << 20 | u64::from(drill.len() as u32));
    println!("{drill}: HNAS_DRILL_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

/// Kills workers in the middle of their trials and the search itself, at random moments, until it is whole.
fn killings(mut fleet: Fleet, drill: &str) {
    let mut rng = draws(drill);
    let start = |fleet: &mut Fleet| {
        let command = fleet.worker(1);
        fleet.start(command)
    };
    let mut workers: Vec<Process> = (0..3).map(|_| start(&mut fleet)).collect();
    let (mut killed, mut search) = ([0, 0], None);
    let started = Instant::now();
    loop {
        let mut running = search.take().unwrap_or_else(|| {
            let command = fleet.search(0);
            fleet.start(command)
        });
        std::thread::sleep(Duration::from_millis(rng.random_range(100..600)));
        if let Some(status) = running.0.try_wait().unwrap() {
            assert!(status.success(), "{status}: {}", fleet.logs());
            break;
        }
        if killed[0] + killed[1] >= 12 {
            // Enough: from here on it is left alone.
            search = Some(running);
            assert!(started.elapsed() < Duration::from_secs(120), "it does not end: {}", fleet.logs());
            continue;
        }
        if rng.random_bool(0.3) {
            running.kill();
            killed[1] += 1;
        } else {
            search = Some(running);
            let place = rng.random_range(0..workers.len());
            let new = start(&mut fleet);
            std::mem::replace(&mut workers[place], new).kill();
            killed[0] += 1;
        }
    }
    println!("{drill}: {} workers and {} searches killed", killed[0], killed[1]);
    assert!(killed[0] >= 2 && killed[1] >= 1, "{killed:?}");
    assert_eq!(fleet.trials(), undisturbed(SOME), "{}", fleet.logs());
}

#[test]
fn d2_workers_and_searches_killed_on_a_file() {
    if has_cifar10("d2_workers_and_searches_killed_on_a_file") {
        killings(Fleet::on_file(SOME), "killed on a file");
    }
}

#[test]
fn d2_workers_and_searches_killed_on_a_database() {
    if has_cifar10("d2_workers_and_searches_killed_on_a_database")
        && let Some(fleet) = Fleet::on_database(SOME)
    {
        killings(fleet, "killed on a database");
    }
}

/// A worker that is stopped in the middle of a trial, long enough to lose it, and then goes on.
#[test]
fn d2_a_worker_stopped_past_its_lease() {
    if !has_cifar10("d2_a_worker_stopped_past_its_lease") {
        return;
    }
    let Some(mut fleet) = Fleet::on_database(SOME) else { return };
    let (search, worker) = (fleet.search(0), fleet.worker(1));
    let search = fleet.start(search);
    let stopped = fleet.start(worker);
    // In the middle of a trial, for sure: none is leased while it is asking.
    eventually("it has a trial", || {
        stopped.signal("STOP");
        let held = fleet.backlog(SEARCH).leased == 1;
        if !held {
            stopped.signal("CONT");
        }
        held.then_some(())
    });
    let worker = fleet.worker(1);
    let other = fleet.start(worker);
    fleet.ends(search);
    let lost: u64 = fleet.store().status().unwrap().iter().flat_map(|study| &study.workers).map(|w| w.lost).sum();
    assert_eq!(lost, 0, "what the stopped one had was evaluated again");
    let trials = fleet.trials();
    stopped.signal("CONT");
    eventually("it sees that another was faster, and goes on", || {
        fleet.logs().contains("but another worker was first").then_some(())
    });
    drop((stopped, other));
    assert_eq!(fleet.trials(), trials, "the first result counts");
    assert_eq!(trials, undisturbed(SOME));
}

#[test]
fn a_worker_told_to_leave_gives_its_trials_back_at_once() {
    if !has_cifar10("a_worker_told_to_leave_gives_its_trials_back_at_once") {
        return;
    }
    for fleet in [Some(Fleet::on_file(ENDLESS)), Fleet::on_database(ENDLESS)] {
        let Some(mut fleet) = fleet else { continue };
        let search = fleet.search(0);
        let search = fleet.start(search);
        for signal in ["TERM", "INT"] {
            // Not by running out: that would take longer than this test waits.
            let command = fleet.worker_with_leases(2, "10m");
            let mut worker = fleet.start(command);
            eventually("it trains", || (fleet.backlog(SEARCH).leased == 2).then_some(()));
            worker.signal(signal);
            let status = eventually("it leaves", || worker.0.try_wait().unwrap());
            assert_eq!(status.code(), Some(0), "{signal}: {}", fleet.logs());
            assert_eq!(fleet.backlog(SEARCH).leased, 0, "{signal}: {}", fleet.logs());
            assert!(fleet.logs().contains("2 leases given back"), "{}", fleet.logs());
        }
        // As the search does with the leases of its own workers; and it says that it is not done.
        drop(search);
        let search = fleet.search(1);
        let mut search = fleet.start(search);
        eventually("it trains", || (fleet.backlog(SEARCH).leased == 1).then_some(()));
        search.signal("TERM");
        let status = eventually("it leaves", || search.0.try_wait().unwrap());
        assert_eq!((status.code(), fleet.backlog(SEARCH).leased), (Some(143), 0), "{}", fleet.logs());
    }
}

#[test]
fn d2_a_database_that_is_away_is_waited_for_with_the_result_in_hand() {
    if !has_cifar10("d2_a_database_that_is_away_is_waited_for_with_the_result_in_hand") {
        return;
    }
    let Some(mut server) = Server::start() else { return };
    let mut fleet = Fleet { place: server.database(), ..Fleet::on_file(SOME) };
    let (search, worker) = (fleet.search(0), fleet.worker(2));
    let search = fleet.start(search);
    let _worker = fleet.start(worker);
    for finished in [3, 9] {
        eventually("trials are recorded", || (fleet.finished() >= finished).then_some(()));
        server.kill();
        std::thread::sleep(Duration::from_secs(2));
        server.restart();
    }
    fleet.ends(search);
    assert_eq!(fleet.trials(), undisturbed(SOME), "{}", fleet.logs());
}
