//! Where a data set can go wrong, and what to do about it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::checksum::Md5;
use crate::folder::FolderError;
use crate::images::ImagesError;

/// Why a data set cannot be described, fetched or read.
#[derive(Debug, Error, Clone)]
pub enum DataError {
    /// No manifest of this name comes with the program.
    #[error("there is no data set {name:?}, only: {known}")]
    UnknownDataSet {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A manifest that describes no data set.
    #[error("{place}:{reason}")]
    Manifest {
        /// The file.
        place: String,
        /// Line, column and what is wrong. Part of the message, so it is not called a source, which would be said again.
        reason: Box<ron::error::SpannedError>,
    },
    /// Nobody says where data belong.
    #[error("the user's cache directory is unknown: set HNAS_DATA to the folder for data sets")]
    NoCacheFolder,
    /// A file or folder that cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        reason: Arc<std::io::Error>,
    },
    /// A file or folder that cannot be written.
    #[error("cannot write {}: {reason}; {}set HNAS_DATA to another folder", path.display(), advice(reason))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        reason: Arc<std::io::Error>,
    },
    /// Files that are not those of the data set.
    #[error("{name} in {}: {}; run `hnas data fetch {name}`", folder.display(), list(problems))]
    Damaged {
        /// The data set.
        name: String,
        /// Its folder.
        folder: PathBuf,
        /// What is wrong, in the manifest's order.
        problems: Vec<Problem>,
    },
    /// No source gave the files.
    #[error(
        "{name} could not be fetched: {}; put {files} into {} by hand, or set HNAS_DATA to the folder that holds {name}/",
        list(attempts), folder.display()
    )]
    NoSource {
        /// The data set.
        name: String,
        /// Its folder.
        folder: PathBuf,
        /// The files that are missing.
        files: String,
        /// Each source and why it did not serve.
        attempts: Vec<Attempt>,
    },
    /// The label of an image is no class of the data set.
    #[error(
        "{}: record {record} has label {label}, but the labels of {classes} classes are 0 to {}",
        path.display(), classes - 1
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The record in it, from 0.
        record: usize,
        /// Its label.
        label: u8,
        /// Number of classes.
        classes: usize,
    },
    /// A folder that is none of photographs.
    #[error("{name}: {why}; {how}")]
    Folder {
        /// The data set.
        name: String,
        /// What is wrong.
        why: Box<FolderError>,
        /// What to do.
        how: String,
    },
    /// A folder of photographs, but of others.
    #[error(
        "{name} in {}: {}, and {} other entries; {how}",
        folder.display(), list(differences), grouped(*ignored as u64)
    )]
    Differs {
        /// The data set.
        name: String,
        /// Its folder.
        folder: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
        /// Number of entries that were not used.
        ignored: usize,
        /// What to do.
        how: String,
    },
    /// A folder with the right number of photographs, of which some cannot be decoded.
    #[error(
        "{name} in {}: {} of {} photographs cannot be decoded: {}{}; {how}",
        folder.display(), grouped(*damaged as u64), grouped(*photographs as u64), list(first),
        if damaged > &first.len() { "; .." } else { "" }
    )]
    Photographs {
        /// The data set.
        name: String,
        /// Its folder.
        folder: PathBuf,
        /// Number of photographs that cannot be decoded.
        damaged: usize,
        /// Number of photographs.
        photographs: usize,
        /// The first of them, in order.
        first: Vec<Problem>,
        /// What to do.
        how: String,
    },
    /// A fetch would overwrite what it did not make.
    #[error("{} is in the way: move it elsewhere and fetch again ({problem})", there.display())]
    InTheWay {
        /// The folder.
        there: PathBuf,
        /// What is wrong with it.
        problem: Box<DataError>,
    },
    /// The decoded images do not fit together.
    #[error(transparent)]
    Images(#[from] ImagesError),
}

/// What is wrong with one file.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is not there.
    #[error("{file}: missing")]
    Missing {
        /// The file.
        file: String,
    },
    /// It is cut off, or another file.
    #[error("{file}: {} bytes instead of {}", grouped(*bytes), grouped(*expected))]
    Size {
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
        /// Its size in the manifest.
        expected: u64,
    },
    /// It has other bytes.
    #[error("{file}: md5 {md5} instead of {expected}")]
    Checksum {
        /// The file.
        file: String,
        /// Its checksum.
        md5: Md5,
        /// Its checksum in the manifest.
        expected: Md5,
    },
    /// It cannot be read.
    #[error("{file}: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// The operating system's reason.
        reason: String,
    },
}

/// A number that is not what it should be.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error(
    "{} {what} instead of {} ({} {})",
    grouped(*found as u64), grouped(*expected as u64), grouped(found.abs_diff(*expected) as u64),
    if found < expected { "too few" } else { "too many" }
)]
pub struct Difference {
    /// What is counted.
    pub what: &'static str,
    /// How many there are.
    pub found: usize,
    /// How many there should be.
    pub expected: usize,
}

/// A source that was tried in vain.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{source_name}: {why}")]
pub struct Attempt {
    /// The source.
    pub source_name: String,
    /// Why it did not serve.
    pub why: String,
}

/// What helps against a file that cannot be written, where something does.
fn advice(reason: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if matches!(reason.kind(), StorageFull | QuotaExceeded | FileTooLarge) { "make room there or " } else { "" }
}

/// One after the other, in one line.
fn list(items: &[impl fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A number as people read it: 30,730,000.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
