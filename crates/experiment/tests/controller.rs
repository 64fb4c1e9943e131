//! The controller without any training: made-up fitness, real ledgers.

use std::path::Path;

use hnas_compiler::Shape;
use hnas_experiment::{Controller, Experiment, Limits, Repeats, SearchPlan, Study};
use hnas_ledger::{Ledger, Outcome, SqliteLedger, Trial, Verdict};
use hnas_search::{Fitness, MOST_REDRAWS};

const INPUT: Shape = Shape { channels: 3, height: 24, width: 24 };

fn study() -> Study {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/tiny.ron");
    let mut study = Experiment::load(&file).unwrap().resolve("tiny", None).unwrap().arms.remove(0).search;
    study.search.evaluations = 60;
    study.search.limits = Limits::default();
    study
}

/// Carries the study out with workers that finish in an order that `shuffle` decides, and gives its trials by id.
fn carry_out(study: &Study, shuffle: u64) -> Vec<Trial> {
    let folder = tempfile::tempdir().unwrap();
    let open = || SqliteLedger::open(folder.path().join("ledger.sqlite"), &study.name, &study.founding_text()).unwrap();
    let mut ledger = open();
    let mut controller = Controller::new(study, INPUT, &mut ledger).unwrap();
    let (mut leases, mut round) = (Vec::new(), 0);
    loop {
        round += 1;
        controller.advance(&mut ledger).unwrap();
        if controller.done() {
            break;
        }
        // Killed now and then: a new controller goes on from what the ledger holds.
        if round % 7 == shuffle % 7 {
            controller = Controller::new(study, INPUT, &mut ledger).unwrap();
        }
        while let Some(lease) = ledger.lease("worker").unwrap() {
            leases.push(lease);
        }
        let place = (round * (shuffle + 1)) as usize % leases.len();
        let lease = leases.swap_remove(place);
        let outcome = match &lease.proposal.verdict {
            Verdict::Evaluate if lease.proposal.id.0 % 11 == 0 => Outcome::Failed { reason: "made up".to_owned() },
            Verdict::Evaluate => {
                Outcome::Scored { fitness: Fitness::new(made_up(lease.proposal.id.0)).unwrap(), runs: Vec::new() }
            }
            Verdict::Reuse(fitness) => Outcome::Scored { fitness: *fitness, runs: Vec::new() },
            Verdict::Refuse(reason) => Outcome::Failed { reason: reason.clone() },
        };
        assert!(ledger.record(&lease, &outcome).unwrap());
    }
    let mut trials = ledger.results(0).unwrap();
    trials.sort_by_key(|trial| trial.proposal.id);
    assert_eq!(trials.len() as u64, study.search.evaluations);
    trials
}

/// Another value for each trial, so that two trials of one network differ as two trainings do.
fn made_up(id: u64) -> f64 {
    (id * 37 % 101) as f64 / 101.0
}

fn fitness(trial: &Trial) -> Option<f64> {
    match &trial.outcome {
        Outcome::Scored { fitness, .. } => Some(fitness.get()),
        Outcome::Failed { .. } => None,
    }
}

#[test]
fn the_order_of_finishing_and_restarts_change_nothing() {
    let study = study();
    let proposals = |shuffle| carry_out(&study, shuffle).into_iter().map(|trial| trial.proposal).collect::<Vec<_>>();
    let first = proposals(0);
    for shuffle in 1..6 {
        assert_eq!(proposals(shuffle), first, "shuffle {shuffle}");
    }
}

#[test]
fn the_papers_policy_evaluates_every_repeat() {
    let mut study = study();
    study.search.repeats = Repeats::Evaluate;
    let trials = carry_out(&study, 1);
    assert!(trials.iter().all(|trial| trial.proposal.verdict == Verdict::Evaluate));
    assert!(trials.iter().any(|trial| trial.proposal.same_as.is_some()), "the space is small enough for repeats");
}

#[test]
fn a_known_network_gets_the_mean_of_its_trainings_and_is_trained_no_more() {
    let mut study = study();
    study.search.repeats = Repeats::Average { of: 2 };
    let trials = carry_out(&study, 2);
    let mut reused = 0;
    for trial in &trials {
        let seen = trial.proposal.id.0.saturating_sub(study.search.in_flight as u64) as usize;
        let trained: Vec<f64> = trials[..seen]
            .iter()
            .filter(|known| known.proposal.key == trial.proposal.key && known.proposal.verdict == Verdict::Evaluate)
            .filter_map(fitness)
            .collect();
        match &trial.proposal.verdict {
            Verdict::Reuse(known) => {
                reused += 1;
                assert!(trained.len() >= 2, "trial {}", trial.proposal.id);
                assert!((known.get() - trained.iter().sum::<f64>() / trained.len() as f64).abs() < 1e-12);
            }
            Verdict::Evaluate => assert!(trained.len() < 2, "trial {}", trial.proposal.id),
            Verdict::Refuse(reason) => panic!("{reason}"),
        }
    }
    assert!(reused > 0);
}

#[test]
fn what_is_above_a_limit_is_drawn_again_and_counted() {
    let mut study = study();
    let free = carry_out(&study, 3);
    // The median, so that about every second genotype is too large.
    let mut sizes: Vec<u64> = free.iter().map(|trial| trial.proposal.parameters).collect();
    sizes.sort_unstable();
    let limit = sizes[sizes.len() / 2];
    study.search.limits = Limits { parameters: Some(limit), ..Limits::default() };
    let trials = carry_out(&study, 3);
    assert!(free.iter().any(|trial| trial.proposal.parameters > limit), "the limit binds");
    assert!(
        trials
            .iter()
            .all(|trial| trial.proposal.parameters <= limit && !matches!(trial.proposal.verdict, Verdict::Refuse(_)))
    );
    let redraws = |trials: &[Trial]| trials.iter().map(|trial| trial.proposal.redraws).sum::<u32>();
    assert!(redraws(&trials) > redraws(&free) + 10, "{} and {}", redraws(&trials), redraws(&free));
    // A trial that was within the limit at once is the one that it would have been without.
    assert_eq!(trials[0].proposal.redraws > free[0].proposal.redraws, free[0].proposal.parameters > limit);
    let again = carry_out(&study, 5);
    assert!(again.iter().zip(&trials).all(|(a, b)| a.proposal == b.proposal), "restarts and order change nothing");
}

#[test]
fn a_limit_that_nothing_satisfies_fails_every_trial() {
    let mut study = study();
    study.search.evaluations = 5;
    study.search.limits = Limits { training_bytes: Some(1), ..Limits::default() };
    for trial in carry_out(&study, 3) {
        let Outcome::Failed { reason } = &trial.outcome else { panic!("{:?}", trial.outcome) };
        assert!(reason.ends_with(" bytes of a training, more than the limit of 1"), "{reason}");
        assert!(trial.proposal.redraws >= MOST_REDRAWS);
    }
}

#[test]
fn a_part_of_a_search_is_what_a_search_of_that_length_would_be() {
    let whole = study();
    let part = Study { search: SearchPlan { evaluations: 23, ..whole.search.clone() }, ..whole.clone() };
    let proposals = |study: &Study, shuffle| carry_out(study, shuffle).into_iter().map(|trial| trial.proposal);
    assert!(proposals(&whole, 2).take(23).eq(proposals(&part, 4)));
}
