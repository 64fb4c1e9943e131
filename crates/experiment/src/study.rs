//! One study: what decides a series of trials, every number resolved. Its text founds the ledger (invariant L2).

use std::num::NonZeroUsize;

use hnas_compiler::Skeleton;
use hnas_engine::Recipe;
use hnas_genome::{Genotype, SearchSpace};
use hnas_search::{StrategyPlan, TrialId};
use serde::{Deserialize, Serialize};

use crate::photographs::Photographs;
use crate::seeds::Purpose;

/// What stands between the name of a search and the number of the trial that is retrained.
const TRIAL: &str = "/trial-";

/// One study of a ledger: a search, or the retraining of a genotype that a search found.
///
/// It holds what decides its trials and nothing else, so experiments that ask for the same search share its trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Its name in the ledger: `ARM/seed-SEED` for a search, `SEARCH/trial-TRIAL/c0-WIDTH` for a retraining, the width behind
    /// the data set's name if that is another one.
    pub name: String,
    /// Name of the scale.
    pub scale: String,
    /// Every random stream follows from it.
    pub seed: u64,
    /// Name of the data set.
    pub dataset: String,
    /// How many images go where.
    pub data: DataPlan,
    /// The search space.
    pub space: SearchSpace,
    /// Which genotype next.
    pub strategy: StrategyPlan,
    /// How long and how parallel the search is.
    pub search: SearchPlan,
    /// The training of each trial.
    pub fitness: Training,
}

/// How many images go where. Every part is stratified by class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataPlan {
    /// Images a candidate is trained on (the paper: 40,000).
    pub train: usize,
    /// Images its fitness is measured on (the paper: 10,000).
    pub valid: usize,
    /// Training images the winner is retrained on (the paper: all 50,000).
    pub retrain: usize,
    /// Test images the retrained winner is scored on (the paper: all 10,000).
    pub test: usize,
    /// Seed of the splits; the same for all arms.
    pub seed: u64,
}

/// How long and how parallel a search is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchPlan {
    /// Evaluations in all, the random ones at the start included.
    pub evaluations: u64,
    /// Child n is bred from exactly the results of trials 1 ..= n - in_flight, whatever finished when.
    pub in_flight: usize,
    /// What a network that is known already earns.
    pub repeats: Repeats,
    /// What is too large to be evaluated.
    pub limits: Limits,
}

/// What a candidate earns whose network was evaluated before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Repeats {
    /// It is trained again, as any other (the paper's algorithm).
    Evaluate,
    /// Once its network was trained in `of` finished trials, it gets their mean fitness and is not trained; `of: 1` is plain reuse.
    Average {
        /// Trials after which no more are trained.
        of: usize,
    },
}

/// Limits by the cost model: a candidate above one is never built. Another is drawn in its place, and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most trainable parameters of the search model.
    pub parameters: Option<u64>,
    /// Most multiply-adds of one image's forward pass.
    pub multiply_adds: Option<u64>,
    /// Most bytes of memory of one training on a CPU, as [`Program::training_bytes`](hnas_compiler::Program::training_bytes)
    /// predicts them for the recipe's crop and batch.
    pub training_bytes: Option<u64>,
}

/// A model size, a recipe, and how often it is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The network around the cell.
    pub skeleton: Skeleton,
    /// How it is trained.
    pub recipe: Recipe,
    /// Independent trainings; their mean counts.
    pub runs: usize,
    /// Photographs that it is trained and scored on instead of the study's images; in a retraining only. Not written: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photographs: Option<Photographs>,
    /// Steps after which a training is kept in a file, so that one that is interrupted goes on from there. It decides what an
    /// interruption costs and no result. Not written: trainings are not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<NonZeroUsize>,
}

impl Training {
    /// The model, for names of studies: the width, as the paper's names go, of another data set than the search's with it.
    fn model(&self) -> String {
        let c0 = self.skeleton.c0();
        match &self.photographs {
            None => format!("c0-{c0}"),
            Some(photographs) => format!("{}-c0-{c0}", photographs.dataset),
        }
    }
}

impl Study {
    /// The text that founds a ledger: all of it, in a fixed order. Workers elsewhere know of the study what it says.
    pub fn founding_text(&self) -> String {
        ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::new().struct_names(false))
            .expect("a study holds only plain data, which RON can always write")
    }

    /// The study that a founding text is of.
    ///
    /// # Errors
    /// When it is none of this build's; line and column, from 1, and what is wrong there.
    pub fn from_founding_text(text: &str) -> Result<Study, String> {
        ron::from_str(text).map_err(|error: ron::error::SpannedError| error.to_string())
    }

    /// What its trainings are for. Its name says it: that of a retraining begins with that of its search and goes on, see
    /// [`retraining`](Study::retraining), and no name of an arm holds a slash.
    pub fn purpose(&self) -> Purpose {
        if self.name.contains(TRIAL) { Purpose::Retraining } else { Purpose::Fitness }
    }

    /// The training of this search's trial `trial` as `training` says, as a study: the trial's genotype, once for each run,
    /// each a trial with a seed of its own. Arms that retrain the same trial in the same way share it.
    pub fn retraining(&self, trial: TrialId, genotype: &Genotype, training: &Training) -> Study {
        let runs = training.runs;
        let genotypes = vec![genotype.clone()].try_into().expect("one genotype is at least one");
        Study {
            name: format!("{}{TRIAL}{trial}/{}", self.name, training.model()),
            strategy: StrategyPlan::Given { genotypes },
            search: SearchPlan {
                evaluations: runs as u64,
                in_flight: runs,
                repeats: Repeats::Evaluate,
                limits: Limits::default(),
            },
            fitness: Training { runs: 1, ..training.clone() },
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Experiment, PlannedArm};

    /// Every study of every scale of an experiment, a retraining of its first genotype included.
    fn studies(file: &str) -> Vec<Study> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
        let experiment = Experiment::load(&file).expect("it reads");
        let scales: Vec<String> = experiment.scales().into_iter().map(str::to_owned).collect();
        let arms = scales.iter().flat_map(|scale| experiment.resolve(scale, None).expect("it resolves").arms);
        let both = |arm: PlannedArm| {
            let trivial = Genotype::identity_chain(&arm.search.space);
            let retraining = arm.retraining.map(|training| arm.search.retraining(TrialId(7), &trivial, &training));
            std::iter::once(arm.search).chain(retraining)
        };
        arms.flat_map(both).collect()
    }

    #[test]
    fn a_worker_reads_a_study_and_its_purpose_back_from_the_founding_text() {
        let mut retrainings = 0;
        for file in ["tests/cases/tiny.ron", "experiments/cifar10/experiment.ron"] {
            for study in studies(file) {
                assert_eq!(Study::from_founding_text(&study.founding_text()).as_ref(), Ok(&study));
                let retraining = study.name.split('/').count() == 4;
                assert_eq!(study.purpose() == Purpose::Retraining, retraining, "{}", study.name);
                retrainings += usize::from(retraining);
            }
        }
        assert!(retrainings > 3);
        let other = studies("tests/cases/tiny.ron")[0].founding_text().replacen("seed:", "weed:", 1);
        let said = Study::from_founding_text(&other).expect_err("no field is called weed");
        assert!(said.starts_with("4:5-4:9: Unexpected field named `weed`"), "{said}");
    }
}
