//! Source: a folder on this machine.

use std::fs;
use std::path::Path;

use super::{Failure, Progress, Watcher, staging};
use crate::fetch::staging::Staging;
use crate::manifest::DataFile;
use crate::verify::check_file;

/// Copies the wanted files from `folder`; those that are good are kept also when others are not.
pub(super) fn copy(
    folder: &Path,
    wanted: &[&DataFile],
    staging: &Staging,
    progress: Watcher<'_>,
) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(Failure::Source(format!("there is no folder {}", folder.display())));
    }
    let total = wanted.iter().map(|file| file.bytes).sum();
    let what = format!("copying from {}", folder.display());
    let mut done = 0;
    let mut problems = Vec::new();
    for file in wanted {
        progress(Progress { what: &what, done, total });
        match copy_file(file, &folder.join(&file.name), staging) {
            Ok(()) => {}
            Err(Failure::Source(problem)) => problems.push(problem),
            Err(Failure::Folder(error)) => return Err(Failure::Folder(error)),
        }
        done += file.bytes;
    }
    progress(Progress { what: &what, done, total });
    if problems.is_empty() { Ok(()) } else { Err(Failure::Source(problems.join("; "))) }
}

fn copy_file(file: &DataFile, from: &Path, staging: &Staging) -> Result<(), Failure> {
    check_file(file, from).map_err(|problem| Failure::Source(problem.to_string()))?;
    let place = staging.place(file);
    fs::copy(from, &place).map_err(|error| Failure::Folder(staging::write_error(&place, error)))?;
    staging.install(file)
}
