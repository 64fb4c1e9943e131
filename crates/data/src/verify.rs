//! Are the files those of the manifest?

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rayon::prelude::*;

use crate::checksum::Md5;
use crate::error::{DataError, Problem};
use crate::folder::ImageSet;
use crate::manifest::{DataFile, FolderManifest, Manifest};
use crate::photo::Photo;

/// How many damaged photographs are named.
const NAMED: usize = 10;

/// Compares size and checksum of every file of a data set in the cache folder `root` with its manifest.
///
/// # Errors
/// All differences together, and what to do.
pub fn verify(manifest: &Manifest, root: &Path) -> Result<(), DataError> {
    let folder = manifest.folder(root);
    let problems = manifest.files().iter().filter_map(|file| check_file(file, &folder.join(&file.name)).err());
    all_well(manifest, root, problems.collect())
}

/// Counts the photographs of a data set in the cache folder `root`, and decodes every one, with all threads.
///
/// # Errors
/// When their numbers differ from the manifest, or when some cannot be decoded; the first of those are named.
pub fn verify_folder(manifest: &FolderManifest, root: &Path) -> Result<(), DataError> {
    let found = manifest.open(root)?;
    let folder = manifest.folder(root);
    let damaged = |set: &ImageSet| -> Vec<Problem> {
        let decoded = (0..set.len()).into_par_iter().map(|i| {
            let path = set.path(i);
            let reason = Photo::load(&path).err()?;
            Some(Problem::Unreadable {
                file: path.strip_prefix(&folder).unwrap_or(&path).display().to_string(),
                reason,
            })
        });
        decoded.flatten().collect()
    };
    let mut problems = damaged(found.train());
    problems.extend(damaged(found.validation()));
    if problems.is_empty() {
        return Ok(());
    }
    let damaged = problems.len();
    problems.truncate(NAMED);
    Err(DataError::Photographs {
        name: manifest.name().to_string(),
        how: manifest.how_anew(&folder),
        folder,
        damaged,
        photographs: found.train().len() + found.validation().len(),
        first: problems,
    })
}

/// No problems, or the error that lists them.
pub(crate) fn all_well(manifest: &Manifest, root: &Path, problems: Vec<Problem>) -> Result<(), DataError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(DataError::Damaged { name: manifest.name().to_string(), folder: manifest.folder(root), problems })
}

/// Whether `path` holds the bytes of `file`, without keeping them.
pub(crate) fn check_file(file: &DataFile, path: &Path) -> Result<(), Problem> {
    let opened = open(file, path)?;
    let md5 = Md5::of_reader(opened).map_err(|error| unreadable(file, &error))?;
    check_md5(file, md5)
}

/// The bytes of `file`, read from `path` and checked.
///
/// The checksum is part of every reading: for all of CIFAR-10 it costs well under a second, once a process, and it
/// is simpler than remembering which files were checked when.
pub(crate) fn read_file(file: &DataFile, path: &Path) -> Result<Vec<u8>, Problem> {
    let mut opened = open(file, path)?;
    let mut bytes = Vec::with_capacity(file.bytes as usize);
    opened.read_to_end(&mut bytes).map_err(|error| unreadable(file, &error))?;
    check_size(file, bytes.len() as u64)?;
    check_md5(file, Md5::of(&bytes))?;
    Ok(bytes)
}

fn open(file: &DataFile, path: &Path) -> Result<File, Problem> {
    let opened = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Problem::Missing { file: file.name.clone() },
        _ => unreadable(file, &error),
    })?;
    let found = opened.metadata().map_err(|error| unreadable(file, &error))?;
    if !found.is_file() {
        return Err(Problem::Unreadable { file: file.name.clone(), reason: "not a file".to_string() });
    }
    check_size(file, found.len())?;
    Ok(opened)
}

fn check_size(file: &DataFile, bytes: u64) -> Result<(), Problem> {
    if bytes != file.bytes {
        return Err(Problem::Size { file: file.name.clone(), bytes, expected: file.bytes });
    }
    Ok(())
}

fn check_md5(file: &DataFile, md5: Md5) -> Result<(), Problem> {
    if md5 != file.md5 {
        return Err(Problem::Checksum { file: file.name.clone(), md5, expected: file.md5 });
    }
    Ok(())
}

fn unreadable(file: &DataFile, error: &io::Error) -> Problem {
    Problem::Unreadable { file: file.name.clone(), reason: error.to_string() }
}
