//! Rows of the table of trials, read back with suspicion: people edit databases by hand.

use std::fmt::Display;
use std::time::Duration;

use hnas_genome::Genotype;
use hnas_search::{Fitness, TrialId};
use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SqliteLedger;
use crate::{Backlog, Lease, LedgerError, Outcome, Proposal, Trial, Verdict};

/// The columns of one trial; what cannot be read is an error that names the trial and the column.
pub(super) struct Columns<'a> {
    ledger: &'a SqliteLedger,
    row: &'a Row<'a>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(ledger: &'a SqliteLedger, row: &'a Row<'a>) -> Columns<'a> {
        Columns { ledger, row }
    }

    fn damaged(&self, column: &'static str, reason: impl Display) -> LedgerError {
        LedgerError::Trial {
            place: self.ledger.place(),
            study: self.ledger.study.clone(),
            trial: TrialId(count(self.row.get("id").ok())),
            column,
            reason: reason.to_string(),
        }
    }

    fn get<T: FromSql>(&self, column: &'static str) -> Result<T, LedgerError> {
        self.row.get(column).map_err(|error| match error {
            rusqlite::Error::InvalidColumnType(_, _, kind) => self.damaged(column, format!("{kind} is not its type")),
            error => self.damaged(column, error),
        })
    }

    /// A number from 0.
    fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, LedgerError> {
        let value: i64 = self.get(column)?;
        T::try_from(value).map_err(|_| self.damaged(column, format!("{value} is out of range")))
    }

    fn id(&self, column: &'static str) -> Result<Option<TrialId>, LedgerError> {
        match self.get::<Option<i64>>(column)? {
            None => Ok(None),
            Some(_) => Ok(Some(TrialId(self.number(column)?))),
        }
    }

    fn fitness(&self, column: &'static str, value: f64) -> Result<Fitness, LedgerError> {
        Fitness::new(value).map_err(|error| self.damaged(column, error))
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, LedgerError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| self.damaged(column, error))).transpose()
    }
}

/// The proposal of a row of trials.
pub(super) fn proposal(columns: &Columns) -> Result<Proposal, LedgerError> {
    let genotype: String = columns.get("genotype")?;
    let verdict: String = columns.get("verdict")?;
    Ok(Proposal {
        id: TrialId(columns.number("id")?),
        genotype: Genotype::from_ron(&genotype).map_err(|error| columns.damaged("genotype", error))?,
        key: columns.get("key")?,
        parent: columns.id("parent")?,
        mutation: columns.json("mutation")?,
        redraws: columns.number("redraws")?,
        parameters: columns.number("parameters")?,
        multiply_adds: columns.number("multiply_adds")?,
        same_as: columns.id("same_as")?,
        verdict: match verdict.as_str() {
            "evaluate" => Verdict::Evaluate,
            "reuse" => Verdict::Reuse(columns.fitness("known_fitness", columns.get("known_fitness")?)?),
            "refuse" => Verdict::Refuse(columns.get("refusal")?),
            other => return Err(columns.damaged("verdict", format!("{other:?} is none"))),
        },
    })
}

/// The lease of a row that has just been leased, `now` among its columns.
pub(super) fn lease(columns: &Columns, ttl: Duration) -> Result<Lease, LedgerError> {
    Ok(Lease {
        proposal: proposal(columns)?,
        attempt: columns.number("attempt")?,
        worker: columns.get("worker")?,
        leased_unix: columns.get("now")?,
        ttl,
    })
}

/// A row of a finished trial.
pub(super) fn trial(columns: &Columns) -> Result<Trial, LedgerError> {
    let fitness: Option<f64> = columns.get("fitness")?;
    let failure: Option<String> = columns.get("failure")?;
    Ok(Trial {
        seq: columns.get("seq")?,
        proposal: proposal(columns)?,
        outcome: match (fitness, failure) {
            (Some(fitness), None) => Outcome::Scored {
                fitness: columns.fitness("fitness", fitness)?,
                runs: columns.json("runs")?.unwrap_or_default(),
            },
            (None, Some(reason)) => Outcome::Failed { reason },
            (Some(_), Some(_)) => return Err(columns.damaged("failure", "there is a fitness, too")),
            (None, None) => return Err(columns.damaged("fitness", "there is neither a fitness nor a failure")),
        },
        worker: columns.get::<Option<String>>("worker")?.unwrap_or_default(),
        attempt: columns.number("attempt")?,
        seconds: columns.get("seconds")?,
        finished_unix: columns.get::<f64>("finished")?.floor() as i64,
    })
}

/// The counts of a study.
pub(super) fn backlog(columns: &Columns) -> Result<Backlog, LedgerError> {
    let (proposed, leased, finished) =
        (columns.number("proposed")?, columns.number("leased")?, columns.number("finished")?);
    let waiting = u64::saturating_sub(proposed, leased + finished);
    Ok(Backlog { proposed, waiting, leased, finished })
}

/// A count of rows; 0 for none.
pub(super) fn count(value: Option<i64>) -> u64 {
    value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0)
}

/// JSON of a value whose numbers are finite and whose keys are texts.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain structures are always JSON")
}
