//! An experiment at one scale, every number resolved: what is carried out, and what a run folder is founded with.

use hnas_ledger::{Outcome, Trial, Verdict};
use serde::{Deserialize, Serialize};

use crate::differences::Difference;
use crate::names;
use crate::study::{Repeats, Study, Training};

/// An experiment at one scale. One that is read has names that are usable for files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "File")]
pub struct Resolved {
    /// Name of the experiment.
    pub name: String,
    /// Its title, a sentence.
    pub title: String,
    /// The scale it runs at.
    pub scale: String,
    /// For each seed in turn, every arm in the file's order.
    pub arms: Vec<PlannedArm>,
    /// What differs from scale `paper`, over all arms; empty at that scale.
    pub differences: Vec<Difference>,
    /// The published numbers, from `published.ron` beside the experiment file.
    pub published: Vec<Published>,
}

/// What stands in the file of a run folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Resolved")]
struct File {
    name: String,
    title: String,
    scale: String,
    arms: Vec<PlannedArm>,
    differences: Vec<Difference>,
    published: Vec<Published>,
}

impl TryFrom<File> for Resolved {
    type Error = String;

    fn try_from(file: File) -> Result<Resolved, String> {
        let File { name, title, scale, arms, differences, published } = file;
        names::check("experiment", &name)?;
        names::check("scale", &scale)?;
        for arm in &arms {
            names::check("arm", &arm.name)?;
            let Study { name, seed, .. } = &arm.search;
            let of = name.strip_suffix(&format!("/seed-{seed}"));
            let of = of.ok_or_else(|| format!("the search {name:?} of arm {:?} is not ARM/seed-{seed}", arm.name))?;
            names::check("arm", of)?;
        }
        Ok(Resolved { name, title, scale, arms, differences, published })
    }
}

/// One arm with one seed: the fittest among so many first trials of a search, and how it is trained anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedArm {
    /// Its name, the same for every seed.
    pub name: String,
    /// A sentence about it.
    pub description: String,
    /// The search whose trials it has. Arms that name the same search share it: it is carried out once.
    pub search: Study,
    /// How many trials of the search, from the first, are this arm's.
    pub trials: u64,
    /// The training of its winner, scored on the test set; `None` when nothing is retrained.
    pub retraining: Option<Training>,
}

/// One published number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// What was measured.
    pub what: String,
    /// The value as printed.
    pub value: String,
    /// Where it stands.
    pub source: String,
    /// How sure the transcription is.
    pub confidence: Confidence,
    /// What of this experiment is to be compared with it.
    pub evidence: Evidence,
}

/// What decides whether a published number was reproduced. Arms go by their names; their winners' errors are those of the model
/// that they are retrained in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// The test error of an arm's winners in %, for images of many classes the top-1 error.
    TestError(String),
    /// Their top-5 error in %.
    Top5Error(String),
    /// That the first arm's test error is lower than the second's.
    LowerTestError(String, String),
    /// Nothing in this experiment.
    Nothing,
}

/// How sure a number is that was taken from a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confidence {
    /// In more than one source, or by calculation.
    Confirmed,
    /// From one source that may be wrong.
    Recalled,
    /// Not known, or left open: the project's choice.
    Open,
}

impl Confidence {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Confidence::Confirmed => "confirmed",
            Confidence::Recalled => "recalled",
            Confidence::Open => "open",
        }
    }
}

impl PlannedArm {
    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.search.seed
    }

    /// Those of the search's `trials` that are this arm's.
    pub fn own(&self, trials: &[Trial]) -> Vec<Trial> {
        trials.iter().filter(|trial| trial.proposal.id.0 <= self.trials).cloned().collect()
    }

    /// The retraining of the fittest of this arm's own `trials`, once all of them are finished.
    pub fn retraining_study(&self, trials: &[Trial]) -> Option<Study> {
        let training = self.retraining.as_ref().filter(|_| trials.len() as u64 == self.trials)?;
        let proposal = &winner(self.search.search.repeats, trials)?.proposal;
        Some(self.search.retraining(proposal.id, &proposal.genotype, training))
    }
}

/// The fittest trial; the older one if several are. Where a network's trials are averaged over, the mean counts.
pub fn winner(repeats: Repeats, trials: &[Trial]) -> Option<&Trial> {
    let scored = |trial: &Trial| match &trial.outcome {
        Outcome::Scored { fitness, .. } => Some(fitness.get()),
        Outcome::Failed { .. } => None,
    };
    let fitness = |trial: &Trial| {
        let own = scored(trial)?;
        match repeats {
            Repeats::Evaluate => Some(own),
            Repeats::Average { .. } => {
                let same = trials.iter().filter(|other| other.proposal.key == trial.proposal.key);
                let trained = same.filter(|other| other.proposal.verdict == Verdict::Evaluate).filter_map(scored);
                let (sum, count) = trained.fold((0.0, 0.0), |(sum, count), fitness| (sum + fitness, count + 1.0));
                Some(if count > 0.0 { sum / count } else { own })
            }
        }
    };
    trials
        .iter()
        .filter_map(|trial| Some((fitness(trial)?, trial)))
        .max_by(|(a, first), (b, second)| a.total_cmp(b).then(second.proposal.id.cmp(&first.proposal.id)))
        .map(|(_, trial)| trial)
}
