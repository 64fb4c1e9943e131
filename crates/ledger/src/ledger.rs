//! What a ledger does, whatever keeps it.

use std::time::Duration;

use crate::{Backlog, Lease, LedgerError, Outcome, Proposal, Standing, Trial};

/// When this many leases of a trial came to nothing, the next [`lease`](Ledger::lease) of any trial records it as
/// failed: its genotype kills its workers.
///
/// A lease counts when it ran out or was [abandoned](Ledger::abandon_leases), whatever became of its worker. A lease
/// given back with [`release`](Ledger::release) does not count, nor do those before a lease that
/// [got on](Ledger::got_on), renewing one does not make it two, and a training that ends with an error needs no second
/// attempt: its failure is recorded under the first lease.
///
/// 10, since the ledger cannot tell a worker that crashed from one that was killed or switched off. It has to be far
/// above the number of times that a training which is not kept is interrupted, and it is how often a genotype that takes
/// its process down may do so before the search goes on without it.
pub const MAX_ATTEMPTS: u32 = 10;

/// How long a lease lasts unless the ledger was told otherwise. Whoever holds one has to renew it, a few times within
/// this time, so that one renewal may be late or fail.
pub const LEASE_TTL: Duration = Duration::from_secs(120);

/// The trials of one study.
///
/// Invariant L1: a result is recorded once, in one dense order; a finished trial is never lost, once
/// [`record`](Ledger::record) has returned. A trial may be evaluated more than once.
///
/// Invariant L2: a ledger opens only with the experiment that founded it.
///
/// Blocking on purpose: a worker trains for minutes beside one thread that renews its lease. Each change is one
/// statement that commits itself, so nobody can stop half way with a lock in hand, and every operation may be repeated
/// when its answer was lost. All times are those of the ledger's clock.
pub trait Ledger: Send {
    /// Queues a proposal. Proposals are made in the order of their ids, from 1 without gaps.
    ///
    /// Returns false when this trial was proposed before.
    ///
    /// # Errors
    ///
    /// When it was proposed before with another genotype or parent, or the trial before it was not proposed.
    fn propose(&mut self, proposal: &Proposal) -> Result<bool, LedgerError>;

    /// Leases the oldest trial that waits, or whose lease ran out; `None` when there is none.
    ///
    /// Trials whose last of [`MAX_ATTEMPTS`] leases ran out are recorded as failed on the way. When nothing is to be done,
    /// nobody who writes is waited for, so workers may ask as often as they like.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached or holds a damaged trial.
    fn lease(&mut self, worker: &str) -> Result<Option<Lease>, LedgerError>;

    /// Makes the lease last another `ttl` from now. Returns false when it is lost: another leased the trial since, or
    /// it is finished.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn renew(&mut self, lease: &Lease) -> Result<bool, LedgerError>;

    /// Says that the trial's evaluation was kept further than any lease before left it, so that those no longer count as
    /// attempts: a training of weeks may be interrupted any number of times. Returns false when the lease is lost.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn got_on(&mut self, lease: &Lease) -> Result<bool, LedgerError>;

    /// Gives the lease back, so that the trial can be leased again at once. Returns false when it was lost before.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn release(&mut self, lease: &Lease) -> Result<bool, LedgerError>;

    /// Makes every lease that `worker` holds run out now, and says how many there were. Only for whoever knows that this
    /// worker is no more: it spares the wait after a crash. The leases count as attempts, since one of these trials may be
    /// what killed it.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn abandon_leases(&mut self, worker: &str) -> Result<u64, LedgerError>;

    /// Records the outcome of a leased trial. The first to record wins, even if its lease ran out meanwhile.
    ///
    /// Returns true when the outcome recorded is that of this lease, also when it is recorded a second time because the
    /// first answer was lost; false when another was first.
    ///
    /// # Errors
    ///
    /// When a number of the outcome is not finite, the trial was never proposed, or the ledger cannot be reached.
    fn record(&mut self, lease: &Lease, outcome: &Outcome) -> Result<bool, LedgerError>;

    /// The finished trials with a `seq` above `after`, in order. All readers see the same order, and whoever goes on from
    /// the last `seq` it has seen misses none.
    ///
    /// # Errors
    ///
    /// When a trial is damaged, naming it, or the ledger cannot be reached.
    fn results(&mut self, after: i64) -> Result<Vec<Trial>, LedgerError>;

    /// How many trials are proposed, waiting, leased and finished, at one moment.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn backlog(&mut self) -> Result<Backlog, LedgerError>;

    /// Notes the build of the program that proposes, by which workers know whether they are of the same.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn note_build(&mut self, build: &str) -> Result<(), LedgerError>;

    /// What a worker has to know of every study of the ledger, in the order they were founded. Quick, however many trials
    /// there are.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn standing(&mut self) -> Result<Vec<Standing>, LedgerError>;

    /// Turns to another study of the same ledger, one of its [`standing`](Ledger::standing). Everything above is about that
    /// one from then on.
    fn turn_to(&mut self, study: &str);

    /// Closes the connection, if there is one, until something is asked again. A server has few of them: whoever waits, or
    /// is about to open another, rests first.
    fn rest(&mut self);

    /// Makes later leases last `ttl` instead of [`LEASE_TTL`].
    fn set_lease_ttl(&mut self, ttl: Duration);
}
