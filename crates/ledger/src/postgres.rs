//! A ledger in a PostgreSQL database, for workers on any number of hosts.
//!
//! Each change is one statement that commits itself, so that nobody can stop half way with a lock in hand, and that can
//! be repeated when its answer was lost. No connection is held while a worker trains: the one that leased a trial or
//! renewed its lease is closed at once, since hundreds of workers share the hundred connections that a server has.

mod address;
mod failure;
mod open;
mod password;
mod session;
mod status;
mod transfer;

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

use crate::cells::{self, OutcomeCells, ProposalCells};
use crate::row::{self, Cells, Columns};
use crate::{Backlog, Lease, Ledger, LedgerError, MAX_ATTEMPTS, Outcome, Proposal, Standing, Trial, Verdict};

pub(crate) use address::Address;
use failure::Failure;
use session::Session;

/// A ledger in a database. Several studies live in it side by side.
#[derive(Debug)]
pub(crate) struct PostgresLedger {
    session: Session,
    study: String,
    ttl: Duration,
}

/// Seconds since 1970 when the statement began, by the database's clock.
const NOW: &str = "extract(epoch FROM now())::float8";

/// The next place in the order of finished trials of study `$1`. Taken inside the statement that fills it: numbers handed
/// out before the commit, as a sequence does, could become visible in another order, and a reader would miss one for
/// ever. When two take the same, the unique index refuses the later one, which then takes the next.
const NEXT_SEQ: &str =
    "(SELECT COALESCE(MAX(seq), 0) + 1 FROM hnas.trials AS others WHERE study = $1 AND seq IS NOT NULL)";

/// How many results are read at once, so that a long study is not one long answer.
const PAGE: i64 = 2000;

const ATTEMPTS: i64 = MAX_ATTEMPTS as i64;

/// Parameters of a statement with their types, which spares a question to the database.
macro_rules! params {
    ($($value:expr => $type:ident),* $(,)?) => {
        [$((&$value as &(dyn ToSql + Sync), Type::$type)),*]
    };
}

impl PostgresLedger {
    fn query<T>(
        &mut self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
        read: impl Fn(&Columns) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let rows = self.session.query(sql, params).map_err(|failure| self.error(failure))?;
        let place = self.session.place();
        rows.iter().map(|row| read(&Columns::new(row, &place, &self.study))).collect()
    }

    fn execute(&mut self, sql: &str, params: &[(&(dyn ToSql + Sync), Type)]) -> Result<u64, LedgerError> {
        self.session.execute(sql, params).map_err(|failure| self.error(failure))
    }

    /// Runs a statement that takes a place in the order of finished trials, again while another took the same.
    fn take_place(&mut self, sql: &str, params: &[(&(dyn ToSql + Sync), Type)]) -> Result<u64, LedgerError> {
        loop {
            match self.session.execute(sql, params) {
                Err(Failure::Collision) => {}
                other => return other.map_err(|failure| self.error(failure)),
            }
        }
    }

    fn error(&self, failure: Failure) -> LedgerError {
        match failure {
            Failure::Error(error) => error,
            Failure::Collision => {
                LedgerError::Database { place: self.session.place(), reason: "two results took one place".to_owned() }
            }
        }
    }

    fn trial_id(&self, lease: &Lease) -> Result<i64, LedgerError> {
        cells::integer(&self.study, "trial", lease.proposal.id.0)
    }

    /// Records a trial as failed that was leased [`MAX_ATTEMPTS`] times, never given back and never finished.
    fn give_up(&mut self, id: i64) -> Result<(), LedgerError> {
        let OutcomeCells { fitness: _, failure, runs } = OutcomeCells::given_up();
        let study = self.study.clone();
        let sql = format!(
            "UPDATE hnas.trials SET seq = {NEXT_SEQ}, failure = $4, runs = $5, seconds = 0, finished = {NOW}
             WHERE study = $1 AND id = $3 AND {WORN_OUT}"
        );
        let params = params![study => TEXT, ATTEMPTS => INT8, id => INT8, failure => TEXT, runs => TEXT];
        if self.take_place(&sql, &params)? == 1 {
            tracing::warn!(study = self.study, trial = id, failure, "recorded");
        }
        Ok(())
    }
}

/// A trial with study `$1` whose last of `$2` leases ran out.
const WORN_OUT: &str = "seq IS NULL AND lease_until > 0 AND lease_until < extract(epoch FROM now())::float8
                        AND attempt - released >= $2";

/// A trial of study `$1` that can be leased, having lost fewer than `$2` leases.
const WAITS: &str = "study = $1 AND seq IS NULL AND lease_until < extract(epoch FROM now())::float8
                     AND attempt - released < $2";

