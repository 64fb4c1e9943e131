//! Small pages to try one thing at a time.

use hnas_genome::SearchSpace;
use hnas_ledger::Trial;
use hnas_report::{Arm, FinalRun, Page, Retraining, Seed};

use crate::synthetic::{Plan, search};

/// A search of six trials in the flat space.
pub(crate) fn few() -> Vec<Trial> {
    search(&SearchSpace::flat(), &Plan { trials: 6, initial: 3, limit: u64::MAX }, 7)
}

pub(crate) fn page_with(arm: Arm) -> Page {
    Page { title: "t".to_owned(), scale: "s".to_owned(), arms: vec![arm], ..Page::default() }
}

/// An arm with one seed.
pub(crate) fn arm_of(name: &str, trials: &[Trial], retrainings: Vec<Retraining>) -> Arm {
    let seed = Seed {
        seed: 1,
        study: format!("{name}/seed-1"),
        planned: trials.len() as u64,
        trials: trials.to_vec(),
        winner: None,
        retrainings,
    };
    Arm { name: name.to_owned(), seeds: vec![seed], ..Arm::default() }
}

pub(crate) fn run(accuracy: f64) -> FinalRun {
    FinalRun { seed: Some(1), test_accuracy: Some(accuracy), top_5_accuracy: None, failure: None, seconds: 1.0 }
}

/// The fittest of these trials; of equal ones the first.
pub(crate) fn best(trials: &[Trial]) -> &Trial {
    trials.iter().rev().max_by_key(|trial| trial.finished().fitness).unwrap()
}

/// The trainings of the fittest trial, with these test errors in %.
pub(crate) fn with_errors(trials: &[Trial], errors: &[f64]) -> Retraining {
    Retraining {
        study: "r".to_owned(),
        trial: best(trials).proposal.id,
        model: "large".to_owned(),
        parameters: 7,
        planned: errors.len() as u64,
        runs: errors.iter().map(|error| run(1.0 - error / 100.0)).collect(),
    }
}
