//! A search whose controller and workers are processes of their own.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use hnas_ledger::{Backlog, Store};
use tempfile::TempDir;

use crate::server::Server;
use crate::support::{hnas, results_at, root, run, said};
use crate::waiting::eventually;

/// The tiny experiment with so many training steps a candidate.
pub(crate) struct Fleet {
    pub(crate) folder: TempDir,
    /// Where its ledger is.
    pub(crate) place: String,
    pub(crate) started: usize,
}

/// A process that does not outlive its test.
pub(crate) struct Process(pub(crate) Child);

impl Fleet {
    /// On a file in its run folder.
    pub(crate) fn on_file(steps: usize) -> Fleet {
        let folder = tempfile::tempdir().unwrap();
        let tiny = std::fs::read_to_string(root().join("tests/cases/tiny.ron")).unwrap();
        let edited = tiny.replacen("steps: 4,", &format!("steps: {steps},"), 1);
        std::fs::write(folder.path().join("experiment.ron"), edited).unwrap();
        let place = folder.path().join("run/ledger.sqlite").to_str().unwrap().to_owned();
        Fleet { folder, place, started: 0 }
    }

    /// On a database of its own, if there is a server.
    pub(crate) fn on_database(steps: usize) -> Option<Fleet> {
        Some(Fleet { place: Server::shared()?.database(), ..Fleet::on_file(steps) })
    }

    pub(crate) fn store(&self) -> Store {
        self.place.parse().unwrap()
    }

    pub(crate) fn run_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// `hnas search` with so many workers.
    pub(crate) fn search(&self, workers: usize) -> Command {
        let mut command = hnas();
        command.arg("search").arg(self.folder.path().join("experiment.ron")).arg("--out").arg(self.run_folder());
        command.args(["--device", "cpu", "--workers", &workers.to_string(), "--store", &self.place]);
        command
    }

    /// `hnas worker` with so many slots. A lease lasts two seconds.
    pub(crate) fn worker(&self, slots: usize) -> Command {
        self.worker_with_leases(slots, "2s")
    }

    pub(crate) fn worker_with_leases(&self, slots: usize, lease: &str) -> Command {
        let mut command = hnas();
        command.args(["worker", "--device", "cpu", "--store", &self.place, "--lease", lease, "--slots"]);
        command.arg(slots.to_string());
        command
    }

    pub(crate) fn start(&mut self, mut command: Command) -> Process {
        self.started += 1;
        let log = File::create(self.folder.path().join(format!("{}.log", self.started))).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Process(command.spawn().unwrap())
    }

    /// What all processes wrote.
    pub(crate) fn logs(&self) -> String {
        let log = |number| std::fs::read_to_string(self.folder.path().join(format!("{number}.log"))).unwrap();
        (1..=self.started).map(|number| format!("--- process {number}\n{}", log(number))).collect()
    }

    /// How a study stands; nothing of it before it is founded.
    pub(crate) fn backlog(&self, study: &str) -> Backlog {
        self.store().read(study).and_then(|mut ledger| ledger.backlog()).unwrap_or_default()
    }

    /// Trials recorded so far, over all studies.
    pub(crate) fn finished(&self) -> u64 {
        let studies = self.store().status().unwrap_or_default();
        studies.iter().map(|study| study.backlog.finished).sum()
    }

    /// Every trial of every study, without what depends on the machine.
    pub(crate) fn trials(&self) -> Vec<String> {
        let store = self.store();
        let mut names: Vec<String> = store.studies().unwrap().into_iter().map(|info| info.name).collect();
        names.sort();
        let mut trials = Vec::new();
        for name in names {
            trials.extend(results_at(&store, &name).into_iter().map(|trial| format!("{name}: {trial}")));
        }
        trials
    }

    /// Waits for the search to end well.
    pub(crate) fn ends(&self, mut search: Process) {
        let status = eventually("the search ends", || search.0.try_wait().unwrap());
        assert!(status.success(), "{status}: {}", self.logs());
    }
}

impl Process {
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([format!("-{name}"), self.0.id().to_string()]).status().unwrap().success());
    }

    /// SIGKILL: no destructor runs, nothing is flushed.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What one worker in the process of the search makes of it, on a file.
pub(crate) fn undisturbed(steps: usize) -> Vec<String> {
    static KNOWN: Mutex<BTreeMap<usize, Vec<String>>> = Mutex::new(BTreeMap::new());
    KNOWN.lock().unwrap().entry(steps).or_insert_with(|| alone(steps)).clone()
}

fn alone(steps: usize) -> Vec<String> {
    let alone = Fleet::on_file(steps);
    let experiment = alone.folder.path().join("experiment.ron");
    let arguments = ["search".into(), experiment, "--device".into(), "cpu".into(), "--slots".into(), "1".into()];
    let out: [PathBuf; 2] = ["--out".into(), alone.run_folder()];
    said(run(&arguments.iter().chain(&out).collect::<Vec<_>>()));
    alone.trials()
}
