//! Drills: processes, and the database itself, are killed or paused, and afterwards every trial is there, once, in one
//! dense order, and as in a run that nobody disturbed. On both engines.
//!
//! `HNAS_DRILLS=long` kills at random for 20 s instead of 3.

use std::process::Child;
use std::time::{Duration, Instant};

use hnas_ledger::{MAX_ATTEMPTS, Outcome};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::drills::{Drill, kill, signal};
use crate::server::Server;
use crate::waiting::eventually;

/// One test for each drill.
macro_rules! drills {
    ($store:path: $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                if let Some((store, _folder)) = $store() {
                    super::$name(&store);
                }
            }
        )*
    };
    ($store:path) => {
        drills! { $store:
            l1_processes_record_every_trial_once
            l1_a_worker_is_killed_in_a_training
            l1_the_proposer_is_killed
            l1_a_worker_is_paused_past_its_lease
            l1_a_genotype_kills_every_worker
            l1_kills_at_random
        }
    };
}

mod sqlite {
    fn store() -> Option<(String, tempfile::TempDir)> {
        let folder = tempfile::tempdir().unwrap();
        Some((folder.path().join("ledger.db").display().to_string(), folder))
    }

    drills!(store);
}

mod postgres {
    fn store() -> Option<(String, ())> {
        Some((crate::server::Server::shared()?.database(), ()))
    }

    drills!(store);
}

fn l1_processes_record_every_trial_once(store: &str) {
    let mut drill = Drill::new(store, 40);
    drill.part.lease = Duration::from_secs(100_000);
    let processes: Vec<Child> = ["propose", "work", "work", "work"].map(|role| drill.start(role)).into();
    Drill::end(processes);
    drill.check();
    assert_eq!(drill.acknowledged().len(), 40, "no lease ran out, so each was acknowledged to the one that had it");
}

fn l1_a_worker_is_killed_in_a_training(store: &str) {
    let mut drill = Drill::new(store, 12);
    let proposer = drill.start("propose");
    let mut victim = drill.start("work");
    drill.acknowledged_at_least(2);
    // It leases again within milliseconds and then trains.
    eventually("it trains", || (drill.ledger().backlog().unwrap().leased == 1).then_some(()));
    kill(&mut victim);
    Drill::end([proposer, drill.start("work")]);
    drill.check();
}

fn l1_the_proposer_is_killed(store: &str) {
    let mut drill = Drill::new(store, 30);
    let mut worker = drill.start("work");
    for results in [1, 8, 15] {
        let mut victim = drill.start("propose");
        drill.acknowledged_at_least(results);
        kill(&mut victim);
    }
    // What is queued is finished without it.
    eventually("the queue is empty", || {
        let backlog = drill.ledger().backlog().unwrap();
        (backlog.finished == backlog.proposed).then_some(())
    });
    assert_eq!(worker.try_wait().unwrap(), None, "the worker waits for more");
    Drill::end([drill.start("propose"), worker]);
    drill.check();
}

fn l1_a_worker_is_paused_past_its_lease(store: &str) {
    let mut drill = Drill::new(store, 12);
    let proposer = drill.start("propose");
    let paused = drill.start("work");
    drill.acknowledged_at_least(2);
    eventually("it trains", || (drill.ledger().backlog().unwrap().leased == 1).then_some(()));
    signal("STOP", &paused);
    let other = drill.start("work");
    // Its lease ran out and the other has recorded the rest; then it goes on with what it was doing.
    drill.acknowledged_at_least(12 - 1);
    signal("CONT", &paused);
    Drill::end([proposer, paused, other]);
    drill.check();
}

fn l1_a_genotype_kills_every_worker(store: &str) {
    let mut drill = Drill::new(store, 8);
    drill.part.deadly = 3;
    drill.part.lease = Duration::from_millis(150);
    let mut proposer = drill.start("propose");
    let mut worker = drill.start("work");
    let mut killed = 0;
    eventually("the study ends", || {
        if let Some(status) = worker.try_wait().unwrap() {
            if status.success() {
                return Some(());
            }
            killed += 1;
            worker = drill.start("work");
        }
        None
    });
    assert!(proposer.wait().unwrap().success());
    assert_eq!(killed, MAX_ATTEMPTS, "each attempt killed one worker");
    drill.check();
    let failed = drill.ledger().results(0).unwrap().into_iter().find(|trial| trial.proposal.id.0 == 3).unwrap();
    assert!(matches!(&failed.outcome, Outcome::Failed { reason } if reason.contains("given up after 10 attempts")));
}

fn l1_kills_at_random(store: &str) {
    let long = std::env::var("HNAS_DRILLS").is_ok_and(|length| length == "long");
    let (trials, time) = if long { (400, Duration::from_secs(20)) } else { (60, Duration::from_secs(3)) };
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drill = Drill::new(store, trials);
    let roles = ["propose", "work", "work", "work", "work"];
    let mut processes = roles.map(|role| drill.start(role));
    // Starting a process may take longer than all of the killing.
    drill.acknowledged_at_least(1);
    let (started, mut kills) = (Instant::now(), 0);
    while started.elapsed() < time {
        std::thread::sleep(Duration::from_millis(rng.random_range(50..500)));
        let victim = rng.random_range(0..roles.len());
        kill(&mut processes[victim]);
        processes[victim] = drill.start(roles[victim]);
        kills += 1;
    }
    Drill::end(processes);
    println!("seed {seed}: {kills} kills, {} results acknowledged", drill.acknowledged().len());
    drill.check();
}

#[test]
fn l1_the_database_is_killed() {
    let Some(mut server) = Server::start() else { return };
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drill = Drill::new(&server.database(), 60);
    let processes = ["propose", "work", "work", "work"].map(|role| drill.start(role));
    for results in [2, 10, 25] {
        drill.acknowledged_at_least(results);
        std::thread::sleep(Duration::from_millis(rng.random_range(0..100)));
        server.kill();
        std::thread::sleep(Duration::from_millis(rng.random_range(0..1000)));
        server.restart();
    }
    Drill::end(processes);
    drill.check();
}

#[test]
fn l1_a_standby_takes_over() {
    let Some(mut primary) = Server::start() else { return };
    let standby = primary.standby();
    let address = primary.database();
    let both = address.replacen(
        &format!("127.0.0.1:{}", primary.port),
        &format!("127.0.0.1:{},127.0.0.1:{}", primary.port, standby.port),
        1,
    );
    let mut drill = Drill::new(&both, 60);
    let processes = ["propose", "work", "work", "work"].map(|role| drill.start(role));
    drill.acknowledged_at_least(10);
    primary.kill();
    let acknowledged = drill.acknowledged();
    let started = Instant::now();
    standby.sql("postgres", "SELECT pg_promote()");
    drill.acknowledged_at_least(acknowledged.len() + 5);
    println!("5 more results {:.1} s after the standby was promoted", started.elapsed().as_secs_f64());
    Drill::end(processes);
    // The standby alone, by its own address.
    drill.store = address.replacen(&primary.port.to_string(), &standby.port.to_string(), 1);
    drill.check();
}
