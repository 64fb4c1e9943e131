//! Network file systems, on which SQLite's locks and shared memory do not hold between machines.

use std::path::Path;

/// The name of the network file system that `path` is on, `None` when it is on a local one, and where it cannot be told.
#[cfg(target_os = "linux")]
pub(super) fn network(path: &Path) -> Option<&'static str> {
    // The width and the sign of the field depend on the platform; the magic numbers have 32 bits.
    rustix::fs::statfs(path).ok().and_then(|status| name(status.f_type as u32))
}

/// Known on Linux only: other systems number their file systems differently.
#[cfg(not(target_os = "linux"))]
pub(super) fn network(_path: &Path) -> Option<&'static str> {
    None
}

/// Magic numbers of statfs(2), from the headers of Linux, Lustre, GPFS and BeeGFS.
#[cfg(target_os = "linux")]
fn name(magic: u32) -> Option<&'static str> {
    match magic {
        0x0000_6969 => Some("NFS"),
        0x0BD0_0BD0 => Some("Lustre"),
        0x4750_4653 => Some("GPFS"),
        0xFF53_4D42 => Some("CIFS"),
        0xFE53_4D42 | 0x0000_517B => Some("SMB"),
        0x00C3_6400 => Some("Ceph"),
        0x1983_0326 => Some("BeeGFS"),
        0x5346_414F | 0x6B41_4653 => Some("AFS"),
        0x0102_1997 => Some("9p"),
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_numbers() {
        for (magic, expected) in [
            (0x6969, Some("NFS")),
            (0x0BD0_0BD0, Some("Lustre")),
            (0x4750_4653, Some("GPFS")),
            (0xFF53_4D42, Some("CIFS")),
            (0xFE53_4D42, Some("SMB")),
            (0x0102_1997, Some("9p")),
            // ext4, tmpfs, overlayfs, btrfs, xfs
            (0xEF53, None),
            (0x0102_1994, None),
            (0x794C_7630, None),
            (0x9123_683E, None),
            (0x5846_5342, None),
        ] {
            assert_eq!(name(magic), expected, "{magic:#x}");
        }
    }

    #[test]
    fn a_folder_of_proc_is_local_and_a_missing_path_is_not_told() {
        assert_eq!(network(Path::new("/proc")), None);
        assert_eq!(network(Path::new("/proc/no such entry")), None);
    }
}
