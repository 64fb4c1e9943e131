//! From network graph to trained scores: devices, recipes, training, evaluation.
//!
//! The way of one network: [`Phenotype::build`] makes a burn module of an optimised graph, [`train`] takes it and gives
//! a [`Trained`] one, [`evaluate`] scores that. A network is computed by its [`Program`](hnas_compiler::Program), on a CPU
//! with the kernels of `hnas-kernels`, on a GPU with those of `hnas-gpu`; with `HNAS_KERNELS=plain` in the environment, node
//! by node by the tensor library. Wrong input is an [`EngineError`]; a training that fails is an outcome, a [`Failure`].
//!
//! Invariant E1: the same graph, recipe, seed and kind of device give the same weights, bit for bit on the CPU, whatever
//! the number of threads and whatever else the process does. Every random number comes from the training's own seed.
//!
//! This crate knows no genotypes, experiments or ledgers, and reads no clock that a result depends on, unless the recipe
//! sets a time limit.

mod batches;
mod checkpoint;
mod compute;
mod cores;
#[cfg(feature = "cpu")]
mod cpu;
mod device;
mod environment;
mod error;
mod evaluate;
mod evaluator;
mod failure;
#[cfg(feature = "gpu")]
mod gpu;
mod initializer;
mod learner;
mod measure;
mod memory;
mod network;
mod normalizer;
mod optimizer;
mod parameters;
mod phenotype;
mod plain;
mod probe;
mod random;
mod recipe;
#[cfg(test)]
mod same_function;
mod schedule;
mod source;
mod train;
mod trained;
mod values;
mod way;
mod weights;

pub use checkpoint::Checkpoints;
pub use cores::Cores;
pub use device::{DeviceChoice, EngineDevice, devices, open_device, open_devices};
pub use error::EngineError;
pub use evaluate::{Evaluation, evaluate};
pub use failure::Failure;
pub use initializer::Initializer;
pub use measure::{StepTime, measure_step};
pub use phenotype::Phenotype;
pub use probe::{NamedTensor, Probe};
pub use recipe::{LearningRate, Normalization, Precision, RawRecipe, Recipe, RecipeError, WeightDecayOn};
pub use source::{ScoreOn, Supply, TrainOn};
pub use train::{Step, train, train_with_checkpoints};
pub use trained::Trained;
