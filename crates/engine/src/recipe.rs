//! How a network is trained: every number that decides the result, written out.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::initializer::Initializer;

/// A recipe of training, checked.
///
/// Invariant, held in [`Recipe::new`]: counts and sizes are at least 1, numbers are finite and in the ranges given at
/// the fields of [`RawRecipe`], the drops of the learning rate come in ascending steps, inside the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawRecipe", into = "RawRecipe")]
pub struct Recipe(RawRecipe);

/// The fields of a [`Recipe`] as they stand in a file, not yet checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "Recipe")]
pub struct RawRecipe {
    /// Number of updates of the weights, at least 1.
    pub steps: usize,
    /// Images a step, at least 1.
    pub batch: usize,
    /// The learning rate over the steps.
    pub learning_rate: LearningRate,
    /// Share of the last update that is done again, 0 up to but without 1. Without dampening and without Nesterov's
    /// correction: `v = momentum * v + gradient; weight -= learning rate * v`.
    pub momentum: f64,
    /// This times the weight is added to its gradient, 0 or more.
    pub weight_decay: f64,
    /// Which parameters the weight decay acts on.
    pub weight_decay_on: WeightDecayOn,
    /// Side of the random square crop that is trained on, in pixels: from 1 to the side of the image. Evaluation is on
    /// whole images.
    pub crop: usize,
    /// Whether half of the crops, drawn at random, are mirrored left to right.
    pub flip: bool,
    /// How bytes become numbers.
    pub normalization: Normalization,
    /// What the weights of convolutions and of the linear layer start from.
    pub initializer: Initializer,
    /// Weight of a new batch in the running statistics of batch normalisation, above 0 up to 1:
    /// `running = (1 - momentum) * running + momentum * batch`.
    pub batch_norm_momentum: f64,
    /// Added to the variance in batch normalisation, above 0.
    pub batch_norm_epsilon: f64,
    /// How the maps of a training lie in memory: its activations, and the gradients of the loss with respect to them.
    pub precision: Precision,
    /// Images at once in an evaluation, at least 1. It decides speed and memory, not results.
    pub eval_batch: usize,
    /// Seconds after which a training is given up, above 0. `None` never does; with a limit the outcome of an experiment
    /// depends on the machine.
    pub time_limit_s: Option<f64>,
}

/// A learning rate that falls in steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningRate {
    /// Of the first step, above 0.
    pub initial: f64,
    /// `(step, factor)`: after this many steps the rate is multiplied by the factor, above 0. Ascending in the step.
    pub drops: Vec<(usize, f64)>,
}

/// Which parameters are pulled towards zero. The paper does not say; [`WeightDecayOn::All`] is what an optimiser with
/// weight decay does when it is told nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WeightDecayOn {
    /// Every trained parameter.
    All,
    /// The weights of convolutions and of the linear layer; not the scales and shifts of batch normalisation, not the
    /// bias.
    ConvolutionsAndLinear,
}

/// How the bytes of an image become numbers. The paper does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Normalization {
    /// Each channel minus its mean, divided by its standard deviation, both over the images that are trained on.
    PerChannel,
    /// 0 becomes -1 and 255 becomes 1.
    MinusOneToOne,
}

/// How the maps of a training, and the gradients of the loss with respect to them, lie in memory. The paper does not say.
/// Weights, their gradients and velocities, statistics and sums are 32-bit floats, and so is everything that is computed,
/// whatever this is; and evaluations are in 32-bit floats throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// The upper halves of such, rounded to the nearest whenever they are written: half of the memory and of its traffic.
    /// On a GPU alone.
    Bf16,
}

impl Precision {
    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::Bf16 => 2,
        }
    }
}

