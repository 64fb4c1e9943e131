//! Opening a ledger: its founder makes the tables and brings them forward, all others find them.

use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use super::address::Address;
use super::session::{Purpose, Session};
use super::{NOW, PostgresLedger};
use crate::{LEASE_TTL, LedgerError, StudyInfo, cells, founding};

/// What makes each format from the one before it. Never changed, only added to.
const FORMATS: [&str; 3] = [include_str!("format_1.sql"), include_str!("format_2.sql"), include_str!("format_3.sql")];

/// The newest format.
const FORMAT: i64 = FORMATS.len() as i64;

/// "hnas" in ASCII: the lock under which tables are made, so that two founders do not do it at once.
const FOUNDING_LOCK: i64 = 0x686E_6173;

impl PostgresLedger {
    /// Opens a study, founding it and the ledger if they do not exist.
    pub(crate) fn open(
        address: Address,
        study: &str,
        founding: &str,
        patience: Option<Duration>,
    ) -> Result<PostgresLedger, LedgerError> {
        cells::check_study(study)?;
        cells::text(study, "founding text", founding)?;
        let mut ledger = PostgresLedger::new(address, study, Purpose::Writing, patience)?;
        ledger.bring_forward()?;
        let sql = format!(
            "INSERT INTO hnas.studies (name, founding, founded) VALUES ($1, $2, {NOW})
                           ON CONFLICT (name) DO NOTHING"
        );
        ledger.execute(&sql, &[(&study, Type::TEXT), (&founding, Type::TEXT)])?;
        let founded = ledger.founding()?;
        founding::compare(&ledger.session.place(), study, &founded, founding)?;
        Ok(ledger)
    }

    /// Makes the ledger if it is not there, or brings one of an earlier format forward.
    pub(crate) fn make(address: Address, patience: Option<Duration>) -> Result<(), LedgerError> {
        PostgresLedger::new(address, "", Purpose::Writing, patience)?.bring_forward()
    }

    /// Opens a study that somebody else founded, to work for it.
    pub(crate) fn join(
        address: Address,
        study: &str,
        patience: Option<Duration>,
    ) -> Result<PostgresLedger, LedgerError> {
        let mut ledger = PostgresLedger::new(address, study, Purpose::Writing, patience)?;
        ledger.of_newest_format()?;
        ledger.founding()?;
        Ok(ledger)
    }

    /// Opens a ledger to work for any of its studies.
    pub(crate) fn join_all(address: Address, patience: Option<Duration>) -> Result<PostgresLedger, LedgerError> {
        let mut ledger = PostgresLedger::new(address, "", Purpose::Writing, patience)?;
        ledger.of_newest_format()?;
        Ok(ledger)
    }

    /// Refuses what whoever founds a study would bring forward first.
    pub(super) fn of_newest_format(&mut self) -> Result<(), LedgerError> {
        match self.format()? {
            FORMAT => Ok(()),
            found => Err(LedgerError::Older { place: self.session.place(), found, known: FORMAT }),
        }
    }

    /// Opens a study for reading.
    pub(crate) fn read(
        address: Address,
        study: &str,
        patience: Option<Duration>,
    ) -> Result<PostgresLedger, LedgerError> {
        let mut ledger = PostgresLedger::new(address, study, Purpose::Reading, patience)?;
        ledger.format()?;
        ledger.founding()?;
        Ok(ledger)
    }

    /// All studies, in the order they were founded.
    pub(crate) fn studies(address: Address, patience: Option<Duration>) -> Result<Vec<StudyInfo>, LedgerError> {
        let mut ledger = PostgresLedger::new(address, "", Purpose::Reading, patience)?;
        ledger.format()?;
        ledger.list()
    }

    pub(super) fn new(
        address: Address,
        study: &str,
        purpose: Purpose,
        patience: Option<Duration>,
    ) -> Result<PostgresLedger, LedgerError> {
        let session = Session::new(address, purpose, patience)?;
        Ok(PostgresLedger { session, study: study.to_owned(), ttl: LEASE_TTL })
    }

