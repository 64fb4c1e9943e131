//! What a worker needs to work for a study, read back from the text that founded it: the study and its images.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use hnas_compiler::Shape;
use hnas_data::{DataSet, ImageFolder, Manifest, TestImages, TrainingImages, Workers};
use hnas_ledger::Store;

use crate::ExperimentError;
use crate::images::Images;
use crate::photographs::Photographs;
use crate::resolved::PlannedArm;
use crate::study::Study;

/// Batches of photographs that are decoded ahead.
const AHEAD: NonZeroUsize = NonZeroUsize::new(2).expect("2 is not 0");

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
    folders: HashMap<String, ImageFolder>,
    jobs: HashMap<String, Arc<Job>>,
}

impl Jobs {
    pub(crate) fn new(data: PathBuf, fetch: bool) -> Jobs {
        Jobs { data, fetch, known: Mutex::default() }
    }

    /// The study of this name, if it was read before.
    pub(crate) fn known(&self, name: &str) -> Option<Arc<Job>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).jobs.get(name).cloned()
    }

    /// The study of this name, its photographs decoded by so many threads for each training. Others who ask meanwhile wait,
    /// since they would load the same images.
    pub(crate) fn get(&self, store: &Store, name: &str, threads: NonZeroUsize) -> Result<Arc<Job>, ExperimentError> {
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
        let images = match &study.fitness.photographs {
            None => {
                let (training, test) = self.images(&mut known, &study.dataset)?;
                Images::of(&study, training, test)?
            }
            Some(photographs) => {
                let folder = self.folder(&mut known, photographs)?;
                let workers = Workers { threads, ahead: AHEAD };
                Images::photographs(photographs, folder, &study.fitness.recipe, workers)?
            }
        };
        let job = Arc::new(Job { images, input: input(&study)?, study });
        known.jobs.insert(name.to_owned(), Arc::clone(&job));
        Ok(job)
    }

    /// Loads what an arm is trained and scored on, so that what is wrong with it is known before anything else happens.
    pub(crate) fn prepare(&self, arm: &PlannedArm) -> Result<(), ExperimentError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // First what takes the longest to bring.
        if let Some(photographs) = arm.retraining.as_ref().and_then(|training| training.photographs.as_ref()) {
            self.folder(&mut known, photographs)?;
        }
        self.images(&mut known, &arm.search.dataset)?;
        Ok(())
    }

    /// A folder of photographs, scanned once.
    fn folder<'a>(&self, known: &'a mut Known, photographs: &Photographs) -> Result<&'a ImageFolder, ExperimentError> {
        let name = &photographs.dataset;
        if !known.folders.contains_key(name) {
            if self.fetch {
                DataSet::builtin(name)?.fetch(&self.data, &mut |_| {})?;
            }
            known.folders.insert(name.clone(), photographs.manifest()?.open(&self.data)?);
        }
        Ok(&known.folders[name])
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