/// Why a recipe is refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs, reason = "each message says what its fields are")]
pub enum RecipeError {
    #[error("{field} is 0, at least 1 is needed")]
    Zero { field: &'static str },
    #[error("{field} is {value}, at most {most} is allowed")]
    TooLarge { field: &'static str, value: usize, most: usize },
    #[error("{field} is {value}, allowed is {allowed}")]
    Range { field: &'static str, value: f64, allowed: &'static str },
    #[error("learning_rate.drops: drop {number} is after step {step}, it must come after step {previous}")]
    DropOrder { number: usize, step: usize, previous: usize },
    #[error("learning_rate.drops: drop {number} is after step {step}, but there are only {steps} steps")]
    DropTooLate { number: usize, step: usize, steps: usize },
    #[error("learning_rate.drops: the factor of drop {number} is {factor}, allowed is a finite number above 0")]
    DropFactor { number: usize, factor: f64 },
}

impl TryFrom<RawRecipe> for Recipe {
    type Error = RecipeError;

    fn try_from(raw: RawRecipe) -> Result<Recipe, RecipeError> {
        Recipe::new(raw)
    }
}

impl From<Recipe> for RawRecipe {
    fn from(recipe: Recipe) -> RawRecipe {
        recipe.0
    }
}

impl Recipe {
    /// Checks the fields.
    ///
    /// # Errors
    /// When the invariant of the type does not hold; the message names the field and the numbers.
    pub fn new(raw: RawRecipe) -> Result<Recipe, RecipeError> {
        // Far above anything that can be trained, and low enough that no size of memory that follows from them is too large for 64 bits.
        let counts = [
            ("steps", raw.steps, 1_000_000_000),
            ("batch", raw.batch, 100_000_000),
            ("crop", raw.crop, 10_000),
            ("eval_batch", raw.eval_batch, 100_000_000),
        ];
        for (field, value, most) in counts {
            match value {
                0 => return Err(RecipeError::Zero { field }),
                _ if value > most => return Err(RecipeError::TooLarge { field, value, most }),
                _ => {}
            }
        }
        let above_0 = |value: f64| value > 0.0 && value.is_finite();
        let range = |field, value, holds, allowed| {
            if holds { Ok(()) } else { Err(RecipeError::Range { field, value, allowed }) }
        };
        let rate = raw.learning_rate.initial;
        range("learning_rate.initial", rate, above_0(rate), "a finite number above 0")?;
        range("momentum", raw.momentum, (0.0..1.0).contains(&raw.momentum), "0 up to but without 1")?;
        let decay = raw.weight_decay;
        range("weight_decay", decay, decay >= 0.0 && decay.is_finite(), "a finite number, 0 or more")?;
        let statistics = raw.batch_norm_momentum;
        range("batch_norm_momentum", statistics, statistics > 0.0 && statistics <= 1.0, "above 0 up to 1")?;
        let epsilon = raw.batch_norm_epsilon;
        range("batch_norm_epsilon", epsilon, above_0(epsilon), "a finite number above 0")?;
        if let Some(limit) = raw.time_limit_s {
            range("time_limit_s", limit, above_0(limit), "a finite number above 0, or None")?;
        }
        check_drops(&raw)?;
        Ok(Recipe(raw))
    }

    /// The paper's recipe for the small model of the search on CIFAR-10 (section 4), with the project's choice where the
    /// paper is silent: which parameters decay, normalisation, initialiser, batch normalisation's two numbers,
    /// precision.
    pub fn paper_search() -> Recipe {
        Recipe::new(RawRecipe {
            steps: 5000,
            batch: 256,
            learning_rate: LearningRate { initial: 0.1, drops: vec![(4000, 0.1), (4500, 0.1)] },
            momentum: 0.9,
            weight_decay: 3e-4,
            weight_decay_on: WeightDecayOn::All,
            crop: 24,
            flip: true,
            normalization: Normalization::PerChannel,
            initializer: Initializer::HeNormal,
            batch_norm_momentum: 0.1,
            batch_norm_epsilon: 1e-5,
            precision: Precision::F32,
            eval_batch: 250,
            time_limit_s: None,
        })
        .expect("the built-in recipe is valid")
    }

    /// The paper's recipe for the large model on CIFAR-10 (section 6): 80,000 steps, the rest as
    /// [`Recipe::paper_search`].
    pub fn paper_final() -> Recipe {
        let drops = [40_000, 60_000, 70_000].map(|step| (step, 0.1)).to_vec();
        Recipe::paper_search()
            .with(|raw| {
                raw.steps = 80_000;
                raw.learning_rate.drops = drops;
            })
            .expect("the built-in recipe is valid")
    }

    /// The recipe with some fields changed.
    ///
    /// # Errors
    /// As [`Recipe::new`].
    pub fn with(&self, change: impl FnOnce(&mut RawRecipe)) -> Result<Recipe, RecipeError> {
        let mut raw = self.0.clone();
        change(&mut raw);
        Recipe::new(raw)
    }

    /// The learning rate of a step, from 1.
    pub fn learning_rate_at(&self, step: usize) -> f64 {
        let LearningRate { initial, drops } = &self.0.learning_rate;
        // Products of factors of the file: 0.1 * 0.1 * 0.1, rounded in that order.
        drops.iter().filter(|(after, _)| step > *after).fold(*initial, |rate, (_, factor)| rate * factor)
    }
}

fn check_drops(raw: &RawRecipe) -> Result<(), RecipeError> {
    let mut previous = 0;
    for (index, &(step, factor)) in raw.learning_rate.drops.iter().enumerate() {
        let number = index + 1;
        if step <= previous {
            return Err(RecipeError::DropOrder { number, step, previous });
        }
        if step >= raw.steps {
            return Err(RecipeError::DropTooLate { number, step, steps: raw.steps });
        }
        if factor <= 0.0 || !factor.is_finite() {
            return Err(RecipeError::DropFactor { number, factor });
        }
        previous = step;
    }
    Ok(())
}

/// One getter a field.
macro_rules! getters {
    ($($field:ident: $kind:ty),* $(,)?) => {
        impl Recipe {
            $(
                #[doc = concat!("See [`RawRecipe::", stringify!($field), "`].")]
                pub fn $field(&self) -> $kind {
                    self.0.$field
                }
            )*
        }
    };
}

getters! {
    steps: usize,
    batch: usize,
    momentum: f64,
    weight_decay: f64,
    weight_decay_on: WeightDecayOn,
    crop: usize,
    flip: bool,
    normalization: Normalization,
    initializer: Initializer,
    batch_norm_momentum: f64,
    batch_norm_epsilon: f64,
    precision: Precision,
    eval_batch: usize,
    time_limit_s: Option<f64>,
}

impl Recipe {
    /// See [`RawRecipe::learning_rate`].
    pub fn learning_rate(&self) -> &LearningRate {
        &self.0.learning_rate
    }
}
