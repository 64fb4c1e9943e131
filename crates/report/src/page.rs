//! What a report is made of.

use hnas_genome::Genotype;
use hnas_ledger::Trial;

/// One report: what was run, how it differs from the paper, and what came out.
///
/// Any text may hold any character; numbers that are not finite are shown as missing. Nothing here can make
/// [`write`](crate::write) fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// What was run, in a few words.
    pub title: String,
    /// At which scale: the first thing a reader must know.
    pub scale: String,
    /// Every number that differs from the paper's; empty only for a run at the paper's scale.
    pub differences: Vec<Difference>,
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

/// One arm of an experiment: a search and the retraining of its winner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arm {
    /// Its name, unique on the page.
    pub name: String,
    /// What it does, in a sentence.
    pub description: String,
    /// The paper's test error of this arm in %, as printed, for example `3.75 +- 0.12`.
    pub published_error: Option<String>,
    /// The trials of the search in the order of their ids. Fitness is an accuracy between 0 and 1.
    pub search: Vec<Trial>,
    /// The trainings of the winner as a large model.
    pub finals: Vec<FinalRun>,
    /// The genotype that won; `None` while there is none.
    pub winner: Option<Genotype>,
}

/// One training of a winner as a large model.
#[derive(Clone, Debug, PartialEq)]
pub struct FinalRun {
    /// Its seed.
    pub seed: u64,
    /// Part of the test images that was classified correctly, 0 to 1; `None` when it failed.
    pub test_accuracy: Option<f64>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Trainable parameters of the large model.
    pub parameters: u64,
    /// Seconds of training and evaluation.
    pub seconds: f64,
}
