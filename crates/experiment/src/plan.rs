//! The experiment file: arms that are compared, scales they run at, and the numbers that were published.
//!
//! One RON file is one experiment. All arms of a scale share its data, recipes and budget, so they are trained alike.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use hnas_genome::{Genotype, MutationRule, SearchSpace};
use hnas_search::{Fraction, GenotypeList, StrategyPlan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ExperimentError;
use crate::differences::{Difference, differences};
use crate::study::{DataPlan, Limits, Repeats, SearchPlan, Study, Training};

mod check;

/// The scale whose numbers are the paper's.
const PAPER: &str = "paper";

/// An experiment as its file says it. Invariant: arm and scale names are unique and usable as file names.
#[derive(Clone, Debug)]
pub struct Experiment {
    path: PathBuf,
    file: File,
}

/// An experiment at one scale: what a run folder is founded with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    /// Name of the experiment.
    pub name: String,
    /// Its title, a sentence.
    pub title: String,
    /// The scale it runs at.
    pub scale: String,
    /// For each arm, in the file's order: its description and its study.
    pub arms: Vec<(String, Study)>,
    /// What differs from scale `paper`, over all arms; empty at that scale.
    pub differences: Vec<Difference>,
    /// The published numbers, from `published.ron` beside the experiment file.
    pub published: Vec<Published>,
}

/// One published number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// What was measured.
    pub what: String,
    /// The value as printed.
    pub value: String,
    /// Where it stands, and how sure the transcription is.
    pub source: String,
    /// The arm of this experiment whose test error it is to be compared with, if one is.
    pub arm: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    dataset: String,
    seed: u64,
    arms: Vec<ArmPlan>,
    scales: Vec<Scale>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArmPlan {
    name: String,
    description: String,
    space: SearchSpace,
    strategy: ArmStrategy,
}

/// What of a strategy stays the same at every scale.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
enum ArmStrategy {
    Random,
    Tournament { rule: MutationRule },
    Given { files: Vec<PathBuf> },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scale {
    name: String,
    data: DataPlan,
    search: ScaleSearch,
    fitness: Training,
    retraining: Training,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleSearch {
    evaluations: u64,
    initial: NonZeroU64,
    mutations: hnas_search::Mutations,
    fraction: Fraction,
    in_flight: usize,
    repeats: Repeats,
    limits: Limits,
}

impl Experiment {
    /// Reads and checks an experiment file.
    pub fn load(path: &Path) -> Result<Experiment, ExperimentError> {
        let experiment = Experiment { path: path.to_owned(), file: read_ron(path)? };
        experiment.check()?;
        Ok(experiment)
    }

    /// Name of the data set it needs.
    pub fn dataset(&self) -> &str {
        &self.file.dataset
    }

    /// The names of its scales, in the file's order.
    pub fn scales(&self) -> Vec<&str> {
        self.file.scales.iter().map(|scale| scale.name.as_str()).collect()
    }

    /// The experiment at one scale, with `seed` instead of the file's if given.
    pub fn resolve(&self, scale: &str, seed: Option<u64>) -> Result<Resolved, ExperimentError> {
        let file = &self.file;
        let chosen =
            file.scales.iter().find(|known| known.name == scale).ok_or_else(|| ExperimentError::UnknownScale {
                experiment: file.name.clone(),
                asked: scale.to_owned(),
                known: self.scales().join(", "),
            })?;
        let paper = file.scales.iter().find(|known| known.name == PAPER);
        let mut arms = Vec::new();
        let mut changed = Vec::new();
        for arm in &file.arms {
            let study = self.study(arm, chosen, seed)?;
            if let Some(paper) = paper {
                changed.extend(differences(&self.study(arm, paper, None)?, &study));
            }
            arms.push((arm.description.clone(), study));
        }
        // Arms share their numbers, so most differences were found once for each arm.
        let mut seen = BTreeSet::new();
        changed.retain(|difference| seen.insert((difference.what.clone(), difference.paper.clone())));
        Ok(Resolved {
            name: file.name.clone(),
            title: file.title.clone(),
            scale: chosen.name.clone(),
            arms,
            differences: changed,
            published: self.published()?,
        })
    }

    fn study(&self, arm: &ArmPlan, scale: &Scale, seed: Option<u64>) -> Result<Study, ExperimentError> {
        let ScaleSearch { evaluations, initial, mutations, fraction, in_flight, repeats, limits } =
            scale.search.clone();
        let mutations = mutations.get();
        let (strategy, evaluations) = match &arm.strategy {
            ArmStrategy::Random => (StrategyPlan::Random { mutations }, evaluations),
            ArmStrategy::Tournament { rule } => {
                (StrategyPlan::Tournament { mutations, initial, fraction, rule: *rule }, evaluations)
            }
            ArmStrategy::Given { files } => {
                let genotypes =
                    files.iter().map(|file| self.genotype(file, &arm.space)).collect::<Result<Vec<_>, _>>()?;
                let count = genotypes.len() as u64;
                let genotypes = GenotypeList::try_from(genotypes)
                    .map_err(|error| self.invalid(format!("arm {:?}: {error}", arm.name)))?;
                (StrategyPlan::Given { genotypes }, count)
            }
        };
        Ok(Study {
            experiment: self.file.name.clone(),
            arm: arm.name.clone(),
            scale: scale.name.clone(),
            seed: seed.unwrap_or(self.file.seed),
            dataset: self.file.dataset.clone(),
            data: scale.data.clone(),
            space: arm.space.clone(),
            strategy,
            search: SearchPlan { evaluations, in_flight, repeats, limits },
            fitness: scale.fitness.clone(),
            retraining: scale.retraining.clone(),
        })
    }

    fn genotype(&self, file: &Path, space: &SearchSpace) -> Result<Genotype, ExperimentError> {
        let path = self.beside(file);
        let genotype: Genotype = read_ron(&path)?;
        if genotype.space() != space {
            let message = "its search space is not that of the arm that names it".to_owned();
            return Err(ExperimentError::Invalid { path, message });
        }
        Ok(genotype)
    }

    fn published(&self) -> Result<Vec<Published>, ExperimentError> {
        let path = self.beside(Path::new("published.ron"));
        if path.exists() { read_ron(&path) } else { Ok(Vec::new()) }
    }

    fn beside(&self, file: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(file)
    }

    fn invalid(&self, message: String) -> ExperimentError {
        ExperimentError::Invalid { path: self.path.clone(), message }
    }
}

/// Reads a RON file; a fault is named by file, line and column.
pub(crate) fn read_ron<T: DeserializeOwned>(path: &Path) -> Result<T, ExperimentError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
    ron::from_str(&text).map_err(|error| ExperimentError::Syntax {
        path: path.to_owned(),
        line: error.span.start.line,
        column: error.span.start.col,
        message: error.code.to_string(),
    })
}
