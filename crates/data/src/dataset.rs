//! Data sets of either kind, for commands that are told a name.

use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::fetch::{Progress, fetch, fetch_folder};
use crate::manifest::{FolderManifest, FolderSource, Manifest};
use crate::verify::{verify, verify_folder};

/// A data set which comes with the program.
#[derive(Debug, Clone, PartialEq)]
pub enum DataSet {
    /// Files of records, read into memory.
    Records(Manifest),
    /// A folder of photographs, decoded as they are needed.
    Folder(FolderManifest),
}

impl DataSet {
    /// The data set of this name.
    ///
    /// # Errors
    /// When there is none; the message lists those there are.
    pub fn builtin(name: &str) -> Result<DataSet, DataError> {
        if let Some(folder) = FolderManifest::builtin(name)? {
            return Ok(DataSet::Folder(folder));
        }
        Manifest::builtin(name).map(DataSet::Records).map_err(|error| match error {
            DataError::UnknownDataSet { name, .. } => {
                DataError::UnknownDataSet { name, known: DataSet::names().collect::<Vec<_>>().join(", ") }
            }
            other => other,
        })
    }

    /// The names that [`DataSet::builtin`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Manifest::builtin_names().chain(FolderManifest::builtin_names())
    }

    /// Whether only its user can bring it.
    pub fn is_by_hand(&self) -> bool {
        match self {
            DataSet::Records(_) => false,
            DataSet::Folder(manifest) => matches!(manifest.source(), FolderSource::ByHand(_)),
        }
    }

    /// Brings it into its folder in the cache folder `root` and returns that folder; does nothing when it is there.
    ///
    /// # Errors
    /// Those of [`fetch`] and [`fetch_folder`].
    pub fn fetch(&self, root: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, DataError> {
        match self {
            DataSet::Records(manifest) => fetch(manifest, root, progress),
            DataSet::Folder(manifest) => fetch_folder(manifest, root, progress),
        }
    }

    /// Its name for readers.
    pub fn title(&self) -> &str {
        match self {
            DataSet::Records(manifest) => manifest.title(),
            DataSet::Folder(manifest) => manifest.title(),
        }
    }

    /// Its folder in the cache folder `root`.
    pub fn folder(&self, root: &Path) -> PathBuf {
        match self {
            DataSet::Records(manifest) => manifest.folder(root),
            DataSet::Folder(manifest) => manifest.folder(root),
        }
    }

    /// Looks whether it is in the cache folder `root`: size and checksum of every file of records, the numbers of classes and
    /// images of a folder of photographs, of which none is opened.
    ///
    /// # Errors
    /// All differences together, and what to do.
    pub fn find(&self, root: &Path) -> Result<(), DataError> {
        match self {
            DataSet::Records(manifest) => verify(manifest, root),
            DataSet::Folder(manifest) => manifest.open(root).map(|_| ()),
        }
    }

    /// Compares what is in the cache folder `root` with the manifest: size and checksum of every file of records; of a folder
    /// of photographs the numbers of classes and images, and that each can be decoded.
    ///
    /// # Errors
    /// All differences together, and what to do.
    pub fn verify(&self, root: &Path) -> Result<(), DataError> {
        match self {
            DataSet::Records(manifest) => verify(manifest, root),
            DataSet::Folder(manifest) => verify_folder(manifest, root),
        }
    }
}
