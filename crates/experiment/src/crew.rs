//! The workers of one process: each looks for a trial in any study of the ledger, evaluates it, and looks again.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hnas_engine::{Cores, EngineDevice};
use hnas_ledger::{LEASE_TTL, Lease, Ledger, LedgerError, Standing, Store};
use rand::RngExt;

use crate::ExperimentError;
use crate::board::{Board, Doing};
use crate::host::worker_name;
use crate::jobs::{Job, Jobs};
use crate::worker::{Observer, Worker};

/// How long an idle worker waits before it asks a file again, and a database, at most. It begins with the former.
const IDLE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// How long a call to a database tries before it says that the database is away; whoever has to goes on trying.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the silence of a worker on a file is borne before its trial is given to another. A heartbeat comes four times
/// as often. On a database, which may be far away and restart, it is [`LEASE_TTL`].
const LOCAL_LEASE: Duration = Duration::from_secs(20);

/// The workers of a process, and what they work with. Results depend on none of the numbers.
pub struct Crew<'a> {
    pub(crate) store: Store,
    pub(crate) build: String,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) jobs: Jobs,
    /// Where trainings are kept while they are under way.
    checkpoints: PathBuf,
    /// Where the weights of retrained networks are kept, if they are.
    weights: Option<PathBuf>,
    devices: Vec<EngineDevice>,
    workers: usize,
    threads: usize,
    lease: Duration,
    stop_after: Option<Duration>,
    idle_exit: Option<Duration>,
    told: Told,
}

/// What is said once.
#[derive(Default)]
struct Told {
    no_ledger: AtomicBool,
    other_build: AtomicBool,
}

/// Which studies a crew works for.
pub enum Serving<'a> {
    /// Those that this process has opened so far.
    These(&'a Mutex<BTreeSet<String>>),
    /// All of this build.
    All,
}

impl<'a> Crew<'a> {
    /// A crew without workers. `build` is the version and revision of this program.
    pub fn new(store: Store, build: &str, observer: &'a dyn Observer) -> Crew<'a> {
        let lease = if store.is_file() { LOCAL_LEASE } else { LEASE_TTL };
        Crew {
            store: store.giving_up_after(PATIENCE),
            build: build.to_owned(),
            observer,
            jobs: Jobs::new(PathBuf::new(), false),
            checkpoints: PathBuf::new(),
            weights: None,
            devices: Vec::new(),
            workers: 0,
            threads: 1,
            lease,
            stop_after: None,
            idle_exit: None,
            told: Told::default(),
        }
    }

    /// With `workers` on `devices`, one or more of one kind, that share `threads` of the processor: one each when there are as
    /// many trials, all of them for the last one.
    #[must_use]
    pub fn with_workers(self, workers: usize, devices: Vec<EngineDevice>, threads: usize) -> Crew<'a> {
        Crew { workers, devices, threads, ..self }
    }

