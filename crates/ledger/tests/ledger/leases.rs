//! The part of the contract that is about leases: who works on what, and for how long.

use hnas_ledger::{MAX_ATTEMPTS, Outcome};
use hnas_search::TrialId;

use crate::contract::{Backend, LONG, SHORT, finished, lease, propose};
use crate::example::{ids, scored};
use crate::waiting::eventually;

pub(crate) fn the_oldest_trial_is_leased_first(backend: &dyn Backend) {
    let mut ledger = backend.search();
    assert_eq!(ledger.lease("w").unwrap(), None);
    propose(&mut *ledger, 1..=3);
    let order: Vec<u64> = (0..3).map(|_| lease(&mut *backend.search(), "w").proposal.id.0).collect();
    assert_eq!(order, [1, 2, 3]);
    assert_eq!(ledger.lease("w").unwrap(), None, "all are leased");
}

pub(crate) fn a_lease_that_ran_out_is_handed_out_again(backend: &dyn Backend) {
    let mut ledger = backend.hasty();
    propose(&mut *ledger, 1..=1);
    let lost = lease(&mut *ledger, "lost");
    assert_eq!((lost.attempt, lost.ttl), (1, SHORT));
    let again = eventually("the lease runs out", || backend.search().lease("w").unwrap());
    assert_eq!((again.proposal.id, again.attempt, &again.worker[..]), (TrialId(1), 2, "w"));
    assert!(!ledger.renew(&lost).unwrap());
    assert!(!ledger.release(&lost).unwrap(), "what is lost cannot be given back");
    assert_eq!(backend.search().lease("third").unwrap(), None, "the second lease is untouched");
}

pub(crate) fn a_lease_is_told_from_a_later_one_of_the_same_worker(backend: &dyn Backend) {
    let mut ledger = backend.hasty();
    propose(&mut *ledger, 1..=1);
    let lost = lease(&mut *ledger, "w");
    let again = eventually("the lease runs out", || backend.search().lease("w").unwrap());
    assert!(!ledger.renew(&lost).unwrap());
    assert!(!ledger.release(&lost).unwrap());
    assert!(ledger.record(&again, &scored(1, 0)).unwrap());
    assert!(!ledger.record(&lost, &scored(1, 0)).unwrap(), "the later lease was first");
}

pub(crate) fn a_renewed_lease_holds(backend: &dyn Backend) {
    let mut ledger = backend.hasty();
    propose(&mut *ledger, 1..=1);
    let mut leased = lease(&mut *ledger, "w");
    eventually("the lease runs out", || (ledger.backlog().unwrap().waiting == 1).then_some(()));
    // Nobody took it meanwhile, so it can still be renewed, and then lasts its ttl from now.
    leased.ttl = LONG;
    assert!(ledger.renew(&leased).unwrap());
    assert_eq!(ledger.lease("other").unwrap(), None);
    assert_eq!(ledger.backlog().unwrap().leased, 1);
    assert!(ledger.renew(&leased).unwrap(), "as often as needed");
    assert!(ledger.record(&leased, &scored(1, 0)).unwrap());
    assert!(!ledger.renew(&leased).unwrap());
}

pub(crate) fn a_released_lease_is_handed_out_at_once_and_does_not_count(backend: &dyn Backend) {
    let mut ledger = backend.search();
    propose(&mut *ledger, 1..=1);
    for round in 1..=2 * MAX_ATTEMPTS {
        let leased = lease(&mut *ledger, "w");
        assert_eq!(leased.attempt, round, "each lease is told from all others");
        assert!(ledger.release(&leased).unwrap());
        assert!(!ledger.release(&leased).unwrap(), "only once");
        assert!(!ledger.renew(&leased).unwrap());
    }
    let leased = lease(&mut *ledger, "w");
    assert!(ledger.record(&leased, &scored(1, 0)).unwrap());
    assert!(!ledger.release(&leased).unwrap(), "finished");
    assert_eq!(ledger.lease("w").unwrap(), None);
}

