//! A connection that comes and goes: made when something is asked, made anew when it broke, closed when nothing will be
//! asked for a while.

use std::time::{Duration, Instant};

use rand::RngExt;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Error, Row};

use super::address::Address;
use super::failure::{Failure, classify};
use super::password::password;
use crate::LedgerError;

/// How long one host may take to let us in, and how long any statement may take, before the connection is given up. The
/// system's own timeouts notice a host that is gone; these notice a server that is there and does nothing.
const ANSWER: Duration = Duration::from_secs(60);

/// The shortest and the longest wait before the database is asked again.
const WAIT: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(10)];

const NO_CHANGES: &str = "the server takes no changes now";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Only a server that takes changes will do.
    Writing,
    /// A standby will do; what would change anything is refused by the server.
    Reading,
}

/// Asks a database, whatever becomes of its connections.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) address: Address,
    purpose: Purpose,
    /// For how long a call tries to reach a database that is away; without end when `None`.
    patience: Option<Duration>,
    runtime: Runtime,
    open: Option<(Client, JoinHandle<()>)>,
}

impl Session {
    pub(super) fn new(address: Address, purpose: Purpose, patience: Option<Duration>) -> Result<Session, LedgerError> {
        // Without threads of its own: the connection works while somebody waits for its answer.
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|error| LedgerError::CannotOpen { place: address.to_string(), reason: error.to_string() })?;
        Ok(Session { address, purpose, patience, runtime, open: None })
    }

    pub(super) fn place(&self) -> String {
        self.address.to_string()
    }

    /// Runs one statement, which commits itself; its rows.
    ///
    /// Repeated when its answer was lost, so it has to be one that can be repeated.
    pub(super) fn query(&mut self, sql: &str, params: &[(&(dyn ToSql + Sync), Type)]) -> Result<Vec<Row>, Failure> {
        self.ask(async |client| client.query_typed(sql, params).await)
    }

    /// Runs one statement, which commits itself; the number of rows it changed.
    pub(super) fn execute(&mut self, sql: &str, params: &[(&(dyn ToSql + Sync), Type)]) -> Result<u64, Failure> {
        self.ask(async |client| client.execute_typed(sql, params).await)
    }

    /// Asks until there is an answer, waiting ever longer in between, while the database is away.
    pub(super) fn ask<T>(&mut self, question: impl AsyncFn(&mut Client) -> Result<T, Error>) -> Result<T, Failure> {
        let started = Instant::now();
        let mut wait = WAIT[0];
        loop {
            let failure = match self.ask_once(&question) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let error = match failure {
                Failure::Error(error) if error.is_transient() => error,
                other => return Err(other),
            };
            self.open = None;
            // Of random length, so that hundreds of workers do not come back in the same moment.
            let pause = wait.mul_f64(rand::rng().random_range(0.5..1.0));
            if self.patience.is_some_and(|patience| started.elapsed() + pause > patience) {
                return Err(error.into());
            }
            tracing::warn!("{error}; asked again in {:.1} s", pause.as_secs_f64());
            std::thread::sleep(pause);
            wait = (wait * 2).min(WAIT[1]);
        }
    }

    fn ask_once<T>(&mut self, question: &impl AsyncFn(&mut Client) -> Result<T, Error>) -> Result<T, Failure> {
        let place = self.address.to_string();
        if self.open.as_ref().is_none_or(|(client, _)| client.is_closed()) {
            self.open = Some(self.connect()?);
        }
        let (client, _) = self.open.as_mut().expect("just connected");
        let answer = self.runtime.block_on(async { timeout(ANSWER, question(client)).await });
        match answer {
            Ok(answer) => answer.map_err(|error| match classify(&place, &error) {
                // It took changes when we connected: it is being replaced by another server.
                Failure::Error(LedgerError::ReadOnly { place }) if self.purpose == Purpose::Writing => {
                    LedgerError::Away { place, reason: NO_CHANGES.to_owned() }.into()
                }
                other => other,
            }),
            Err(_) => Err(self.silent().into()),
        }
    }

    /// Connects to the first host that does, and otherwise says what the last one said.
    fn connect(&self) -> Result<(Client, JoinHandle<()>), LedgerError> {
        let mut last = None;
        for host in &self.address.hosts {
            match self.connect_to(host) {
                Ok(open) => return Ok(open),
                // What may pass is said rather than what will not: it may be this host that is to be used.
                Err(error) if error.is_transient() || last.is_none() => last = Some(error),
                Err(_) => {}
            }
        }
        Err(last.unwrap_or_else(|| self.silent()))
    }

    fn connect_to(&self, host: &Config) -> Result<(Client, JoinHandle<()>), LedgerError> {
        let name = Address::host(host);
        let mut config = host.clone();
        if let Some(password) = password(host)? {
            config.password(password);
        }
        let connected = self.runtime.block_on(async {
            timeout(ANSWER, async {
                let (client, connection) = config.connect(self.address.tls.clone()).await?;
                // Its end is seen by whoever waits for an answer.
                let connection = tokio::spawn(async move { drop(connection.await) });
                let read_only = self.prepare(&client).await?;
                Ok::<_, Error>((client, connection, read_only))
            })
            .await
        });
        let about = |error: LedgerError| match error {
            LedgerError::Away { place, reason } => LedgerError::Away { place, reason: format!("{name}: {reason}") },
            LedgerError::Refused { place, reason } => {
                LedgerError::Refused { place, reason: format!("{name}: {reason}") }
            }
            other => other,
        };
        match connected {
            Err(_) => Err(about(self.silent())),
            Ok(Err(error)) => match classify(&self.address.to_string(), &error) {
                Failure::Error(error) => Err(about(error)),
                Failure::Collision => Err(about(self.silent())),
            },
            Ok(Ok((_, _, true))) if self.purpose == Purpose::Writing => {
                // A standby that is about to be promoted, or a primary that is about to be stopped.
                Err(about(LedgerError::Away { place: self.address.to_string(), reason: NO_CHANGES.to_owned() }))
            }
            Ok(Ok((client, connection, _))) => Ok((client, connection)),
        }
    }

    /// Settles what a database may have set otherwise, in one round trip; whether the server takes no changes.
    async fn prepare(&self, client: &Client) -> Result<bool, Error> {
        // A commit that is not on a disk would break invariant L1; standbys that a database waits for stay waited for.
        let sql = "SELECT current_setting('transaction_read_only') = 'on',
                          CASE WHEN $1 THEN set_config('default_transaction_read_only', 'on', false) END,
                          set_config('statement_timeout', $2, false),
                          set_config('jit', 'off', false),
                          CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
                               THEN set_config('synchronous_commit', 'on', false) END";
        let milliseconds = (ANSWER.as_millis() - 5000).to_string();
        let reading = self.purpose == Purpose::Reading;
        let rows = client.query_typed(sql, &[(&reading, Type::BOOL), (&milliseconds, Type::TEXT)]).await?;
        Ok(rows.first().is_some_and(|row| row.get::<_, bool>(0)))
    }

    /// Closes the connection: nothing will be asked for a while, and a server has few of them.
    pub(super) fn close(&mut self) {
        if let Some((client, connection)) = self.open.take() {
            drop(client);
            // To say goodbye; whether that arrives does not matter.
            let _ = self.runtime.block_on(async { timeout(Duration::from_secs(1), connection).await });
        }
    }

    fn silent(&self) -> LedgerError {
        LedgerError::Away { place: self.address.to_string(), reason: format!("no answer for {} s", ANSWER.as_secs()) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}
