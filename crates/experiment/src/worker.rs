//! A worker: leases a trial, evaluates it beside a heartbeat, records the outcome, until nothing is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use hnas_compiler::Shape;
use hnas_engine::EngineDevice;
use hnas_ledger::{Lease, Ledger, Outcome, Trial, Verdict};

use crate::ExperimentError;
use crate::evaluate::{candidate, evaluate};
use crate::images::Images;
use crate::seeds::training_seed;
use crate::study::Study;

/// How long an idle worker waits before it asks the ledger again.
const IDLE: Duration = Duration::from_millis(100);

/// The longest wait between two attempts to reach the ledger.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// A worker trained one more step.
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
    /// A trial is in the ledger.
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
    pub(crate) study: &'a Study,
    pub(crate) images: &'a Images,
    pub(crate) input: Shape,
    pub(crate) device: &'a EngineDevice,
    pub(crate) observer: &'a dyn Observer,
}

impl Worker<'_> {
    /// Works until `stop` is set. `ledger` and `heartbeat` are two connections to the same study.
    pub(crate) fn work(
        &self,
        ledger: &mut dyn Ledger,
        heartbeat: &mut dyn Ledger,
        stop: &AtomicBool,
    ) -> Result<(), ExperimentError> {
        while !stop.load(Ordering::Acquire) {
            match patiently(stop, || Ok(ledger.lease(&self.name)?))? {
                None => std::thread::sleep(IDLE),
                Some(lease) => {
                    let recorded = beside_heartbeat(&lease, heartbeat, || {
                        let outcome = self.outcome(&lease)?;
                        patiently(stop, || Ok(ledger.record(&lease, &outcome)?))
                    })?;
                    if !recorded {
                        tracing::warn!(trial = lease.proposal.id.0, "another worker recorded this trial first");
                    }
                }
            }
        }
        Ok(())
    }

    fn outcome(&self, lease: &Lease) -> Result<Outcome, ExperimentError> {
        let proposal = &lease.proposal;
        match &proposal.verdict {
            Verdict::Refuse(reason) => return Ok(Outcome::Failed { reason: format!("refused: {reason}") }),
            Verdict::Reuse(fitness) => return Ok(Outcome::Scored { fitness: *fitness, runs: Vec::new() }),
            Verdict::Evaluate => {}
        }
        let training = &self.study.fitness;
        let candidate = match candidate(&proposal.genotype, &training.skeleton, self.input) {
            Ok(candidate) => candidate,
            Err(error) => return Ok(Outcome::Failed { reason: format!("refused: {error}") }),
        };
        let trial = proposal.id.0;
        let seeds: Vec<u64> =
            (1..=training.runs).map(|run| training_seed(self.study.seed, self.images.purpose(), trial, run)).collect();
        let watch = |run, step: hnas_engine::Step| {
            self.observer
                .on(&self.study.name, Event::Trained { trial, run, step: step.number, loss: f64::from(step.loss) });
        };
        Ok(evaluate(
            &candidate.graph,
            training,
            self.images.train(),
            self.images.scored(),
            self.device,
            &seeds,
            &watch,
        )?)
    }
}

/// Asks the ledger again, ever more slowly, while its answer is an error that may pass: it is locked, or its disk is full.
/// A result in hand is kept until it is recorded or `stop` is set.
pub(crate) fn patiently<T>(
    stop: &AtomicBool,
    mut ask: impl FnMut() -> Result<T, ExperimentError>,
) -> Result<T, ExperimentError> {
    let mut wait = IDLE;
    loop {
        match ask() {
            Err(ExperimentError::Ledger(error)) if error.is_transient() && !stop.load(Ordering::Acquire) => {
                tracing::warn!(%error, "the ledger is asked again in {:.1} s", wait.as_secs_f64());
                std::thread::sleep(wait);
                wait = (wait * 2).min(PATIENCE);
            }
            answer => return answer,
        }
    }
}

/// Does `work` while another thread renews the lease, four times within its time to live.
fn beside_heartbeat<T: Send>(lease: &Lease, ledger: &mut dyn Ledger, work: impl FnOnce() -> T) -> T {
    let (done, rest) = channel::<()>();
    let every = lease.ttl / 4;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while rest.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                match ledger.renew(lease) {
                    Ok(true) => {}
                    Ok(false) => return tracing::warn!(trial = lease.proposal.id.0, "the lease ran out"),
                    // A heartbeat that is missed is no loss: the next may come through, and the first result counts.
                    Err(error) => tracing::warn!(trial = lease.proposal.id.0, %error, "the lease was not renewed"),
                }
            }
        });
        let result = work();
        drop(done);
        result
    })
}
