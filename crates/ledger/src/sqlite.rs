//! A ledger in one file, kept by SQLite, for the processes of one machine.
//!
//! Each change is one statement that commits itself: SQLite lets one process write at a time and the others wait, so the
//! statement sees the newest state, and a process that is stopped or killed never holds the lock. What is asked for
//! again and again looks first whether there is anything to change, since reading waits for nobody. The
//! write-ahead log with `synchronous = FULL` makes a commit durable before it returns.
//!
//! `INDEXED BY` is there so that each operation takes as long with 100,000 trials as with ten: it names the index that
//! makes it so, and SQLite refuses the statement if it cannot use it.

mod failure;
mod filesystem;
mod open;
mod row;

use std::path::PathBuf;
use std::time::Duration;

use hnas_search::TrialId;
use rusqlite::{Connection, OptionalExtension, Params, named_params, params};

use crate::{Backlog, Lease, Ledger, LedgerError, MAX_ATTEMPTS, Outcome, Proposal, Run, Trial, Verdict};

/// A ledger in a file. Several processes may open the same file; several studies live in it side by side.
#[derive(Debug)]
pub struct SqliteLedger {
    connection: Connection,
    path: PathBuf,
    study: String,
    ttl: Duration,
}

impl SqliteLedger {
    /// The same ledger with leases that last `ttl` instead of [`LEASE_TTL`](crate::LEASE_TTL).
    #[must_use]
    pub fn with_lease_ttl(self, ttl: Duration) -> SqliteLedger {
        SqliteLedger { ttl, ..self }
    }

    /// Runs a statement that returns no rows; the number of rows it changed.
    fn execute(&self, sql: &str, params: impl Params) -> Result<usize, LedgerError> {
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map_err(self.failure())
    }

    /// Runs a statement to its end and reads every row.
    ///
    /// To its end on purpose: a statement that changes rows and returns them commits when it is done, and only the step
    /// that finds no further row tells whether the commit succeeded.
    fn query<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&row::Columns) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(self.failure())?;
        let mut rows = statement.query(params).map_err(self.failure())?;
        let mut values = Vec::new();
        while let Some(row) = rows.next().map_err(self.failure())? {
            values.push(read(&row::Columns::new(self, row)));
        }
        values.into_iter().collect()
    }

    fn scalar<T: rusqlite::types::FromSql>(&self, sql: &str, params: impl Params) -> Result<Option<T>, LedgerError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params, |row| row.get(0)).optional())
            .map_err(self.failure())
    }

    fn failure(&self) -> impl Fn(rusqlite::Error) -> LedgerError + '_ {
        |error| failure::classify(&self.path, error)
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// A number as SQLite keeps it.
    fn integer(&self, field: &'static str, value: u64) -> Result<i64, LedgerError> {
        i64::try_from(value).map_err(|_| LedgerError::TooLarge { study: self.study.clone(), field, value })
    }

    /// Records trials as failed that were leased [`MAX_ATTEMPTS`] times, never given back and never finished.
    fn give_up(&self) -> Result<(), LedgerError> {
        const WORN_OUT: &str = "study = ?1 AND seq IS NULL AND lease_until > 0 AND lease_until < unixepoch('subsec')
             AND attempt - released >= ?2";
        // Looked for first, since an update takes the lock for writing even if there is nothing to do.
        let find = format!("SELECT id FROM trials INDEXED BY trials_leased WHERE {WORN_OUT} LIMIT 1");
        while let Some(id) = self.scalar::<i64>(&find, params![self.study, MAX_ATTEMPTS])? {
            let reason = format!("given up after {MAX_ATTEMPTS} attempts: no worker that leased it came back");
            let sql = format!(
                "UPDATE trials SET seq = {NEXT_SEQ}, failure = ?4, runs = '[]', seconds = 0,
                     finished = unixepoch('subsec')
                 WHERE id = ?3 AND {WORN_OUT}"
            );
            if self.execute(&sql, params![self.study, MAX_ATTEMPTS, id, reason])? == 1 {
                tracing::warn!(study = self.study, trial = id, "{reason}");
            }
        }
        Ok(())
    }
}

