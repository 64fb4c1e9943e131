//! The only way to a [`Manifest`]: what was read, checked.
//!
//! - the name is also a folder's: lower-case letters, digits, `-` and `_`
//! - an image has pixels, the class is one of the label bytes, there are 1 to 256 classes of different names
//! - file names are plain and differ; the size of a file is that of its records; each has records and both parts have files
//! - bytes and records of all files can be added up
//! - the rules for sources: see `check_source`

use std::collections::HashSet;
use std::hash::Hash;

use serde::Deserialize;

use super::check_source::{check_source, is_plain};
use super::{DataFile, ImageSize, Manifest, ManifestError, Part, Record, Source};

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

impl TryFrom<RawManifest> for Manifest {
    type Error = ManifestError;

    fn try_from(raw: RawManifest) -> Result<Manifest, ManifestError> {
        let RawManifest { name, title, licence, homepage, image, record, classes, files, sources } = raw;
        check_name(&name)?;
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

/// That the name is also a folder's.
pub(super) fn check_name(name: &str) -> Result<(), ManifestError> {
    if name.is_empty() || !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')) {
        return Err(ManifestError::Name(name.to_string()));
    }
    Ok(())
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
