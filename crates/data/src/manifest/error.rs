//! What can be wrong with a manifest.

use thiserror::Error;

use super::{ImageSize, Part, Record};
use crate::error::grouped;

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
    /// A folder of photographs without any.
    #[error(
        "{classes} classes, {train} training images and {validation} validation images: at least 1 of each is needed"
    )]
    EmptyFolder {
        /// Number of classes.
        classes: usize,
        /// Number of training images.
        train: usize,
        /// Number of validation images.
        validation: usize,
    },
    /// A package whose photographs cannot be numbered or divided.
    #[error("package {package} has more than 999 photographs of a class, or every one of them is for validation")]
    Photographs {
        /// The package.
        package: String,
    },
    /// A package that gives another folder than the one described.
    #[error(
        "package {package} gives {} classes, {} training images and {} validation images instead of {}, {} and {}",
        given[0], given[1], given[2], said[0], said[1], said[2]
    )]
    FolderCounts {
        /// The package.
        package: String,
        /// Classes, training and validation images that it gives.
        given: [usize; 3],
        /// Those that the manifest says.
        said: [usize; 3],
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
