//! What a run would cost in time, from steps measured on the device it would run on.

use hnas_compiler::{Shape, assemble, cost, optimize};
use hnas_engine::{EngineDevice, measure_step};
use hnas_genome::Genotype;
use hnas_search::{StrategyPlan, TrialId, suggestion_rng};
use serde::Serialize;

use crate::ExperimentError;
use crate::plan::Resolved;
use crate::study::{Study, Training};

/// Genotypes that are measured for an arm; their median stands for all.
const SAMPLES: u64 = 3;

/// Bytes of activations that a measured step may keep; larger steps are measured on fewer images.
const MEASURED_BYTES: u64 = 1 << 30;

/// The time one arm would take, with the measurements it follows from.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// Name of the arm.
    pub arm: String,
    /// Trainings of the search: evaluations times runs.
    pub trainings: u64,
    /// Steps of each.
    pub steps: u64,
    /// Measured seconds of one step of the search model: the median over sampled genotypes.
    pub step_seconds: f64,
    /// Measured seconds to evaluate one image.
    pub image_seconds: f64,
    /// Hours of the search with one worker.
    pub search_hours: f64,
    /// Trainings of the winner.
    pub retrainings: u64,
    /// Steps of each.
    pub retraining_steps: u64,
    /// Measured seconds of one step of the retrained model.
    pub retraining_step_seconds: f64,
    /// Hours of the retraining with one worker.
    pub retraining_hours: f64,
}

/// Measures a step of each arm's search and retraining on `device`. `image` is the shape of a whole image.
pub fn estimate(resolved: &Resolved, image: Shape, device: &EngineDevice) -> Result<Vec<Estimate>, ExperimentError> {
    resolved.arms.iter().map(|(_, study)| arm(study, image, device)).collect()
}

fn arm(study: &Study, image: Shape, device: &EngineDevice) -> Result<Estimate, ExperimentError> {
    let genotypes: Vec<Genotype> = match &study.strategy {
        StrategyPlan::Given { genotypes } => genotypes.as_slice().iter().take(1).cloned().collect(),
        StrategyPlan::Random { mutations } | StrategyPlan::Tournament { mutations, .. } => (1..=SAMPLES)
            .map(|n| Genotype::random(&study.space, *mutations, &mut suggestion_rng(study.seed, TrialId(n))).genotype)
            .collect(),
    };
    let measured = |training: &Training| median(&genotypes, training, image, device);
    let (step_seconds, image_seconds) = measured(&study.fitness)?;
    let (retraining_step_seconds, retraining_image_seconds) = measured(&study.retraining)?;
    let hours = |training: &Training, trainings: u64, scored: usize, step: f64, image: f64| {
        trainings as f64 * (training.recipe.steps() as f64 * step + scored as f64 * image) / 3600.0
    };
    let trainings = study.search.evaluations * study.fitness.runs as u64;
    let retrainings = study.retraining.runs as u64;
    Ok(Estimate {
        arm: study.arm.clone(),
        trainings,
        steps: study.fitness.recipe.steps() as u64,
        step_seconds,
        image_seconds,
        search_hours: hours(&study.fitness, trainings, study.data.valid, step_seconds, image_seconds),
        retrainings,
        retraining_steps: study.retraining.recipe.steps() as u64,
        retraining_step_seconds,
        retraining_hours: hours(
            &study.retraining,
            retrainings,
            study.data.test,
            retraining_step_seconds,
            retraining_image_seconds,
        ),
    })
}

/// Medians over the genotypes: seconds of one training step, and of evaluating one image.
fn median(
    genotypes: &[Genotype],
    training: &Training,
    image: Shape,
    device: &EngineDevice,
) -> Result<(f64, f64), ExperimentError> {
    let Training { skeleton, recipe, .. } = training;
    let mut steps = Vec::new();
    let mut images = Vec::new();
    for genotype in genotypes {
        let Ok(graph) = assemble(genotype, skeleton, image) else { continue };
        let graph = optimize(graph);
        // A step's time grows with its images, so a large one is measured on as many as fit a modest memory.
        let fitting = (MEASURED_BYTES / cost(&graph).total.activation_bytes.max(1)).max(1);
        let batch = recipe.batch().min(usize::try_from(fitting).unwrap_or(usize::MAX));
        let smaller = recipe.with(|raw| {
            raw.batch = batch;
            raw.eval_batch = raw.eval_batch.min(batch);
        });
        let smaller = smaller.expect("a recipe with a smaller batch is as good as the recipe");
        let measured = measure_step(&graph, &smaller, device)?;
        steps.push(measured.step_seconds * recipe.batch() as f64 / batch as f64);
        images.push(measured.image_seconds);
    }
    match (middle(steps), middle(images)) {
        (Some(step), Some(image)) => Ok((step, image)),
        _ => Err(ExperimentError::NothingMeasured { genotypes: genotypes.len() }),
    }
}

fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
