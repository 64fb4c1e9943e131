//! Where data sets are kept.

use std::path::PathBuf;

use crate::error::DataError;

/// The folder that holds one folder a data set: `HNAS_DATA`, else `hnas` in the user's cache directory.
///
/// # Errors
/// When `HNAS_DATA` is not set (or empty) and the user has no cache directory.
pub fn cache_root() -> Result<PathBuf, DataError> {
    match std::env::var_os("HNAS_DATA") {
        Some(folder) if !folder.is_empty() => Ok(PathBuf::from(folder)),
        Some(_) | None => dirs::cache_dir().map(|folder| folder.join("hnas")).ok_or(DataError::NoCacheFolder),
    }
}
