//! What every ledger does, whatever keeps it. A backend runs it with `contract!(function that makes a fresh one)`, which
//! gives `None` where this machine has no such backend, having said so.

use std::collections::BTreeSet;
use std::time::Duration;

use hnas_ledger::{Backlog, Lease, Ledger, LedgerError, Outcome, Run, Trial, Verdict};
use hnas_search::{Fitness, TrialId};

use crate::example::{EXPERIMENT, failed, ids, proposal, scored};
use crate::waiting::eventually;

/// A place that can hold a ledger, empty at first. Opening it again reaches the same ledger.
pub(crate) trait Backend: Sync {
    fn open(&self, study: &str, founding: &str, ttl: Duration) -> Result<Box<dyn Ledger>, LedgerError>;

    /// The study `search` of the experiment of these tests, with leases that do not run out.
    fn search(&self) -> Box<dyn Ledger> {
        self.open("search", EXPERIMENT, LONG).unwrap()
    }

    /// The same, with leases that run out at once.
    fn hasty(&self) -> Box<dyn Ledger> {
        self.open("search", EXPERIMENT, SHORT).unwrap()
    }
}

pub(crate) const LONG: Duration = Duration::from_secs(100_000);
pub(crate) const SHORT: Duration = Duration::from_millis(1);

/// One test for each function of the contract.
macro_rules! contract {
    ($fresh:path: $($module:ident::$name:ident)*) => {
        $(
            #[test]
            fn $name() {
                if let Some(backend) = $fresh() {
                    crate::$module::$name(&backend);
                }
            }
        )*
    };
    ($fresh:path) => {
        contract! { $fresh:
            contract::l1_a_proposal_is_queued_once
            contract::l1_seqs_are_dense_and_the_same_for_all_readers
            contract::l1_the_first_result_wins
            contract::l1_a_record_whose_answer_was_lost_is_recognised
            contract::l1_threads_record_every_trial_once
            contract::l2_another_experiment_is_refused
            contract::a_proposal_comes_back_unchanged
            contract::proposals_leave_no_gap
            contract::a_search_that_went_another_way_is_refused
            contract::numbers_that_are_not_finite_are_refused
            contract::numbers_too_large_are_refused
            contract::an_outcome_needs_its_trial
            contract::studies_do_not_see_each_other
            contract::backlog_counts_every_state
            leases::the_oldest_trial_is_leased_first
            leases::a_lease_that_ran_out_is_handed_out_again
            leases::a_lease_is_told_from_a_later_one_of_the_same_worker
            leases::a_renewed_lease_holds
            leases::a_released_lease_is_handed_out_at_once_and_does_not_count
            leases::abandoned_leases_are_handed_out_at_once_and_count
            leases::leases_before_one_that_got_on_do_not_count
            leases::a_genotype_that_kills_every_worker_fails_once
            leases::a_genotype_that_kills_the_whole_process_is_given_up
        }
    };
}
pub(crate) use contract;

pub(crate) fn lease(ledger: &mut dyn Ledger, worker: &str) -> Lease {
    ledger.lease(worker).unwrap().expect("a trial waits")
}

/// Trial `id`, if it is finished.
pub(crate) fn finished(ledger: &mut dyn Ledger, id: u64) -> Option<Trial> {
    ledger.results(0).unwrap().into_iter().find(|trial| trial.proposal.id == TrialId(id))
}

pub(crate) fn propose(ledger: &mut dyn Ledger, ids: std::ops::RangeInclusive<u64>) {
    for id in ids {
        assert!(ledger.propose(&proposal(id)).unwrap(), "{id} is new");
    }
}

pub(crate) fn l1_a_proposal_is_queued_once(backend: &dyn Backend) {
    let mut ledger = backend.search();
    assert!(ledger.propose(&proposal(1)).unwrap());
    assert!(!ledger.propose(&proposal(1)).unwrap());
    assert!(!backend.search().propose(&proposal(1)).unwrap(), "nor by another controller");
    let leased = lease(&mut *ledger, "w");
    assert!(!ledger.propose(&proposal(1)).unwrap(), "nor when it is leased");
    assert!(ledger.record(&leased, &scored(1, 0)).unwrap());
    assert!(!ledger.propose(&proposal(1)).unwrap(), "nor when it is finished");
    assert_eq!(ledger.results(0).unwrap().len(), 1);
}

