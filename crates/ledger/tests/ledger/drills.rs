//! Processes for drills: they propose, lease, train for a while and record, and are killed by the tests in `faults.rs`.
//!
//! The test runs its own executable again as these processes: each is the test [`a_process_of_a_drill`] with environment
//! variables that tell it what to be. A worker writes down what was acknowledged in a file, which outlives it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hnas_ledger::{Ledger, Outcome, Proposal, SqliteLedger, Store, Trial};
use hnas_search::TrialId;
use tempfile::TempDir;

use crate::example::{EXPERIMENT, proposal, scored};
use crate::server::sql;
use crate::waiting::eventually;

/// What a process is told by its environment.
const TOLD: &str = "HNAS_DRILL";

/// How many proposals may wait.
const AHEAD: u64 = 6;

#[test]
fn a_process_of_a_drill() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let told: Vec<&str> = told.split('\n').collect();
    let [role, name, store, folder, trials, lease, training, deadly] = told[..] else { panic!("{told:?}") };
    let number = |text: &str| text.parse::<u64>().unwrap();
    let part = Part {
        name: name.to_owned(),
        trials: number(trials),
        lease: Duration::from_millis(number(lease)),
        training: Duration::from_millis(number(training)),
        deadly: number(deadly),
    };
    let store: Store = store.parse().unwrap();
    match role {
        "propose" => part.propose(&mut *store.open("search", EXPERIMENT).unwrap()),
        "work" => {
            let journal = Path::new(folder).join(format!("{name}.journal"));
            let journal = OpenOptions::new().create_new(true).append(true).open(journal).unwrap();
            part.work(&mut *store.join("search").unwrap(), journal);
        }
        other => panic!("no role: {other}"),
    }
}

/// What a process does.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Trials in all.
    pub(crate) trials: u64,
    pub(crate) lease: Duration,
    pub(crate) training: Duration,
    /// The trial that kills its worker; 0 for none.
    pub(crate) deadly: u64,
}

