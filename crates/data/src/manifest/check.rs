//! The only way to a [`Manifest`]: what was read, checked.
//!
//! - the name is also a folder's: lower-case letters, digits, `-` and `_`
//! - an image has pixels, the class is one of the label bytes, there are 1 to 256 classes of different names
//! - file names are plain and differ; the size of a file is that of its records; each has records and both parts have files
//! - bytes and records of all files can be added up
//! - the rules for sources: see `check_source`

use std::collections::HashSet;
use std::hash::Hash;
use std::path::{Component, Path};

use serde::Deserialize;
use thiserror::Error;

use super::check_source::check_source;
use super::{DataFile, ImageSize, Manifest, Part, Record, Source};
use crate::error::grouped;

/// A manifest as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Manifest")]
pub(super) struct RawManifest {
    name: String,
    title: String,
    licence: String,
    homepage: String,
    image: ImageSize,
    record: Record,
    classes: Vec<String>,
    files: Vec<DataFile>,
    sources: Vec<Source>,
}

/// Why a manifest describes no data set.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ManifestError {
    /// The name cannot be a folder's.
    #[error("the name {0:?} is not made of lower-case letters, digits, - and _")]
    Name(String),
    /// An image without pixels, or with more than memory holds.
    #[error("an image of {} x {} x {} is empty or too large", .0.channels, .0.height, .0.width)]
    Image(ImageSize),
    /// The class is none of the label bytes.
    #[error("the label is byte {} of {} label bytes, counted from 0", .0.label, .0.label_bytes)]
    Record(Record),
    /// A label is one byte.
    #[error("{0} classes: a label is one byte, so there are 1 to 256 classes")]
    Classes(usize),
    /// Two things of one name.
    #[error("two {what} are called {name:?}")]
    Duplicate {
        /// "classes" or "files".
        what: &'static str,
        /// The name of both.
        name: String,
    },
    /// A file name that leads elsewhere, or to what a fetch keeps for itself.
    #[error("{0:?} is not a plain file name")]
    FileName(String),
    /// Size and records disagree.
    #[error("{name}: {} records of {} bytes are not {} bytes", grouped(*records as u64), grouped(*record), grouped(*bytes))]
    Size {
        /// The file.
        name: String,
        /// Its number of records.
        records: usize,
        /// Bytes of one record.
        record: u64,
        /// The size given.
        bytes: u64,
    },
    /// A file without images.
    #[error("{0} has 0 records, at least 1 is needed")]
    NoRecords(String),
    /// More than can be counted.
    #[error("the files up to {name} have more than {} {what} together", grouped(*limit))]
    Total {
        /// The file that is too much.
        name: String,
        /// "bytes" or "records".
        what: &'static str,
        /// The largest number.
        limit: u64,
    },
    /// A part without images.
    #[error("no file has images of part {0:?}")]
    EmptyPart(Part),
    /// An address that is not secure, or not a file's.
    #[error("{0:?} is not the https address of a file")]
    Url(String),
    /// An archive that would lie where a data file does, or where a fetch keeps its own.
    #[error("an archive cannot be called {archive:?}: the name {name:?} is taken in the data set's folder")]
    ArchiveName {
        /// Name of the archive.
        archive: String,
        /// The name that is taken: the archive's, or that of its download.
        name: String,
    },
    /// A folder that no archive has.
    #[error("{0:?} is not a folder within an archive: such as \"a\", \"a/b\" or, where files lie at the top, \"\"")]
    ArchiveFolder(String),
    /// Not a package's name, but perhaps a path or an address.
    #[error("{0:?} is not the name of a package: \"name\" or \"@scope/name\"")]
    PackageName(String),
    /// A version that could be more than one, or something else.
    #[error("{0:?} is not the exact version of a package: such as \"1.0.0\"")]
    PackageVersion(String),
    /// Packages have one label an image.
    #[error("package {package} gives 1 label byte an image, but records have {label_bytes}")]
    PackageLabels {
        /// The package.
        package: String,
        /// Number of label bytes of a record.
        label_bytes: usize,
    },
    /// A package does not say how to rebuild a file, or says so twice.
    #[error("package {package} rebuilds {name} {times} times instead of once")]
    Rebuilt {
        /// The package.
        package: String,
        /// The file.
        name: String,
        /// How often it is rebuilt.
        times: usize,
    },
}

impl TryFrom<RawManifest> for Manifest {
    type Error = ManifestError;

    fn try_from(raw: RawManifest) -> Result<Manifest, ManifestError> {
        let RawManifest { name, title, licence, homepage, image, record, classes, files, sources } = raw;
        if name.is_empty() || !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')) {
            return Err(ManifestError::Name(name));
        }
        if record.label >= record.label_bytes {
            return Err(ManifestError::Record(record));
        }
        let record_bytes = record_bytes(image, record).ok_or(ManifestError::Image(image))?;
        if !(1..=256).contains(&classes.len()) {
            return Err(ManifestError::Classes(classes.len()));
        }
        differ("classes", classes.iter())?;
        check_files(&files, record_bytes)?;
        for source in &sources {
            check_source(source, record, &files)?;
        }
        Ok(Manifest { name, title, licence, homepage, image, record, classes, files, sources })
    }
}

/// Bytes of a record; `None` when there are no pixels, or more than a number of 32 bits counts.
fn record_bytes(image: ImageSize, record: Record) -> Option<u64> {
    let pixels = image.channels.checked_mul(image.height)?.checked_mul(image.width)?;
    let bytes = pixels.checked_add(record.label_bytes)?;
    (pixels > 0 && u32::try_from(bytes).is_ok()).then_some(bytes as u64)
}

fn check_files(files: &[DataFile], record_bytes: u64) -> Result<(), ManifestError> {
    differ("files", files.iter().map(|file| &file.name))?;
    let (mut bytes, mut records) = (0u64, 0usize);
    for file in files {
        if !is_plain(&file.name) {
            return Err(ManifestError::FileName(file.name.clone()));
        }
        if file.records == 0 {
            return Err(ManifestError::NoRecords(file.name.clone()));
        }
        if (file.records as u64).checked_mul(record_bytes) != Some(file.bytes) {
            let DataFile { name, records, bytes, .. } = file.clone();
            return Err(ManifestError::Size { name, records, record: record_bytes, bytes });
        }
        // So that nobody who adds them up, all or some, has to check.
        let too_many = |what, limit| ManifestError::Total { name: file.name.clone(), what, limit };
        bytes = bytes.checked_add(file.bytes).ok_or_else(|| too_many("bytes", u64::MAX))?;
        records = records.checked_add(file.records).ok_or_else(|| too_many("records", usize::MAX as u64))?;
    }
    for part in [Part::Train, Part::Test] {
        if !files.iter().any(|file| file.part == part) {
            return Err(ManifestError::EmptyPart(part));
        }
    }
    Ok(())
}

/// Whether `name` is that of a file in the data set's folder. Names with a dot in front are for what a fetch keeps there
/// for itself: its lock and its temporary folders.
pub(super) fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!(components.next(), Some(Component::Normal(only)) if only == name)
        && components.next().is_none()
        && !name.contains('\\')
        && !name.starts_with('.')
}

fn differ<'a, T: Eq + Hash + ToString + ?Sized + 'a>(
    what: &'static str,
    names: impl Iterator<Item = &'a T>,
) -> Result<(), ManifestError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ManifestError::Duplicate { what, name: name.to_string() });
        }
    }
    Ok(())
}