pub(crate) fn l1_seqs_are_dense_and_the_same_for_all_readers(backend: &dyn Backend) {
    let (mut ledger, mut other) = (backend.search(), backend.search());
    propose(&mut *ledger, 1..=6);
    let leases: Vec<Lease> = (0..6).map(|_| lease(&mut *ledger, "w")).collect();
    let mut tailed = Vec::new();
    for (index, by_other) in [(3, false), (0, true), (5, true), (1, false), (4, true), (2, false)] {
        let by = if by_other { &mut other } else { &mut ledger };
        assert!(by.record(&leases[index], &scored(index as u64 + 1, 0)).unwrap());
        // A reader that goes on from the last seq it has seen.
        tailed.extend(other.results(tailed.len() as i64).unwrap());
    }
    assert_eq!(ids(&tailed), [4, 1, 6, 2, 5, 3]);
    assert_eq!(tailed.iter().map(|trial| trial.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(ledger.results(0).unwrap(), tailed);
    assert_eq!(ids(&ledger.results(4).unwrap()), [5, 3]);
    assert_eq!(ledger.results(6).unwrap(), []);
    assert_eq!(ledger.results(i64::MAX).unwrap(), []);
}

pub(crate) fn l1_the_first_result_wins(backend: &dyn Backend) {
    let mut ledger = backend.hasty();
    propose(&mut *ledger, 1..=1);
    let paused = lease(&mut *ledger, "paused");
    let taken = eventually("the lease runs out", || ledger.lease("other").unwrap());
    assert_eq!((taken.proposal.id, taken.attempt), (TrialId(1), 2));
    assert!(!ledger.renew(&paused).unwrap(), "its lease is lost");
    assert!(ledger.record(&taken, &scored(1, 7)).unwrap());
    assert!(!ledger.record(&paused, &scored(1, 8)).unwrap(), "the other was first");
    assert!(!ledger.record(&paused, &failed(1)).unwrap());
    let results = ledger.results(0).unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0].worker[..], results[0].attempt), ("other", 2));
    assert_eq!(results[0].outcome, scored(1, 7));
    assert!(!ledger.renew(&taken).unwrap(), "nothing is left to lease");

    propose(&mut *ledger, 2..=2);
    let paused = lease(&mut *ledger, "paused");
    let taken = eventually("the lease runs out", || ledger.lease("other").unwrap());
    assert!(ledger.record(&paused, &scored(2, 9)).unwrap(), "late, but first");
    assert!(!ledger.record(&taken, &scored(2, 10)).unwrap());
    assert_eq!(finished(&mut *ledger, 2).unwrap().outcome, scored(2, 9));
}

pub(crate) fn l1_a_record_whose_answer_was_lost_is_recognised(backend: &dyn Backend) {
    let mut ledger = backend.search();
    propose(&mut *ledger, 1..=2);
    for (id, outcome, other) in [(1, scored(1, 0), scored(1, 1)), (2, failed(2), failed(1))] {
        let leased = lease(&mut *ledger, "w");
        assert!(ledger.record(&leased, &outcome).unwrap());
        let before = finished(&mut *ledger, id);
        assert!(backend.search().record(&leased, &outcome).unwrap(), "recorded again, the same answer");
        assert!(!ledger.record(&leased, &other).unwrap(), "another outcome is another record");
        assert_eq!(finished(&mut *ledger, id), before);
    }
    assert_eq!(ledger.results(0).unwrap().len(), 2);
}

