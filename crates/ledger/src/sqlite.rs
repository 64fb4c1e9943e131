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
mod status;
mod transfer;

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Params, named_params, params};

use crate::cells::{self, OutcomeCells, ProposalCells};
use crate::row::{self, Cells, Columns};
use crate::{Backlog, Lease, Ledger, LedgerError, MAX_ATTEMPTS, Outcome, Proposal, Standing, Trial};

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
        read: impl Fn(&Columns) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(self.failure())?;
        let mut rows = statement.query(params).map_err(self.failure())?;
        let (mut values, place) = (Vec::new(), self.place());
        while let Some(row) = rows.next().map_err(self.failure())? {
            values.push(read(&Columns::new(row, &place, &self.study)));
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

    fn trial_id(&self, lease: &Lease) -> Result<i64, LedgerError> {
        cells::integer(&self.study, "trial", lease.proposal.id.0)
    }

    /// Records trials as failed that were leased [`MAX_ATTEMPTS`] times, never given back and never finished.
    fn give_up(&self) -> Result<(), LedgerError> {
        const WORN_OUT: &str = "study = ?1 AND seq IS NULL AND lease_until > 0 AND lease_until < unixepoch('subsec')
             AND attempt - released >= ?2";
        // Looked for first, since an update takes the lock for writing even if there is nothing to do.
        let find = format!("SELECT id FROM trials INDEXED BY trials_leased WHERE {WORN_OUT} LIMIT 1");
        while let Some(id) = self.scalar::<i64>(&find, params![self.study, MAX_ATTEMPTS])? {
            let OutcomeCells { fitness: _, failure, runs } = OutcomeCells::given_up();
            let sql = format!(
                "UPDATE trials SET seq = {NEXT_SEQ}, failure = ?4, runs = ?5, seconds = 0,
                     finished = unixepoch('subsec')
                 WHERE id = ?3 AND {WORN_OUT}"
            );
            if self.execute(&sql, params![self.study, MAX_ATTEMPTS, id, failure, runs])? == 1 {
                tracing::warn!(study = self.study, trial = id, failure, "recorded");
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
        let cells = ProposalCells::new(&self.study, proposal)?;
        let inserted = self.execute(
            "INSERT INTO trials (study, id, key, parent, mutation, redraws, parameters, multiply_adds, same_as,
                                 verdict, refusal, known_fitness, genotype, proposed)
             SELECT :study, :id, :key, :parent, :mutation, :redraws, :parameters, :multiply_adds, :same_as,
                    :verdict, :refusal, :known_fitness, :genotype, unixepoch('subsec')
             WHERE :id = 1 OR EXISTS (SELECT 1 FROM trials WHERE study = :study AND id = :id - 1)
             ON CONFLICT (study, id) DO NOTHING",
            named_params! {
                ":study": self.study,
                ":id": cells.id,
                ":key": cells.key,
                ":parent": cells.parent,
                ":mutation": cells.mutation,
                ":redraws": cells.redraws,
                ":parameters": cells.parameters,
                ":multiply_adds": cells.multiply_adds,
                ":same_as": cells.same_as,
                ":verdict": cells.verdict,
                ":refusal": cells.refusal,
                ":known_fitness": cells.known_fitness,
                ":genotype": cells.genotype,
            },
        )?;
        if inserted == 1 {
            return Ok(true);
        }
        let sql = "SELECT * FROM trials WHERE study = ?1 AND id = ?2";
        let stored = self.query(sql, params![self.study, cells.id], row::proposal)?;
        cells::proposed_before(&self.study, proposal, stored.first())
    }

    fn lease(&mut self, worker: &str) -> Result<Option<Lease>, LedgerError> {
        const OLDEST: &str = "SELECT id FROM trials INDEXED BY trials_open WHERE study = ?1 AND seq IS NULL
             AND lease_until < unixepoch('subsec') AND attempt - released < ?2 ORDER BY id LIMIT 1";
        cells::text(&self.study, "worker", worker)?;
        self.give_up()?;
        // Looked for first, as there: workers that wait for a proposal ask many times a second.
        if self.scalar::<i64>(OLDEST, params![self.study, MAX_ATTEMPTS])?.is_none() {
            return Ok(None);
        }
        // Another may lease it meanwhile. This looks again, for the next one.
        let leases = self.query(
            &format!(
                "UPDATE trials SET worker = ?3, attempt = attempt + 1, lease_until = unixepoch('subsec') + ?4,
                     renewed = unixepoch('subsec')
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
            "UPDATE trials SET lease_until = unixepoch('subsec') + ?5, renewed = unixepoch('subsec')
             WHERE study = ?1 AND id = ?2 AND attempt = ?3 AND worker = ?4 AND seq IS NULL AND lease_until > 0",
            params![self.study, self.trial_id(lease)?, lease.attempt, lease.worker, lease.ttl.as_secs_f64()],
        )?;
        Ok(renewed == 1)
    }

    fn got_on(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        let got_on = self.execute(
            "UPDATE trials SET released = attempt - 1
             WHERE study = ?1 AND id = ?2 AND attempt = ?3 AND worker = ?4 AND seq IS NULL AND lease_until > 0",
            params![self.study, self.trial_id(lease)?, lease.attempt, lease.worker],
        )?;
        Ok(got_on == 1)
    }

    fn release(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        let released = self.execute(
            "UPDATE trials SET lease_until = 0, released = released + 1
             WHERE study = ?1 AND id = ?2 AND attempt = ?3 AND worker = ?4 AND seq IS NULL AND lease_until > 0",
            params![self.study, self.trial_id(lease)?, lease.attempt, lease.worker],
        )?;
        Ok(released == 1)
    }

    fn abandon_leases(&mut self, worker: &str) -> Result<u64, LedgerError> {
        let abandoned = self.execute(
            // In the past and not 0, which would mean that it was never leased or given back.
            "UPDATE trials INDEXED BY trials_leased SET lease_until = unixepoch('subsec') - 1
             WHERE study = ?1 AND seq IS NULL AND lease_until >= unixepoch('subsec') AND worker = ?2",
            params![self.study, worker],
        )?;
        Ok(abandoned as u64)
    }

    fn note_build(&mut self, build: &str) -> Result<(), LedgerError> {
        cells::text(&self.study, "build", build)?;
        let sql = "UPDATE studies SET build = ?2 WHERE name = ?1 AND build IS NOT ?2";
        self.execute(sql, params![self.study, build]).map(drop)
    }

    fn record(&mut self, lease: &Lease, outcome: &Outcome) -> Result<bool, LedgerError> {
        let trial = lease.proposal.id;
        let OutcomeCells { fitness, failure, runs } = OutcomeCells::new(&self.study, trial, outcome)?;
        let (id, worker) = (self.trial_id(lease)?, cells::text(&self.study, "worker", &lease.worker)?);
        let recorded = self.execute(
            &format!(
                "UPDATE trials SET seq = {NEXT_SEQ}, worker = ?3, attempt = ?4, fitness = ?5, failure = ?6, runs = ?7,
                     seconds = MAX(unixepoch('subsec') - ?8, 0), finished = unixepoch('subsec')
                 WHERE study = ?1 AND id = ?2 AND seq IS NULL"
            ),
            params![self.study, id, worker, lease.attempt, fitness, failure, runs, lease.leased_unix],
        )?;
        if recorded == 1 {
            return Ok(true);
        }
        // Either another was first, or this very record was committed before and its answer was lost.
        let mine = self.scalar::<bool>(
            "SELECT worker IS ?3 AND attempt = ?4 AND fitness IS ?5 AND failure IS ?6 AND runs IS ?7
             FROM trials WHERE study = ?1 AND id = ?2",
            params![self.study, id, worker, lease.attempt, fitness, failure, runs],
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

    fn standing(&mut self) -> Result<Vec<Standing>, LedgerError> {
        self.all_standing()
    }

    fn turn_to(&mut self, study: &str) {
        study.clone_into(&mut self.study);
    }

    fn rest(&mut self) {}

    fn set_lease_ttl(&mut self, ttl: Duration) {
        self.ttl = ttl;
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

impl Cells for rusqlite::Row<'_> {
    fn integer(&self, column: &str) -> Result<Option<i64>, String> {
        cell(self, column)
    }

    fn real(&self, column: &str) -> Result<Option<f64>, String> {
        cell(self, column)
    }

    fn text(&self, column: &str) -> Result<Option<String>, String> {
        cell(self, column)
    }
}

fn cell<T: rusqlite::types::FromSql>(row: &rusqlite::Row, column: &str) -> Result<Option<T>, String> {
    row.get(column).map_err(|error| match error {
        rusqlite::Error::InvalidColumnType(_, _, kind) => format!("{kind} is not its type"),
        error => error.to_string(),
    })
}
