//! Winners: what each arm of a run found, as lines at the end of a search and as genotype files by `hnas winner`.

use anyhow::{Result, bail};
use hnas_experiment::{Arm, RunFolder, winner};
use hnas_ledger::{Outcome, Trial};

use crate::arguments::Winner;
use crate::ending::Fruitless;
use crate::input;

/// What one arm found with one seed.
pub(crate) struct Found {
    experiment: String,
    arm: Arm,
    /// The fittest of its trials, if one scored.
    winner: Option<Trial>,
}

/// `hnas winner`.
pub(crate) fn run(command: &Winner) -> Result<()> {
    if let Some(path) = &command.out {
        input::check_new_file("--out", path)?;
    }
    let mut all = Vec::new();
    for name in RunFolder::experiments(&command.run)? {
        all.extend(of(&RunFolder::open(&command.run, &name)?)?);
    }
    let Some(name) = &command.arm else { return print(&all) };
    let asked =
        |found: &&Found| found.arm.plan.name == *name && command.seed.is_none_or(|seed| seed == found.arm.plan.seed());
    let fittest = all.iter().filter(asked).filter_map(|found| Some((found, found.winner.as_ref()?)));
    // The first of equals, as in a search.
    let fittest = fittest.reduce(|first, next| if fitness(next.1) > fitness(first.1) { next } else { first });
    let Some((found, trial)) = fittest else { return Err(missing(&all, name, command)) };
    let text = format!(
        "// experiment {}, arm {name}: trial {} of {}, fitness {:.2} %\n{}\n",
        found.experiment,
        trial.proposal.id,
        found.arm.plan.search.name,
        100.0 * fitness(trial),
        trial.proposal.genotype.to_ron()
    );
    match &command.out {
        None => say!("{}", text.trim_end()),
        Some(path) => {
            input::write(path, &text)?;
            say!("genotype: {}", path.display());
        }
    }
    Ok(())
}

/// Why there is no winner of an arm.
fn missing(all: &[Found], name: &str, command: &Winner) -> anyhow::Error {
    let mut arms: Vec<&str> = all.iter().map(|found| found.arm.plan.name.as_str()).collect();
    arms.dedup();
    if !arms.contains(&name) {
        arms.sort_unstable();
        arms.dedup();
        return anyhow::anyhow!("--arm {name}: {} has {}", command.run.display(), arms.join(", "));
    }
    let seeds: Vec<String> = all
        .iter()
        .filter(|found| found.arm.plan.name == name)
        .map(|found| found.arm.plan.seed())
        .map(|seed| seed.to_string())
        .collect();
    match command.seed {
        Some(seed) if !seeds.contains(&seed.to_string()) => {
            anyhow::anyhow!("--seed {seed}: arm {name} has {}", seeds.join(", "))
        }
        _ => Fruitless(format!("arm {name}: no trial has scored")).into(),
    }
}

/// What the arms of a run found so far.
pub(crate) fn of(run: &RunFolder) -> Result<Vec<Found>> {
    let found = |arm: Arm| Found {
        experiment: run.resolved().name.clone(),
        winner: winner(arm.plan.search.search.repeats, &arm.search).cloned(),
        arm,
    };
    Ok(run.arms()?.into_iter().map(found).collect())
}

/// A line for each arm and seed.
pub(crate) fn print(all: &[Found]) -> Result<()> {
    let several = all.iter().any(|found| found.experiment != all[0].experiment);
    for found in all {
        let experiment = if several { format!("{}: ", found.experiment) } else { String::new() };
        say!("{experiment}{}, seed {}: {}", found.arm.plan.name, found.arm.plan.seed(), found.words());
    }
    Ok(())
}

/// Refuses to call a search done of which nothing came.
pub(crate) fn check(all: &[Found]) -> Result<()> {
    let fruitless: Vec<String> = all
        .iter()
        .filter(|found| found.winner.is_none())
        .map(|found| format!("{}, seed {}", found.arm.plan.name, found.arm.plan.seed()))
        .collect();
    // One that diverged among several is said in its line.
    if !fruitless.is_empty() && fruitless.len() == all.len() {
        bail!(Fruitless(format!("no trial scored: {}", fruitless.join("; "))));
    }
    Ok(())
}

impl Found {
    fn words(&self) -> String {
        let trials = self.arm.search.len();
        let Some(trial) = &self.winner else {
            return match self.arm.search.iter().find_map(failure) {
                Some(reason) => format!("none of {trials} trials scored; the first failed: {reason}"),
                None => "no trial yet".to_owned(),
            };
        };
        let study = &self.arm.plan.search.name;
        let fittest = format!(
            "trial {} of {study} is the fittest of {trials}: {:.2} %",
            trial.proposal.id,
            100.0 * fitness(trial)
        );
        let errors: Vec<f64> = self.arm.retraining.iter().filter_map(test_error).collect();
        match (self.arm.retraining.first(), self.arm.plan.retraining.is_some()) {
            (_, false) => fittest,
            (None, true) => format!("{fittest}; not retrained yet"),
            (Some(_), true) if !errors.is_empty() => format!("{fittest}; test error {}", spread(&errors)),
            (Some(first), true) => {
                format!("{fittest}; its retraining failed: {}", failure(first).unwrap_or_default())
            }
        }
    }
}

fn fitness(trial: &Trial) -> f64 {
    match &trial.outcome {
        Outcome::Scored { fitness, .. } => fitness.get(),
        Outcome::Failed { .. } => f64::NEG_INFINITY,
    }
}

/// In %.
fn test_error(trial: &Trial) -> Option<f64> {
    match &trial.outcome {
        Outcome::Scored { fitness, .. } => Some(100.0 * (1.0 - fitness.get())),
        Outcome::Failed { .. } => None,
    }
}

fn failure(trial: &Trial) -> Option<&str> {
    match &trial.outcome {
        Outcome::Scored { .. } => None,
        Outcome::Failed { reason } => Some(reason),
    }
}

/// Mean and, of several, standard deviation of a sample.
fn spread(errors: &[f64]) -> String {
    let count = errors.len() as f64;
    let mean = errors.iter().sum::<f64>() / count;
    if errors.len() == 1 {
        return format!("{mean:.2} % in 1 training");
    }
    let variance = errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>() / (count - 1.0);
    format!("{mean:.2} +- {:.2} % in {} trainings", variance.sqrt(), errors.len())
}