/// The next place in the order of finished trials of study `?1`. Taken inside the statement that fills it: numbers
/// handed out before the commit could become visible in another order, and a reader would miss one for ever.
const NEXT_SEQ: &str = "(SELECT COALESCE((SELECT seq FROM trials INDEXED BY trials_finished
                           WHERE study = ?1 AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1), 0) + 1)";

impl Ledger for SqliteLedger {
    fn propose(&mut self, proposal: &Proposal) -> Result<bool, LedgerError> {
        let Proposal { id, genotype, key, parent, mutation, redraws, parameters, multiply_adds, same_as, verdict } =
            proposal;
        let (verdict, refusal, known_fitness) = match verdict {
            Verdict::Evaluate => ("evaluate", None, None),
            Verdict::Reuse(fitness) => ("reuse", None, Some(fitness.get())),
            Verdict::Refuse(reason) => ("refuse", Some(reason), None),
        };
        let mutation = mutation.as_ref().map(row::to_json);
        let inserted = self.execute(
            "INSERT INTO trials (study, id, key, parent, mutation, redraws, parameters, multiply_adds, same_as,
                                 verdict, refusal, known_fitness, genotype, proposed)
             SELECT :study, :id, :key, :parent, :mutation, :redraws, :parameters, :multiply_adds, :same_as,
                    :verdict, :refusal, :known_fitness, :genotype, unixepoch('subsec')
             WHERE :id = 1 OR EXISTS (SELECT 1 FROM trials WHERE study = :study AND id = :id - 1)
             ON CONFLICT (study, id) DO NOTHING",
            named_params! {
                ":study": self.study,
                ":id": self.integer("trial", id.0)?,
                ":key": key,
                ":parent": parent.map(|id| self.integer("parent", id.0)).transpose()?,
                ":mutation": mutation,
                ":redraws": redraws,
                ":parameters": self.integer("parameters", *parameters)?,
                ":multiply_adds": self.integer("multiply_adds", *multiply_adds)?,
                ":same_as": same_as.map(|id| self.integer("same_as", id.0)).transpose()?,
                ":verdict": verdict,
                ":refusal": refusal,
                ":known_fitness": known_fitness,
                ":genotype": genotype.to_ron(),
            },
        )?;
        if inserted == 1 {
            return Ok(true);
        }
        let stored = self.query(
            "SELECT * FROM trials WHERE study = ?1 AND id = ?2",
            params![self.study, self.integer("trial", id.0)?],
            row::proposal,
        )?;
        let difference = match stored.first() {
            None => return Err(LedgerError::Gap { study: self.study.clone(), trial: *id }),
            Some(stored) if stored.genotype != *genotype => "genotype",
            Some(stored) if stored.parent != *parent => "parent",
            Some(_) => return Ok(false),
        };
        Err(LedgerError::OtherProposal { study: self.study.clone(), trial: *id, difference })
    }

    fn lease(&mut self, worker: &str) -> Result<Option<Lease>, LedgerError> {
        const OLDEST: &str = "SELECT id FROM trials INDEXED BY trials_open WHERE study = ?1 AND seq IS NULL
             AND lease_until < unixepoch('subsec') AND attempt - released < ?2 ORDER BY id LIMIT 1";
        self.give_up()?;
        // Looked for first, as there: workers that wait for a proposal ask many times a second.
        if self.scalar::<i64>(OLDEST, params![self.study, MAX_ATTEMPTS])?.is_none() {
            return Ok(None);
        }
        // Another may lease it meanwhile. This looks again, for the next one.
        let leases = self.query(
            &format!(
                "UPDATE trials SET worker = ?3, attempt = attempt + 1, lease_until = unixepoch('subsec') + ?4
                 WHERE study = ?1 AND id = ({OLDEST})
                 RETURNING *, unixepoch('subsec') AS now"
            ),
            params![self.study, MAX_ATTEMPTS, worker, self.ttl.as_secs_f64()],
            |columns| row::lease(columns, self.ttl),
        )?;
        Ok(leases.into_iter().next())
    }

    fn renew(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        let renewed = self.execute(
            "UPDATE trials SET lease_until = unixepoch('subsec') + ?5
             WHERE study = ?1 AND id = ?2 AND attempt = ?3 AND worker = ?4 AND seq IS NULL AND lease_until > 0",
            params![
                self.study,
                self.integer("trial", lease.proposal.id.0)?,
                lease.attempt,
                lease.worker,
                lease.ttl.as_secs_f64()
            ],
        )?;
        Ok(renewed == 1)
    }

    fn release(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        let released = self.execute(
            "UPDATE trials SET lease_until = 0, released = released + 1
             WHERE study = ?1 AND id = ?2 AND attempt = ?3 AND worker = ?4 AND seq IS NULL AND lease_until > 0",
            params![self.study, self.integer("trial", lease.proposal.id.0)?, lease.attempt, lease.worker],
        )?;
        Ok(released == 1)
    }

    fn abandon_leases(&mut self) -> Result<u64, LedgerError> {
        let abandoned = self.execute(
            // In the past and not 0, which would mean that it was never leased or given back.
            "UPDATE trials INDEXED BY trials_leased SET lease_until = unixepoch('subsec') - 1
             WHERE study = ?1 AND seq IS NULL AND lease_until >= unixepoch('subsec')",
            params![self.study],
        )?;
        Ok(abandoned as u64)
    }

    fn record(&mut self, lease: &Lease, outcome: &Outcome) -> Result<bool, LedgerError> {
        let trial = lease.proposal.id;
        let (fitness, runs, failure) = match outcome {
            Outcome::Scored { fitness, runs } => (Some(fitness.get()), runs.as_slice(), None),
            Outcome::Failed { reason } => (None, &[][..], Some(reason)),
        };
        self.check_finite(trial, runs)?;
        let runs = row::to_json(&runs);
        let id = self.integer("trial", trial.0)?;
        let recorded = self.execute(
            &format!(
                "UPDATE trials SET seq = {NEXT_SEQ}, worker = ?3, attempt = ?4, fitness = ?5, failure = ?6, runs = ?7,
                     seconds = MAX(unixepoch('subsec') - ?8, 0), finished = unixepoch('subsec')
                 WHERE study = ?1 AND id = ?2 AND seq IS NULL"
            ),
            params![self.study, id, lease.worker, lease.attempt, fitness, failure, runs, lease.leased_unix],
        )?;
        if recorded == 1 {
            return Ok(true);
        }
        // Either another was first, or this very record was committed before and its answer was lost.
        let mine = self.scalar::<bool>(
            "SELECT worker IS ?3 AND attempt = ?4 AND fitness IS ?5 AND failure IS ?6 AND runs IS ?7
             FROM trials WHERE study = ?1 AND id = ?2",
            params![self.study, id, lease.worker, lease.attempt, fitness, failure, runs],
        )?;
        mine.ok_or_else(|| LedgerError::NoTrial { study: self.study.clone(), trial })
    }

    fn results(&mut self, after: i64) -> Result<Vec<Trial>, LedgerError> {
        self.query(
            "SELECT * FROM trials INDEXED BY trials_finished WHERE study = ?1 AND seq IS NOT NULL AND seq > ?2
             ORDER BY seq",
            params![self.study, after],
            row::trial,
        )
    }

    fn backlog(&mut self) -> Result<Backlog, LedgerError> {
        // Ids and seqs are dense, so their largest are their numbers.
        let counts = self.query(
            "SELECT COALESCE((SELECT id FROM trials WHERE study = ?1 ORDER BY id DESC LIMIT 1), 0) AS proposed,
                    COALESCE((SELECT seq FROM trials INDEXED BY trials_finished
                              WHERE study = ?1 AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1), 0) AS finished,
                    (SELECT COUNT(*) FROM trials INDEXED BY trials_leased
                     WHERE study = ?1 AND seq IS NULL AND lease_until >= unixepoch('subsec')) AS leased",
            params![self.study],
            row::backlog,
        )?;
        Ok(counts.into_iter().next().unwrap_or_default())
    }
}

impl SqliteLedger {
    fn check_finite(&self, trial: TrialId, runs: &[Run]) -> Result<(), LedgerError> {
        for (run, &Run { seed: _, accuracy, loss, seconds }) in (1..).zip(runs) {
            for (field, value) in [("accuracy", accuracy), ("loss", loss), ("seconds", seconds)] {
                if !value.is_finite() {
                    return Err(LedgerError::NotFinite { study: self.study.clone(), trial, run, field, value });
                }
            }
        }
        Ok(())
    }
}
