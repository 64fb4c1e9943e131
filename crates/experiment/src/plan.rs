//! The experiment file: arms that are compared, and the scales they run at.
//!
//! One RON file is one experiment. All arms of a scale share its data, recipes and budget, so they are trained alike. An
//! experiment that looks at the searches of another names it as its basis, and has its data set, scales and arms to refer to.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

use hnas_genome::{MutationRule, SearchSpace};
use hnas_search::{Fraction, Mutations};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::ExperimentError;
use crate::study::{DataPlan, Limits, Repeats, Training};

mod check;
mod resolve;

/// An experiment as its file says it.
///
/// Invariant: arm and scale names are unique and usable as file names; an arm that is a part of another names one that has a
/// search; every number passed the checks of `plan/check.rs`.
#[derive(Clone, Debug)]
pub struct Experiment {
    path: PathBuf,
    name: String,
    title: String,
    dataset: String,
    scales: Vec<Scale>,
    arms: Vec<ArmEntry>,
    /// The arms of the experiment it is based on.
    lenders: Vec<ArmEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    basis: Basis,
    arms: Vec<ArmEntry>,
}

/// What an experiment's arms stand on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
enum Basis {
    /// A data set and scales of its own.
    Own { dataset: String, scales: Vec<Scale> },
    /// Those of the experiment in this file, whose arms can be referred to as well.
    Of(PathBuf),
    /// The same, at the scales that are named here, and with other trainings of the winners.
    Transfer { of: PathBuf, scales: Vec<TransferScale> },
}

/// How the winners of a scale are trained anew, instead of how its own experiment does it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferScale {
    name: String,
    retraining: Training,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArmEntry {
    name: String,
    description: String,
    strategy: ArmStrategy,
    retrained: Retrained,
}

/// What of a strategy stays the same at every scale.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
enum ArmStrategy {
    Random {
        space: SearchSpace,
        limits: Limits,
    },
    Tournament {
        space: SearchSpace,
        rule: MutationRule,
        limits: Limits,
    },
    Given {
        files: Vec<PathBuf>,
    },
    /// The first trials of another arm's search.
    First {
        of: String,
        trials: Part,
    },
}

/// How many of a search's trials, from the first.
#[derive(Clone, Copy, Debug, Deserialize)]
enum Part {
    One,
    /// The scale's `search.initial`: those at random that an evolution begins with.
    Initial,
    /// This part of them, rounded up.
    Share(Fraction),
    All,
}

/// How an arm's winner is trained anew.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
enum Retrained {
    No,
    /// In the scale's large model.
    Large,
    /// In the scale's large model with all widths multiplied.
    Wider {
        by: NonZeroUsize,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scale {
    name: String,
    seeds: Vec<u64>,
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
    mutations: Mutations,
    fraction: Fraction,
    in_flight: usize,
    repeats: Repeats,
}

impl Experiment {
    /// Reads and checks an experiment file.
    ///
    /// # Errors
    /// When it or a file it names cannot be read, or says what cannot be carried out; the message names file and numbers.
    pub fn load(path: &Path) -> Result<Experiment, ExperimentError> {
        let File { name, title, basis, arms } = File::read(path)?;
        let path = path.to_owned();
        let experiment = match basis {
            Basis::Own { dataset, scales } => {
                Experiment { path, name, title, dataset, scales, arms, lenders: Vec::new() }
            }
            Basis::Of(file) => {
                let (dataset, scales, lenders) = File::basis(&beside(&path, &file))?;
                Experiment { path, name, title, dataset, scales, arms, lenders }
            }
            Basis::Transfer { of, scales: transfers } => {
                let of = beside(&path, &of);
                let (dataset, known, lenders) = File::basis(&of)?;
                let mut scales = Vec::new();
                for TransferScale { name, retraining } in transfers {
                    let Some(scale) = known.iter().find(|scale| scale.name == name) else {
                        let message = format!("there is no scale {name:?} in {}", of.display());
                        return Err(ExperimentError::Invalid { path, message });
                    };
                    scales.push(Scale { retraining, ..scale.clone() });
                }
                Experiment { path, name, title, dataset, scales, arms, lenders }
            }
        };
        experiment.check()?;
        Ok(experiment)
    }

    /// Names of the data sets that it needs at some scale or other, each once.
    pub fn datasets(&self) -> Vec<&str> {
        let photographs = self.scales.iter().filter_map(|scale| scale.retraining.photographs.as_ref());
        let photographs = photographs.map(|photographs| photographs.dataset.as_str());
        let mut names = vec![self.dataset.as_str()];
        photographs.for_each(|name| {
            if !names.contains(&name) {
                names.push(name)
            }
        });
        names
    }

    /// The names of its scales, in the file's order.
    pub fn scales(&self) -> Vec<&str> {
        self.scales.iter().map(|scale| scale.name.as_str()).collect()
    }

    fn invalid(&self, message: String) -> ExperimentError {
        ExperimentError::Invalid { path: self.path.clone(), message }
    }
}

impl File {
    /// Data set, scales and arms of an experiment that others are based on.
    fn basis(path: &Path) -> Result<(String, Vec<Scale>, Vec<ArmEntry>), ExperimentError> {
        let File { basis, arms, .. } = File::read(path)?;
        let Basis::Own { dataset, scales } = basis else {
            let message = "it is the basis of another experiment and so needs a basis of its own".to_owned();
            return Err(ExperimentError::Invalid { path: path.to_owned(), message });
        };
        Ok((dataset, scales, arms))
    }

    /// Reads the file; files that it names are found from its folder.
    fn read(path: &Path) -> Result<File, ExperimentError> {
        let mut file: File = read_ron(path)?;
        for arm in &mut file.arms {
            if let ArmStrategy::Given { files } = &mut arm.strategy {
                files.iter_mut().for_each(|file| *file = beside(path, file));
            }
        }
        Ok(file)
    }
}

/// The place of `file`, which the file at `path` names.
fn beside(path: &Path, file: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(file)
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
