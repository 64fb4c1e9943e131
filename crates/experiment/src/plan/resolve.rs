//! From an experiment file to what is carried out: every arm and seed at one scale, every number written out.

use std::collections::BTreeSet;
use std::path::Path;

use hnas_genome::{Genotype, SearchSpace};
use hnas_search::{GenotypeList, StrategyPlan};
use serde::Serialize;

use super::{ArmEntry, ArmStrategy, Experiment, Part, Retrained, Scale, ScaleSearch, beside, read_ron};
use crate::ExperimentError;
use crate::differences::{Difference, differences};
use crate::resolved::{PlannedArm, Published, Resolved};
use crate::study::{DataPlan, Limits, SearchPlan, Study, Training};

/// The scale whose numbers are the paper's.
const PAPER: &str = "paper";

/// What of an arm is compared between two scales.
#[derive(Serialize)]
struct Numbers<'a> {
    seeds: &'a [u64],
    data: &'a DataPlan,
    space: &'a SearchSpace,
    strategy: &'a StrategyPlan,
    search: &'a SearchPlan,
    fitness: &'a Training,
    retraining: Option<Training>,
}

impl Experiment {
    /// The experiment at one scale, with `seed` instead of the scale's seeds if given.
    ///
    /// # Errors
    /// When there is no such scale, or a file that the experiment names cannot be read.
    pub fn resolve(&self, scale: &str, seed: Option<u64>) -> Result<Resolved, ExperimentError> {
        let named = |name: &str| self.scales.iter().find(|scale| scale.name == name);
        let chosen = named(scale).ok_or_else(|| ExperimentError::UnknownScale {
            experiment: self.name.clone(),
            asked: scale.to_owned(),
            known: self.scales().join(", "),
        })?;
        let seeds = seed.map_or_else(|| chosen.seeds.clone(), |seed| vec![seed]);
        let mut arms = Vec::new();
        for &seed in &seeds {
            for arm in &self.arms {
                arms.push(self.planned(arm, chosen, seed)?);
            }
        }
        Ok(Resolved {
            name: self.name.clone(),
            title: self.title.clone(),
            scale: chosen.name.clone(),
            differences: match named(PAPER) {
                Some(paper) => self.differences(paper, &seeds, &arms)?,
                None => Vec::new(),
            },
            arms,
            published: self.published()?,
        })
    }

    fn published(&self) -> Result<Vec<Published>, ExperimentError> {
        let path = beside(&self.path, Path::new("published.ron"));
        if path.exists() { read_ron(&path) } else { Ok(Vec::new()) }
    }

    /// In what the arms differ from those of scale `paper`.
    fn differences(
        &self,
        paper: &Scale,
        seeds: &[u64],
        arms: &[PlannedArm],
    ) -> Result<Vec<Difference>, ExperimentError> {
        let mut found = Vec::new();
        // The arms of the first seed come first, and those of other seeds differ from them in the seed alone.
        for (arm, here) in self.arms.iter().zip(arms) {
            let there = self.planned(arm, paper, here.search.seed)?;
            found.extend(differences(&numbers(&paper.seeds, &there), &numbers(seeds, here)));
            if (there.trials, here.trials) != (there.search.search.evaluations, here.search.search.evaluations) {
                let trials = |arm: &PlannedArm| format!("{} of {}", arm.trials, arm.search.search.evaluations);
                let (what, paper, here) = (format!("trials of {}", arm.name), trials(&there), trials(here));
                if paper != here {
                    found.push(Difference { what, paper, here });
                }
            }
        }
        // Arms share their numbers, so most differences were found once for each arm.
        let mut seen = BTreeSet::new();
        found.retain(|difference| seen.insert((difference.what.clone(), difference.paper.clone())));
        Ok(found)
    }