pub(crate) fn l1_threads_record_every_trial_once(backend: &dyn Backend) {
    const TRIALS: u64 = 120;
    let acknowledged: Vec<Vec<(u64, String)>> = std::thread::scope(|scope| {
        scope.spawn(|| propose(&mut *backend.search(), 1..=TRIALS));
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                scope.spawn(move || {
                    let (name, mut ledger, mut done) = (format!("w{worker}"), backend.search(), Vec::new());
                    while ledger.backlog().unwrap().finished < TRIALS {
                        let Some(leased) = ledger.lease(&name).unwrap() else { continue };
                        let id = leased.proposal.id.0;
                        assert_eq!(leased.attempt, 1, "no lease ran out");
                        assert!(ledger.record(&leased, &scored(id, 0)).unwrap(), "nobody else had trial {id}");
                        done.push((id, name.clone()));
                    }
                    done
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let results = backend.search().results(0).unwrap();
    assert!(results.iter().map(|trial| trial.seq).eq(1..=TRIALS as i64));
    let recorded: BTreeSet<_> = results.iter().map(|t| (t.proposal.id.0, t.worker.clone())).collect();
    assert_eq!(recorded, acknowledged.concat().into_iter().collect());
    assert_eq!(recorded.iter().map(|(id, _)| *id).collect::<Vec<_>>(), (1..=TRIALS).collect::<Vec<_>>());
}

pub(crate) fn l2_another_experiment_is_refused(backend: &dyn Backend) {
    propose(&mut *backend.search(), 1..=1);
    let other = EXPERIMENT.replace("seed: 1", "seed: 2");
    let Err(error) = backend.open("search", &other, LONG) else { panic!("opened with another experiment") };
    let LedgerError::OtherExperiment { study, line, founded, now, place: _ } = error else { panic!("{error}") };
    assert_eq!((&study[..], line, &founded[..], &now[..]), ("search", 3, "    seed: 1,", "    seed: 2,"));
    assert_eq!(backend.search().backlog().unwrap().proposed, 1, "the founder still has it");
    backend.open("final", &other, LONG).expect("another study may be another experiment's");
    assert!(backend.open("final", EXPERIMENT, LONG).is_err(), "and is that one's from then on");
}

pub(crate) fn a_proposal_comes_back_unchanged(backend: &dyn Backend) {
    let mut ledger = backend.search();
    propose(&mut *ledger, 1..=6);
    for id in 1..=6 {
        let leased = lease(&mut *ledger, "worker é 1");
        assert_eq!(leased.proposal, proposal(id));
        assert_eq!((leased.attempt, &leased.worker[..], leased.ttl), (1, "worker é 1", LONG));
        let outcome = if id % 2 == 0 { failed(id) } else { scored(id, 0) };
        assert!(ledger.record(&leased, &outcome).unwrap());
        let trial = finished(&mut *ledger, id).unwrap();
        assert_eq!((&trial.proposal, &trial.outcome), (&proposal(id), &outcome));
        assert_eq!((trial.seq, &trial.worker[..], trial.attempt), (id as i64, "worker é 1", 1));
        assert!(trial.seconds >= 0.0 && trial.finished_unix as f64 + 1.0 >= leased.leased_unix);
        assert_eq!(trial.finished().fitness.is_some(), id % 2 == 1);
    }
    let verdicts: Vec<Verdict> = (1..=3).map(|id| proposal(id).verdict).collect();
    let [Verdict::Evaluate, Verdict::Refuse(_), Verdict::Reuse(_)] = &verdicts[..] else { panic!("{verdicts:?}") };
}

pub(crate) fn proposals_leave_no_gap(backend: &dyn Backend) {
    let mut ledger = backend.search();
    for id in [0, 2] {
        let error = ledger.propose(&proposal(id)).unwrap_err();
        assert!(matches!(error, LedgerError::Gap { trial: TrialId(trial), .. } if trial == id), "{error}");
    }
    propose(&mut *ledger, 1..=2);
    let error = ledger.propose(&proposal(4)).unwrap_err();
    assert_eq!(error.to_string(), "study search: trial 4 was proposed before trial 3");
    assert_eq!(ledger.backlog().unwrap().proposed, 2);
}

pub(crate) fn a_search_that_went_another_way_is_refused(backend: &dyn Backend) {
    let mut ledger = backend.search();
    propose(&mut *ledger, 1..=2);
    let mut other = proposal(2);
    other.genotype = proposal(1).genotype;
    let genotype = ledger.propose(&other).unwrap_err().to_string();
    assert!(genotype.starts_with("study search: trial 2 was proposed before with another genotype: "), "{genotype}");
    let mut other = proposal(2);
    other.parent = None;
    let parent = ledger.propose(&other).unwrap_err().to_string();
    assert!(parent.starts_with("study search: trial 2 was proposed before with another parent: "), "{parent}");
}

pub(crate) fn numbers_that_are_not_finite_are_refused(backend: &dyn Backend) {
    let mut ledger = backend.search();
    propose(&mut *ledger, 1..=1);
    let leased = lease(&mut *ledger, "w");
    let fine = Run { seed: 1, accuracy: 0.5, top_5: None, loss: 1.0, seconds: 2.0 };
    let wrong = [
        Run { accuracy: f64::NAN, ..fine },
        Run { loss: f64::INFINITY, ..fine },
        Run { seconds: f64::NEG_INFINITY, ..fine },
    ];
    let messages = wrong.map(|run| {
        let outcome = Outcome::Scored { fitness: Fitness::new(0.5).unwrap(), runs: vec![fine, run] };
        ledger.record(&leased, &outcome).unwrap_err().to_string()
    });
    assert_eq!(
        messages,
        [
            "study search, trial 1: the accuracy of run 2 is NaN, not a finite number",
            "study search, trial 1: the loss of run 2 is inf, not a finite number",
            "study search, trial 1: the seconds of run 2 is -inf, not a finite number",
        ]
    );
    assert_eq!(ledger.results(0).unwrap(), [], "nothing was recorded");
    assert!(ledger.record(&leased, &failed(1)).unwrap());
}

pub(crate) fn numbers_too_large_are_refused(backend: &dyn Backend) {
    let mut ledger = backend.search();
    let mut large = proposal(1);
    large.parameters = u64::MAX;
    let error = ledger.propose(&large).unwrap_err();
    assert!(matches!(error, LedgerError::TooLarge { field: "parameters", value: u64::MAX, .. }), "{error}");
    assert_eq!(ledger.backlog().unwrap(), Backlog::default());
}

pub(crate) fn an_outcome_needs_its_trial(backend: &dyn Backend) {
    let mut ledger = backend.search();
    propose(&mut *ledger, 1..=1);
    let mut leased = lease(&mut *ledger, "w");
    leased.proposal.id = TrialId(9);
    let error = ledger.record(&leased, &scored(9, 0)).unwrap_err();
    assert_eq!(error.to_string(), "study search: there is no trial 9");
    assert!(!ledger.renew(&leased).unwrap());
    assert_eq!(finished(&mut *ledger, 9), None);
    assert_eq!(finished(&mut *ledger, 1), None, "not finished");
}

pub(crate) fn studies_do_not_see_each_other(backend: &dyn Backend) {
    let mut search = backend.search();
    let mut retraining = backend.open("final \u{e9}'; DROP TABLE trials; --", EXPERIMENT, LONG).unwrap();
    propose(&mut *search, 1..=2);
    propose(&mut *retraining, 1..=1);
    let leased = lease(&mut *retraining, "w");
    assert_eq!(retraining.lease("w").unwrap(), None);
    assert!(retraining.record(&leased, &scored(1, 0)).unwrap());
    assert_eq!(search.results(0).unwrap(), []);
    assert_eq!(search.backlog().unwrap(), Backlog { proposed: 2, waiting: 2, leased: 0, finished: 0 });
    let leased = lease(&mut *search, "w");
    assert!(search.record(&leased, &scored(1, 0)).unwrap());
    assert_eq!(search.results(0).unwrap()[0].seq, 1, "each study counts for itself");
}

pub(crate) fn backlog_counts_every_state(backend: &dyn Backend) {
    let mut ledger = backend.search();
    assert_eq!(ledger.backlog().unwrap(), Backlog::default());
    propose(&mut *ledger, 1..=4);
    let first = lease(&mut *ledger, "w");
    assert!(ledger.record(&first, &failed(1)).unwrap());
    lease(&mut *ledger, "w");
    assert_eq!(ledger.backlog().unwrap(), Backlog { proposed: 4, waiting: 2, leased: 1, finished: 1 });
    lease(&mut *backend.hasty(), "lost");
    let after = eventually("the lease runs out", || {
        ledger.backlog().map(|backlog| (backlog.waiting == 2).then_some(backlog)).unwrap()
    });
    assert_eq!(after, Backlog { proposed: 4, waiting: 2, leased: 1, finished: 1 });
}
