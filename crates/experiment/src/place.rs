//! Where the ledger of a run folder is: the file in it, unless a note in it says another place.

use std::fs;
use std::path::{Path, PathBuf};

use hnas_ledger::{LedgerError, Store};

use crate::ExperimentError;

const LEDGER: &str = "ledger.sqlite";
const NOTE: &str = "store.txt";

/// A place that was asked for, and does for its folder.
pub(crate) struct Chosen {
    pub(crate) store: Store,
    /// What has to be noted of it; nothing where the folder says it already.
    note: Option<String>,
}

impl Chosen {
    /// Notes in the folder where its ledger is.
    pub(crate) fn note(&self, folder: &Path) -> Result<(), ExperimentError> {
        let Some(place) = &self.note else { return Ok(()) };
        let path = folder.join(NOTE);
        fs::write(&path, format!("{place}\n")).map_err(|source| ExperimentError::Write { path, source })
    }
}

/// Where the ledger of the run in `folder` is, by what the folder says.
pub(crate) fn of(folder: &Path) -> Result<Store, ExperimentError> {
    match noted(folder)? {
        None => Ok(Store::from(folder.join(LEDGER))),
        Some(place) => {
            let invalid =
                |error: LedgerError| ExperimentError::Invalid { path: folder.join(NOTE), message: error.to_string() };
            place.parse().map_err(invalid)
        }
    }
}

/// Where it is if `asked` is said to be its place. A path is told from the root on, so that it is the same from everywhere.
pub(crate) fn choose(folder: &Path, asked: Option<&str>) -> Result<Chosen, ExperimentError> {
    let store = of(folder)?;
    let Some(asked) = asked else { return Ok(Chosen { store, note: None }) };
    let noted = noted(folder)?;
    let own = folder.join(LEDGER);
    let (there, here) = (whole(noted.as_deref(), &own)?, whole(Some(asked), &own)?);
    if same(&here, &there) {
        return Ok(Chosen { store, note: None });
    }
    if noted.is_some() || own.exists() {
        return Err(ExperimentError::OtherStore { folder: folder.to_owned(), there, here, noted: NOTE });
    }
    Ok(Chosen { store: here.parse()?, note: Some(here) })
}

/// The text of a place, a path being told from the root on.
fn whole(place: Option<&str>, own: &Path) -> Result<String, ExperimentError> {
    let path = match place {
        Some(place) if !place.parse::<Store>()?.is_file() => return Ok(place.to_owned()),
        Some(place) => PathBuf::from(place),
        None => own.to_owned(),
    };
    let whole = std::path::absolute(&path).map_err(|source| ExperimentError::Read { path, source })?;
    Ok(whole.display().to_string())
}

/// Whether two texts name the same place; paths do, however they lead to the same folder.
fn same(one: &str, other: &str) -> bool {
    let settled = |place: &str| match (Path::new(place).parent().map(fs::canonicalize), Path::new(place).file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => PathBuf::from(place),
    };
    settled(one) == settled(other)
}

/// What a folder says of its ledger.
fn noted(folder: &Path) -> Result<Option<String>, ExperimentError> {
    let path = folder.join(NOTE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ExperimentError::Read { path, source }),
    }
}
