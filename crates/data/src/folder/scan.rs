//! Reading folders: which of their entries are classes, which are images, and what else there is.
//!
//! Two levels are read, never more, so that no loop of links can lead round. Links are followed: many keep their photographs
//! elsewhere. A file is known by its name alone, and not opened.

use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Entry, FolderError, Ignored};

/// Images in folders of classes.
pub(super) struct Scanned {
    pub(super) classes: Vec<String>,
    /// Where [`Entry::folder`] leads.
    pub(super) folders: Vec<PathBuf>,
    pub(super) images: Vec<Entry>,
    pub(super) ignored: Ignored,
}

/// The entries of one folder.
pub(super) struct Flat {
    /// Names of the images, ascending.
    pub(super) files: Vec<OsString>,
    /// Number of folders.
    pub(super) folders: usize,
    /// All else; folders too.
    pub(super) ignored: Ignored,
}

enum What {
    Folder,
    Image,
    Other,
}

/// Reads `folder`, whose folders are classes. Labels are positions in the classes found.
pub(super) fn scan_classes(folder: &Path) -> Result<Scanned, FolderError> {
    let mut classes = Vec::new();
    let mut ignored = Vec::new();
    for entry in entries(folder)? {
        match what(&entry) {
            What::Folder => {
                let name = entry.file_name().into_string();
                classes.push(name.map_err(|name| FolderError::ClassName { folder: folder.to_path_buf(), name })?);
            }
            What::Image | What::Other => ignored.push(entry.path()),
        }
    }
    classes.sort_unstable();
    let mut ignored = listed(ignored);
    let read = |class: &String| scan_flat(&folder.join(class));
    // Collected before the first error is looked for, so that it is the first in order and not in time.
    let found: Vec<Result<Flat, FolderError>> = classes.par_iter().map(read).collect();
    let mut images = Vec::new();
    for (label, flat) in found.into_iter().enumerate() {
        let (label, flat) = (label as u32, flat?);
        images.extend(flat.files.into_iter().map(|name| Entry { folder: label, label, name: name.into() }));
        ignored.add(flat.ignored);
    }
    let folders = classes.iter().map(|class| folder.join(class)).collect();
    Ok(Scanned { classes, folders, images, ignored })
}

/// Reads `folder`, whose files are images.
pub(super) fn scan_flat(folder: &Path) -> Result<Flat, FolderError> {
    let (mut files, mut folders, mut ignored) = (Vec::new(), 0, Vec::new());
    for entry in entries(folder)? {
        match what(&entry) {
            What::Image => files.push(entry.file_name()),
            What::Folder => {
                folders += 1;
                ignored.push(entry.path());
            }
            What::Other => ignored.push(entry.path()),
        }
    }
    files.sort_unstable();
    Ok(Flat { files, folders, ignored: listed(ignored) })
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>, FolderError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect);
    entries.map_err(|error| FolderError::Read { path: folder.to_path_buf(), why: Arc::new(error) })
}

fn what(entry: &DirEntry) -> What {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    if name.starts_with('.') {
        return What::Other;
    }
    let kind = entry.file_type().and_then(|kind| {
        if kind.is_symlink() { fs::metadata(entry.path()).map(|found| found.file_type()) } else { Ok(kind) }
    });
    match kind {
        Ok(kind) if kind.is_dir() => What::Folder,
        Ok(kind) if kind.is_file() && is_image(&name) => What::Image,
        Ok(_) | Err(_) => What::Other,
    }
}

/// Whether a file of this name is taken for an image.
fn is_image(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, end)| ["jpeg", "jpg", "png"].iter().any(|known| end.eq_ignore_ascii_case(known)))
}

fn listed(mut paths: Vec<PathBuf>) -> Ignored {
    paths.sort_unstable();
    let count = paths.len();
    paths.truncate(Ignored::NAMED);
    Ignored { count, first: paths }
}
