//! Drills: workers are killed with SIGKILL at random moments, and afterwards nothing that was acknowledged is missing.
//!
//! The test runs its own executable again as its workers: each is this very test with an environment variable that
//! tells it to be one. A worker writes down what was acknowledged in a file, which outlives it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hnas_ledger::{Ledger, SqliteLedger, Trial};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::example::{EXPERIMENT, eventually, proposal, scored};
use crate::sqlite::File;

/// What a worker is told by its environment: the folder of the drill, its own name, the number of trials, and for how
/// many milliseconds it leases one.
const TOLD: [&str; 4] = ["HNAS_DRILL_FOLDER", "HNAS_DRILL_WORKER", "HNAS_DRILL_TRIALS", "HNAS_DRILL_LEASE"];

#[test]
fn l1_processes_record_every_trial_once() {
    if worker() {
        return;
    }
    let drill = Drill::new("drills::l1_processes_record_every_trial_once", 80, Duration::from_secs(100_000));
    let workers: Vec<Child> = (0..4).map(|number| drill.start(number)).collect();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    let acknowledged = drill.finish();
    assert_eq!(acknowledged, 80, "no lease ran out, so each trial was acknowledged to the one that had it");
}

#[test]
fn l1_killed_workers_lose_nothing() {
    if worker() {
        return;
    }
    for seed in 1..=3 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let drill = Drill::new("drills::l1_killed_workers_lose_nothing", 150, Duration::from_millis(300));
        let mut workers: Vec<Child> = (0..3).map(|number| drill.start(number)).collect();
        // Starting a process may take longer than all of the killing.
        eventually("a worker records its first trial", || drill.begun().then_some(()));
        for number in 3..23 {
            std::thread::sleep(Duration::from_millis(rng.random_range(1..60)));
            let victim = rng.random_range(0..workers.len());
            kill(&mut workers[victim]);
            workers[victim] = drill.start(number);
        }
        workers.iter_mut().for_each(kill);
        let acknowledged = drill.finish();
        println!("seed {seed}: {acknowledged} of 150 trials acknowledged to workers that were killed later");
        assert!(acknowledged > 0, "seed {seed}: the workers were killed before they did anything");
    }
}

/// SIGKILL on Unix: no destructor runs, nothing is flushed.
fn kill(worker: &mut Child) {
    worker.kill().unwrap();
    worker.wait().unwrap();
}

/// Is this process a worker of a drill? Then it works to the end of the study, proposing, leasing and recording.
fn worker() -> bool {
    let Ok(folder) = std::env::var(TOLD[0]) else { return false };
    let [name, trials, lease] = [1, 2, 3].map(|index| std::env::var(TOLD[index]).unwrap());
    let journal = Path::new(&folder).join(format!("{name}.journal"));
    let journal = OpenOptions::new().create_new(true).append(true).open(journal).unwrap();
    let lease = Duration::from_millis(lease.parse().unwrap());
    work(&Path::new(&folder).join("ledger.db"), &name, trials.parse().unwrap(), lease, journal);
    true
}

fn work(path: &Path, name: &str, trials: u64, lease: Duration, mut journal: impl Write) {
    let mut ledger = SqliteLedger::open(path, "search", EXPERIMENT).unwrap().with_lease_ttl(lease);
    loop {
        let backlog = ledger.backlog().unwrap();
        if backlog.finished == trials {
            return;
        }
        if backlog.proposed < trials && backlog.waiting < 5 {
            // Several do this at once, and all but one are told that it was proposed before.
            ledger.propose(&proposal(backlog.proposed + 1)).unwrap();
        }
        if let Some(leased) = ledger.lease(name).unwrap() {
            let id = leased.proposal.id.0;
            ledger.renew(&leased).unwrap();
            // Each evaluation has another result, so that one recorded over another would be seen.
            let extra = u64::from(leased.attempt);
            if ledger.record(&leased, &scored(id, extra)).unwrap() {
                // One write of a whole line: a kill comes before it or after it.
                journal.write_all(format!("{id} {extra}\n").as_bytes()).unwrap();
            }
        }
    }
}

/// A study that processes work on.
struct Drill {
    file: File,
    test: &'static str,
    trials: u64,
    lease: Duration,
}

impl Drill {
    fn new(test: &'static str, trials: u64, lease: Duration) -> Drill {
        Drill { file: File::fresh(), test, trials, lease }
    }

    fn folder(&self) -> PathBuf {
        self.file.path().parent().unwrap().to_owned()
    }

    /// Starts worker number `number`.
    fn start(&self, number: u64) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args([self.test, "--exact", "--nocapture"])
            .env(TOLD[0], self.folder())
            .env(TOLD[1], format!("w{number}"))
            .env(TOLD[2], self.trials.to_string())
            .env(TOLD[3], self.lease.as_millis().to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Does what is left of the study and checks all of it. Returns how many results were acknowledged to workers.
    fn finish(&self) -> usize {
        work(&self.file.path(), "last", self.trials, self.lease, std::io::sink());
        let results = SqliteLedger::read(self.file.path(), "search").unwrap().results(0).unwrap();
        assert!(results.iter().map(|trial| trial.seq).eq(1..=self.trials as i64), "dense");
        let by_id: BTreeMap<u64, &Trial> = results.iter().map(|trial| (trial.proposal.id.0, trial)).collect();
        assert!(by_id.keys().copied().eq(1..=self.trials), "every trial finished, once");
        let acknowledged = self.acknowledged();
        for (&id, (worker, extra)) in &acknowledged {
            let trial = by_id[&id];
            assert_eq!((&trial.worker, &trial.outcome), (worker, &scored(id, *extra)), "trial {id} was acknowledged");
        }
        for (id, trial) in by_id {
            assert_eq!(trial.proposal, proposal(id));
        }
        let connection = rusqlite::Connection::open(self.file.path()).unwrap();
        let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok");
        acknowledged.len()
    }

    /// Whether a result was acknowledged to any worker yet.
    fn begun(&self) -> bool {
        self.journals().iter().any(|journal| fs::metadata(journal).unwrap().len() > 0)
    }

    fn journals(&self) -> Vec<PathBuf> {
        let paths = fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "journal")).collect()
    }

    /// By trial, to whom a result was acknowledged, and which.
    fn acknowledged(&self) -> BTreeMap<u64, (String, u64)> {
        let mut acknowledged = BTreeMap::new();
        for path in self.journals() {
            let worker = path.file_stem().unwrap().to_str().unwrap().to_owned();
            for line in fs::read_to_string(&path).unwrap().lines() {
                let (id, extra) = line.split_once(' ').unwrap();
                let (id, extra) = (id.parse().unwrap(), extra.parse().unwrap());
                let before = acknowledged.insert(id, (worker.clone(), extra));
                assert_eq!(before, None, "trial {id} was acknowledged twice");
            }
        }
        acknowledged
    }
}
