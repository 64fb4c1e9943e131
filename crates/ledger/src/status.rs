//! How a ledger stands, over all its studies: for workers that look for something to do, and for people.

use hnas_search::TrialId;
use serde::Serialize;

use crate::LedgerError;
use crate::row::Columns;
use crate::{Backlog, StudyInfo};

/// Seconds over which [`StudyStatus::recent`] counts.
pub const RECENT_SECONDS: u32 = 900;

/// What a worker has to know of a study before it asks for a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Name of the study.
    pub study: String,
    /// The build that proposes; `None` until it has said so.
    pub build: Option<String>,
    /// Whether there is a trial that nobody works on.
    pub waiting: bool,
}

/// How a study stands, at one moment of the ledger's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyStatus {
    /// Which study.
    pub info: StudyInfo,
    /// Its trials.
    pub backlog: Backlog,
    /// Of the finished trials those that failed.
    pub failed: u64,
    /// The fittest trial and its fitness; the first of equals.
    pub best: Option<(TrialId, f64)>,
    /// Trials finished within the last [`RECENT_SECONDS`].
    pub recent: u64,
    /// Seconds since the first proposal; 0 before it.
    pub age: f64,
    /// Seconds since the last result.
    pub since_last: Option<f64>,
    /// Everybody who leased a trial of it, by name.
    pub workers: Vec<WorkerStatus>,
}

/// What is known of a worker from the trials it leased.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkerStatus {
    /// Its name.
    pub worker: String,
    /// The trial it holds a lease of.
    pub trial: Option<u64>,
    /// Seconds since it leased, renewed or recorded.
    pub silent: f64,
    /// Trials it recorded with a fitness.
    pub scored: u64,
    /// Trials it recorded as failed.
    pub failed: u64,
    /// Trials whose lease ran out in its hands, and that nobody has leased since.
    pub lost: u64,
    /// Mean seconds from lease to record.
    pub mean_seconds: Option<f64>,
}

/// A question to all studies, as both engines understand it. `TABLES.` and `NOW` stand for what differs.
pub(crate) const STANDING: &str = "
    SELECT name, build,
           CAST(CASE WHEN EXISTS (SELECT 1 FROM TABLES.trials WHERE study = name AND seq IS NULL AND lease_until < NOW)
                THEN 1 ELSE 0 END AS bigint) AS waiting
    FROM TABLES.studies ORDER BY founded, name";

/// The counts of every study.
pub(crate) const STUDIES: &str = "
    SELECT name, founding, founded, build,
           COALESCE((SELECT MAX(id) FROM TABLES.trials WHERE study = name), 0) AS proposed,
           COALESCE((SELECT MAX(seq) FROM TABLES.trials WHERE study = name AND seq IS NOT NULL), 0) AS finished,
           (SELECT COUNT(*) FROM TABLES.trials WHERE study = name AND seq IS NULL AND lease_until >= NOW) AS leased,
           (SELECT COUNT(failure) FROM TABLES.trials WHERE study = name AND seq IS NOT NULL) AS failed,
           (SELECT id FROM TABLES.trials WHERE study = name AND fitness IS NOT NULL
            ORDER BY fitness DESC, seq LIMIT 1) AS best,
           (SELECT MAX(fitness) FROM TABLES.trials WHERE study = name) AS best_fitness,
           (SELECT COUNT(*) FROM TABLES.trials WHERE study = name AND seq IS NOT NULL AND finished > NOW - RECENT)
               AS recent,
           (SELECT NOW - MIN(proposed) FROM TABLES.trials WHERE study = name) AS age,
           (SELECT NOW - MAX(finished) FROM TABLES.trials WHERE study = name AND seq IS NOT NULL) AS since_last
    FROM TABLES.studies ORDER BY founded, name";

/// A row for each study and worker.
pub(crate) const WORKERS: &str = "
    SELECT study, worker, COUNT(fitness) AS scored, COUNT(failure) AS failed,
           COUNT(CASE WHEN seq IS NULL AND lease_until > 0 AND lease_until < NOW THEN 1 END) AS lost,
           MAX(CASE WHEN seq IS NULL AND lease_until >= NOW THEN id END) AS trial,
           NOW - MAX(COALESCE(finished, renewed, 0)) AS silent, AVG(seconds) AS mean_seconds
    FROM TABLES.trials WHERE worker IS NOT NULL GROUP BY study, worker ORDER BY study, worker";

/// The question with the names of an engine: what stands before a table's name, and its clock in seconds since 1970.
pub(crate) fn spoken(question: &str, tables: &str, now: &str) -> String {
    let question = question.replace("TABLES.", tables).replace("RECENT", &RECENT_SECONDS.to_string());
    question.replace("NOW", now)
}

pub(crate) fn standing(columns: &Columns) -> Result<Standing, LedgerError> {
    Ok(Standing {
        study: columns.text("name")?,
        build: columns.optional_text("build")?,
        waiting: columns.number::<u64>("waiting")? != 0,
    })
}

pub(crate) fn study(columns: &Columns) -> Result<StudyStatus, LedgerError> {
    let (proposed, leased, finished) =
        (columns.number("proposed")?, columns.number("leased")?, columns.number("finished")?);
    Ok(StudyStatus {
        info: StudyInfo {
            name: columns.text("name")?,
            founding: columns.text("founding")?,
            founded_unix: columns.real("founded")?,
            build: columns.optional_text("build")?,
        },
        backlog: Backlog { proposed, waiting: u64::saturating_sub(proposed, leased + finished), leased, finished },
        failed: columns.number("failed")?,
        best: columns.id("best")?.zip(columns.optional_real("best_fitness")?),
        recent: columns.number("recent")?,
        age: columns.optional_real("age")?.unwrap_or(0.0),
        since_last: columns.optional_real("since_last")?,
        workers: Vec::new(),
    })
}

/// The study and the worker of one row.
pub(crate) fn worker(columns: &Columns) -> Result<(String, WorkerStatus), LedgerError> {
    let worker = WorkerStatus {
        worker: columns.text("worker")?,
        trial: columns.id("trial")?.map(|trial| trial.0),
        silent: columns.real("silent")?,
        scored: columns.number("scored")?,
        failed: columns.number("failed")?,
        lost: columns.number("lost")?,
        mean_seconds: columns.optional_real("mean_seconds")?,
    };
    Ok((columns.text("study")?, worker))
}

/// Gives each study its workers.
pub(crate) fn assemble(mut studies: Vec<StudyStatus>, workers: Vec<(String, WorkerStatus)>) -> Vec<StudyStatus> {
    for (study, worker) in workers {
        // A study that was founded between the two questions is told of next time.
        if let Some(found) = studies.iter_mut().find(|found| found.info.name == study) {
            found.workers.push(worker);
        }
    }
    studies
}
