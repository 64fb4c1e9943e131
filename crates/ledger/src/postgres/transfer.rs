//! All of a PostgreSQL ledger at once, out and in.

use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, IsolationLevel, Row, Transaction};

use super::address::Address;
use super::open::info;
use super::session::Purpose;
use super::{NOW, PostgresLedger};
use crate::transfer::{COLUMNS, Contents, Holds, Value, names};
use crate::{LedgerError, StudyInfo};

/// How many trials are written by one statement.
const BATCH: usize = 500;

impl PostgresLedger {
    /// Everything at one moment.
    pub(crate) fn contents(address: Address, patience: Option<Duration>) -> Result<Contents, LedgerError> {
        let mut ledger = PostgresLedger::new(address, "", Purpose::Reading, patience)?;
        ledger.of_newest_format()?;
        let read = async |client: &mut Client| {
            let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
            let transaction = snapshot.start().await?;
            let leased = transaction
                .query_typed(
                    &format!(
                        "SELECT study, COUNT(*) FROM hnas.trials WHERE seq IS NULL AND lease_until >= {NOW}
                         GROUP BY study ORDER BY study"
                    ),
                    &[],
                )
                .await?;
            let sql = "SELECT * FROM hnas.studies ORDER BY founded, name";
            let studies: Vec<StudyInfo> = transaction.query_typed(sql, &[]).await?.iter().map(info).collect();
            let mut trials = Vec::new();
            for study in &studies {
                trials.extend(trials_of(&transaction, &study.name).await?);
            }
            Ok(Contents { studies, trials, leased: leased.iter().map(|row| (row.get(0), row.get(1))).collect() })
        };
        let mut contents: Contents = ledger.session.ask(read).map_err(|failure| ledger.error(failure))?;
        contents.trials.sort_by(|a, b| key(a).cmp(&key(b)));
        Ok(contents)
    }

    /// Adds everything in one transaction.
    pub(crate) fn take_in(
        address: Address,
        contents: &Contents,
        patience: Option<Duration>,
    ) -> Result<(), LedgerError> {
        let mut ledger = PostgresLedger::new(address, "", Purpose::Writing, patience)?;
        ledger.bring_forward()?;
        for known in ledger.list()? {
            if contents.studies.iter().any(|study| study.name == known.name) {
                return Err(LedgerError::StudyThere { place: ledger.session.place(), study: known.name });
            }
        }
        let write = async |client: &mut Client| {
            let transaction = client.transaction().await?;
            for StudyInfo { name, founding, founded_unix, build } in &contents.studies {
                let sql = "INSERT INTO hnas.studies (name, founding, founded, build) VALUES ($1, $2, $3, $4)";
                let study: [(&(dyn ToSql + Sync), Type); 4] =
                    [(name, Type::TEXT), (founding, Type::TEXT), (founded_unix, Type::FLOAT8), (build, Type::TEXT)];
                transaction.execute_typed(sql, &study).await?;
            }
            for batch in contents.trials.chunks(BATCH) {
                write_batch(&transaction, batch).await?;
            }
            transaction.commit().await
        };
        ledger.session.ask(write).map_err(|failure| ledger.error(failure))
    }
}

/// The trials of one study, some at a time, so that no answer is long.
async fn trials_of(transaction: &Transaction<'_>, study: &str) -> Result<Vec<Vec<Value>>, Error> {
    let sql = format!("SELECT {} FROM hnas.trials WHERE study = $1 AND id > $2 ORDER BY id LIMIT $3", names());
    let (mut trials, mut after, limit) = (Vec::new(), 0_i64, BATCH as i64);
    loop {
        let params: [(&(dyn ToSql + Sync), Type); 3] =
            [(&study, Type::TEXT), (&after, Type::INT8), (&limit, Type::INT8)];
        let page = transaction.query_typed(&sql, &params).await?;
        let Some(last) = page.last() else { return Ok(trials) };
        after = last.try_get("id")?;
        for row in &page {
            trials.push(values(row)?);
        }
    }
}

fn values(row: &Row) -> Result<Vec<Value>, Error> {
    let value = |(index, (_, holds)): (usize, &(&str, Holds))| {
        Ok(match holds {
            Holds::Integer => Value::Integer(row.try_get(index)?),
            Holds::Real => Value::Real(row.try_get(index)?),
            Holds::Text => Value::Text(row.try_get(index)?),
        })
    };
    COLUMNS.iter().enumerate().map(value).collect()
}

/// One statement for many trials: each column is one parameter, an array.
async fn write_batch(transaction: &Transaction<'_>, trials: &[Vec<Value>]) -> Result<(), Error> {
    let mut arrays: Vec<(Box<dyn ToSql + Sync>, Type)> = Vec::new();
    let mut columns = Vec::new();
    for (place, (_, holds)) in COLUMNS.iter().enumerate() {
        let cells = trials.iter().filter_map(|trial| trial.get(place));
        let (array, of, name): (Box<dyn ToSql + Sync>, Type, &str) = match holds {
            Holds::Integer => (Box::new(cells.map(integer).collect::<Vec<_>>()), Type::INT8_ARRAY, "bigint"),
            Holds::Real => (Box::new(cells.map(real).collect::<Vec<_>>()), Type::FLOAT8_ARRAY, "double precision"),
            Holds::Text => (Box::new(cells.map(text).collect::<Vec<_>>()), Type::TEXT_ARRAY, "text"),
        };
        arrays.push((array, of));
        columns.push(format!("${}::{name}[]", place + 1));
    }
    let params: Vec<(&(dyn ToSql + Sync), Type)> = arrays.iter().map(|(array, of)| (&**array, of.clone())).collect();
    let sql = format!("INSERT INTO hnas.trials ({}) SELECT * FROM unnest({})", names(), columns.join(", "));
    transaction.execute_typed(&sql, &params).await.map(drop)
}

fn integer(value: &Value) -> Option<i64> {
    if let Value::Integer(value) = value { *value } else { None }
}

fn real(value: &Value) -> Option<f64> {
    if let Value::Real(value) = value { *value } else { None }
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(value) = value { value.as_deref() } else { None }
}

/// Study and id, the order in which files list trials.
fn key(trial: &[Value]) -> (Option<&str>, Option<i64>) {
    (trial.first().and_then(text), trial.get(1).and_then(integer))
}
