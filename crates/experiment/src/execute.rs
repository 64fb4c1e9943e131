//! Carries a run out: proposes the trials of every search of its arms, and as soon as an arm's own are finished those of
//! the retraining of its winner, until all are finished. Who evaluates them, here or elsewhere, does not matter.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hnas_ledger::{Ledger, Trial};

use crate::ExperimentError;
use crate::board::Board;
use crate::controller::Controller;
use crate::crew::{Crew, Serving};
use crate::host;
use crate::jobs::input;
use crate::resolved::PlannedArm;
use crate::run::TakenRun;
use crate::study::Study;
use crate::worker::{Event, patiently};

/// How often finished trials are looked for in a file, and in a database.
const LOOK: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// Carries runs out.
pub struct Executor<'a> {
    /// The workers of this process; it may have none.
    pub crew: &'a Crew<'a>,
    /// Where it is told to stop.
    pub board: &'a Board,
}

/// A study whose trials are proposed here.
struct Controlled {
    controller: Controller,
    ledger: Box<dyn Ledger>,
    trials: Vec<Trial>,
    ended: bool,
}

impl Executor<'_> {
    /// Carries `run` out, from wherever it stands, or until the board says to stop.
    ///
    /// # Errors
    /// When a study was founded by another experiment, its data is not there, or a ledger or a device refuses.
    pub fn carry_out(&self, run: &TakenRun) -> Result<(), ExperimentError> {
        if self.crew.workers() > 0 {
            for arm in &run.resolved().arms {
                self.crew.jobs.prepare(arm)?;
            }
        }
        let opened = Mutex::default();
        std::thread::scope(|scope| {
            let crew = scope.spawn(|| {
                let stops = (self.crew.workers() > 0).then(|| StopOnDrop(self.board));
                let worked = self.crew.work(self.board, &Serving::These(&opened));
                drop(stops);
                worked
            });
            let controlled = {
                let _stops = StopOnDrop(self.board);
                self.control(&run.resolved().arms, &opened)
            };
            crew.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            controlled
        })
    }

    fn control(&self, arms: &[PlannedArm], opened: &Mutex<BTreeSet<String>>) -> Result<(), ExperimentError> {
        let mut studies: Vec<Controlled> = Vec::new();
        for arm in arms {
            self.begin(&mut studies, &arm.search, opened)?;
        }
        self.bury()?;
        let mut to_retrain: Vec<&PlannedArm> = arms.iter().filter(|arm| arm.retraining.is_some()).collect();
        let look = LOOK[usize::from(!self.crew.store.is_file())];
        loop {
            for study in &mut studies {
                self.advance(study)?;
            }
            let mut waiting = Vec::new();
            for arm in std::mem::take(&mut to_retrain) {
                let search = studies.iter().find(|study| study.controller.study().name == arm.search.name);
                match search.and_then(|search| own(arm, &search.trials)) {
                    None => waiting.push(arm),
                    Some(trials) => match arm.retraining_study(&trials) {
                        Some(study) => self.begin(&mut studies, &study, opened)?,
                        None => {
                            let (arm, seed) = (&arm.name, arm.seed());
                            tracing::warn!(arm, seed, "no trial succeeded, so there is no winner to retrain");
                        }
                    },
                }
            }
            to_retrain = waiting;
            if self.board.stopped() || (to_retrain.is_empty() && studies.iter().all(|study| study.ended)) {
                return Ok(());
            }
            self.board.pause(look);
        }
    }

    /// Opens a study, unless an arm before shares it.
    fn begin(
        &self,
        studies: &mut Vec<Controlled>,
        study: &Study,
        opened: &Mutex<BTreeSet<String>>,
    ) -> Result<(), ExperimentError> {
        if studies.iter().any(|known| known.controller.study().name == study.name) {
            return Ok(());
        }
        let crew = self.crew;
        let mut ledger = patiently(|| {
            let mut ledger = crew.store.open(&study.name, &study.founding_text())?;
            ledger.note_build(&crew.build)?;
            Ok(ledger)
        })?;
        let controller = Controller::new(study, input(study)?, &mut *ledger)?;
        let mut controlled = Controlled { controller, ledger, trials: Vec::new(), ended: false };
        controlled.trials = advance(&mut controlled.controller, &mut *controlled.ledger)?;
        let steps_of_trial = study.fitness.runs.saturating_mul(study.fitness.recipe.steps()) as u64;
        let (trials, finished) = (study.search.evaluations, controlled.controller.finished());
        crew.observer.on(&study.name, Event::Begun { trials, finished, steps_of_trial });
        studies.push(controlled);
        opened.lock().unwrap_or_else(PoisonError::into_inner).insert(study.name.clone());
        Ok(())
    }

    fn advance(&self, study: &mut Controlled) -> Result<(), ExperimentError> {
        if study.ended {
            return Ok(());
        }
        let before = study.controller.finished();
        let news = advance(&mut study.controller, &mut *study.ledger)?;
        let of = study.controller.study();
        let tell = |event: Event<'_>| self.crew.observer.on(&of.name, event);
        for (finished, trial) in (before + 1..).zip(&news) {
            tell(Event::Recorded { trial, finished, trials: of.search.evaluations });
        }
        study.ended = study.controller.done();
        if study.ended {
            tell(Event::Ended);
            study.ledger.rest();
        }
        study.trials.extend(news);
        Ok(())
    }

    /// Has the leases of workers run out that were in processes of this host which are no more, so that nobody waits for
    /// them.
    fn bury(&self) -> Result<(), ExperimentError> {
        for study in patiently(|| Ok(self.crew.store.status()?))? {
            for worker in study.workers.iter().filter(|worker| worker.trial.is_some() && host::is_dead(&worker.worker))
            {
                patiently(|| Ok(self.crew.store.join(&study.info.name)?.abandon_leases(&worker.worker)?))?;
            }
        }
        Ok(())
    }
}

/// Reads and proposes, however long the ledger is away.
fn advance(controller: &mut Controller, ledger: &mut dyn Ledger) -> Result<Vec<Trial>, ExperimentError> {
    let news = patiently(|| controller.read(ledger))?;
    patiently(|| controller.propose(ledger))?;
    Ok(news)
}

/// The arm's own trials by id, once all of them are finished.
fn own(arm: &PlannedArm, trials: &[Trial]) -> Option<Vec<Trial>> {
    if trials.iter().filter(|trial| trial.proposal.id.0 <= arm.trials).count() as u64 != arm.trials {
        return None;
    }
    let mut own = arm.own(trials);
    own.sort_by_key(|trial| trial.proposal.id);
    Some(own)
}

/// Whoever ends, by return, error or panic, ends the others.
struct StopOnDrop<'a>(&'a Board);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
