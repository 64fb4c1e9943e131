//! Photographs in folders: the layout of ILSVRC-2012 and of many others.
//!
//! ```text
//! ROOT/train/<class>/*.JPEG            .JPEG, .jpg, .jpeg or .png, in small or capital letters
//! ROOT/val/<class>/*.JPEG              or ROOT/validation/, or, without folders of classes:
//! ROOT/val/*.JPEG  and a file of labels, see `labels`
//! ```

mod devkit;
mod error;
mod labels;
mod scan;

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::error::FolderError;
use self::labels::labelled;
use self::scan::{Scanned, scan_classes, scan_flat};

/// A folder of photographs, scanned: names, not pixels.
///
/// Invariant, held in [`ImageFolder::open`]: there is at least one class and in each part at least one image; classes ascend
/// by name, images by class and name, both by their bytes, whatever order the file system gives; labels are below the number
/// of classes.
#[derive(Debug, Clone)]
pub struct ImageFolder {
    classes: Vec<String>,
    train: ImageSet,
    validation: ImageSet,
    ignored: Ignored,
}

/// The images of one part, in order. A clone shares them.
#[derive(Clone)]
pub struct ImageSet {
    /// The folder of each class, or the only one.
    folders: Arc<[PathBuf]>,
    images: Arc<[Entry]>,
}

/// One image: where, and what.
struct Entry {
    folder: u32,
    label: u32,
    name: Box<OsStr>,
}

/// What lies in the folder and is not used: hidden files, files of other names, and folders where no folder belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignored {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub first: Vec<PathBuf>,
}

impl Ignored {
    /// How many are named.
    const NAMED: usize = 20;

    fn add(&mut self, other: Ignored) {
        self.count += other.count;
        let room = Ignored::NAMED.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(room));
    }
}

impl ImageFolder {
    /// Scans a folder. Folders of classes are read in parallel; no image is opened.
    ///
    /// # Errors
    /// When a part is missing or has no images, when a class of the validation images is none of the training images', or when
    /// labels are missing or do not fit. What is wrong is named with its place, and where it was looked for.
    pub fn open(root: &Path) -> Result<ImageFolder, FolderError> {
        let train = scan_classes(&root.join("train"))?;
        let train_set = set(&root.join("train"), train.folders, train.images, &train.ignored)?;
        let folder = ["val", "validation"].map(|name| root.join(name)).into_iter().find(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| FolderError::NoValidation { root: root.to_path_buf() })?;
        let found = validation(root, &folder, &train.classes)?;
        let validation = set(&folder, found.folders, found.images, &found.ignored)?;
        let mut ignored = train.ignored;
        ignored.add(found.ignored);
        Ok(ImageFolder { classes: train.classes, train: train_set, validation, ignored })
    }

    /// Names of the classes, ascending; a label is an index into them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The images to train on.
    pub fn train(&self) -> &ImageSet {
        &self.train
    }

    /// The images to evaluate on.
    pub fn validation(&self) -> &ImageSet {
        &self.validation
    }

    /// What was not used.
    pub fn ignored(&self) -> &Ignored {
        &self.ignored
    }
}

/// The validation images in `folder`: by folders of classes if there is one, else by a file of labels.
fn validation(root: &Path, folder: &Path, names: &[String]) -> Result<Scanned, FolderError> {
    let flat = scan_flat(folder)?;
    if !flat.files.is_empty() && flat.folders > 0 {
        return Err(FolderError::Mixed {
            folder: folder.to_path_buf(),
            images: flat.files.len(),
            folders: flat.folders,
        });
    }
    if !flat.files.is_empty() {
        return labelled(root, folder, flat, names);
    }
    let mut scanned = scan_classes(folder)?;
    let labels: Vec<Option<u32>> =
        scanned.classes.iter().map(|class| names.binary_search(class).ok().map(|label| label as u32)).collect();
    let unknown = || scanned.classes.iter().zip(&labels).filter(|(_, label)| label.is_none());
    if let Some((class, _)) = unknown().next() {
        let (folder, class) = (folder.to_path_buf(), class.clone());
        return Err(FolderError::UnknownClass { folder, class, count: unknown().count(), known: names.len() });
    }
    for image in &mut scanned.images {
        image.label = labels[image.label as usize].unwrap_or_default();
    }
    Ok(scanned)
}

/// The images found in `folder`, at least one, and not too many.
fn set(folder: &Path, folders: Vec<PathBuf>, images: Vec<Entry>, ignored: &Ignored) -> Result<ImageSet, FolderError> {
    if images.is_empty() {
        return Err(FolderError::NoImages { folder: folder.to_path_buf(), ignored: ignored.count });
    }
    if u32::try_from(images.len()).is_err() {
        return Err(FolderError::TooMany { folder: folder.to_path_buf(), images: images.len() });
    }
    Ok(ImageSet { folders: folders.into(), images: images.into() })
}

impl ImageSet {
    /// Number of images, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is always an image")]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// The file of image `i`.
    ///
    /// # Panics
    /// When `i` is not below [`ImageSet::len`].
    pub fn path(&self, i: usize) -> PathBuf {
        let image = &self.images[i];
        self.folders[image.folder as usize].join(&*image.name)
    }

    /// The class of image `i`.
    ///
    /// # Panics
    /// When `i` is not below [`ImageSet::len`].
    pub fn label(&self, i: usize) -> u32 {
        self.images[i].label
    }
}

impl fmt::Debug for ImageSet {
    /// Their number: a million names fill no screen usefully.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageSet({} images)", self.len())
    }
}
