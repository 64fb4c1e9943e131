//! Strategies as they are written in an experiment file.

use std::num::NonZeroU64;

use hnas_genome::{Genotype, MutationRule, SearchSpace};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::{Given, RandomSearch, Strategy, TournamentEvolution};

/// Which strategy with which numbers. In RON, every field written out:
///
/// ```text
/// Random(mutations: 1000)
/// Tournament(mutations: 1000, initial: 200, fraction: 0.05, rule: Uniform)
/// Given(genotypes: [..])
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum StrategyPlan {
    /// Random search: [`RandomSearch`].
    Random {
        /// Mutations of a random genotype (the paper's 1000); see [`Mutations`].
        #[serde(deserialize_with = "mutations")]
        mutations: usize,
    },
    /// Evolution by tournament selection: [`TournamentEvolution`].
    Tournament {
        /// Mutations of a random genotype (the paper's 1000); see [`Mutations`].
        #[serde(deserialize_with = "mutations")]
        mutations: usize,
        /// Random genotypes before the first child (the paper's 200), at least 1.
        initial: NonZeroU64,
        /// Part of the population that takes part in a tournament (the paper's 0.05).
        fraction: Fraction,
        /// How the new operation of a mutation is drawn (the paper's `Uniform`).
        rule: MutationRule,
    },
    /// A fixed list: [`Given`].
    Given {
        /// The genotypes, at least one.
        genotypes: GenotypeList,
    },
}

/// A plan that does not go with the search space of its experiment.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PlanError {
    /// A given genotype belongs to another search space.
    #[error("given genotype {number} of {count} belongs to another search space than the experiment's")]
    OtherSpace {
        /// Its place in the list, from 1.
        number: usize,
        /// Length of the list.
        count: usize,
    },
    /// A list of genotypes without any.
    #[error("the list of given genotypes is empty: it needs at least one")]
    NoGenotypes,
    /// A part that is nobody, or more than everybody.
    #[error("a fraction is above 0 and at most 1, not {0}")]
    Fraction(f64),
    /// A random genotype that would take too long to draw.
    #[error("a random genotype has at most {max} mutations, not {0}", max = Mutations::MAX)]
    Mutations(usize),
}

impl StrategyPlan {
    /// The strategy, with nothing learned yet, over `space`.
    ///
    /// # Errors
    ///
    /// When a given genotype belongs to another search space, or a random one has more than [`Mutations::MAX`] mutations.
    pub fn build(&self, space: &SearchSpace) -> Result<Box<dyn Strategy>, PlanError> {
        Ok(match self {
            StrategyPlan::Random { mutations } => {
                Box::new(RandomSearch::new(space.clone(), Mutations::new(*mutations)?))
            }
            StrategyPlan::Tournament { mutations, initial, fraction, rule } => {
                let mutations = Mutations::new(*mutations)?;
                Box::new(TournamentEvolution::new(space.clone(), mutations, initial.get(), *fraction, *rule))
            }
            StrategyPlan::Given { genotypes } => {
                if let Some(index) = genotypes.as_slice().iter().position(|genotype| genotype.space() != space) {
                    return Err(PlanError::OtherSpace { number: index + 1, count: genotypes.as_slice().len() });
                }
                Box::new(Given::new(genotypes.clone()))
            }
        })
    }
}

/// The length of the random walk from the trivial genotype to a random one. Invariant: at most [`Mutations::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub struct Mutations(usize);

impl Mutations {
    /// A thousand times the paper's 1000: a number above it is a slip. There has to be an end, since a genotype is drawn
    /// in one go and nothing interrupts it.
    pub const MAX: usize = 1_000_000;

    /// A walk of `count` mutations.
    ///
    /// # Errors
    ///
    /// When `count` is above [`Mutations::MAX`].
    pub fn new(count: usize) -> Result<Mutations, PlanError> {
        if count <= Mutations::MAX { Ok(Mutations(count)) } else { Err(PlanError::Mutations(count)) }
    }

    /// The number itself, at most [`Mutations::MAX`].
    pub fn get(self) -> usize {
        self.0
    }
}

impl TryFrom<usize> for Mutations {
    type Error = PlanError;

    fn try_from(count: usize) -> Result<Mutations, PlanError> {
        Mutations::new(count)
    }
}

impl From<Mutations> for usize {
    fn from(mutations: Mutations) -> usize {
        mutations.0
    }
}

/// Reads a number of mutations, so that one that is too large is refused with its place in the file.
fn mutations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    Mutations::deserialize(deserializer).map(Mutations::get)
}

/// A part of a population. Invariant: above 0 and at most 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Fraction(f64);

impl Fraction {
    /// A fraction of `value`.
    ///
    /// # Errors
    ///
    /// When `value` is not above 0 and at most 1.
    pub fn new(value: f64) -> Result<Fraction, PlanError> {
        if value > 0.0 && value <= 1.0 { Ok(Fraction(value)) } else { Err(PlanError::Fraction(value)) }
    }

    /// The number itself, above 0 and at most 1.
    pub fn get(self) -> f64 {
        self.0
    }

    /// This part of `count`, rounded up: at least 1 and at most `count` when there is anybody.
    pub fn of(self, count: usize) -> usize {
        let exact = self.0 * count as f64;
        // 0.07 * 100 is 7.000000000000001 in binary: what is a whole number but for rounding is not rounded up.
        let nearest = exact.round();
        let part = if (exact - nearest).abs() <= exact * 1e-12 { nearest } else { exact.ceil() };
        (part as usize).clamp(1.min(count), count)
    }
}

impl TryFrom<f64> for Fraction {
    type Error = PlanError;

    fn try_from(value: f64) -> Result<Fraction, PlanError> {
        Fraction::new(value)
    }
}

impl From<Fraction> for f64 {
    fn from(fraction: Fraction) -> f64 {
        fraction.0
    }
}

/// Genotypes in a fixed order. Invariant: at least one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Genotype>", into = "Vec<Genotype>")]
pub struct GenotypeList(Vec<Genotype>);

impl GenotypeList {
    /// The genotypes, at least one.
    pub fn as_slice(&self) -> &[Genotype] {
        &self.0
    }
}

impl TryFrom<Vec<Genotype>> for GenotypeList {
    type Error = PlanError;

    fn try_from(genotypes: Vec<Genotype>) -> Result<GenotypeList, PlanError> {
        if genotypes.is_empty() { Err(PlanError::NoGenotypes) } else { Ok(GenotypeList(genotypes)) }
    }
}

impl From<GenotypeList> for Vec<Genotype> {
    fn from(list: GenotypeList) -> Vec<Genotype> {
        list.0
    }
}
