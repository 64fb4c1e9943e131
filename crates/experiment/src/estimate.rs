//! What a run would cost in time, from steps measured on the device it would run on.

use std::collections::{BTreeMap, BTreeSet};

use hnas_compiler::{Shape, assemble, cost, optimize};
use hnas_engine::{EngineDevice, measure_step};
use hnas_genome::Genotype;
use hnas_search::{Search, StrategyPlan};
use serde::Serialize;

use crate::ExperimentError;
use crate::controller::{weigh, within_limits};
use crate::resolved::{PlannedArm, Resolved};
use crate::study::{Study, Training};

/// Genotypes that are measured for an arm; their median stands for all.
const SAMPLES: usize = 3;

/// Bytes of activations that a measured step may keep; larger steps are measured on fewer images.
const MEASURED_BYTES: u64 = 1 << 30;

/// The time one arm would take over all its seeds, with the measurements it follows from.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// Name of the arm.
    pub arm: String,
    /// The arm above whose search it has; then nothing of it is counted here.
    pub shares_with: Option<String>,
    /// Evaluations of the search, over all seeds.
    pub evaluations: u64,
    /// Trainings of the search: evaluations times runs.
    pub trainings: u64,
    /// Steps of each.
    pub steps: u64,
    /// Measured seconds of one step of the search model: the median over sampled genotypes.
    pub step_seconds: f64,
    /// Hours of the search with one worker.
    pub search_hours: f64,
    /// Trainings of the winner, over all seeds; 0 if it is not retrained.
    pub retrainings: u64,
    /// Steps of each.
    pub retraining_steps: u64,
    /// Measured seconds of one step of the retrained model.
    pub retraining_step_seconds: f64,
    /// Photographs that the retraining takes in a second of one worker; `None` where its images are in memory.
    pub photographs_per_second: Option<f64>,
    /// Hours of the retraining with one worker.
    pub retraining_hours: f64,
}

/// Measures a step of each arm's search and retraining on `device`. `image` is the shape of a whole image.
pub fn estimate(resolved: &Resolved, image: Shape, device: &EngineDevice) -> Result<Vec<Estimate>, ExperimentError> {
    let mut meter = Meter { image, device, known: Vec::new() };
    let mut estimates: Vec<Estimate> = Vec::new();
    let seeds: BTreeSet<u64> = resolved.arms.iter().map(PlannedArm::seed).collect();
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    // The arms of the first seed come first; those of the others cost as much.
    for arm in &resolved.arms[..resolved.arms.len() / seeds.len().max(1)] {
        let owner = *owners.entry(&arm.search.name).or_insert(&arm.name);
        estimates.push(meter.arm(arm, (owner != arm.name).then_some(owner), seeds.len() as u64)?);
    }
    Ok(estimates)
}

/// Measures each network of a kind once.
struct Meter<'a> {
    image: Shape,
    device: &'a EngineDevice,
    /// Name of the search, what is trained, seconds of a step, seconds to evaluate an image.
    known: Vec<(String, Training, (f64, f64))>,
}

impl Meter<'_> {
    fn arm(&mut self, arm: &PlannedArm, shares_with: Option<&str>, seeds: u64) -> Result<Estimate, ExperimentError> {
        let study = &arm.search;
        let fitness = &study.fitness;
        let evaluations = if shares_with.is_some() { 0 } else { seeds.saturating_mul(study.search.evaluations) };
        let trainings = evaluations.saturating_mul(fitness.runs as u64);
        let (step_seconds, search_hours) = self.hours(study, fitness, trainings, study.data.valid)?;
        let (retrainings, retraining_steps, (retraining_step_seconds, retraining_hours)) = match &arm.retraining {
            None => (0, 0, (0.0, 0.0)),
            Some(training) => {
                let trainings = seeds.saturating_mul(training.runs as u64);
                let scored = match &training.photographs {
                    None => study.data.test,
                    Some(photographs) => photographs.manifest()?.validation(),
                };
                let hours = self.hours(study, training, trainings, scored)?;
                (trainings, training.recipe.steps() as u64, hours)
            }
        };
        let photographs = arm.retraining.as_ref().filter(|training| training.photographs.is_some());
        let per_second = |training: &Training| training.recipe.batch() as f64 / retraining_step_seconds;
        Ok(Estimate {
            photographs_per_second: photographs.map(per_second),
            arm: arm.name.clone(),
            shares_with: shares_with.map(str::to_owned),
            evaluations,
            trainings,
            steps: fitness.recipe.steps() as u64,
            step_seconds,
            search_hours,
            retrainings,
            retraining_steps,
            retraining_step_seconds,
            retraining_hours,
        })
    }

    /// Seconds of a step of `training`, and hours of so many trainings that are each scored on so many images.
    fn hours(
        &mut self,
        study: &Study,
        training: &Training,
        trainings: u64,
        scored: usize,
    ) -> Result<(f64, f64), ExperimentError> {
        let known = self.known.iter().find(|(name, known, _)| *name == study.name && known == training);
        let (step, image) = match known {
            Some((_, _, measured)) => *measured,
            None => {
                // Of photographs the square that is trained on is all that is seen.
                let side = training.recipe.crop();
                let image = training.photographs.as_ref().map_or(self.image, |_| Shape::new(3, side, side));
                let measured = median(&self.samples(study)?, training, image, self.device)?;
                self.known.push((study.name.clone(), training.clone(), measured));
                measured
            }
        };
        let each = training.recipe.steps() as f64 * step + scored as f64 * image;
        Ok((step, trainings as f64 * each / 3600.0))
    }

    /// The first genotypes that the search would propose.
    fn samples(&self, study: &Study) -> Result<Vec<Genotype>, ExperimentError> {
        let strategy =
            study.strategy.build(&study.space).map_err(|error| ExperimentError::Strategy(error.to_string()))?;
        let count = match &study.strategy {
            StrategyPlan::Given { .. } => 1,
            StrategyPlan::Random { .. } | StrategyPlan::Tournament { .. } => SAMPLES,
        };
        let mut search = Search::new(strategy, study.seed, SAMPLES);
        let side = study.fitness.recipe.crop();
        let input = Shape::new(self.image.channels, side, side);
        let drawn = (0..count).map_while(|_| {
            search.suggest_among(|genotype| within_limits(study, genotype, |genotype| weigh(study, genotype, input)))
        });
        Ok(drawn.map(|(_, suggestion)| suggestion.genotype).collect())
    }
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
