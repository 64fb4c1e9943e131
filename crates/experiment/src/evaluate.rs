//! The way of one candidate, from genotype to fitness, one line a step.

use std::time::Instant;

use hnas_compiler::{AssembleError, Cost, Graph, NetworkKey, Shape, Skeleton, assemble, cost, optimize};
use hnas_engine::{
    Checkpoints, EngineDevice, EngineError, Failure, Phenotype, ScoreOn, Step, Supply, TrainOn, Trained,
    train_with_checkpoints,
};
use hnas_genome::Genotype;
use hnas_ledger::{Outcome, Run};
use hnas_search::Fitness;

use crate::checkpoints::TrialCheckpoints;
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

/// Something that a training tells while it runs.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A step is done.
    Step(Step),
    /// A training on photographs is done: how they came.
    Supplied(&'a Supply),
    /// A training is done, and its network not yet scored.
    Trained(&'a Trained),
}

/// Trains the network once for each seed and scores each on `scored`; the fitness is the mean accuracy (paper section 4).
/// With `checkpoints`, trainings that were interrupted go on.
///
/// `progress` gets the run, from 0, and what it tells. A training that fails is an outcome; an error is a recipe, network and
/// data that do not fit together.
pub fn evaluate(
    graph: &Graph,
    training: &Training,
    (train, scored): (TrainOn, ScoreOn),
    device: &EngineDevice,
    seeds: &[u64],
    checkpoints: Option<&TrialCheckpoints>,
    progress: &(dyn Fn(usize, Progress) + Sync),
) -> Result<Outcome, EngineError> {
    let mut runs = Vec::new();
    for (run, &seed) in seeds.iter().enumerate() {
        let checkpoints = checkpoints.map(|checkpoints| checkpoints.of_run(run + 1));
        let progress = |told: Progress| progress(run, told);
        match train_once(graph, training, (train, scored), device, seed, checkpoints.as_ref(), &progress)? {
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
    (train, scored): (TrainOn, ScoreOn),
    device: &EngineDevice,
    seed: u64,
    checkpoints: Option<&Checkpoints>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Result<Run, Failure>, EngineError> {
    let recipe = &training.recipe;
    let phenotype = match Phenotype::build(graph, recipe, device, seed) {
        Ok(phenotype) => phenotype,
        Err(EngineError::Failed(failure)) => return Ok(Err(failure)),
        Err(error) => return Err(error),
    };
    let step = |step| progress(Progress::Step(step));
    let trained = match checkpoints {
        None => hnas_engine::train(phenotype, train, recipe, seed, &step)?,
        Some(checkpoints) => train_with_checkpoints(phenotype, train, recipe, seed, checkpoints, &step)?,
    };
    let trained = match trained {
        Ok(trained) => trained,
        Err(failure) => return Ok(Err(failure)),
    };
    if let Some(supply) = trained.supply() {
        progress(Progress::Supplied(supply));
    }
    progress(Progress::Trained(&trained));
    let started = Instant::now();
    let evaluation = match hnas_engine::evaluate(&trained, scored, recipe.eval_batch())? {
        Ok(evaluation) => evaluation,
        Err(failure) => return Ok(Err(failure)),
    };
    // Of photographs, papers give both.
    let top_5 = training.photographs.as_ref().and(evaluation.top_5);
    let seconds = trained.seconds() + started.elapsed().as_secs_f64();
    Ok(Ok(Run { seed, accuracy: evaluation.accuracy, top_5, loss: evaluation.loss, seconds }))
}