impl Ledger for PostgresLedger {
    fn propose(&mut self, proposal: &Proposal) -> Result<bool, LedgerError> {
        let study = self.study.clone();
        let cells = ProposalCells::new(&study, proposal)?;
        let sql = format!(
            "INSERT INTO hnas.trials (study, id, key, parent, mutation, redraws, parameters, multiply_adds, same_as,
                                      verdict, refusal, known_fitness, genotype, proposed)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, {NOW}
             WHERE $2 = 1 OR EXISTS (SELECT 1 FROM hnas.trials WHERE study = $1 AND id = $2 - 1)
             ON CONFLICT (study, id) DO NOTHING"
        );
        let inserted = self.execute(
            &sql,
            &params![
                study => TEXT,
                cells.id => INT8,
                cells.key => TEXT,
                cells.parent => INT8,
                cells.mutation => TEXT,
                cells.redraws => INT8,
                cells.parameters => INT8,
                cells.multiply_adds => INT8,
                cells.same_as => INT8,
                cells.verdict => TEXT,
                cells.refusal => TEXT,
                cells.known_fitness => FLOAT8,
                cells.genotype => TEXT,
            ],
        )?;
        if inserted == 1 {
            return Ok(true);
        }
        let sql = "SELECT * FROM hnas.trials WHERE study = $1 AND id = $2";
        let stored = self.query(sql, &params![study => TEXT, cells.id => INT8], row::proposal)?;
        cells::proposed_before(&study, proposal, stored.first())
    }

    fn lease(&mut self, worker: &str) -> Result<Option<Lease>, LedgerError> {
        let study = self.study.clone();
        cells::text(&study, "worker", worker)?;
        // Looked for first, in one question that changes nothing: workers that wait for a proposal ask it often.
        let look = format!(
            "SELECT (SELECT id FROM hnas.trials WHERE study = $1 AND {WORN_OUT} LIMIT 1) AS worn_out,
                    (SELECT id FROM hnas.trials WHERE {WAITS} ORDER BY id LIMIT 1) AS waits"
        );
        let waits = loop {
            let found = self.session.query(&look, &params![study => TEXT, ATTEMPTS => INT8]);
            let found = found.map_err(|failure| self.error(failure))?;
            let read = |column: &str| found.first().and_then(|row| row.get::<_, Option<i64>>(column));
            match read("worn_out") {
                Some(id) => self.give_up(id)?,
                None => break read("waits").is_some(),
            }
        };
        let mut leases = Vec::new();
        if waits {
            // Another may lease it meanwhile. This looks again, and passes over those that others lease right now.
            let sql = format!(
                "UPDATE hnas.trials SET worker = $3, attempt = attempt + 1, lease_until = {NOW} + $4, renewed = {NOW}
                 WHERE study = $1 AND id = (SELECT id FROM hnas.trials WHERE {WAITS}
                                            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
                 RETURNING *, {NOW} AS now"
            );
            let ttl = self.ttl;
            let params = params![study => TEXT, ATTEMPTS => INT8, worker => TEXT, ttl.as_secs_f64() => FLOAT8];
            leases = self.query(&sql, &params, |columns| row::lease(columns, ttl))?;
        }
        let lease = leases.into_iter().next();
        match &lease {
            // It is recorded at once.
            Some(Lease { proposal: Proposal { verdict: Verdict::Reuse(_) | Verdict::Refuse(_), .. }, .. }) => {}
            Some(_) | None => self.session.close(),
        }
        Ok(lease)
    }

    fn renew(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        let sql = format!(
            "UPDATE hnas.trials SET lease_until = {NOW} + $5, renewed = {NOW}
             WHERE study = $1 AND id = $2 AND attempt = $3 AND worker = $4 AND seq IS NULL AND lease_until > 0"
        );
        let (study, id, attempt) = (self.study.clone(), self.trial_id(lease)?, i64::from(lease.attempt));
        let params = params![
            study => TEXT, id => INT8, attempt => INT8, lease.worker => TEXT, lease.ttl.as_secs_f64() => FLOAT8
        ];
        let renewed = self.execute(&sql, &params)?;
        self.session.close();
        Ok(renewed == 1)
    }

    fn got_on(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        let sql = "UPDATE hnas.trials SET released = attempt - 1
                   WHERE study = $1 AND id = $2 AND attempt = $3 AND worker = $4 AND seq IS NULL AND lease_until > 0";
        let (study, id, attempt) = (self.study.clone(), self.trial_id(lease)?, i64::from(lease.attempt));
        let params = params![study => TEXT, id => INT8, attempt => INT8, lease.worker => TEXT];
        Ok(self.execute(sql, &params)? == 1)
    }

    fn release(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        let sql = "UPDATE hnas.trials SET lease_until = 0, released = released + 1
                   WHERE study = $1 AND id = $2 AND attempt = $3 AND worker = $4 AND seq IS NULL AND lease_until > 0";
        let (study, id, attempt) = (self.study.clone(), self.trial_id(lease)?, i64::from(lease.attempt));
        let params = params![study => TEXT, id => INT8, attempt => INT8, lease.worker => TEXT];
        Ok(self.execute(sql, &params)? == 1)
    }

    fn abandon_leases(&mut self, worker: &str) -> Result<u64, LedgerError> {
        // In the past and not 0, which would mean that it was never leased or given back.
        let sql = format!(
            "UPDATE hnas.trials SET lease_until = {NOW} - 1
             WHERE study = $1 AND seq IS NULL AND lease_until >= {NOW} AND worker = $2"
        );
        let study = self.study.clone();
        self.execute(&sql, &params![study => TEXT, worker => TEXT])
    }

    fn note_build(&mut self, build: &str) -> Result<(), LedgerError> {
        let study = self.study.clone();
        cells::text(&study, "build", build)?;
        let sql = "UPDATE hnas.studies SET build = $2 WHERE name = $1 AND build IS DISTINCT FROM $2";
        self.execute(sql, &params![study => TEXT, build => TEXT]).map(drop)
    }

    fn record(&mut self, lease: &Lease, outcome: &Outcome) -> Result<bool, LedgerError> {
        let (study, trial) = (self.study.clone(), lease.proposal.id);
        let OutcomeCells { fitness, failure, runs } = OutcomeCells::new(&study, trial, outcome)?;
        let (id, attempt) = (self.trial_id(lease)?, i64::from(lease.attempt));
        let worker = cells::text(&study, "worker", &lease.worker)?;
        let sql = format!(
            "UPDATE hnas.trials SET seq = {NEXT_SEQ}, worker = $3, attempt = $4, fitness = $5, failure = $6, runs = $7,
                 seconds = GREATEST({NOW} - $8, 0), finished = {NOW}
             WHERE study = $1 AND id = $2 AND seq IS NULL"
        );
        let mine = params![
            study => TEXT, id => INT8, worker => TEXT, attempt => INT8,
            fitness => FLOAT8, failure => TEXT, runs => TEXT
        ];
        let mut params = mine.to_vec();
        params.push((&lease.leased_unix, Type::FLOAT8));
        if self.take_place(&sql, &params)? == 1 {
            return Ok(true);
        }
        // Either another was first, or this very record was committed before and its answer was lost.
        let sql = "SELECT worker IS NOT DISTINCT FROM $3 AND attempt = $4 AND fitness IS NOT DISTINCT FROM $5
                          AND failure IS NOT DISTINCT FROM $6 AND runs IS NOT DISTINCT FROM $7
                   FROM hnas.trials WHERE study = $1 AND id = $2";
        let found = self.session.query(sql, &mine).map_err(|failure| self.error(failure))?;
        found.first().map(|row| row.get(0)).ok_or(LedgerError::NoTrial { study, trial })
    }

    fn results(&mut self, after: i64) -> Result<Vec<Trial>, LedgerError> {
        let sql = "SELECT * FROM hnas.trials WHERE study = $1 AND seq IS NOT NULL AND seq > $2 ORDER BY seq LIMIT $3";
        let (study, mut trials, mut after) = (self.study.clone(), Vec::new(), after);
        loop {
            let page = self.query(sql, &params![study => TEXT, after => INT8, PAGE => INT8], row::trial)?;
            let full = page.len() as i64 == PAGE;
            after = page.last().map_or(after, |trial| trial.seq);
            trials.extend(page);
            if !full {
                return Ok(trials);
            }
        }
    }

    fn backlog(&mut self) -> Result<Backlog, LedgerError> {
        // Ids and seqs are dense, so their largest are their numbers.
        let sql = format!(
            "SELECT COALESCE((SELECT MAX(id) FROM hnas.trials WHERE study = $1), 0) AS proposed,
                    COALESCE((SELECT MAX(seq) FROM hnas.trials WHERE study = $1 AND seq IS NOT NULL), 0) AS finished,
                    (SELECT COUNT(*) FROM hnas.trials
                     WHERE study = $1 AND seq IS NULL AND lease_until >= {NOW}) AS leased"
        );
        let study = self.study.clone();
        let counts = self.query(&sql, &params![study => TEXT], row::backlog)?;
        Ok(counts.into_iter().next().unwrap_or_default())
    }

    fn standing(&mut self) -> Result<Vec<Standing>, LedgerError> {
        self.all_standing()
    }

    fn turn_to(&mut self, study: &str) {
        study.clone_into(&mut self.study);
    }

    fn rest(&mut self) {
        self.session.close();
    }

    fn set_lease_ttl(&mut self, ttl: Duration) {
        self.ttl = ttl;
    }
}

impl Cells for Row {
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

fn cell<'a, T: FromSql<'a>>(row: &'a Row, column: &str) -> Result<Option<T>, String> {
    row.try_get(column).map_err(|error| address::said(&error))
}
