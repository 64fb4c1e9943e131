//! What an experiment file must satisfy beyond its syntax.

use std::collections::BTreeSet;

use hnas_compiler::{Shape, assemble};
use hnas_data::{Manifest, Part};
use hnas_engine::Normalization;
use hnas_genome::Genotype;

use super::{ArmStrategy, Experiment, Scale, ScaleSearch};
use crate::ExperimentError;
use crate::names;
use crate::resolved::PlannedArm;
use crate::study::{Repeats, Training};

/// More than anybody trains. Numbers above are slips, and products of those below are numbers still.
const MOST_EVALUATIONS: u64 = 1_000_000_000;
const MOST_IN_FLIGHT: u64 = 1_000_000;
const MOST_RUNS: u64 = 1_000;

impl Experiment {
    /// Checks everything that a run could stumble over hours later.
    pub(super) fn check(&self) -> Result<(), ExperimentError> {
        let invalid = |message| Err(self.invalid(message));
        if self.arms.is_empty() || self.scales.is_empty() {
            return invalid(format!(
                "an experiment needs at least one arm and one scale, this has {} and {}",
                self.arms.len(),
                self.scales.len()
            ));
        }
        for (kind, all) in [
            ("experiment", vec![&self.name]),
            ("arm", self.arms.iter().map(|arm| &arm.name).collect::<Vec<_>>()),
            ("scale", self.scales.iter().map(|scale| &scale.name).collect()),
        ] {
            let mut seen = BTreeSet::new();
            for name in all {
                names::check(kind, name).map_err(|message| self.invalid(message))?;
                if !seen.insert(name) {
                    return invalid(format!("two {kind}s are named {name:?}"));
                }
            }
        }
        let manifest = Manifest::builtin(&self.dataset).map_err(|error| self.invalid(error.to_string()))?;
        for scale in &self.scales {
            let seeds: BTreeSet<&u64> = scale.seeds.iter().collect();
            if seeds.len() != scale.seeds.len() || seeds.is_empty() {
                let message =
                    format!("scale {:?}: seeds are {:?}, at least one is needed, each once", scale.name, scale.seeds);
                return invalid(message);
            }
            self.check_counts(scale, &manifest)?;
            for arm in &self.arms {
                let planned = self.planned(arm, scale, scale.seeds[0])?;
                if planned.search.fitness.photographs.is_some() {
                    return invalid(format!("scale {:?}: fitness.photographs: only a retraining has any", scale.name));
                }
                self.check_model(&planned, "fitness", &planned.search.fitness, &manifest)?;
                if let Some(training) = &planned.retraining {
                    self.check_model(&planned, "retraining", training, &manifest)?;
                }
            }
        }
        Ok(())
    }

    fn check_counts(&self, scale: &Scale, manifest: &Manifest) -> Result<(), ExperimentError> {
        let Scale { name, seeds: _, data, search, fitness, retraining } = scale;
        let invalid = |message: String| Err(self.invalid(format!("scale {name:?}: {message}")));
        let averaged = match search.repeats {
            Repeats::Evaluate => 1,
            Repeats::Average { of } => of as u64,
        };
        let counts = [
            ("search.evaluations", search.evaluations, MOST_EVALUATIONS),
            ("search.in_flight", search.in_flight as u64, MOST_IN_FLIGHT),
            ("search.repeats.of", averaged, MOST_RUNS),
            ("fitness.runs", fitness.runs as u64, MOST_RUNS),
            ("retraining.runs", retraining.runs as u64, MOST_RUNS),
            // As many as there are; what they ask for together is compared below.
            ("data.train", data.train as u64, u64::MAX),
            ("data.valid", data.valid as u64, u64::MAX),
            ("data.retrain", data.retrain as u64, u64::MAX),
            ("data.test", data.test as u64, u64::MAX),
        ];
        for (field, count, most) in counts {
            if count == 0 {
                return invalid(format!("{field} is 0, at least 1 is needed"));
            }
            if count > most {
                return invalid(format!("{field} is {count}, at most {most} is allowed"));
            }
        }
        let tournaments =
            self.arms.iter().chain(&self.lenders).any(|arm| matches!(arm.strategy, ArmStrategy::Tournament { .. }));
        if tournaments {
            self.check_selection(search).or_else(invalid)?;
        }
        let (training, test) = (manifest.records(Part::Train), manifest.records(Part::Test));
        let asked = [
            ("data.train and data.valid", data.train.saturating_add(data.valid), training),
            ("data.retrain", data.retrain, training),
            ("data.test", data.test, test),
        ];
        match asked.iter().find(|(_, asked, available)| asked > available) {
            Some((field, asked, available)) => {
                invalid(format!("{field} ask for {asked} images, {} has {available}", self.dataset))
            }
            None => Ok(()),
        }
    }

    /// Where trials compete, some are bred, and the last is bred from a selection.
    fn check_selection(&self, search: &ScaleSearch) -> Result<(), String> {
        let ScaleSearch { evaluations, initial, mutations: _, fraction, in_flight, repeats: _ } = search;
        if initial.get() >= *evaluations {
            return Err(format!(
                "search.initial is {initial} of {evaluations} evaluations, so all trials are random and nothing is selected; it has to be less"
            ));
        }
        // The last child is bred from this many trials.
        let seen = usize::try_from(*evaluations).unwrap_or(usize::MAX).saturating_sub(*in_flight);
        let size = fraction.of(seen);
        if size < 2 {
            let fraction = fraction.get();
            return Err(format!(
                "the largest tournament has {size} of {seen} trials (search.evaluations {evaluations}, in_flight {in_flight}, fraction {fraction}), so nothing is selected; at least 2 are needed"
            ));
        }
        Ok(())
    }

    /// The model must go with the images and hold the trivial cell of the arm, so that a wrong one is found before hours of
    /// training.
    fn check_model(
        &self,
        arm: &PlannedArm,
        field: &str,
        training: &Training,
        manifest: &Manifest,
    ) -> Result<(), ExperimentError> {
        let part = format!("scale {:?}, {field}", arm.search.scale);
        let invalid = |message: String| Err(self.invalid(format!("{part}: {message}")));
        let side = training.recipe.crop();
        let (channels, dataset, labels) = match &training.photographs {
            None => {
                let image = manifest.image();
                if side > image.height.min(image.width) {
                    return invalid(format!(
                        "a crop of {side}x{side} does not fit into images of {}x{}",
                        image.height, image.width
                    ));
                }
                (image.channels, &self.dataset, manifest.classes().len())
            }
            Some(photographs) => {
                let seen = photographs
                    .augmentation(&training.recipe)
                    .map(drop)
                    .and(photographs.centre(&training.recipe).map(drop));
                if let Err(error) = seen {
                    return invalid(format!("photographs: {error}"));
                }
                if training.recipe.normalization() != Normalization::MinusOneToOne {
                    return invalid(
                        "there are no statistics of photographs: normalization is MinusOneToOne".to_owned(),
                    );
                }
                let manifest = photographs.manifest().map_err(|error| self.invalid(format!("{part}: {error}")))?;
                (3, &photographs.dataset, manifest.classes())
            }
        };
        let classes = training.skeleton.classes();
        if classes != labels {
            return invalid(format!("the skeleton tells {classes} classes apart, {dataset} has {labels}"));
        }
        let trivial = Genotype::identity_chain(&arm.search.space);
        match assemble(&trivial, &training.skeleton, Shape::new(channels, side, side)) {
            Ok(_) => Ok(()),
            Err(error) => invalid(format!("arm {:?}: {error}", arm.name)),
        }
    }
}
