//! What one arm came to: its seeds, the winner of each, its ancestry, and the winners on the test images.

use std::collections::BTreeMap;

use hnas_ledger::{Outcome, Trial};
use hnas_search::TrialId;

use crate::bootstrap::{self, Interval};
use crate::counts::Counts;
use crate::statistics::{Sample, median, sample};
use crate::{Arm, Retraining, Seed};

/// One arm and what it came to.
pub(crate) struct Summary<'a> {
    pub(crate) arm: &'a Arm,
    pub(crate) seeds: Vec<SeedSummary<'a>>,
    /// Of all seeds together.
    pub(crate) counts: Counts,
    /// The winners on the test images, one a model, in the order in which the arm names them.
    pub(crate) tests: Vec<Test<'a>>,
    /// Seconds of all retrainings, over all workers.
    pub(crate) final_seconds: f64,
}

/// One search of an arm and what it came to.
pub(crate) struct SeedSummary<'a> {
    pub(crate) seed: &'a Seed,
    pub(crate) counts: Counts,
    /// The trial with the largest fitness; of equal ones the first.
    pub(crate) best: Option<(&'a Trial, f64)>,
    pub(crate) median: Option<f64>,
    /// The trial that won: the one the seed names, else the best.
    pub(crate) winner: Option<&'a Trial>,
    /// From the random genotype it began with to the winner itself.
    pub(crate) ancestry: Vec<&'a Trial>,
}

/// Accuracies of winners as one number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Average {
    /// What is averaged: the mean of each seed's trainings, or the trainings themselves where there is one seed.
    pub(crate) units: Vec<f64>,
    pub(crate) mean: f64,
    /// Standard deviation over the units.
    pub(crate) deviation: Option<f64>,
    /// Bootstrap interval of the mean, over the units.
    pub(crate) interval: Option<Interval>,
}

/// The winners of an arm in one model, on the test images.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Test<'a> {
    pub(crate) model: &'a str,
    /// Smallest and largest number of trainable parameters among the winners.
    pub(crate) parameters: (u64, u64),
    /// Seeds with a result, and all their trainings.
    pub(crate) seeds: usize,
    pub(crate) runs: usize,
    pub(crate) accuracy: Average,
    /// Part of the images whose class was among the five likeliest; `None` where no training says it.
    pub(crate) top_5: Option<Average>,
    /// Whether every seed of the arm has a result of each training that was planned: of failed ones there is none, and a mean
    /// over those that went well is not the mean that was asked for.
    pub(crate) whole: bool,
}

/// The fitness of a trial; `None` when it failed.
pub(crate) fn fitness(trial: &Trial) -> Option<f64> {
    match &trial.outcome {
        Outcome::Scored { fitness, runs: _ } => Some(fitness.get()),
        Outcome::Failed { reason: _ } => None,
    }
}

/// Every trial with the best fitness up to it, in order; `None` until there is one.
pub(crate) fn best_so_far(trials: &[Trial]) -> impl Iterator<Item = (&Trial, Option<f64>)> {
    trials.iter().scan(None, |best: &mut Option<f64>, trial| {
        *best = [*best, fitness(trial)].into_iter().flatten().reduce(f64::max);
        Some((trial, *best))
    })
}

impl<'a> Summary<'a> {
    pub(crate) fn of(arm: &'a Arm) -> Summary<'a> {
        let seeds: Vec<SeedSummary> = arm.seeds.iter().map(SeedSummary::of).collect();
        let mut counts = Counts::default();
        for seed in &seeds {
            counts += &seed.counts;
        }
        let retrainings = arm.seeds.iter().flat_map(|seed| &seed.retrainings);
        let seconds = retrainings.flat_map(|retraining| &retraining.runs).map(|run| run.seconds);
        Summary {
            arm,
            counts,
            tests: tests(&seeds),
            // Not `sum`: that of nothing is -0.0, which would be shown with its sign.
            final_seconds: seconds.filter(|seconds| seconds.is_finite()).fold(0.0, |sum, seconds| sum + seconds),
            seeds,
        }
    }

    /// The seed whose winner has the largest fitness; of equal ones the first.
    pub(crate) fn best_seed(&self) -> Option<&SeedSummary<'a>> {
        let scored = self.seeds.iter().filter_map(|seed| Some((seed, seed.best?.1)));
        scored.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(seed, _)| seed)
    }

    /// The winners in `model`.
    pub(crate) fn test(&self, model: &str) -> Option<&Test<'a>> {
        self.tests.iter().find(|test| test.model == model)
    }

    /// The best fitness of each seed that has one.
    pub(crate) fn best_fitness(&self) -> Option<Sample> {
        sample(self.seeds.iter().filter_map(|seed| Some(seed.best?.1)))
    }

    /// Whether every search has as many trials as were planned.
    pub(crate) fn searched(&self) -> bool {
        self.seeds.iter().all(|seed| seed.counts.evaluations >= seed.seed.planned)
    }
}