impl Part {
    /// Keeps nothing that the ledger does not hold.
    fn propose(&self, ledger: &mut dyn Ledger) {
        loop {
            let backlog = ledger.backlog().unwrap();
            if backlog.finished == self.trials {
                return;
            }
            let until = (backlog.finished + AHEAD).min(self.trials);
            for id in backlog.proposed + 1..=until {
                ledger.propose(&proposal(id)).unwrap();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn work(&self, ledger: &mut dyn Ledger, mut journal: impl Write) {
        ledger.set_lease_ttl(self.lease);
        while ledger.backlog().unwrap().finished < self.trials {
            let Some(leased) = ledger.lease(&self.name).unwrap() else {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            let id = leased.proposal.id.0;
            if id == self.deadly {
                std::process::abort();
            }
            std::thread::sleep(self.training);
            ledger.renew(&leased).unwrap();
            if ledger.record(&leased, &scored(id, 0)).unwrap() {
                // One write of a whole line: a kill comes before it or after it.
                journal.write_all(format!("{id} {}\n", leased.attempt).as_bytes()).unwrap();
            }
        }
    }
}

/// A study that processes work on.
pub(crate) struct Drill {
    pub(crate) store: String,
    folder: TempDir,
    pub(crate) part: Part,
    started: u64,
}

impl Drill {
    /// Founds the study. Leases last 400 ms, a training 50.
    pub(crate) fn new(store: &str, trials: u64) -> Drill {
        let [lease, training] = [400, 50].map(Duration::from_millis);
        let part = Part { name: String::new(), trials, lease, training, deadly: 0 };
        let drill = Drill { store: store.to_owned(), folder: tempfile::tempdir().unwrap(), part, started: 0 };
        drill.ledger();
        drill
    }

    pub(crate) fn ledger(&self) -> Box<dyn Ledger> {
        self.store.parse::<Store>().unwrap().open("search", EXPERIMENT).unwrap()
    }

    pub(crate) fn start(&mut self, role: &str) -> Child {
        self.started += 1;
        let folder = self.folder.path().display();
        let Part { name: _, trials, lease, training, deadly } = &self.part;
        let (lease, training) = (lease.as_millis(), training.as_millis());
        let told =
            format!("{role}\nw{}\n{}\n{folder}\n{trials}\n{lease}\n{training}\n{deadly}", self.started, self.store);
        Command::new(std::env::current_exe().unwrap())
            .args(["drills::a_process_of_a_drill", "--exact", "--nocapture"])
            .env(TOLD, told)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Waits until so many results were acknowledged to workers.
    pub(crate) fn acknowledged_at_least(&self, results: usize) {
        eventually("results are acknowledged", || (self.acknowledged().len() >= results).then_some(()));
    }

    /// Waits for processes that are to end by themselves.
    pub(crate) fn end(processes: impl IntoIterator<Item = Child>) {
        for mut process in processes {
            let status = eventually("a process ends", || process.try_wait().unwrap());
            assert!(status.success(), "{status}");
        }
    }

    /// Checks the whole study by SQL, against what was acknowledged, and against a run that nobody disturbed.
    pub(crate) fn check(&self) {
        let trials = self.part.trials;
        let counts = "SELECT COUNT(*) || ' ' || COUNT(DISTINCT id) || ' ' || MAX(id) || ' ' || COUNT(seq) || ' ' ||
                             COUNT(DISTINCT seq) || ' ' || MIN(seq) || ' ' || MAX(seq)
                      FROM trials WHERE study = 'search'";
        let all = trials.to_string();
        assert_eq!(self.sql(counts), [[&all, &all, &all, &all, &all, "1", &all].join(" ")], "lost, twice or not dense");
        let results = self.ledger().results(0).unwrap();
        let by_id: BTreeMap<u64, &Trial> = results.iter().map(|trial| (trial.proposal.id.0, trial)).collect();
        for (&id, (worker, attempt)) in &self.acknowledged() {
            let trial = by_id[&id];
            assert_eq!((&trial.worker, trial.attempt), (worker, *attempt), "trial {id} was acknowledged");
        }
        let undisturbed = undisturbed(trials);
        for (id, (proposal, outcome)) in undisturbed {
            if id != self.part.deadly {
                assert_eq!((&by_id[&id].proposal, &by_id[&id].outcome), (&proposal, &outcome), "trial {id}");
            }
        }
    }

    /// The first column of the rows, as text.
    fn sql(&self, text: &str) -> Vec<String> {
        if self.store.contains("://") {
            return sql(&self.store, &format!("SET search_path = hnas; {text}"));
        }
        let connection = rusqlite::Connection::open(&self.store).unwrap();
        let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok");
        let mut statement = connection.prepare(text).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// By trial, to whom a result was acknowledged, and under which lease.
    pub(crate) fn acknowledged(&self) -> BTreeMap<u64, (String, u32)> {
        let mut acknowledged = BTreeMap::new();
        let journals = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        for path in journals.filter(|path| path.extension().is_some_and(|extension| extension == "journal")) {
            let worker = path.file_stem().unwrap().to_str().unwrap().to_owned();
            // A line without an end is being written.
            for line in fs::read_to_string(&path).unwrap().split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                let (id, attempt) = line.trim_end().split_once(' ').unwrap();
                let (id, attempt) = (id.parse().unwrap(), attempt.parse().unwrap());
                let before = acknowledged.insert(id, (worker.clone(), attempt));
                assert_eq!(before, None, "trial {id} was acknowledged twice");
            }
        }
        acknowledged
    }
}

/// SIGKILL on Unix: no destructor runs, nothing is flushed.
pub(crate) fn kill(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Sends a signal.
pub(crate) fn signal(name: &str, process: &Child) {
    let sent = Command::new("kill").args([format!("-{name}"), process.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// By trial, what a single worker makes of the study.
fn undisturbed(trials: u64) -> BTreeMap<u64, (Proposal, Outcome)> {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = SqliteLedger::open(folder.path().join("ledger.db"), "search", EXPERIMENT).unwrap();
    for id in 1..=trials {
        ledger.propose(&proposal(id)).unwrap();
        let leased = ledger.lease("w").unwrap().unwrap();
        assert_eq!(leased.proposal.id, TrialId(id));
        ledger.record(&leased, &scored(id, 0)).unwrap();
    }
    let results = ledger.results(0).unwrap();
    results.into_iter().map(|trial| (trial.proposal.id.0, (trial.proposal, trial.outcome))).collect()
}
