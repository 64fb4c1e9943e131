//! The way of one candidate, from genotype to fitness, one line a step.

use std::time::Instant;

use hnas_compiler::{AssembleError, Cost, Graph, NetworkKey, Shape, Skeleton, assemble, cost, optimize};
use hnas_data::{Train, View};
use hnas_engine::{EngineDevice, EngineError, Failure, Phenotype, Step};
use hnas_genome::Genotype;
use hnas_ledger::{Outcome, Run};
use hnas_search::Fitness;

use crate::study::Training;

/// A genotype as a network: what is known of it before it is built.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The optimised network, for one image of the training crop.
    pub graph: Graph,
    /// Equal for equal networks.
    pub key: NetworkKey,
    /// Its parameters, multiply-adds and bytes, for one image.
    pub cost: Cost,
}

/// Assembles, optimises, names and weighs the network of `genotype` within `skeleton`, for images of shape `input`.
pub fn candidate(genotype: &Genotype, skeleton: &Skeleton, input: Shape) -> Result<Candidate, AssembleError> {
    let graph = optimize(assemble(genotype, skeleton, input)?);
    let key = graph.key();
    let cost = cost(&graph);
    Ok(Candidate { graph, key, cost })
}

/// Trains the network once for each seed and scores each on `scored`; the fitness is the mean accuracy (paper section 4).
///
/// `progress` gets the run, from 0, and the step. A training that fails is an outcome; an error is a recipe, network and
/// data that do not fit together.
pub fn evaluate(
    graph: &Graph,
    training: &Training,
    train: &Train,
    scored: &View,
    device: &EngineDevice,
    seeds: &[u64],
    progress: &(dyn Fn(usize, Step) + Sync),
) -> Result<Outcome, EngineError> {
    let mut runs = Vec::new();
    for (run, &seed) in seeds.iter().enumerate() {
        match train_once(graph, training, train, scored, device, seed, &|step| progress(run, step))? {
            Ok(finished) => runs.push(finished),
            Err(failure) => return Ok(Outcome::Failed { reason: failure.to_string() }),
        }
    }
    let mean = runs.iter().map(|run| run.accuracy).sum::<f64>() / runs.len() as f64;
    Ok(match Fitness::new(mean) {
        Ok(fitness) => Outcome::Scored { fitness, runs },
        Err(error) => Outcome::Failed { reason: error.to_string() },
    })
}

fn train_once(
    graph: &Graph,
    training: &Training,
    train: &Train,
    scored: &View,
    device: &EngineDevice,
    seed: u64,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Result<Run, Failure>, EngineError> {
    let started = Instant::now();
    let phenotype = Phenotype::build(graph, &training.recipe, device, seed)?;
    let trained = match hnas_engine::train(phenotype, train, &training.recipe, seed, progress)? {
        Ok(trained) => trained,
        Err(failure) => return Ok(Err(failure)),
    };
    let evaluation = match hnas_engine::evaluate(&trained, scored, training.recipe.eval_batch())? {
        Ok(evaluation) => evaluation,
        Err(failure) => return Ok(Err(failure)),
    };
    let seconds = started.elapsed().as_secs_f64();
    Ok(Ok(Run { seed, accuracy: evaluation.accuracy, loss: evaluation.loss, seconds }))
}
