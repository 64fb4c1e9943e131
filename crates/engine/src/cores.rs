//! The cores of a machine, shared by the networks that are computed at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Threads for all that is computed at once on devices that share them, see [`EngineDevice::sharing`]. Cheap to clone.
///
/// Each training has its part of them: one thread when there are as many trainings as threads, all of them when it is
/// alone. The parts are dealt out anew before every step, so the last trainings of a search do not leave cores idle.
/// Results do not depend on it (invariant E1).
///
/// [`EngineDevice::sharing`]: crate::EngineDevice::sharing
#[derive(Clone, Debug)]
pub struct Cores {
    threads: usize,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How many compute now.
    computing: AtomicUsize,
    /// Threads that nobody computes with: they keep the allocator's memory, which new ones would have to fill anew.
    idle: Mutex<Vec<ThreadPool>>,
}

impl Cores {
    /// So many threads, one at least.
    pub fn new(threads: usize) -> Cores {
        Cores { threads: threads.max(1), shared: Arc::default() }
    }

    /// Threads of each of those that compute now.
    fn share(&self) -> usize {
        (self.threads / self.shared.computing.load(Ordering::Relaxed).max(1)).max(1)
    }

    /// So many threads: idle ones, or new ones.
    fn take(&self, threads: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match idle.iter().position(|pool| pool.current_num_threads() == threads) {
            Some(place) => Ok(idle.swap_remove(place)),
            None => ThreadPoolBuilder::new().num_threads(threads).build(),
        }
    }

    fn give_back(&self, pool: Option<ThreadPool>) {
        self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(pool);
    }
}

/// What one of the computations at hand has of the cores, until it is dropped.
#[derive(Debug)]
pub(crate) struct Part {
    /// None where each computation uses the current pool.
    cores: Option<Cores>,
    pool: Option<ThreadPool>,
}

impl Part {
    pub(crate) fn of(cores: Option<&Cores>) -> Part {
        if let Some(cores) = cores {
            cores.shared.computing.fetch_add(1, Ordering::Relaxed);
        }
        Part { cores: cores.cloned(), pool: None }
    }

    /// Computes with the threads that are this one's at the moment.
    pub(crate) fn run<T: Send>(&mut self, computation: impl FnOnce() -> T + Send) -> T {
        let Some(cores) = &self.cores else { return computation() };
        let share = cores.share();
        if self.pool.as_ref().is_none_or(|pool| pool.current_num_threads() != share) {
            match cores.take(share) {
                Ok(pool) => cores.give_back(self.pool.replace(pool)),
                // The system has no more threads: whatever there is has to do.
                Err(error) => tracing::warn!("no {share} threads: {error}"),
            }
        }
        match &self.pool {
            Some(pool) => pool.install(computation),
            None => computation(),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(cores) = &self.cores {
            cores.shared.computing.fetch_sub(1, Ordering::Relaxed);
            cores.give_back(self.pool.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_alone_has_all_threads_and_whoever_comes_takes_a_part() {
        let cores = Cores::new(5);
        let threads = |part: &mut Part| part.run(rayon::current_num_threads);
        let join = || Part::of(Some(&cores));
        let mut first = join();
        assert_eq!(threads(&mut first), 5);
        let mut second = join();
        assert_eq!([threads(&mut first), threads(&mut second)], [2, 2]);
        let others: Vec<Part> = (0..7).map(|_| join()).collect();
        assert_eq!(threads(&mut second), 1);
        drop((others, first));
        assert_eq!(threads(&mut second), 5);
    }
}