pub(crate) fn abandoned_leases_are_handed_out_at_once_and_count(backend: &dyn Backend) {
    let mut ledger = backend.search();
    propose(&mut *ledger, 1..=3);
    let finished = lease(&mut *ledger, "dead");
    assert!(ledger.record(&finished, &scored(1, 0)).unwrap());
    let dead = lease(&mut *ledger, "dead");
    let mut other = lease(&mut *ledger, "other");
    assert_eq!(ledger.abandon_leases("dead").unwrap(), 1);
    assert_eq!(ledger.abandon_leases("dead").unwrap(), 0, "only those that last");
    assert!(ledger.renew(&other).unwrap(), "nobody else's");
    other.worker = "dead".to_owned();
    assert!(!ledger.renew(&other).unwrap());
    let again = lease(&mut *ledger, "alive");
    assert_eq!((again.proposal.id, again.attempt), (TrialId(2), 2));
    assert!(!ledger.renew(&dead).unwrap());
    assert_eq!(ids(&ledger.results(0).unwrap()), [1], "what is finished stays");
}

pub(crate) fn leases_before_one_that_got_on_do_not_count(backend: &dyn Backend) {
    let mut ledger = backend.search();
    propose(&mut *ledger, 1..=1);
    let mut lost = lease(&mut *ledger, "dead");
    for attempt in 2..=3 * MAX_ATTEMPTS {
        if attempt % (MAX_ATTEMPTS - 1) == 0 {
            assert!(ledger.got_on(&lost).unwrap());
        }
        assert_eq!(ledger.abandon_leases("dead").unwrap(), 1);
        let next = lease(&mut *ledger, "dead");
        assert_eq!(next.attempt, attempt, "each lease is told from all others");
        assert!(!ledger.got_on(&lost).unwrap(), "it is lost");
        lost = next;
    }
    // From one that got on as many are left as there were at first, itself included.
    assert!(ledger.got_on(&lost).unwrap());
    for _ in 1..MAX_ATTEMPTS {
        assert_eq!(ledger.abandon_leases("dead").unwrap(), 1);
        lease(&mut *ledger, "dead");
    }
    assert_eq!(ledger.abandon_leases("dead").unwrap(), 1);
    assert_eq!(ledger.lease("alive").unwrap(), None);
    assert_eq!(ids(&ledger.results(0).unwrap()), [1], "given up");
}

pub(crate) fn a_genotype_that_kills_the_whole_process_is_given_up(backend: &dyn Backend) {
    let mut ledger = backend.search();
    propose(&mut *ledger, 1..=2);
    for attempt in 1..=MAX_ATTEMPTS {
        let dead = lease(&mut *ledger, "dead");
        assert_eq!((dead.proposal.id, dead.attempt), (TrialId(1), attempt));
        assert_eq!(ledger.abandon_leases("dead").unwrap(), 1, "the process starts again");
    }
    assert_eq!(lease(&mut *ledger, "alive").proposal.id, TrialId(2));
    assert_eq!(ids(&ledger.results(0).unwrap()), [1]);
}

pub(crate) fn a_genotype_that_kills_every_worker_fails_once(backend: &dyn Backend) {
    let mut ledger = backend.hasty();
    propose(&mut *ledger, 1..=2);
    let mut attempts = Vec::new();
    // Trial 1 is the oldest whenever its lease has run out; each worker that gets it is never heard of again.
    let survivor = eventually("the ledger gives trial 1 up", || {
        let leased = ledger.lease("victim").unwrap()?;
        if leased.proposal.id == TrialId(1) {
            attempts.push(leased.attempt);
            None
        } else if finished(&mut *ledger, 1).is_none() {
            assert!(ledger.release(&leased).unwrap(), "trial 2 is harmless");
            None
        } else {
            Some(leased)
        }
    });
    assert_eq!(attempts, (1..=MAX_ATTEMPTS).collect::<Vec<_>>());
    let results = ledger.results(0).unwrap();
    assert_eq!((ids(&results), results[0].seq, results[0].attempt), (vec![1], 1, MAX_ATTEMPTS));
    let reason = format!("given up after {MAX_ATTEMPTS} attempts: no worker that leased it came back");
    assert_eq!(results[0].outcome, Outcome::Failed { reason });
    assert!(ledger.record(&survivor, &scored(2, 0)).unwrap(), "the search goes on");
    assert_eq!(ids(&ledger.results(0).unwrap()), [1, 2]);
}
