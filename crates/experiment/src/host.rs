//! Which host and process a worker is in: its name says it.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// The name of this host.
static HOST: LazyLock<String> = LazyLock::new(|| {
    let asked = || {
        let output = Command::new("hostname").output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let said = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(asked);
    let name = said.map(|name| name.trim().replace('/', "-")).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "unnamed".to_owned())
});

/// The name of this process's worker of this number: `HOST/PROCESS/NUMBER`.
pub(crate) fn worker_name(number: usize) -> String {
    format!("{}/{}/{number}", *HOST, std::process::id())
}

/// Whether a worker was in a process of this host that is no more. False when that cannot be known.
pub(crate) fn is_dead(worker: &str) -> bool {
    let mut parts = worker.split('/');
    let (Some(host), Some(Ok(process))) = (parts.next(), parts.next().map(str::parse::<u32>)) else { return false };
    // Where there is no such folder, nothing is known of processes.
    let processes = Path::new("/proc/self");
    host == *HOST && processes.exists() && !Path::new("/proc").join(process.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_dead_are_told_from_the_living_and_the_unknown() {
        assert!(!is_dead(&worker_name(1)), "this process");
        let mut other = Command::new("true").spawn().expect("it starts");
        let name = format!("{}/{}/1", *HOST, other.id());
        other.wait().expect("it ends");
        assert!(is_dead(&name));
        assert!(!is_dead(&name.replacen(HOST.as_str(), "elsewhere", 1)), "of another host nothing is known");
        assert!(!is_dead("w1") && !is_dead(""), "nor of other names");
    }
}
