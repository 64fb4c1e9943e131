//! What an experiment file must satisfy beyond its syntax.

use std::collections::BTreeSet;

use hnas_compiler::{Shape, assemble};
use hnas_data::{Manifest, Part};
use hnas_engine::Normalization;
use hnas_genome::Genotype;

use super::{ArmStrategy, Experiment, Scale};
use crate::ExperimentError;
use crate::resolved::PlannedArm;
use crate::study::{Repeats, Training};

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
        for (kind, names) in [
            ("experiment", vec![&self.name]),
            ("arm", self.arms.iter().map(|arm| &arm.name).collect::<Vec<_>>()),
            ("scale", self.scales.iter().map(|scale| &scale.name).collect()),
        ] {
            let mut seen = BTreeSet::new();
            for name in names {
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                    return invalid(format!("{kind} name {name:?}: use letters, digits, - and _"));
                }
                if !seen.insert(name) {
                    return invalid(format!("two {kind}s are named {name:?}"));
                }
            }
        }
        let manifest = Manifest::builtin(&self.dataset)?;
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
        if search.evaluations == 0 {
            return invalid("search.evaluations is 0, at least 1 is needed".to_owned());
        }
        if search.repeats == (Repeats::Average { of: 0 }) {
            return invalid("search.repeats averages over 0 trials".to_owned());
        }
        // The last child is bred from this many trials. Where nobody competes, there is no selection.
        let seen = usize::try_from(search.evaluations).unwrap_or(usize::MAX).saturating_sub(search.in_flight);
        let size = search.fraction.of(seen);
        let tournaments =
            self.arms.iter().chain(&self.lenders).any(|arm| matches!(arm.strategy, ArmStrategy::Tournament { .. }));
        if tournaments && size < 2 {
            let fraction = search.fraction.get();
            return invalid(format!(
                "the largest tournament has {size} of {seen} trials (search.fraction {fraction}), so nothing is selected; at least 2 are needed"
            ));
        }
        let counts = [
            ("search.in_flight", search.in_flight),
            ("fitness.runs", fitness.runs),
            ("retraining.runs", retraining.runs),
            ("data.train", data.train),
            ("data.valid", data.valid),
            ("data.retrain", data.retrain),
            ("data.test", data.test),
        ];
        if let Some((field, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return invalid(format!("{field} is 0, at least 1 is needed"));
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

    /// The model must go with the images and hold the trivial cell of the arm, so that a wrong one is found before hours of
    /// training.
    fn check_model(
        &self,
        arm: &PlannedArm,
        field: &str,
        training: &Training,
        manifest: &Manifest,
    ) -> Result<(), ExperimentError> {
        let invalid = |message: String| Err(self.invalid(format!("scale {:?}, {field}: {message}", arm.search.scale)));
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
                (3, &photographs.dataset, photographs.manifest()?.classes())
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
