//! Source: an archive over https.

use std::path::Path;
use std::{fs, io};

use super::download::{Download, download};
use super::unpack::{Member, unpack};
use super::{Failure, Watcher};
use crate::fetch::staging::Staging;
use crate::manifest::{Archive, ArchiveFormat, DataFile, Manifest, Source};

/// Downloads the archive, unless it lies whole in the data set's folder, and takes the wanted files out of it.
///
/// Under its own name an archive was put there by hand: it is read, but never changed or removed. A download is called
/// [`Archive::part_name`] also when it is whole.
pub(super) fn fetch(
    archive: &Archive,
    wanted: &[&DataFile],
    staging: &Staging,
    progress: Watcher<'_>,
) -> Result<(), Failure> {
    let name = archive.file_name();
    let by_hand = staging.folder().join(name);
    let part = staging.folder().join(archive.part_name());
    let wanted_archive = Download { url: &archive.url, name, bytes: archive.bytes, md5: archive.md5, part: &part };
    let packed = if wanted_archive.is_right(&by_hand) {
        &by_hand
    } else {
        download(&wanted_archive, progress)?;
        &part
    };
    match archive.format {
        ArchiveFormat::TarGz => {
            let members: Vec<Member> = wanted
                .iter()
                .map(|file| Member {
                    name: Path::new(&archive.folder).join(&file.name).display().to_string(),
                    bytes: Some(file.bytes),
                    place: staging.place(file),
                })
                .collect();
            unpack(packed, name, &members, progress)?;
        }
    }
    for file in wanted {
        staging.install(file)?;
    }
    Ok(())
}

/// Removes downloads from the data set's folder, once its files are in place.
pub(super) fn discard(manifest: &Manifest, folder: &Path) {
    for source in manifest.sources() {
        match source {
            Source::Archive(archive) => {
                let path = folder.join(archive.part_name());
                match fs::remove_file(&path) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => tracing::warn!("cannot remove {}, needed no more: {error}", path.display()),
                }
            }
            Source::LocalFolder(_) | Source::NpmPackage(_) => {}
        }
    }
}
