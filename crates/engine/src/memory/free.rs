//! What the system says of its memory.

use std::fs;
use std::path::Path;

/// Where control groups are looked at.
const GROUPS: &str = "/sys/fs/cgroup";

/// Bytes that new programs may take without making others wait: the system's own estimate, or less where this process is in a
/// group with a limit, as in a container or under a batch scheduler. `None` where the system does not say.
pub(super) fn available() -> Option<u64> {
    let system = kilobytes("/proc/meminfo", "MemAvailable:")?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Some(within_groups(&groups, Path::new(GROUPS)).map_or(system, |groups| groups.min(system)))
}

/// Bytes of memory that this process has. `None` where the system does not say.
pub(super) fn resident() -> Option<u64> {
    kilobytes("/proc/self/status", "VmRSS:")
}

/// A line of a file of the system that gives kilobytes, in bytes.
fn kilobytes(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let number = text.lines().find_map(|line| line.strip_prefix(name))?;
    number.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Files of a memory controller.
struct Controller {
    limit: &'static str,
    used: &'static str,
    /// In the statistics.
    files: [&'static str; 2],
}

const VERSION_1: Controller = Controller {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    files: ["total_active_file", "total_inactive_file"],
};
const VERSION_2: Controller =
    Controller { limit: "memory.max", used: "memory.current", files: ["active_file", "inactive_file"] };

/// Bytes that are left of the least limit of the groups of a process and of all groups around them; `None` without a limit.
/// `groups` are the lines of `/proc/self/cgroup`: a number, controllers, a path.
fn within_groups(groups: &str, root: &Path) -> Option<u64> {
    let left = groups.lines().filter_map(|line| {
        let [_, controllers, path] = line.splitn(3, ':').collect::<Vec<_>>()[..] else { return None };
        let (controller, root) = match controllers {
            "" => (VERSION_2, root.to_owned()),
            _ if controllers.split(',').any(|name| name == "memory") => (VERSION_1, root.join("memory")),
            _ => return None,
        };
        // In a container the path may be one that is seen outside; then there is only the root.
        let inner = path.trim_start_matches('/');
        let all = Path::new(inner).ancestors().map(|group| root.join(group));
        all.filter_map(|group| left_in(&controller, &group)).min()
    });
    left.min()
}

/// Bytes that are left of a group's limit.
fn left_in(controller: &Controller, group: &Path) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    let (limit, used) = (number(controller.limit)?, number(controller.used)?);
    let statistics = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    // Pages of files are counted as used, but given up when somebody needs the memory.
    Some(limit.saturating_sub(used.saturating_sub(pages_of_files(&statistics, controller.files))))
}

/// Bytes of files that a control group's statistics say are cached.
fn pages_of_files(statistics: &str, names: [&str; 2]) -> u64 {
    let entries = statistics.lines().filter_map(|line| line.split_once(' '));
    entries.filter(|(name, _)| names.contains(name)).filter_map(|(_, bytes)| bytes.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of control groups: folder, limit, bytes used, statistics.
    fn tree(controller: &Controller, groups: &[(&str, &str, u64, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (folder, limit, used, statistics) in groups {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(controller.limit), format!("{limit}\n")).unwrap();
            fs::write(folder.join(controller.used), format!("{used}\n")).unwrap();
            fs::write(folder.join("memory.stat"), statistics).unwrap();
        }
        root
    }

    #[test]
    fn the_least_of_all_groups_around_a_process_counts() {
        let job = ("slurm/job_7", "1000", 400, "anon 5\nfile 99\ninactive_file 30\nactive_file 12\n");
        let groups = [job, ("slurm", "5000", 4000, ""), ("slurm/job_7/step", "max", 10, "")];
        let root = tree(&VERSION_2, &groups);
        let of = |path: &str| within_groups(&format!("0::{path}\n"), root.path());
        assert_eq!(of("/slurm/job_7/step"), Some(642), "pages of files are free");
        assert_eq!(of("/slurm/other"), Some(1000));
        assert_eq!(of("/"), None);
        assert_eq!(of("/../elsewhere"), None);
    }

    #[test]
    fn a_limit_that_is_passed_leaves_nothing() {
        let root = tree(&VERSION_2, &[("a", "100", 300, "")]);
        assert_eq!(within_groups("0::/a", root.path()), Some(0));
    }

    #[test]
    fn controllers_of_the_first_version_are_read_as_well() {
        let groups =
            [("memory/job", "1000", 900, "inactive_file 1\ntotal_inactive_file 50\n"), ("memory", "max", 0, "")];
        let root = tree(&VERSION_1, &groups);
        let lines = "5:cpu,cpuacct:/job\n4:memory:/job\n0::/\nnot a line\n";
        assert_eq!(within_groups(lines, root.path()), Some(150));
    }

    #[test]
    fn this_process_has_some() {
        assert!(resident().is_none_or(|bytes| bytes > 1 << 20));
    }
}