impl<'a> SeedSummary<'a> {
    fn of(seed: &'a Seed) -> SeedSummary<'a> {
        let scored = || seed.trials.iter().filter_map(|trial| Some((trial, fitness(trial)?)));
        let best = scored().reduce(|best, next| if next.1 > best.1 { next } else { best });
        let winner = match seed.winner {
            Some(id) => seed.trials.iter().find(|trial| trial.proposal.id == id),
            None => best.map(|(trial, _)| trial),
        };
        SeedSummary {
            seed,
            counts: Counts::of(&seed.trials),
            best,
            median: median(scored().map(|(_, fitness)| fitness)),
            winner,
            ancestry: winner.map_or_else(Vec::new, |winner| ancestry(&seed.trials, winner)),
        }
    }

    /// The winner's trainings in each model.
    pub(crate) fn of_winner(&self) -> impl Iterator<Item = &'a Retraining> + use<'a> {
        let winner = self.winner.map(|trial| trial.proposal.id);
        self.seed.retrainings.iter().filter(move |retraining| Some(retraining.trial) == winner)
    }
}

fn tests<'a>(seeds: &[SeedSummary<'a>]) -> Vec<Test<'a>> {
    let mut models: Vec<&str> = Vec::new();
    for retraining in seeds.iter().flat_map(SeedSummary::of_winner) {
        if !models.contains(&retraining.model.as_str()) {
            models.push(&retraining.model);
        }
    }
    models.into_iter().filter_map(|model| test(seeds, model)).collect()
}

/// `None` while no winner has a result in this model.
fn test<'a>(seeds: &[SeedSummary<'a>], model: &'a str) -> Option<Test<'a>> {
    let of_model = || seeds.iter().flat_map(SeedSummary::of_winner).filter(|retraining| retraining.model == model);
    let finite = |accuracy: &f64| accuracy.is_finite();
    let accuracies = |retraining: &Retraining| -> Vec<f64> {
        retraining.runs.iter().filter_map(|run| run.test_accuracy).filter(finite).collect()
    };
    let top_5 = |retraining: &Retraining| -> Vec<f64> {
        retraining.runs.iter().filter_map(|run| run.top_5_accuracy).filter(finite).collect()
    };
    let runs: Vec<Vec<f64>> = of_model().map(accuracies).collect();
    let parameters = || of_model().map(|retraining| retraining.parameters);
    Some(Test {
        model,
        parameters: (parameters().min()?, parameters().max()?),
        seeds: runs.iter().filter(|runs| !runs.is_empty()).count(),
        runs: runs.iter().map(Vec::len).sum(),
        whole: of_model().count() == seeds.len()
            && of_model().zip(&runs).all(|(retraining, runs)| runs.len() as u64 >= retraining.planned),
        accuracy: Average::of(runs)?,
        top_5: Average::of(of_model().map(top_5).collect()),
    })
}

impl Average {
    /// Of the trainings of each seed; `None` when there are none.
    fn of(mut seeds: Vec<Vec<f64>>) -> Option<Average> {
        seeds.retain(|runs| !runs.is_empty());
        let units = match &seeds[..] {
            [runs] => runs.clone(),
            several => several.iter().filter_map(|runs| Some(sample(runs.iter().copied())?.mean)).collect(),
        };
        let Sample { mean, deviation, .. } = sample(units.iter().copied())?;
        Some(Average { mean, deviation, interval: bootstrap::of_mean(&units), units })
    }
}

/// The chain of parents up to `last`, oldest first. It ends where a parent is not among the trials; a parent that is no
/// older than its child, which a sound ledger does not have, ends it too, so that no chain is endless.
fn ancestry<'a>(trials: &'a [Trial], last: &'a Trial) -> Vec<&'a Trial> {
    let by_id: BTreeMap<TrialId, &Trial> = trials.iter().map(|trial| (trial.proposal.id, trial)).collect();
    let parent = |child: &&'a Trial| {
        let id = child.proposal.parent.filter(|id| *id < child.proposal.id)?;
        by_id.get(&id).copied()
    };
    let mut chain: Vec<&Trial> = std::iter::successors(Some(last), parent).collect();
    chain.reverse();
    chain
}
