//! Carries a run out: for each arm its search, unless it is carried out already, then the retraining of its winner, with
//! several workers at once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hnas_compiler::Shape;
use hnas_data::{Manifest, TestImages, TrainingImages};
use hnas_engine::EngineDevice;
use hnas_ledger::{Ledger, SqliteLedger, Trial};

use crate::ExperimentError;
use crate::controller::Controller;
use crate::images::Images;
use crate::resolved::PlannedArm;
use crate::run::{RunFolder, TakenRun};
use crate::study::Study;
use crate::worker::{Event, Observer, Worker, patiently};

/// How long a worker's silence is borne before its trial is given to another. A heartbeat comes four times as often.
const LEASE: Duration = Duration::from_secs(20);

/// How often the controller looks for finished trials.
const LOOK: Duration = Duration::from_millis(50);

/// What a run is carried out with.
pub struct Executor<'a> {
    /// Where networks are trained: one or more devices of one kind. Results do not depend on their number.
    pub devices: Vec<EngineDevice>,
    /// Trials trained at once on each device. Results do not depend on it.
    pub slots: usize,
    /// Threads of the processor, shared out among the workers. Results do not depend on it.
    pub threads: usize,
    /// Who watches.
    pub observer: &'a dyn Observer,
}

impl Executor<'_> {
    /// Carries `run` out, from wherever it stands. `data` is the folder of the data sets.
    pub fn carry_out(&self, run: &TakenRun, data: &Path) -> Result<(), ExperimentError> {
        let mut images: Option<(String, TrainingImages, TestImages)> = None;
        // Searches that are whole: several arms may be parts of one.
        let mut searched: BTreeMap<&str, Vec<Trial>> = BTreeMap::new();
        for arm in &run.resolved().arms {
            let study = &arm.search;
            if images.as_ref().is_none_or(|(name, ..)| *name != study.dataset) {
                let (training, test) = hnas_data::load(&Manifest::builtin(&study.dataset)?, data)?;
                images = Some((study.dataset.clone(), training, test));
            }
            let Some((_, training, test)) = &images else { continue };
            let trials = match searched.entry(&study.name) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.study(run, study, &Images::search(&study.data, training)?)?),
            };
            self.retrain(run, arm, &arm.own(trials), training, test)?;
        }
        Ok(())
    }

    /// Only now that the search is whole, and only for the winner, test images are drawn (invariant E2).
    fn retrain(
        &self,
        run: &RunFolder,
        arm: &PlannedArm,
        trials: &[Trial],
        training: &TrainingImages,
        test: &TestImages,
    ) -> Result<(), ExperimentError> {
        if arm.retraining.is_none() {
            return Ok(());
        }
        let Some(study) = arm.retraining_study(trials) else {
            tracing::warn!(arm = arm.name, seed = arm.seed(), "no trial succeeded, so there is no winner to retrain");
            return Ok(());
        };
        self.study(run, &study, &Images::retraining(&study.data, training, test)?)?;
        Ok(())
    }

    /// Lets the controller and the workers work until every trial of the study is finished, and gives them by id.
    fn study(&self, run: &RunFolder, study: &Study, images: &Images) -> Result<Vec<Trial>, ExperimentError> {
        let founding = study.founding_text();
        let open =
            || SqliteLedger::open(run.ledger(), &study.name, &founding).map(|ledger| ledger.with_lease_ttl(LEASE));
        let mut ledger = open()?;
        // This process holds the run's lock, so whoever held a lease is dead.
        ledger.abandon_leases()?;
        let side = study.fitness.recipe.crop();
        let input = Shape::new(images.train().shape().0, side, side);
        let mut controller = Controller::new(study, input, &mut ledger)?;
        let mut trials = controller.advance(&mut ledger)?;
        let total = study.search.evaluations;
        let steps_of_trial = (study.fitness.runs * study.fitness.recipe.steps()) as u64;
        let tell = |event: Event<'_>| self.observer.on(&study.name, event);
        tell(Event::Begun { trials: total, finished: controller.finished(), steps_of_trial });
        let stop = AtomicBool::new(controller.done());
        let workers = (self.slots * self.devices.len()).min(usize::try_from(total).unwrap_or(usize::MAX)).max(1);
        std::thread::scope(|scope| {
            let crew: Vec<_> = (1..=workers)
                .map(|number| {
                    let (stop, open) = (&stop, &open);
                    let name = format!("{}/{number}", std::process::id());
                    // Dealt out in turn, so that few workers are on many devices.
                    let device = &self.devices[number % self.devices.len()];
                    let worker = Worker { name, study, images, input, device, observer: self.observer };
                    let threads = (self.threads / workers).max(1);
                    scope.spawn(move || {
                        let _stops = StopOnDrop(stop);
                        let work = || -> Result<(), ExperimentError> {
                            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                            let pool = pool.map_err(|error| ExperimentError::Threads(error.to_string()))?;
                            let (mut ledger, mut heartbeat) = (open()?, open()?);
                            pool.install(|| worker.work(&mut ledger, &mut heartbeat, stop))
                        };
                        // Said at once: the others may train for hours before they see that they are to stop.
                        work().inspect_err(|error| tracing::error!("a worker gives up: {error}"))
                    })
                })
                .collect();
            let controlled = (|| {
                let _stops = StopOnDrop(&stop);
                while !controller.done() && !stop.load(Ordering::Acquire) {
                    std::thread::sleep(LOOK);
                    let news = patiently(&stop, || controller.advance(&mut ledger))?;
                    let before = controller.finished() - news.len() as u64;
                    for (nth, trial) in news.iter().enumerate() {
                        tell(Event::Recorded { trial, finished: before + nth as u64 + 1, trials: total });
                    }
                    trials.extend(news);
                }
                Ok::<(), ExperimentError>(())
            })();
            for worker in crew {
                // A panic is a bug: it stays loud, and what is recorded stays recorded.
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            controlled
        })?;
        tell(Event::Ended);
        trials.sort_by_key(|trial| trial.proposal.id);
        Ok(trials)
    }
}

/// Whoever ends, by return, error or panic, ends the others.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
