//! How much memory there is on the CPU's side, asked before a network takes it.
//!
//! The system grants more than it has and ends whole processes when it is used, with every trial in them.

mod free;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::failure::Failure;

/// What the computations of this process were granted.
struct Granted {
    /// How many hold memory now.
    holders: usize,
    /// What they may take in all, in bytes: any number of grants adds up in it.
    bytes: u128,
    /// What this process had when nobody held any.
    resident_before: u64,
}

static GRANTED: Mutex<Granted> = Mutex::new(Granted { holders: 0, bytes: 0, resident_before: 0 });
static GIVEN_BACK: Condvar = Condvar::new();

/// Memory that a computation may take, until this is dropped.
#[derive(Debug)]
pub(crate) struct Grant(u64);

/// Grants so many bytes if they are free, or if nobody knows; unwinds otherwise, with the failure that a trial's boundary
/// catches.
pub(crate) fn ask(bytes: u64) -> Grant {
    let mut granted = granted();
    match lacking(&mut granted, bytes) {
        None => grant(&mut granted, bytes),
        Some(free) => refuse(bytes, free),
    }
}

/// As [`ask`], but as long as other computations of this process hold memory, it waits for theirs. Not for whoever holds
/// some itself.
pub(crate) fn wait_for(bytes: u64) -> Grant {
    wait_until(bytes, |granted| lacking(granted, bytes))
}

/// Waits until nothing is lacking, or refuses when nobody else holds any.
fn wait_until(bytes: u64, lacking: impl Fn(&mut Granted) -> Option<u64>) -> Grant {
    let mut granted = granted();
    let mut told = false;
    loop {
        match lacking(&mut granted) {
            None => return grant(&mut granted, bytes),
            Some(free) if granted.holders == 0 => refuse(bytes, free),
            Some(free) => {
                if !told {
                    tracing::info!(needed = bytes, free, "waiting for the memory of other trainings");
                    told = true;
                }
                granted = GIVEN_BACK.wait(granted).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        // Kept from step to step, but not from network to network: the next one is of other sizes.
        hnas_kernels::give_freed_memory_back();
        let mut granted = granted();
        granted.holders -= 1;
        granted.bytes -= u128::from(self.0);
        GIVEN_BACK.notify_all();
    }
}

fn granted() -> MutexGuard<'static, Granted> {
    // Each change is whole before anything can panic.
    GRANTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn grant(granted: &mut Granted, bytes: u64) -> Grant {
    granted.holders += 1;
    granted.bytes += u128::from(bytes);
    Grant(bytes)
}

/// What is free, if it is less than `bytes`.
fn lacking(granted: &mut Granted, bytes: u64) -> Option<u64> {
    let resident = free::resident()?;
    if granted.holders == 0 {
        granted.resident_before = resident;
    }
    let in_all = u64::try_from(granted.bytes).unwrap_or(u64::MAX);
    let free = left(free::available()?, in_all, resident.saturating_sub(granted.resident_before));
    (free < bytes).then_some(free)
}

/// Of `available` bytes those that nobody was granted: who was granted `granted` in all has touched `touched` of it, and the
/// system still counts the rest as available.
fn left(available: u64, granted: u64, touched: u64) -> u64 {
    available.saturating_sub(granted.saturating_sub(touched))
}

fn refuse(needed: u64, free: u64) -> ! {
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    let (needed, free) = (gigabytes(needed), gigabytes(free));
    let message = format!("the network takes {needed:.1} GB, {free:.1} GB are free");
    // Not a bug: the hook that reports those is passed by.
    std::panic::resume_unwind(Box::new(Failure::OutOfMemory { message }));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;
    use crate::failure::catching_out_of_memory;

    #[test]
    fn more_than_any_machine_has_is_an_outcome() {
        for asks in [ask, wait_for] {
            let outcome = catching_out_of_memory(|| {
                let _grant = asks(u64::MAX);
                Ok(())
            });
            if free::available().is_some() && free::resident().is_some() {
                let Err(Failure::OutOfMemory { message }) = outcome else { panic!("{outcome:?}") };
                assert!(message.starts_with("the network takes 18446744073.7 GB, "), "{message}");
            }
        }
    }

    #[test]
    fn what_was_granted_and_not_yet_touched_is_not_free() {
        assert_eq!(left(100, 0, 0), 100);
        assert_eq!(left(100, 60, 0), 40);
        assert_eq!(left(60, 60, 40), 40);
        assert_eq!(left(40, 60, 70), 40, "no more was granted than is touched");
        assert_eq!(left(40, 200, 70), 0);
    }

    #[test]
    fn who_needs_the_memory_of_another_waits_until_it_is_given_back() {
        // A machine of 100 bytes, for whose memory other tests may compete.
        let wait = || {
            wait_until(60, |granted| {
                let free = 100 - u64::try_from(granted.bytes).unwrap_or(100).min(100);
                (free < 60).then_some(free)
            })
        };
        let first = wait();
        let (done, second) = channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let grant = wait();
                done.send(()).expect("somebody waits");
                drop(grant);
            });
            assert!(second.recv_timeout(Duration::from_millis(200)).is_err(), "granted twice");
            drop(first);
            second.recv_timeout(Duration::from_secs(600)).expect("granted after the first gave it back");
        });
    }
}
