//! Which genotype next (Liu et al., ICLR 2018, section 3): random search and tournament evolution, asynchronous and
//! yet reproducible.
//!
//! This crate never trains: it sees genotypes and fitness. A [`Strategy`] suggests genotypes and is told of finished
//! trials; a [`Search`] keeps one and decides which results each suggestion may see, so that, given the same outcomes
//! of trials, the same seed gives the same search on one core and on 200 machines.

mod asynchrony;
mod given;
mod plan;
mod random;
mod strategy;
mod tournament;
mod trial;

pub use asynchrony::{MOST_REDRAWS, Search, SearchError, suggestion_rng, visible};
pub use given::Given;
pub use plan::{Fraction, GenotypeList, Mutations, PlanError, StrategyPlan};
pub use random::RandomSearch;
pub use strategy::{Strategy, Suggestion};
pub use tournament::TournamentEvolution;
pub use trial::{FinishedTrial, Fitness, FitnessError, TrialId};
