//! What a report is made of: plain data, so that whoever keeps the trials fills it in.
//!
//! ```text
//! Page ── Claim         what was published and which arm tests it
//!      ── Arm ── Seed   one search: its trials, as many of them as belong to this arm
//!                 ── Retraining ── FinalRun   one genotype of it in one larger model, on the test images
//! ```

use hnas_ledger::Trial;
use hnas_search::TrialId;

/// One report: what was run, how it differs from the paper, and what came out.
///
/// Any text may hold any character; numbers that are not finite are shown as missing. Nothing here can make
/// [`write()`](crate::write()) fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// What was run, in a few words.
    pub title: String,
    /// At which scale: the first thing a reader must know.
    pub scale: String,
    /// Every number that differs from the paper's; empty only for a run at the paper's scale.
    pub differences: Vec<Difference>,
    /// What was published and can be reproduced, in the order to judge it.
    pub claims: Vec<Claim>,
    /// The arms of the experiment, in the order to show them.
    pub arms: Vec<Arm>,
    /// Numbers that the paper or others published, to stand beside the ones obtained.
    pub published: Vec<Published>,
    /// What one needs to run it again: seeds, revision, versions, device, hours, date; name and value.
    pub facts: Vec<(String, String)>,
}

/// A number that differs from the paper's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is the number of.
    pub what: String,
    /// The paper's.
    pub paper: String,
    /// The one of this run.
    pub here: String,
}

/// Something that was published and that a run may reproduce. The report gives the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The claim, a sentence or the name of a number.
    pub what: String,
    /// What was published, as printed.
    pub published: String,
    /// Where it was printed.
    pub source: String,
    /// What here is to be compared with it.
    pub evidence: Evidence,
}

/// What decides a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The test error in % of the winners of `arm`; [`Claim::published`] is `MEAN` or `MEAN +- DEVIATION`, in % as well.
    TestError {
        /// Name of the arm.
        arm: String,
        /// The model, as [`Retraining::model`] names it.
        model: String,
    },
    /// Likewise the part in % of the test images whose class was not among the five likeliest.
    Top5Error {
        /// Name of the arm.
        arm: String,
        /// The model, as [`Retraining::model`] names it.
        model: String,
    },
    /// The winners of `arm` have a lower test error than those of `than`.
    LowerTestError {
        /// Name of the arm that is said to be better.
        arm: String,
        /// Name of the arm that is said to be worse.
        than: String,
        /// The model of both.
        model: String,
    },
    /// Nothing in this run.
    Nothing,
}

/// A published number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// What it is the number of.
    pub what: String,
    /// The number as printed, with its unit.
    pub value: String,
    /// Where it was printed.
    pub source: String,
}

/// One arm of an experiment: the same search with one or more seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arm {
    /// Its name, unique on the page.
    pub name: String,
    /// What it does, in a sentence.
    pub description: String,
    /// The paper's test error of this arm in %, as printed, for example `3.75 +- 0.12`.
    pub published_error: Option<String>,
    /// Its searches, one for each seed, begun or not.
    pub seeds: Vec<Seed>,
}

/// One search of an arm.
///
/// An arm may be the first trials of another one's search: then its seeds name the same studies and hold fewer trials.
/// Such arms are drawn once, and what they retrained counts for the search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seed {
    /// Its seed.
    pub seed: u64,
    /// Name of its search in the ledger, unique among the searches of the page.
    pub study: String,
    /// Evaluations that are planned for this arm; more than there are trials while it is under way.
    pub planned: u64,
    /// Its finished trials in the order of their ids. Fitness is an accuracy between 0 and 1.
    pub trials: Vec<Trial>,
    /// The trial that won; `None` stands for the one with the largest fitness.
    pub winner: Option<TrialId>,
    /// Genotypes of this search trained in larger models: the winner's, and any others.
    pub retrainings: Vec<Retraining>,
}

/// The trainings of one trial's genotype in one larger model.
#[derive(Clone, Debug, PartialEq)]
pub struct Retraining {
    /// Name of its study in the ledger.
    pub study: String,
    /// Which trial of the search the genotype is from.
    pub trial: TrialId,
    /// The model, in a word or two, for example `c0 = 64`; the same for all genotypes that are to be compared.
    pub model: String,
    /// Trainable parameters of the network.
    pub parameters: u64,
    /// Trainings that are planned.
    pub planned: u64,
    /// Those that are finished.
    pub runs: Vec<FinalRun>,
}

/// One training of a genotype in a larger model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalRun {
    /// Its seed; `None` when it failed before there was one.
    pub seed: Option<u64>,
    /// Part of the test images that was classified correctly, 0 to 1; `None` when it failed.
    pub test_accuracy: Option<f64>,
    /// Part of them whose class was among the five likeliest, 0 to 1; `None` where it is of no interest, or when it failed.
    pub top_5_accuracy: Option<f64>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Seconds of training and evaluation.
    pub seconds: f64,
}
