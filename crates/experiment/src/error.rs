//! What can go wrong before or beside the trainings; a training that fails is an outcome, not an error.

use std::path::PathBuf;

use hnas_data::DataError;
use hnas_engine::EngineError;
use hnas_ledger::LedgerError;
use thiserror::Error;

/// An experiment cannot be read, founded or carried on.
#[derive(Debug, Error)]
pub enum ExperimentError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}:{line}:{column}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The file reads well but contradicts itself.
    #[error("{path}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The experiment has no such scale.
    #[error("experiment {experiment} has no scale {asked:?}; it has {known}")]
    UnknownScale {
        /// Name of the experiment.
        experiment: String,
        /// What was asked for.
        asked: String,
        /// The scales there are.
        known: String,
    },
    /// The run folder was founded with another experiment of this name (invariant L2).
    #[error(
        "{path} is another experiment: line {line} of its arms is `{there}`, here it is `{here}`; choose another folder with --out"
    )]
    OtherExperiment {
        /// The experiment's file in the run folder.
        path: PathBuf,
        /// First line of its arms that differs, from 1.
        line: usize,
        /// That line in the run folder.
        there: String,
        /// That line now.
        here: String,
    },
    /// Another process works on the run.
    #[error("another hnas is at work on {folder}")]
    Busy {
        /// The run folder.
        folder: PathBuf,
    },
    /// The folder holds no run.
    #[error("{folder} is no run: it holds no .ron file of an experiment")]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A run was founded, with its ledger, which is not there any more.
    #[error("{folder} is a run whose trials are gone: {reason}; bring the ledger back, or choose another folder")]
    LedgerGone {
        /// The run folder.
        folder: PathBuf,
        /// What is there instead of the ledger, with its place.
        reason: String,
    },
    /// A ledger is not the one that a report was made of.
    #[error(
        "the ledger {place} has no trials of this run, but {folder} is a report of some: bring the run's ledger back, or \
         remove the report if they may go"
    )]
    OtherTrials {
        /// The folder of the report.
        folder: PathBuf,
        /// The ledger.
        place: String,
    },
    /// A run's ledger is elsewhere.
    #[error(
        "{folder} has its ledger in {there}, not in {here}; `hnas copy-ledger FROM TO` moves one, and the file {noted} of \
         the folder says where it is"
    )]
    OtherStore {
        /// The run folder.
        folder: PathBuf,
        /// Where the ledger is.
        there: String,
        /// Where it was said to be.
        here: String,
        /// The file that says where it is.
        noted: &'static str,
    },
    /// Workers and whoever proposes are of different builds.
    #[error(
        "{place}: its trials are proposed by hnas {there}, this is hnas {here}; all trials of a search come from one build, \
         so start workers of the same"
    )]
    OtherBuild {
        /// The ledger.
        place: String,
        /// The build that proposes: version and revision.
        there: String,
        /// This one.
        here: String,
    },
    /// A founding text that this build cannot read.
    #[error("{place}: study {study} is none of this program's: {reason}")]
    OtherProgram {
        /// The ledger.
        place: String,
        /// Name of the study.
        study: String,
        /// What is wrong with its founding text, with line and column.
        reason: String,
    },
    /// The strategy does not go with the search space, or a ledger contradicts itself.
    #[error("{0}")]
    Strategy(String),
    /// No sampled genotype is a network within the skeleton.
    #[error("none of {genotypes} sampled genotypes is a network, so no step could be measured")]
    NothingMeasured {
        /// How many were tried.
        genotypes: usize,
    },
    /// The splits ask for more images than there are.
    #[error(transparent)]
    Split(#[from] hnas_data::SplitError),
    /// What is to be seen of photographs makes no sense.
    #[error(transparent)]
    Transform(#[from] hnas_data::TransformError),
    /// From the data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// From the device.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// From the ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
