//! Which images a study may see. Invariant E2: a search holds no test images, whatever it does.

use hnas_data::{
    ImageFolder, Test, TestImages, TestPhotographs, Train, TrainPhotographs, TrainingImages, Valid, Workers,
};
use hnas_engine::{Recipe, ScoreOn, TrainOn};

use crate::ExperimentError;
use crate::photographs::Photographs;
use crate::seeds::Purpose;
use crate::study::{DataPlan, Study};

/// The images of one study. What a study is for follows from them: only test images make a retraining.
pub(crate) enum Images {
    /// A search trains on one part of the training images and scores on another.
    Search { train: Train, valid: Valid },
    /// A retraining trains on training images and scores on test images.
    Retraining { train: Train, test: Test },
    /// So does one on photographs.
    Photographs { train: TrainPhotographs, test: TestPhotographs },
}

impl Images {
    /// Those of a study. Only a retraining is given test images.
    pub(crate) fn of(study: &Study, training: &TrainingImages, test: &TestImages) -> Result<Images, ExperimentError> {
        match study.purpose() {
            Purpose::Fitness => Images::search(&study.data, training),
            Purpose::Retraining => Images::retraining(&study.data, training, test),
        }
    }

    fn search(plan: &DataPlan, training: &TrainingImages) -> Result<Images, ExperimentError> {
        let split = training.split(plan.train, plan.valid, plan.seed)?;
        Ok(Images::Search { train: split.train, valid: split.valid })
    }

    fn retraining(plan: &DataPlan, training: &TrainingImages, test: &TestImages) -> Result<Images, ExperimentError> {
        Ok(Images::Retraining { train: training.all(plan.retrain, plan.seed)?, test: test.take(plan.test, plan.seed)? })
    }

    pub(crate) fn photographs(
        photographs: &Photographs,
        folder: &ImageFolder,
        recipe: &Recipe,
        workers: Workers,
    ) -> Result<Images, ExperimentError> {
        let (train, test) = photographs.of(folder, recipe, workers)?;
        Ok(Images::Photographs { train, test })
    }

    pub(crate) fn train(&self) -> TrainOn<'_> {
        match self {
            Images::Search { train, .. } | Images::Retraining { train, .. } => train.into(),
            Images::Photographs { train, .. } => train.into(),
        }
    }

    /// The images that a trained network is scored on.
    pub(crate) fn scored(&self) -> ScoreOn<'_> {
        match self {
            Images::Search { valid, .. } => valid.into(),
            Images::Retraining { test, .. } => test.into(),
            Images::Photographs { test, .. } => test.into(),
        }
    }
}
