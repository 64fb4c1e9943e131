//! A ledger in memory, for one process and one study: nothing in it outlives the simulation, and leases do not run out.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use hnas_ledger::{Backlog, LEASE_TTL, Lease, Ledger, LedgerError, Outcome, Proposal, Standing, Trial};
use hnas_search::TrialId;

/// The name of the one study.
pub(super) const STUDY: &str = "simulated";

/// Trials that wait, are leased, and are finished.
#[derive(Default)]
pub(super) struct MemoryLedger {
    proposed: u64,
    waiting: VecDeque<(Proposal, u32)>,
    leased: HashMap<TrialId, Lease>,
    finished: Vec<Trial>,
}

impl MemoryLedger {
    /// The lease, if it is held.
    fn held(&self, lease: &Lease) -> bool {
        self.leased.get(&lease.proposal.id).is_some_and(|held| held.attempt == lease.attempt)
    }

    fn put_back(&mut self, trial: TrialId) {
        if let Some(lease) = self.leased.remove(&trial) {
            self.waiting.push_front((lease.proposal, lease.attempt));
        }
    }
}

impl Ledger for MemoryLedger {
    fn propose(&mut self, proposal: &Proposal) -> Result<bool, LedgerError> {
        if proposal.id.0 <= self.proposed {
            return Ok(false);
        }
        if proposal.id.0 > self.proposed + 1 {
            return Err(LedgerError::Gap { study: STUDY.to_owned(), trial: proposal.id });
        }
        self.proposed += 1;
        self.waiting.push_back((proposal.clone(), 0));
        Ok(true)
    }

    fn lease(&mut self, worker: &str) -> Result<Option<Lease>, LedgerError> {
        let Some((proposal, attempts)) = self.waiting.pop_front() else { return Ok(None) };
        let lease =
            Lease { proposal, attempt: attempts + 1, worker: worker.to_owned(), leased_unix: 0.0, ttl: LEASE_TTL };
        self.leased.insert(lease.proposal.id, lease.clone());
        Ok(Some(lease))
    }

    fn renew(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        Ok(self.held(lease))
    }

    fn got_on(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        Ok(self.held(lease))
    }

    fn release(&mut self, lease: &Lease) -> Result<bool, LedgerError> {
        let held = self.held(lease);
        if held {
            self.put_back(lease.proposal.id);
        }
        Ok(held)
    }

    fn abandon_leases(&mut self, worker: &str) -> Result<u64, LedgerError> {
        let of = self.leased.values().filter(|lease| lease.worker == worker).map(|lease| lease.proposal.id);
        let trials: Vec<TrialId> = of.collect();
        trials.iter().for_each(|&trial| self.put_back(trial));
        Ok(trials.len() as u64)
    }

    fn record(&mut self, lease: &Lease, outcome: &Outcome) -> Result<bool, LedgerError> {
        if !self.held(lease) {
            return Ok(false);
        }
        let Some(Lease { proposal, attempt, worker, .. }) = self.leased.remove(&lease.proposal.id) else {
            return Ok(false);
        };
        let (seq, outcome) = (self.finished.len() as i64 + 1, outcome.clone());
        self.finished.push(Trial { seq, proposal, outcome, worker, attempt, seconds: 0.0, finished_unix: 0 });
        Ok(true)
    }

    fn results(&mut self, after: i64) -> Result<Vec<Trial>, LedgerError> {
        let after = usize::try_from(after).unwrap_or(0).min(self.finished.len());
        Ok(self.finished[after..].to_vec())
    }

    fn backlog(&mut self) -> Result<Backlog, LedgerError> {
        let [waiting, leased, finished] =
            [self.waiting.len(), self.leased.len(), self.finished.len()].map(|count| count as u64);
        Ok(Backlog { proposed: self.proposed, waiting, leased, finished })
    }

    fn note_build(&mut self, _: &str) -> Result<(), LedgerError> {
        Ok(())
    }

    fn standing(&mut self) -> Result<Vec<Standing>, LedgerError> {
        let waiting = !self.waiting.is_empty();
        Ok(vec![Standing { study: STUDY.to_owned(), build: None, waiting }])
    }

    fn turn_to(&mut self, _: &str) {}

    fn rest(&mut self) {}

    fn set_lease_ttl(&mut self, _: Duration) {}
}
