//! Taking named files out of a tar.gz.
//!
//! The names in the archive decide nothing: a member is written only to the place that was asked for under its exact
//! name, so an archive cannot reach other paths.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::{Failure, Progress, Watcher, staging};

/// A member of an archive and where to put it.
pub(super) struct Member {
    /// Its path in the archive.
    pub(super) name: String,
    /// Its size, where it is known before.
    pub(super) bytes: Option<u64>,
    /// The file to write.
    pub(super) place: PathBuf,
}

/// Writes each of `members` of the archive to its place; `name` is what people call the archive. Reads no further than
/// the last of them.
pub(super) fn unpack(archive: &Path, name: &str, members: &[Member], progress: Watcher<'_>) -> Result<(), Failure> {
    let bad = |error: io::Error| Failure::Source(format!("{name} cannot be unpacked: {error}"));
    let packed = File::open(archive).map_err(bad)?;
    let total = packed.metadata().map_err(bad)?.len();
    let what = format!("unpacking {name}");
    let mut tar = Archive::new(MultiGzDecoder::new(BufReader::new(packed)));
    let mut left: Vec<&Member> = members.iter().collect();
    let mut done = 0;
    for entry in tar.entries().map_err(bad)? {
        let mut entry = entry.map_err(bad)?;
        let path = entry.path().map_err(bad)?.into_owned();
        let path = path.strip_prefix(".").unwrap_or(&path);
        let Some(index) = left.iter().position(|member| Path::new(&member.name) == path) else { continue };
        let member = left.swap_remove(index);
        check_entry(member, entry.header().entry_type(), entry.size())?;
        write(&mut entry, member)?;
        done += 1;
        progress(Progress { what: &what, done: total * done / members.len() as u64, total });
        if left.is_empty() {
            return Ok(());
        }
    }
    let left = left.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ");
    Err(Failure::Source(format!("{name} does not hold {left}")))
}

/// Refuses links, folders and files of another size before a byte is written.
fn check_entry(member: &Member, kind: EntryType, bytes: u64) -> Result<(), Failure> {
    if !kind.is_file() {
        return Err(Failure::Source(format!("{} in the archive is not a plain file", member.name)));
    }
    match member.bytes {
        Some(expected) if expected != bytes => Err(Failure::Source(format!(
            "{} in the archive has {} bytes instead of {}",
            member.name,
            crate::error::grouped(bytes),
            crate::error::grouped(expected)
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Copies in pieces, to tell a broken archive (the source's fault) from a full disk (the folder's).
fn write(entry: &mut impl Read, member: &Member) -> Result<(), Failure> {
    let mut file = File::create(&member.place).map_err(|error| full(&member.place, error))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match entry.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Source(format!("{} cannot be unpacked: {error}", member.name))),
        };
        io::Write::write_all(&mut file, &buffer[..count]).map_err(|error| full(&member.place, error))?;
    }
}

fn full(path: &Path, error: io::Error) -> Failure {
    Failure::Folder(staging::write_error(path, error))
}
