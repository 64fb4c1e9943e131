//! All of a SQLite ledger at once, out and in.

use std::path::Path;

use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Row, Transaction, TransactionBehavior, params_from_iter};

use super::{SqliteLedger, open};
use crate::transfer::{COLUMNS, Contents, Holds, Value, names};
use crate::{LedgerError, StudyInfo};

impl SqliteLedger {
    /// Everything at one moment.
    pub(crate) fn contents(path: &Path) -> Result<Contents, LedgerError> {
        let ledger = open::read(path, "")?.of_newest_format()?;
        let read = || -> Result<Contents, rusqlite::Error> {
            let transaction = Transaction::new_unchecked(&ledger.connection, TransactionBehavior::Deferred)?;
            let all = |sql: &str| -> Result<Vec<(String, i64)>, rusqlite::Error> {
                let mut statement = transaction.prepare(sql)?;
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            };
            let leased =
                all("SELECT study, COUNT(*) FROM trials WHERE seq IS NULL AND lease_until >= unixepoch('subsec')
                 GROUP BY study ORDER BY study")?;
            let studies = open::infos(&transaction)?;
            let mut statement = transaction.prepare(&format!("SELECT {} FROM trials ORDER BY study, id", names()))?;
            let trials = statement.query_map([], values)?.collect::<Result<_, _>>()?;
            Ok(Contents { studies, trials, leased })
        };
        read().map_err(ledger.failure())
    }

    /// Adds everything in one transaction.
    pub(crate) fn take_in(path: &Path, contents: &Contents) -> Result<(), LedgerError> {
        let ledger = open::with_tables(path, "")?;
        let known = ledger.studies()?;
        if let Some(study) = contents.studies.iter().find(|study| known.contains(&study.name)) {
            return Err(LedgerError::StudyThere { place: ledger.place(), study: study.name.clone() });
        }
        let write = || -> Result<(), rusqlite::Error> {
            let transaction = Transaction::new_unchecked(&ledger.connection, TransactionBehavior::Immediate)?;
            for StudyInfo { name, founding, founded_unix, build } in &contents.studies {
                let sql = "INSERT INTO studies (name, founding, founded, build) VALUES (?1, ?2, ?3, ?4)";
                transaction.execute(sql, (name, founding, founded_unix, build))?;
            }
            let places: Vec<String> = (1..=COLUMNS.len()).map(|place| format!("?{place}")).collect();
            let sql = format!("INSERT INTO trials ({}) VALUES ({})", names(), places.join(", "));
            let mut statement = transaction.prepare(&sql)?;
            for trial in &contents.trials {
                statement.execute(params_from_iter(trial))?;
            }
            drop(statement);
            transaction.commit()
        };
        write().map_err(ledger.failure())
    }
}

fn values(row: &Row) -> Result<Vec<Value>, rusqlite::Error> {
    let value = |(index, (_, holds)): (usize, &(&str, Holds))| {
        Ok(match holds {
            Holds::Integer => Value::Integer(row.get(index)?),
            Holds::Real => Value::Real(row.get(index)?),
            Holds::Text => Value::Text(row.get(index)?),
        })
    };
    COLUMNS.iter().enumerate().map(value).collect()
}

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        match self {
            Value::Integer(value) => value.to_sql(),
            Value::Real(value) => value.to_sql(),
            Value::Text(value) => value.to_sql(),
        }
    }
}
