//! Rows of the table of trials, read back with suspicion: people edit databases by hand.

use std::fmt::Display;
use std::time::Duration;

use hnas_genome::Genotype;
use hnas_search::{Fitness, TrialId};
use serde::de::DeserializeOwned;

use crate::{Backlog, Lease, LedgerError, Outcome, Proposal, Trial, Verdict};

/// One row as a database gives it. Whatever a database knows as integers, floating point numbers and texts is read as
/// that alone; an error says in a few words what is there instead.
pub(crate) trait Cells {
    fn integer(&self, column: &str) -> Result<Option<i64>, String>;
    fn real(&self, column: &str) -> Result<Option<f64>, String>;
    fn text(&self, column: &str) -> Result<Option<String>, String>;
}

/// The columns of one trial; what cannot be read is an error that names the trial and the column.
pub(crate) struct Columns<'a> {
    cells: &'a dyn Cells,
    place: &'a str,
    study: &'a str,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(cells: &'a dyn Cells, place: &'a str, study: &'a str) -> Columns<'a> {
        Columns { cells, place, study }
    }

    fn damaged(&self, column: &'static str, reason: impl Display) -> LedgerError {
        let id = self.cells.integer("id").ok().flatten().and_then(|id| u64::try_from(id).ok()).unwrap_or(0);
        LedgerError::Trial {
            place: self.place.to_owned(),
            study: self.study.to_owned(),
            trial: TrialId(id),
            column,
            reason: reason.to_string(),
        }
    }

    fn there<T>(&self, column: &'static str, value: Result<Option<T>, String>) -> Result<T, LedgerError> {
        self.may_be_null(column, value)?.ok_or_else(|| self.damaged(column, "Null is not its type"))
    }

    fn may_be_null<T>(&self, column: &'static str, value: Result<Option<T>, String>) -> Result<Option<T>, LedgerError> {
        value.map_err(|reason| self.damaged(column, reason))
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String, LedgerError> {
        self.there(column, self.cells.text(column))
    }

    pub(crate) fn real(&self, column: &'static str) -> Result<f64, LedgerError> {
        self.there(column, self.cells.real(column))
    }

    pub(crate) fn optional_text(&self, column: &'static str) -> Result<Option<String>, LedgerError> {
        self.may_be_null(column, self.cells.text(column))
    }

    pub(crate) fn optional_real(&self, column: &'static str) -> Result<Option<f64>, LedgerError> {
        self.may_be_null(column, self.cells.real(column))
    }

    /// Whole seconds since 1970.
    fn time(&self, column: &'static str) -> Result<i64, LedgerError> {
        let seconds = self.real(column)?;
        if seconds.is_finite() {
            Ok(seconds.floor() as i64)
        } else {
            Err(self.damaged(column, format!("{seconds} is no time")))
        }
    }

    /// A number from 0.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, LedgerError> {
        let value = self.there(column, self.cells.integer(column))?;
        T::try_from(value).map_err(|_| self.damaged(column, format!("{value} is out of range")))
    }

    pub(crate) fn id(&self, column: &'static str) -> Result<Option<TrialId>, LedgerError> {
        match self.may_be_null(column, self.cells.integer(column))? {
            None => Ok(None),
            Some(_) => Ok(Some(TrialId(self.number(column)?))),
        }
    }

    fn fitness(&self, column: &'static str, value: f64) -> Result<Fitness, LedgerError> {
        Fitness::new(value).map_err(|error| self.damaged(column, error))
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, LedgerError> {
        let text = self.may_be_null(column, self.cells.text(column))?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| self.damaged(column, error))).transpose()
    }
}

/// The proposal of a row of trials.
pub(crate) fn proposal(columns: &Columns) -> Result<Proposal, LedgerError> {
    let genotype = columns.text("genotype")?;
    let verdict = columns.text("verdict")?;
    Ok(Proposal {
        id: TrialId(columns.number("id")?),
        genotype: Genotype::from_ron(&genotype).map_err(|error| columns.damaged("genotype", error))?,
        key: columns.text("key")?,
        parent: columns.id("parent")?,
        mutation: columns.json("mutation")?,
        redraws: columns.number("redraws")?,
        parameters: columns.number("parameters")?,
        multiply_adds: columns.number("multiply_adds")?,
        same_as: columns.id("same_as")?,
        verdict: match verdict.as_str() {
            "evaluate" => Verdict::Evaluate,
            "reuse" => Verdict::Reuse(columns.fitness("known_fitness", columns.real("known_fitness")?)?),
            "refuse" => Verdict::Refuse(columns.text("refusal")?),
            other => return Err(columns.damaged("verdict", format!("{other:?} is none"))),
        },
    })
}

/// The lease of a row that has just been leased, `now` among its columns.
pub(crate) fn lease(columns: &Columns, ttl: Duration) -> Result<Lease, LedgerError> {
    Ok(Lease {
        proposal: proposal(columns)?,
        attempt: columns.number("attempt")?,
        worker: columns.text("worker")?,
        leased_unix: columns.real("now")?,
        ttl,
    })
}

/// A row of a finished trial.
pub(crate) fn trial(columns: &Columns) -> Result<Trial, LedgerError> {
    let fitness = columns.optional_real("fitness")?;
    let failure = columns.optional_text("failure")?;
    Ok(Trial {
        seq: columns.there("seq", columns.cells.integer("seq"))?,
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
        worker: columns.optional_text("worker")?.unwrap_or_default(),
        attempt: columns.number("attempt")?,
        seconds: columns.real("seconds")?,
        finished_unix: columns.time("finished")?,
    })
}

/// The counts of a study.
pub(crate) fn backlog(columns: &Columns) -> Result<Backlog, LedgerError> {
    let (proposed, leased, finished) =
        (columns.number("proposed")?, columns.number("leased")?, columns.number("finished")?);
    let waiting = u64::saturating_sub(proposed, leased + finished);
    Ok(Backlog { proposed, waiting, leased, finished })
}