    /// The experiment that founded the study.
    fn founding(&mut self) -> Result<String, LedgerError> {
        let study = self.study.clone();
        let found = self.list()?;
        match found.iter().find(|found| found.name == study) {
            Some(found) => Ok(found.founding.clone()),
            None => {
                let known = found.into_iter().map(|found| found.name).collect();
                Err(LedgerError::UnknownStudy { place: self.session.place(), study, known })
            }
        }
    }

    pub(super) fn list(&mut self) -> Result<Vec<StudyInfo>, LedgerError> {
        let sql = "SELECT * FROM hnas.studies ORDER BY founded, name";
        let rows = self.session.query(sql, &[]).map_err(|failure| self.error(failure))?;
        Ok(rows.iter().map(info).collect())
    }

    /// The format of the ledger, which is one that is known.
    pub(super) fn format(&mut self) -> Result<i64, LedgerError> {
        let place = self.session.place();
        match self.session.ask(async |client| format(client).await).map_err(|failure| self.error(failure))? {
            Found::Nothing => Err(LedgerError::Missing { place }),
            Found::Foreign => {
                let reason = "its schema hnas holds tables of something else".to_owned();
                Err(LedgerError::Foreign { place, reason })
            }
            Found::Format(found) if (1..=FORMAT).contains(&found) => Ok(found),
            Found::Format(found) => Err(LedgerError::Newer { place, found, known: FORMAT }),
        }
    }

    /// Makes the tables, or brings those of an earlier format forward, unless another process was faster.
    pub(super) fn bring_forward(&mut self) -> Result<(), LedgerError> {
        match self.format() {
            Ok(FORMAT) => return Ok(()),
            Ok(_) | Err(LedgerError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
        let make = async |client: &mut Client| {
            // All or nothing; whoever is interrupted leaves the database as it was.
            let transaction = client.transaction().await?;
            let lock: &[(&(dyn ToSql + Sync), Type)] = &[(&FOUNDING_LOCK, Type::INT8)];
            transaction.query_typed("SELECT pg_advisory_xact_lock($1)", lock).await?;
            let found = match format(transaction.client()).await? {
                Found::Nothing => {
                    // Not if it is there: making a schema takes a right that whoever was given one need not have.
                    let there = transaction.query_typed("SELECT to_regnamespace('hnas') IS NOT NULL", &[]).await?;
                    if !there.first().is_some_and(|row| row.get(0)) {
                        transaction.batch_execute("CREATE SCHEMA hnas").await?;
                    }
                    0
                }
                Found::Format(found) => usize::try_from(found).unwrap_or(usize::MAX),
                Found::Foreign => usize::MAX,
            };
            for sql in FORMATS.iter().skip(found) {
                transaction.batch_execute(sql).await?;
            }
            if found < FORMATS.len() {
                let sql = "UPDATE hnas.format SET version = $1";
                transaction.execute_typed(sql, &[(&FORMAT, Type::INT8)]).await?;
            }
            transaction.commit().await
        };
        self.session.ask(make).map_err(|failure| self.error(failure))
    }
}

/// A row of the table of studies.
pub(super) fn info(row: &tokio_postgres::Row) -> StudyInfo {
    StudyInfo {
        name: row.get("name"),
        founding: row.get("founding"),
        founded_unix: row.get("founded"),
        // Not in earlier formats, which are read as they are.
        build: row.try_get("build").ok().flatten(),
    }
}

/// What the schema `hnas` of a database holds.
enum Found {
    Nothing,
    Format(i64),
    Foreign,
}

async fn format(client: &Client) -> Result<Found, Error> {
    let sql = "SELECT COUNT(*) AS relations, COUNT(*) FILTER (WHERE relname = 'format') AS marks
               FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace('hnas')";
    let rows = client.query_typed(sql, &[]).await?;
    let count = |column: &str| rows.first().map_or(0, |row| row.get::<_, i64>(column));
    if count("marks") == 1 {
        let rows = client.query_typed("SELECT MAX(version) FROM hnas.format", &[]).await?;
        let version = rows.first().and_then(|row| row.get::<_, Option<i64>>(0));
        return Ok(version.map_or(Found::Foreign, Found::Format));
    }
    Ok(if count("relations") == 0 { Found::Nothing } else { Found::Foreign })
}
