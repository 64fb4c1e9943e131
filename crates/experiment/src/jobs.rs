//! What a worker needs to work for a study, read back from the text that founded it: the study and its images.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use hnas_compiler::Shape;
use hnas_data::{DataSet, Manifest, TestImages, TrainingImages};
use hnas_ledger::Store;

use crate::ExperimentError;
use crate::images::Images;
use crate::study::Study;

/// A study that can be worked for.
pub(crate) struct Job {
    pub(crate) study: Study,
    pub(crate) images: Images,
    /// Shape of one training image, cropped.
    pub(crate) input: Shape,
}

/// The studies that a process works for, each read once.
pub(crate) struct Jobs {
    /// The folder of the data sets.
    data: PathBuf,
    /// Whether a data set that is not there is fetched.
    fetch: bool,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    dataset: Option<(String, TrainingImages, TestImages)>,
    jobs: HashMap<String, Arc<Job>>,
}

impl Jobs {
    pub(crate) fn new(data: PathBuf, fetch: bool) -> Jobs {
        Jobs { data, fetch, known: Mutex::default() }
    }

    /// The study of this name. Others who ask meanwhile wait, since they would load the same images.
    pub(crate) fn get(&self, store: &Store, name: &str) -> Result<Arc<Job>, ExperimentError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = known.jobs.get(name) {
            return Ok(Arc::clone(job));
        }
        let place = store.to_string();
        let infos = store.studies()?;
        let Some(info) = infos.into_iter().find(|info| info.name == name) else {
            let reason = "it is gone".to_owned();
            return Err(ExperimentError::OtherProgram { place, study: name.to_owned(), reason });
        };
        let study = Study::from_founding_text(&info.founding).map_err(|reason| ExperimentError::OtherProgram {
            place,
            study: name.to_owned(),
            reason,
        })?;
        let (training, test) = self.images(&mut known, &study.dataset)?;
        let job = Arc::new(Job { images: Images::of(&study, training, test)?, input: input(&study)?, study });
        known.jobs.insert(name.to_owned(), Arc::clone(&job));
        Ok(job)
    }

    /// Loads a data set, so that what is wrong with it is known before anything else happens.
    pub(crate) fn prepare(&self, dataset: &str) -> Result<(), ExperimentError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.images(&mut known, dataset).map(drop)
    }

    fn images<'a>(
        &self,
        known: &'a mut Known,
        dataset: &str,
    ) -> Result<(&'a TrainingImages, &'a TestImages), ExperimentError> {
        if known.dataset.as_ref().is_none_or(|(name, ..)| name != dataset) {
            if self.fetch {
                DataSet::builtin(dataset)?.fetch(&self.data, &mut |_| {})?;
            }
            let (training, test) = hnas_data::load(&Manifest::builtin(dataset)?, &self.data)?;
            known.dataset = Some((dataset.to_owned(), training, test));
        }
        let (_, training, test) = known.dataset.as_ref().expect("just loaded");
        Ok((training, test))
    }
}

/// The shape of one training image of a study, cropped.
pub(crate) fn input(study: &Study) -> Result<Shape, ExperimentError> {
    let side = study.fitness.recipe.crop();
    Ok(Shape::new(Manifest::builtin(&study.dataset)?.image().channels, side, side))
}
