//! What can be wrong with a folder of photographs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::error::grouped;

/// Why a folder is none of photographs in classes.
#[derive(Debug, Error, Clone)]
pub enum FolderError {
    /// A file or folder that cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        why: Arc<std::io::Error>,
    },
    /// A name that is no text.
    #[error("{}: the name of the class {name:?} is not UTF-8", folder.display())]
    ClassName {
        /// The folder of the class.
        folder: PathBuf,
        /// Its name.
        name: OsString,
    },
    /// More images than a number of 32 bits tells apart.
    #[error("{}: {} images are more than {}", folder.display(), grouped(*images as u64), grouped(u32::MAX.into()))]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// Number of images.
        images: usize,
    },
    /// Nothing to train or evaluate on.
    #[error(
        "{}: no images: files named .JPEG, .jpg or .png were looked for, in folders of classes; {} other entries",
        folder.display(), grouped(*ignored as u64)
    )]
    NoImages {
        /// The folder.
        folder: PathBuf,
        /// What there is instead.
        ignored: usize,
    },
    /// No validation images.
    #[error("{}: neither a folder val nor a folder validation", root.display())]
    NoValidation {
        /// The folder of all.
        root: PathBuf,
    },
    /// Both layouts at once.
    #[error("{}: {} images beside {} folders: either all images are in folders of classes or none", folder.display(), grouped(*images as u64), grouped(*folders as u64))]
    Mixed {
        /// The folder.
        folder: PathBuf,
        /// Images in it.
        images: usize,
        /// Folders in it.
        folders: usize,
    },
    /// A class that is never trained.
    #[error(
        "{}: {count} classes, {class:?} first, are none of the {known} training classes", folder.display()
    )]
    UnknownClass {
        /// The folder or file that names it.
        folder: PathBuf,
        /// The first class.
        class: String,
        /// Number of such classes.
        count: usize,
        /// Number of training classes.
        known: usize,
    },
    /// Images without folders of classes and without a file of labels.
    #[error(
        "{}: {} images, no folders of classes and no file of labels: looked for {}",
        folder.display(), grouped(*images as u64), looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NoLabels {
        /// The folder.
        folder: PathBuf,
        /// Images in it.
        images: usize,
        /// Where labels were looked for.
        looked: Vec<PathBuf>,
    },
    /// A file of labels that says nothing, or the wrong thing.
    #[error("{}:{line}: {why}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// Images that a file of labels does not name.
    #[error("{}: no label for {} of {} images, {first:?} first", path.display(), grouped(*missing as u64), grouped(*images as u64))]
    Unlabelled {
        /// The file.
        path: PathBuf,
        /// Number of images without a label.
        missing: usize,
        /// Number of images.
        images: usize,
        /// The first of them.
        first: String,
    },
    /// A file that does not say what the numbers of the development kit mean.
    #[error(
        "{}: no MATLAB 5 file with the fields ILSVRC2012_ID and WNID, as the development kit's is", path.display()
    )]
    Mapping {
        /// The file.
        path: PathBuf,
    },
}
