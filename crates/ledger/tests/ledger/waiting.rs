//! Waiting for what other processes do.

use std::time::{Duration, Instant};

/// Asks again until there is an answer: for leases to run out. Gives up only when something must be broken.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "waited 120 s in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
