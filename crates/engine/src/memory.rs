//! How much memory there is on the CPU's side, asked before a network takes it.
//!
//! The system grants more than it has and ends whole processes when it is used, with every trial in them.

use std::fs;

/// Returns if so many bytes are free, or if nobody knows; unwinds otherwise, with the words by which a trial's boundary
/// knows that memory is spent.
pub(crate) fn expect(bytes: u64) {
    if let Some(free) = available().filter(|&free| free < bytes) {
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        let (needed, free) = (gigabytes(bytes), gigabytes(free));
        let message = format!("out of memory: the network takes {needed:.1} GB, {free:.1} GB are free");
        // Not a bug: the hook that reports those is passed by.
        std::panic::resume_unwind(Box::new(message));
    }
}

/// Bytes that new programs may take without making others wait: the system's own estimate, or less in a container with a
/// limit of its own. `None` where the system does not say.
fn available() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok()?;
    let line = system.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let system = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.saturating_mul(1024);
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max");
    let used = number("/sys/fs/cgroup/memory.current");
    // Pages of files are counted as used, but given up when somebody needs the memory.
    let files =
        fs::read_to_string("/sys/fs/cgroup/memory.stat").ok().map_or(0, |statistics| pages_of_files(&statistics));
    let container = limit.zip(used).map(|(limit, used)| limit.saturating_sub(used.saturating_sub(files)));
    Some(container.map_or(system, |container| container.min(system)))
}

/// Bytes of files that a control group's statistics say are cached.
fn pages_of_files(statistics: &str) -> u64 {
    let entries = statistics.lines().filter_map(|line| line.split_once(' '));
    let files = entries.filter(|(name, _)| matches!(*name, "active_file" | "inactive_file"));
    files.filter_map(|(_, bytes)| bytes.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use crate::failure::{Failure, catching_out_of_memory};

    #[test]
    fn more_than_any_machine_has_is_an_outcome() {
        let outcome = catching_out_of_memory(|| {
            super::expect(u64::MAX);
            Ok(())
        });
        if super::available().is_some() {
            let Err(Failure::OutOfMemory { message }) = outcome else { panic!("{outcome:?}") };
            assert!(message.starts_with("out of memory: the network takes 18446744073.7 GB, "), "{message}");
        }
    }

    #[test]
    fn what_is_cached_of_files_is_free() {
        assert_eq!(super::pages_of_files("anon 5\nfile 99\ninactive_file 30\nactive_file 12\n"), 42);
    }
}
