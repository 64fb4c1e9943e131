//! What the workers of this process are doing, so that they can be told to stop and their leases given back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hnas_ledger::{Lease, Store};

/// How often somebody who waits looks whether he is to stop.
const TICK: Duration = Duration::from_millis(20);

/// How long whoever leaves waits for those who are just asking the ledger for something.
const GRACE: Duration = Duration::from_secs(5);

/// What the workers of a process are doing.
pub struct Board {
    stop: AtomicBool,
    state: Mutex<State>,
}

struct State {
    places: Vec<Doing>,
    /// When a worker last had a trial.
    busy: Instant,
}

/// What one worker is doing.
#[derive(Clone, Debug)]
pub(crate) enum Doing {
    /// It has nothing to do.
    Nothing,
    /// It asks for a trial.
    Asking,
    /// It evaluates the trial of this lease.
    Evaluating { study: String, lease: Box<Lease> },
    /// It has a result in hand.
    Recording,
}

impl Default for Board {
    fn default() -> Board {
        let state = State { places: Vec::new(), busy: Instant::now() };
        Board { stop: AtomicBool::new(false), state: Mutex::new(state) }
    }
}

impl Board {
    /// Asks everybody to stop: trials under way are finished, no others begun.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether everybody was asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Gives the leases of all trials under way back, so that others have them at once, and says how many there were. For
    /// whoever ends the process now: trainings cannot be interrupted.
    ///
    /// Waits a few seconds for answers of the ledger that are on their way, and for results that are being recorded.
    pub fn leave(&self, store: &Store) -> usize {
        self.stop();
        let started = Instant::now();
        while started.elapsed() < GRACE
            && self.state().places.iter().any(|doing| matches!(doing, Doing::Asking | Doing::Recording))
        {
            std::thread::sleep(TICK);
        }
        let places = self.state().places.clone();
        let store = store.clone().giving_up_after(GRACE);
        let mut released = 0;
        for doing in places {
            let Doing::Evaluating { study, lease } = doing else { continue };
            match store.join(&study).and_then(|mut ledger| ledger.release(&lease)) {
                Ok(held) => released += usize::from(held),
                // It runs out by itself.
                Err(error) => {
                    tracing::warn!(study, trial = lease.proposal.id.0, "the lease is not given back: {error}")
                }
            }
        }
        released
    }

    /// A place for one more worker.
    pub(crate) fn place(&self) -> usize {
        let mut state = self.state();
        state.places.push(Doing::Nothing);
        state.places.len() - 1
    }

    pub(crate) fn set(&self, place: usize, doing: Doing) {
        let mut state = self.state();
        if matches!((&state.places[place], &doing), (Doing::Evaluating { .. } | Doing::Recording, _)) {
            state.busy = Instant::now();
        }
        state.places[place] = doing;
    }

    /// How long nobody has had a trial.
    pub(crate) fn idle(&self) -> Duration {
        let state = self.state();
        let working = |doing: &Doing| matches!(doing, Doing::Evaluating { .. } | Doing::Recording);
        if state.places.iter().any(working) { Duration::ZERO } else { state.busy.elapsed() }
    }

    /// Waits for so long, or until everybody is to stop.
    pub(crate) fn pause(&self, long: Duration) {
        let until = Instant::now() + long;
        while !self.stopped() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(TICK));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one assignment, so the state is whole even if a holder panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