    pub(super) fn planned(&self, arm: &ArmEntry, scale: &Scale, seed: u64) -> Result<PlannedArm, ExperimentError> {
        let lender = match &arm.strategy {
            ArmStrategy::First { of, .. } => self.lender(arm, of)?,
            ArmStrategy::Random { .. } | ArmStrategy::Tournament { .. } | ArmStrategy::Given { .. } => arm,
        };
        let search = self.search(lender, scale, seed)?;
        let all = search.search.evaluations;
        let trials = match &arm.strategy {
            ArmStrategy::First { trials: Part::One, .. } => 1,
            ArmStrategy::First { trials: Part::Initial, .. } => scale.search.initial.get().min(all),
            ArmStrategy::First { trials: Part::Share(share), .. } => {
                share.of(usize::try_from(all).unwrap_or(usize::MAX)) as u64
            }
            ArmStrategy::First { trials: Part::All, .. }
            | ArmStrategy::Random { .. }
            | ArmStrategy::Tournament { .. }
            | ArmStrategy::Given { .. } => all,
        };
        let retraining = match arm.retrained {
            Retrained::No => None,
            Retrained::Large => Some(scale.retraining.clone()),
            Retrained::Wider { by } => {
                let large = &scale.retraining;
                let wider = large.skeleton.with_c0(large.skeleton.c0().saturating_mul(by.get()));
                let skeleton = wider.map_err(|error| self.invalid(format!("arm {:?}: {error}", arm.name)))?;
                Some(Training { skeleton, ..large.clone() })
            }
        };
        let ArmEntry { name, description, .. } = arm.clone();
        Ok(PlannedArm { name, description, search, trials, retraining })
    }

    /// The arm whose search the arm `of` is a part of: one above it in this file, else one of the experiment's basis.
    pub(super) fn lender(&self, arm: &ArmEntry, of: &str) -> Result<&ArmEntry, ExperimentError> {
        let above = self.arms.iter().take_while(|other| other.name != arm.name);
        let searching = |other: &&ArmEntry| other.name == of && !matches!(other.strategy, ArmStrategy::First { .. });
        above.chain(&self.lenders).find(searching).ok_or_else(|| {
            self.invalid(format!(
                "arm {:?} is a part of {of:?}, which is no arm with a search, neither above it nor in the experiment's basis",
                arm.name
            ))
        })
    }

    /// The search of `arm`, which has one.
    fn search(&self, arm: &ArmEntry, scale: &Scale, seed: u64) -> Result<Study, ExperimentError> {
        let ScaleSearch { evaluations, initial, mutations, fraction, in_flight, repeats } = scale.search.clone();
        let mutations = mutations.get();
        let (strategy, space, limits, evaluations) = match &arm.strategy {
            ArmStrategy::Random { space, limits } => {
                (StrategyPlan::Random { mutations }, space.clone(), limits.clone(), evaluations)
            }
            ArmStrategy::Tournament { space, rule, limits } => {
                let strategy = StrategyPlan::Tournament { mutations, initial, fraction, rule: *rule };
                (strategy, space.clone(), limits.clone(), evaluations)
            }
            ArmStrategy::Given { files } => {
                let genotypes = files.iter().map(|file| read_ron(file)).collect::<Result<Vec<Genotype>, _>>()?;
                let count = genotypes.len() as u64;
                let genotypes = GenotypeList::try_from(genotypes)
                    .map_err(|error| self.invalid(format!("arm {:?}: {error}", arm.name)))?;
                let space = genotypes.as_slice()[0].space().clone();
                if let Some(other) = genotypes.as_slice().iter().position(|genotype| *genotype.space() != space) {
                    let message = format!("its search space is not that of {}", files[0].display());
                    return Err(ExperimentError::Invalid { path: files[other].clone(), message });
                }
                (StrategyPlan::Given { genotypes }, space, Limits::default(), count)
            }
            ArmStrategy::First { of, .. } => return self.search(self.lender(arm, of)?, scale, seed),
        };
        Ok(Study {
            name: format!("{}/seed-{seed}", arm.name),
            scale: scale.name.clone(),
            seed,
            dataset: self.dataset.clone(),
            data: scale.data.clone(),
            space,
            strategy,
            search: SearchPlan { evaluations, in_flight, repeats, limits },
            fitness: scale.fitness.clone(),
        })
    }
}

/// How often a training is kept is no number of the paper's, and decides no result.
fn numbers<'a>(seeds: &'a [u64], arm: &'a PlannedArm) -> Numbers<'a> {
    let Study { data, space, strategy, search, fitness, .. } = &arm.search;
    let retraining = arm.retraining.clone().map(|training| Training { checkpoint_every: None, ..training });
    Numbers { seeds, data, space, strategy, search, fitness, retraining }
}
