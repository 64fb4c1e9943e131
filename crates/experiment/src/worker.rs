//! A worker with a leased trial: it evaluates it beside a heartbeat and records the outcome.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use hnas_data::Md5;
use hnas_engine::{EngineDevice, Supply, Trained as Network};
use hnas_ledger::{Lease, Ledger, Outcome, Store, Trial, Verdict};

use crate::ExperimentError;
use crate::board::{Board, Doing};
use crate::checkpoints::TrialCheckpoints;
use crate::evaluate::{Progress, candidate, evaluate};
use crate::jobs::Job;
use crate::seeds::{Purpose, training_seed};
use crate::study::Study;

/// The shortest and the longest wait between two attempts to reach the ledger.
const PATIENCE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];

/// Something a person may want to see.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A study begins or goes on.
    Begun {
        /// Trials in all.
        trials: u64,
        /// Trials that an earlier session finished.
        finished: u64,
        /// Training steps of one trial, over all its runs.
        steps_of_trial: u64,
    },
    /// A worker of this process leased a trial.
    Leased {
        /// It.
        lease: &'a Lease,
    },
    /// A worker of this process trained one more step.
    Trained {
        /// The trial.
        trial: u64,
        /// Run of the trial, from 0.
        run: usize,
        /// Steps done in this run.
        step: usize,
        /// Mean loss of this step's batch.
        loss: f64,
    },
    /// A training on photographs is done: how they came.
    Supplied {
        /// The trial.
        trial: u64,
        /// Run of the trial, from 0.
        run: usize,
        /// How they came to this process.
        supply: &'a Supply,
    },
    /// A worker of this process came to the end of a trial.
    Evaluated {
        /// The trial.
        trial: u64,
        /// What came out.
        outcome: &'a Outcome,
        /// Whether it was recorded; if not, another worker was first.
        recorded: bool,
    },
    /// A trial is in the ledger, whoever evaluated it.
    Recorded {
        /// It.
        trial: &'a Trial,
        /// Trials finished by now.
        finished: u64,
        /// Trials in all.
        trials: u64,
    },
    /// A study is whole.
    Ended,
}

/// Who watches a run. Called from many threads.
pub trait Observer: Sync {
    /// `study` is the name under which the ledger keeps it.
    fn on(&self, study: &str, event: Event<'_>);
}

/// What a worker works with.
pub(crate) struct Worker<'a> {
    pub(crate) name: String,
    /// Its place on the board.
    pub(crate) place: usize,
    pub(crate) board: &'a Board,
    pub(crate) store: &'a Store,
    pub(crate) device: &'a EngineDevice,
    /// Where trainings are kept while they are under way.
    pub(crate) checkpoints: &'a Path,
    /// Where the weights of retrained networks are kept, if they are.
    pub(crate) weights: Option<&'a Path>,
    pub(crate) observer: &'a dyn Observer,
}

impl Worker<'_> {
    /// Evaluates a leased trial and records what came out, however long the ledger is away.
    pub(crate) fn attend(&self, job: &Job, lease: &Lease, ledger: &mut dyn Ledger) -> Result<(), ExperimentError> {
        let (study, trial) = (&job.study.name, lease.proposal.id.0);
        self.board.set(self.place, Doing::Evaluating { study: study.clone(), lease: Box::new(lease.clone()) });
        self.observer.on(study, Event::Leased { lease });
        let checkpoints = TrialCheckpoints::new(self.checkpoints, &job.study, trial);
        let outcome = match self.outcome(job, lease, checkpoints.as_ref()) {
            Ok(outcome) => outcome,
            Err(error) => {
                ledger.release(lease)?;
                return Err(error);
            }
        };
        self.board.set(self.place, Doing::Recording);
        let recorded = patiently(|| Ok(ledger.record(lease, &outcome)?))?;
        checkpoints.iter().for_each(TrialCheckpoints::remove);
        self.board.set(self.place, Doing::Nothing);
        self.observer.on(study, Event::Evaluated { trial, outcome: &outcome, recorded });
        if !recorded {
            tracing::info!(study, trial, "another worker recorded this trial first");
        }
        Ok(())
    }

    /// Writes the weights of a retrained network, for whoever wants to use it. That they cannot be written is a warning: the
    /// score is what the trial is for.
    fn keep(&self, study: &Study, trial: u64, trained: &Network) {
        let (Some(folder), Purpose::Retraining) = (self.weights, study.purpose()) else { return };
        let file = weights_file(folder, study, trial);
        // If there is no folder, saving says so.
        file.parent().map(std::fs::create_dir_all);
        if let Err(error) = trained.save(&file) {
            let reason = error.source().map_or_else(String::new, |source| format!(": {source}"));
            tracing::warn!(study = study.name, trial, "the weights are not kept: {error}{reason}");
        }
    }

    fn outcome(
        &self,
        job: &Job,
        lease: &Lease,
        checkpoints: Option<&TrialCheckpoints>,
    ) -> Result<Outcome, ExperimentError> {
        match &lease.proposal.verdict {
            Verdict::Refuse(reason) => Ok(Outcome::Failed { reason: format!("refused: {reason}") }),
            Verdict::Reuse(fitness) => Ok(Outcome::Scored { fitness: *fitness, runs: Vec::new() }),
            Verdict::Evaluate => beside_heartbeat(self.store, &job.study.name, lease, checkpoints, || {
                caught(|| self.evaluation(job, lease, checkpoints))
            }),
        }
    }

    fn evaluation(
        &self,
        job: &Job,
        lease: &Lease,
        checkpoints: Option<&TrialCheckpoints>,
    ) -> Result<Outcome, ExperimentError> {
        let Job { study, images, input } = job;
        let (training, proposal) = (&study.fitness, &lease.proposal);
        let candidate = match candidate(&proposal.genotype, &training.skeleton, *input) {
            Ok(candidate) => candidate,
            Err(error) => return Ok(Outcome::Failed { reason: format!("refused: {error}") }),
        };
        let trial = proposal.id.0;
        let seeds: Vec<u64> =
            (1..=training.runs).map(|run| training_seed(study.seed, study.purpose(), trial, run)).collect();
        let tell = |event: Event<'_>| self.observer.on(&study.name, event);
        let watch = |run, progress: Progress<'_>| match progress {
            Progress::Step(step) => tell(Event::Trained { trial, run, step: step.number, loss: step.loss.into() }),
            Progress::Supplied(supply) => tell(Event::Supplied { trial, run, supply }),
            Progress::Trained(trained) => self.keep(study, trial, trained),
        };
        let images = (images.train(), images.scored());
        Ok(evaluate(&candidate.graph, training, images, self.device, &seeds, checkpoints, &watch)?)
    }
}

