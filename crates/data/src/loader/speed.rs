//! How fast threads work. No result depends on it.

use std::fs;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What all threads of a loader have done so far.
#[derive(Default)]
pub(super) struct Speed {
    images: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Speed {
    /// Lets a thread make an image, and counts it.
    pub(super) fn count<T>(&self, make: impl FnOnce() -> T) -> T {
        let begun = own_nanoseconds();
        let made = make();
        self.images.fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(own_nanoseconds().saturating_sub(begun), Ordering::Relaxed);
        made
    }

    /// Images a second of a thread's own time; `None` before the first.
    pub(super) fn images_per_second(&self) -> Option<f64> {
        let [images, nanoseconds] = [&self.images, &self.nanoseconds].map(|count| count.load(Ordering::Relaxed) as f64);
        (nanoseconds > 0.0).then(|| images / nanoseconds * 1e9)
    }
}

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds that this thread has spent on a processor, as Linux counts them; elsewhere those of the wall clock.
fn own_nanoseconds() -> u64 {
    let counted = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let counted = counted.as_deref().and_then(|text| text.split_whitespace().next()?.parse().ok());
    counted.unwrap_or_else(|| BEGUN.elapsed().as_nanos() as u64)
}
