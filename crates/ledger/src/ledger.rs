//! What a ledger does, whatever keeps it.

use std::time::Duration;

use hnas_search::TrialId;

use crate::{Backlog, Lease, LedgerError, Outcome, Proposal, Trial};

/// A trial that was leased this often and never finished is recorded as failed: its genotype kills its workers.
/// Leases given back do not count. High enough that a person who interrupts a long training a few times loses nothing.
pub const MAX_ATTEMPTS: u32 = 10;

/// How long a lease lasts unless the ledger was told otherwise. Workers renew it every 30 s.
pub const LEASE_TTL: Duration = Duration::from_secs(120);

/// The trials of one study.
///
/// Invariant L1: a result is recorded once, in one dense order; a finished trial is never lost, once
/// [`record`](Ledger::record) has returned. A trial may be evaluated more than once.
///
/// Invariant L2: a ledger opens only with the experiment that founded it.
///
/// Blocking on purpose: a worker trains for minutes beside one thread that renews its lease. Each operation is one
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
    /// Trials whose last of [`MAX_ATTEMPTS`] leases ran out are recorded as failed on the way.
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

    /// Gives the lease back, so that the trial can be leased again at once. Returns false when it was lost before.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn release(&mut self, lease: &Lease) -> Result<bool, LedgerError>;

    /// Makes every lease of the study run out now, and says how many there were. Only for whoever knows that none of its
    /// workers is alive, such as the holder of a run folder's lock: it spares the wait after a crash. The leases count as
    /// attempts, since one of these trials may be what killed its worker.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn abandon_leases(&mut self) -> Result<u64, LedgerError>;

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

    /// The finished trial `id`; `None` when it is not proposed or not finished.
    ///
    /// # Errors
    ///
    /// When the trial is damaged, or the ledger cannot be reached.
    fn trial(&mut self, id: TrialId) -> Result<Option<Trial>, LedgerError>;

    /// The largest k such that all trials `1 ..= k` are finished.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn finished_prefix(&mut self) -> Result<u64, LedgerError>;

    /// How many trials are proposed, waiting, leased and finished, at one moment.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn backlog(&mut self) -> Result<Backlog, LedgerError>;

    /// The experiment that founded the study, as it was written then.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be reached.
    fn founding(&mut self) -> Result<String, LedgerError>;
}