/// The file of a retrained network's weights in `folder`. Its name holds all that founds the study: on a host that works for
/// several ledgers, studies of one name may be others.
fn weights_file(folder: &Path, study: &Study, trial: u64) -> PathBuf {
    let founding = Md5::of(study.founding_text().as_bytes()).to_string();
    folder.join(study.name.replace('/', "+")).join(format!("trial-{trial}-{}.safetensors", &founding[..8]))
}

/// A panic as an outcome. It is a bug, and loud; but one genotype must not take the workers of a whole search with it, one
/// after the other.
fn caught(evaluation: impl FnOnce() -> Result<Outcome, ExperimentError>) -> Result<Outcome, ExperimentError> {
    catch_unwind(AssertUnwindSafe(evaluation)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it says nothing");
        Ok(Outcome::Failed { reason: format!("panic: {said}") })
    })
}

/// Asks the ledger again, ever more slowly and without giving up, while its answer is an error that may pass: it is away,
/// locked, or its disk is full.
pub(crate) fn patiently<T>(mut ask: impl FnMut() -> Result<T, ExperimentError>) -> Result<T, ExperimentError> {
    let mut wait = PATIENCE[0];
    loop {
        match ask() {
            Err(ExperimentError::Ledger(error)) if error.is_transient() => {
                tracing::warn!(%error, "the ledger is asked again in {:.1} s", wait.as_secs_f64());
                std::thread::sleep(wait);
                wait = (wait * 2).min(PATIENCE[1]);
            }
            answer => return answer,
        }
    }
}

/// Does `work` while another thread renews the lease, four times within its time to live, and says when a checkpoint shows
/// that the trial got on.
fn beside_heartbeat<T: Send>(
    store: &Store,
    study: &str,
    lease: &Lease,
    checkpoints: Option<&TrialCheckpoints>,
    work: impl FnOnce() -> T,
) -> T {
    let (done, rest) = channel::<()>();
    let every = lease.ttl / 4;
    let store = store.clone().giving_up_after(every);
    let kept = || checkpoints.and_then(TrialCheckpoints::last_kept);
    let mut known = kept();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut ledger: Option<Box<dyn Ledger>> = None;
            while rest.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let opened = match ledger.take() {
                    Some(open) => Ok(open),
                    None => store.join(study),
                };
                let renewed = opened.and_then(|mut open| {
                    let last = kept();
                    if last != known && open.got_on(lease)? {
                        known = last;
                    }
                    let renewed = open.renew(lease);
                    ledger = Some(open);
                    renewed
                });
                match renewed {
                    Ok(true) => {}
                    // It goes on: whoever records first is counted.
                    Ok(false) => return tracing::info!(study, trial = lease.proposal.id.0, "the lease ran out"),
                    // A heartbeat that is missed is no loss: the next may come through.
                    Err(error) => tracing::warn!(trial = lease.proposal.id.0, %error, "the lease was not renewed"),
                }
            }
        });
        let result = work();
        drop(done);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_that_says_why() {
        let numbers: Vec<u32> = Vec::new();
        let panics = [
            (caught(|| panic!("no {}", "way")), "no way"),
            (caught(|| panic!("plain")), "plain"),
            (
                caught(|| Err(ExperimentError::Strategy(numbers[1].to_string()))),
                "index out of bounds: the len is 0 but the index is 1",
            ),
            (caught(|| std::panic::panic_any(7)), "it says nothing"),
        ];
        for (outcome, reason) in panics {
            assert_eq!(outcome.ok(), Some(Outcome::Failed { reason: format!("panic: {reason}") }));
        }
        assert!(caught(|| Err(ExperimentError::Strategy("none".to_owned()))).is_err(), "an error stays one");
    }
}
