//! Where a ledger is kept, as a person writes it: a file of this machine or the address of a database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::postgres::{Address, PostgresLedger};
use crate::{Ledger, LedgerError, SqliteLedger, StudyStatus};

/// A place for a ledger: `postgres://..` or a path. Holds no password.
///
/// In a database, no call gives up while the database is away, unless [`giving_up_after`](Store::giving_up_after) says
/// so: it asks again, ever more slowly, and logs a warning each time.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) kind: Kind,
    pub(crate) patience: Option<Duration>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    File(PathBuf),
    Database(Address),
}

/// A study of a ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyInfo {
    /// Its name, by which it is opened.
    pub name: String,
    /// The experiment that founded it, as text.
    pub founding: String,
    /// When, by the ledger's clock: seconds since 1970.
    pub founded_unix: f64,
    /// The build that proposes; `None` until it has said so, and in ledgers of earlier formats.
    pub build: Option<String>,
}

impl Store {
    /// The same place, where calls return a [transient](LedgerError::is_transient) error when the database was away for
    /// that long. A file is not affected.
    #[must_use]
    pub fn giving_up_after(self, patience: Duration) -> Store {
        Store { patience: Some(patience), ..self }
    }

    /// Makes the ledger if it is not there, without any study, or brings one of an earlier format forward.
    ///
    /// # Errors
    ///
    /// When the place holds something else, cannot be written, or is a file on a network file system.
    pub fn make(&self) -> Result<(), LedgerError> {
        match &self.kind {
            Kind::File(path) => SqliteLedger::make(path),
            Kind::Database(address) => PostgresLedger::make(address.clone(), self.patience),
        }
    }

    /// Opens a study, founding it and the ledger if they do not exist. `founding` is the experiment as text. Of several
    /// processes that work on a study, this is for the one that proposes.
    ///
    /// # Errors
    ///
    /// When the study was founded by another experiment (invariant L2), naming the first line that differs; when the
    /// place holds something else, cannot be written, or is a file on a network file system.
    pub fn open(&self, study: &str, founding: &str) -> Result<Box<dyn Ledger>, LedgerError> {
        Ok(match &self.kind {
            Kind::File(path) => Box::new(SqliteLedger::open(path, study, founding)?),
            Kind::Database(address) => Box::new(PostgresLedger::open(address.clone(), study, founding, self.patience)?),
        })
    }

    /// Opens a study that is there, to work for it; makes and changes no tables.
    ///
    /// # Errors
    ///
    /// When there is no such ledger or study, it has another format, or cannot be written.
    pub fn join(&self, study: &str) -> Result<Box<dyn Ledger>, LedgerError> {
        Ok(match &self.kind {
            Kind::File(path) => Box::new(SqliteLedger::join(path, study)?),
            Kind::Database(address) => Box::new(PostgresLedger::join(address.clone(), study, self.patience)?),
        })
    }

    /// Opens a ledger to work for whichever of its studies has a trial: [`turn_to`](Ledger::turn_to) one before anything but
    /// [`standing`](Ledger::standing). Makes and changes no tables.
    ///
    /// # Errors
    ///
    /// When there is no such ledger, it has another format, or cannot be written.
    pub fn join_all(&self) -> Result<Box<dyn Ledger>, LedgerError> {
        Ok(match &self.kind {
            Kind::File(path) => Box::new(SqliteLedger::join_all(path)?),
            Kind::Database(address) => Box::new(PostgresLedger::join_all(address.clone(), self.patience)?),
        })
    }

    /// Opens a study for reading; a user who may read the tables and nothing else is enough.
    ///
    /// # Errors
    ///
    /// When there is no such ledger or study, or it cannot be read.
    pub fn read(&self, study: &str) -> Result<Box<dyn Ledger>, LedgerError> {
        Ok(match &self.kind {
            Kind::File(path) => Box::new(SqliteLedger::read(path, study)?),
            Kind::Database(address) => Box::new(PostgresLedger::read(address.clone(), study, self.patience)?),
        })
    }

    /// All studies of the ledger, in the order they were founded.
    ///
    /// # Errors
    ///
    /// When there is no ledger, or it cannot be read.
    pub fn studies(&self) -> Result<Vec<StudyInfo>, LedgerError> {
        match &self.kind {
            Kind::File(path) => SqliteLedger::list(path),
            Kind::Database(address) => PostgresLedger::studies(address.clone(), self.patience),
        }
    }

    /// How every study stands, in the order they were founded.
    ///
    /// # Errors
    ///
    /// When there is no ledger, it has another format, or it cannot be read.
    pub fn status(&self) -> Result<Vec<StudyStatus>, LedgerError> {
        match &self.kind {
            Kind::File(path) => SqliteLedger::status(path),
            Kind::Database(address) => PostgresLedger::status(address.clone(), self.patience),
        }
    }

    /// Whether this is a file, which the processes of one machine share.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File(_))
    }

    /// The folder of the file; `None` of a database.
    pub fn folder(&self) -> Option<&Path> {
        match &self.kind {
            Kind::File(path) => path.parent(),
            Kind::Database(_) => None,
        }
    }
}

impl From<PathBuf> for Store {
    fn from(path: PathBuf) -> Store {
        Store { kind: Kind::File(path), patience: None }
    }
}

impl FromStr for Store {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Store, LedgerError> {
        let kind = if text.trim().is_empty() {
            let reason = "it names neither a file nor a database".to_owned();
            return Err(LedgerError::Address { place: format!("{text:?}"), reason });
        } else if Address::is_meant_by(text) {
            Kind::Database(Address::parse(text)?)
        } else if let Some((scheme, _)) = text.split_once("://") {
            // Not repeated beyond its scheme, since there may be a password in it.
            let reason = "ledgers are kept in files and at postgres://".to_owned();
            return Err(LedgerError::Address { place: format!("{scheme}://.."), reason });
        } else {
            Kind::File(PathBuf::from(text))
        };
        Ok(Store { kind, patience: None })
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::File(path) => path.display().fmt(f),
            Kind::Database(address) => address.fmt(f),
        }
    }
}