    /// With the data sets in the folder `data`; those that are not there are fetched, if `fetch` says so.
    #[must_use]
    pub fn with_data(self, data: PathBuf, fetch: bool) -> Crew<'a> {
        Crew { jobs: Jobs::new(data, fetch), ..self }
    }

    /// With trainings under way kept in this folder, where who comes after goes on from them.
    #[must_use]
    pub fn with_checkpoints(self, folder: PathBuf) -> Crew<'a> {
        Crew { checkpoints: folder, ..self }
    }

    /// With the weights of retrained networks kept in this folder.
    #[must_use]
    pub fn with_weights(self, folder: PathBuf) -> Crew<'a> {
        Crew { weights: Some(folder), ..self }
    }

    /// With leases that last so long without a heartbeat.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Crew<'a> {
        Crew { lease, ..self }
    }

    /// Begins no trial when it has worked for `stop_after`, and ends when it has had none for `idle_exit`.
    #[must_use]
    pub fn until(self, stop_after: Option<Duration>, idle_exit: Option<Duration>) -> Crew<'a> {
        Crew { stop_after, idle_exit, ..self }
    }

    /// Trials evaluated at once.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Threads of each worker for what is decided once and for all.
    fn threads_each(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.threads / self.workers.max(1)).unwrap_or(NonZeroUsize::MIN)
    }

    /// Works until the board says to stop or one of the times has come; trials under way are finished.
    ///
    /// # Errors
    /// When the studies are another build's, their data is not there, or a ledger or a device refuses; then nobody begins
    /// another trial.
    pub fn work(&self, board: &Board, serving: &Serving<'_>) -> Result<(), ExperimentError> {
        let started = Instant::now();
        let cores = Cores::new(self.threads);
        let devices: Vec<EngineDevice> = self.devices.iter().map(|device| device.sharing(&cores)).collect();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (1..=self.workers)
                .map(|number| {
                    // Dealt out in turn, so that few workers are on many devices.
                    let device = &devices[number % devices.len()];
                    let (place, store, observer) = (board.place(), &self.store, self.observer);
                    let (name, checkpoints) = (worker_name(number), self.checkpoints.as_path());
                    let weights = self.weights.as_deref();
                    let worker = Worker { name, place, board, store, device, checkpoints, weights, observer };
                    scope.spawn(move || {
                        let _stops = StopOnPanic(board);
                        self.serve(&worker, serving, started).inspect_err(|error| {
                            board.set(place, Doing::Nothing);
                            // Said at once: the others may train for hours before they see that they are to stop.
                            if !board.stopped() {
                                board.stop();
                                tracing::info!("a worker gives up: {error}");
                            }
                        })
                    })
                })
                .collect();
            let ends = workers.into_iter().map(|worker| {
                // What is recorded stays recorded.
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            ends.collect::<Vec<_>>().into_iter().collect()
        })
    }

    fn serve(&self, worker: &Worker<'_>, serving: &Serving<'_>, started: Instant) -> Result<(), ExperimentError> {
        let board = worker.board;
        // One for all studies: a worker that held a connection while it waited for another would keep that from others.
        let mut ledger = None;
        let longest = if self.store.is_file() { IDLE[0] } else { IDLE[1] };
        let mut wait = IDLE[0];
        while !board.stopped() && self.stop_after.is_none_or(|long| started.elapsed() < long) {
            board.set(worker.place, Doing::Asking);
            let found = passing(self.look(&worker.name, serving, &mut ledger))?.flatten();
            if let (Some((job, lease)), Some(ledger)) = (found, &mut ledger) {
                worker.attend(&job, &lease, &mut **ledger)?;
                wait = IDLE[0];
                continue;
            }
            board.set(worker.place, Doing::Nothing);
            if let Some(ledger) = &mut ledger {
                ledger.rest();
            }
            if self.idle_exit.is_some_and(|long| board.idle() >= long) {
                board.stop();
            }
            // Of random length, so that hundreds of workers do not ask in the same moment.
            board.pause(wait.mul_f64(rand::rng().random_range(0.5..1.0)));
            wait = (wait * 2).min(longest);
        }
        Ok(())
    }

    /// Leases the oldest trial of the oldest study that has one; `None` when there is none.
    fn look(
        &self,
        name: &str,
        serving: &Serving<'_>,
        ledger: &mut Option<Box<dyn Ledger>>,
    ) -> Result<Option<(Arc<Job>, Lease)>, ExperimentError> {
        if serving.nobody() {
            return Ok(None);
        }
        let ledger = match ledger {
            Some(ledger) => ledger,
            None => match self.store.join_all() {
                // Workers may be started before the search.
                Err(LedgerError::Missing { place } | LedgerError::Empty { place }) => {
                    if !self.told.no_ledger.swap(true, Ordering::Relaxed) {
                        tracing::warn!("there is no ledger at {place} yet; waiting for a search that founds one");
                    }
                    return Ok(None);
                }
                opened => {
                    let ledger = ledger.insert(opened?);
                    ledger.set_lease_ttl(self.lease);
                    ledger
                }
            },
        };
        for study in self.waiting(serving, ledger.standing()?)? {
            let job = match self.jobs.known(&study) {
                Some(job) => job,
                None => {
                    ledger.rest();
                    self.jobs.get(&self.store, &study, self.threads_each())?
                }
            };
            ledger.turn_to(&study);
            // If there is none, another was faster.
            if let Some(lease) = ledger.lease(name)? {
                return Ok(Some((job, lease)));
            }
        }
        Ok(None)
    }

    /// The studies to look into, in the order they were founded.
    fn waiting(&self, serving: &Serving<'_>, all: Vec<Standing>) -> Result<Vec<String>, ExperimentError> {
        let ours: Vec<Standing> = match serving {
            Serving::These(studies) => {
                let studies = studies.lock().unwrap_or_else(PoisonError::into_inner);
                all.into_iter().filter(|standing| studies.contains(&standing.study)).collect()
            }
            Serving::All => self.of_this_build(all)?,
        };
        Ok(ours.into_iter().filter(|standing| standing.waiting).map(|standing| standing.study).collect())
    }

    /// Trials of one search come from one build.
    fn of_this_build(&self, all: Vec<Standing>) -> Result<Vec<Standing>, ExperimentError> {
        let (ours, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|standing| standing.build.as_ref() == Some(&self.build));
        let other = others.into_iter().find(|standing| standing.waiting && standing.build.is_some());
        if let Some(Standing { study, build: Some(there), .. }) = other {
            if ours.is_empty() {
                let (place, here) = (self.store.to_string(), self.build.clone());
                return Err(ExperimentError::OtherBuild { place, there, here });
            }
            if !self.told.other_build.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "study {study} is passed over: hnas {there} proposes its trials, this is hnas {}",
                    self.build
                );
            }
        }
        Ok(ours)
    }
}

impl Serving<'_> {
    /// Whether there is no study yet.
    fn nobody(&self) -> bool {
        match self {
            Serving::These(studies) => studies.lock().unwrap_or_else(PoisonError::into_inner).is_empty(),
            Serving::All => false,
        }
    }
}

/// Nothing, where the ledger did not answer but may do so later.
fn passing<T>(answer: Result<T, ExperimentError>) -> Result<Option<T>, ExperimentError> {
    match answer {
        Err(ExperimentError::Ledger(error)) if error.is_transient() => {
            tracing::warn!(%error, "the ledger is asked again later");
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// A worker that panics outside a training is a bug: the others stop, so that it is seen.
struct StopOnPanic<'a>(&'a Board);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
