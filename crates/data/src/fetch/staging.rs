//! The place where files are made: nothing reaches the data set's folder but whole, checked files.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::error::DataError;
use crate::fetch::Failure;
use crate::manifest::DataFile;
use crate::verify::check_file;

const LOCK: &str = ".lock";
const TEMPORARY: &str = ".fetch-";

/// A temporary folder inside a data set's folder, removed when dropped, and the lock of that folder.
pub(super) struct Staging {
    folder: PathBuf,
    temporary: TempDir,
    /// Let go by the operating system when the process ends, however it ends.
    _lock: File,
}

impl Staging {
    /// Makes `folder` if need be and waits until no other process fetches into it.
    ///
    /// File systems without locks are used without: temporary names are unique and files are moved into place in one
    /// step, so two fetches there cost time, not data.
    pub(super) fn open(folder: &Path) -> Result<Staging, DataError> {
        fs::create_dir_all(folder).map_err(|error| write_error(folder, error))?;
        let path = folder.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| write_error(&path, error))?;
        let locked = lock.try_lock().or_else(|error| match error {
            TryLockError::WouldBlock => {
                tracing::info!("another process fetches into {}: waiting for it", folder.display());
                lock.lock()
            }
            TryLockError::Error(error) => Err(error),
        });
        match locked {
            Ok(()) => remove_leftovers(folder),
            Err(error) => tracing::warn!("cannot lock {}: {error}; going on without", path.display()),
        }
        let temporary = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempdir_in(folder)
            .map_err(|error| write_error(folder, error))?;
        Ok(Staging { folder: folder.to_path_buf(), temporary, _lock: lock })
    }

    /// The data set's own folder, where partial downloads stay between calls.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The temporary folder.
    pub(super) fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// Where `file` is made before [`Staging::install`].
    pub(super) fn place(&self, file: &DataFile) -> PathBuf {
        self.temporary().join(&file.name)
    }

    /// Makes `file` from its bytes and installs it.
    pub(super) fn install_bytes(&self, file: &DataFile, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.place(file);
        File::create(&path)
            .and_then(|mut made| made.write_all(bytes))
            .map_err(|error| Failure::Folder(write_error(&path, error)))?;
        self.install(file)
    }

    /// Moves the file made at [`Staging::place`] into the data set's folder, if it is what the manifest says.
    pub(super) fn install(&self, file: &DataFile) -> Result<(), Failure> {
        let path = self.place(file);
        check_file(file, &path).map_err(|problem| Failure::Source(problem.to_string()))?;
        let target = self.folder.join(&file.name);
        // On disk before it gets its name, so that a power cut cannot leave an empty file of the right name.
        File::open(&path)
            .and_then(|made| made.sync_all())
            .and_then(|()| fs::rename(&path, &target))
            .map_err(|error| Failure::Folder(write_error(&target, error)))
    }
}

/// What killed processes left behind. Only called under the lock, when no living process has a folder of this name.
fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY)
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!("cannot remove {}: {error}", entry.path().display());
        }
    }
}

pub(super) fn write_error(path: &Path, error: io::Error) -> DataError {
    DataError::Write { path: path.to_path_buf(), reason: Arc::new(error) }
}
