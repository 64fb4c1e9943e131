//! One experiment wired together: its file, its run folder, the controller that proposes, the workers that train.
//!
//! `evaluate` holds the way of one candidate as one screen of code; everything around it makes that way repeatable,
//! parallel and safe to interrupt. This crate draws nothing and prints nothing: it tells an [`Observer`].

mod board;
mod checkpoints;
mod controller;
mod crew;
mod differences;
mod error;
mod estimate;
mod evaluate;
mod execute;
mod host;
mod images;
mod jobs;
mod names;
mod photographs;
mod place;
mod plan;
mod resolved;
mod run;
mod seeds;
mod simulate;
mod study;
mod worker;

pub use board::Board;
pub use checkpoints::TrialCheckpoints;
pub use controller::Controller;
pub use crew::{Crew, Serving};
pub use differences::{Difference, differences};
pub use error::ExperimentError;
pub use estimate::{Estimate, estimate};
pub use evaluate::{Candidate, Progress, candidate, evaluate};
pub use execute::Executor;
pub use photographs::Photographs;
pub use plan::Experiment;
pub use resolved::{Confidence, Evidence, PlannedArm, Published, Resolved, winner};
pub use run::{Arm, RunFolder, Session, TakenRun};
pub use seeds::{Purpose, training_seed};
pub use simulate::{Load, Simulated, simulate};
pub use study::{DataPlan, Limits, Repeats, SearchPlan, Study, Training};
pub use worker::{Event, Observer};
