//! Moving a ledger between a file and a database: all studies and trials, column by column, as they are.

use crate::postgres::PostgresLedger;
use crate::sqlite::SqliteLedger;
use crate::store::{Kind, Store};
use crate::{LedgerError, StudyInfo};

/// The columns of a trial, in the order of the table, by what they hold.
pub(crate) const COLUMNS: [(&str, Holds); 25] = {
    use Holds::{Integer, Real, Text};
    [
        ("study", Text),
        ("id", Integer),
        ("key", Text),
        ("parent", Integer),
        ("mutation", Text),
        ("redraws", Integer),
        ("parameters", Integer),
        ("multiply_adds", Integer),
        ("same_as", Integer),
        ("verdict", Text),
        ("refusal", Text),
        ("known_fitness", Real),
        ("genotype", Text),
        ("proposed", Real),
        ("worker", Text),
        ("attempt", Integer),
        ("released", Integer),
        ("lease_until", Real),
        ("renewed", Real),
        ("seq", Integer),
        ("fitness", Real),
        ("failure", Text),
        ("runs", Text),
        ("seconds", Real),
        ("finished", Real),
    ]
};

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holds {
    Integer,
    Real,
    Text,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
}

/// Everything a ledger holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) studies: Vec<StudyInfo>,
    /// Values in the order of [`COLUMNS`], by study and id.
    pub(crate) trials: Vec<Vec<Value>>,
    /// Names of studies with leases that last, and how many.
    pub(crate) leased: Vec<(String, i64)>,
}

/// How much was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Studies.
    pub studies: usize,
    /// Trials, finished or not.
    pub trials: usize,
}

impl Store {
    /// Copies everything that this ledger holds into another, all or nothing; trials and their order are exactly equal
    /// there. Both ways between a file and a database. What is here stays here: whoever worked here works there from
    /// then on, or the two go separate ways.
    ///
    /// # Errors
    ///
    /// When a trial here is leased, since its result would be recorded here and missing there; when the other ledger has
    /// one of these studies already; when either cannot be opened, read or written.
    pub fn copy_to(&self, other: &Store) -> Result<Moved, LedgerError> {
        let contents = match &self.kind {
            Kind::File(path) => SqliteLedger::contents(path)?,
            Kind::Database(address) => PostgresLedger::contents(address.clone(), self.patience)?,
        };
        if let Some((study, leases)) = contents.leased.into_iter().next() {
            return Err(LedgerError::Leased { place: self.to_string(), study, leases });
        }
        let contents = Contents { leased: Vec::new(), ..contents };
        match &other.kind {
            Kind::File(path) => SqliteLedger::take_in(path, &contents)?,
            Kind::Database(address) => PostgresLedger::take_in(address.clone(), &contents, other.patience)?,
        }
        Ok(Moved { studies: contents.studies.len(), trials: contents.trials.len() })
    }
}

/// Names of the columns, with commas.
pub(crate) fn names() -> String {
    COLUMNS.map(|(name, _)| name).join(", ")
}
