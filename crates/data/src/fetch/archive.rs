//! Source: an archive over https.

use std::path::Path;
use std::{fs, io};

use super::download::{Download, download, part_of};
use super::unpack::{Member, unpack};
use super::{Failure, Watcher};
use crate::fetch::staging::Staging;
use crate::manifest::{Archive, ArchiveFormat, DataFile, Manifest, Source};

/// Downloads the archive, unless it lies whole in the data set's folder (put there by hand, or by a fetch that was
/// stopped later), and takes the wanted files out of it.
pub(super) fn fetch(
    archive: &Archive,
    wanted: &[&DataFile],
    staging: &Staging,
    progress: Watcher<'_>,
) -> Result<(), Failure> {
    let target = staging.folder().join(archive.file_name());
    download(&Download { url: &archive.url, bytes: archive.bytes, md5: archive.md5, target: &target }, progress)?;
    match archive.format {
        ArchiveFormat::TarGz => {
            let members: Vec<Member> = wanted
                .iter()
                .map(|file| Member {
                    name: format!("{}/{}", archive.folder, file.name),
                    bytes: Some(file.bytes),
                    place: staging.place(file),
                })
                .collect();
            unpack(&target, &members, progress)?;
        }
    }
    for file in wanted {
        staging.install(file)?;
    }
    Ok(())
}

/// Removes archives and parts of archives from the data set's folder, once its files are in place.
pub(super) fn discard(manifest: &Manifest, folder: &Path) {
    for source in manifest.sources() {
        match source {
            Source::Archive(archive) => {
                let target = folder.join(archive.file_name());
                for path in [part_of(&target), target] {
                    match fs::remove_file(&path) {
                        Ok(()) => {}
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => tracing::warn!("cannot remove {}, needed no more: {error}", path.display()),
                    }
                }
            }
            Source::LocalFolder(_) | Source::NpmPackage(_) => {}
        }
    }
}
