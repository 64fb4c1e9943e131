//! Where the trainings of a trial are kept while they are under way: `checkpoints/STUDY/trial-TRIAL/run-RUN` in the run folder,
//! a plus sign for each slash in the study's name. They are removed when the trial is recorded.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hnas_data::Md5;
use hnas_engine::Checkpoints;

use crate::study::Study;

/// The checkpoints of one trial.
#[derive(Clone, Debug)]
pub struct TrialCheckpoints {
    folder: PathBuf,
    every: NonZeroUsize,
    of: String,
}

impl TrialCheckpoints {
    /// Of a trial of `study`, within `folder`; `None` when the study keeps none.
    pub(crate) fn new(folder: &Path, study: &Study, trial: u64) -> Option<TrialCheckpoints> {
        let every = study.fitness.checkpoint_every?;
        let folder = folder.join(study.name.replace('/', "+")).join(format!("trial-{trial}"));
        // A checkpoint belongs to all that founds the study, whatever its name.
        let of = format!("{}, trial {trial}, study {}", study.name, Md5::of(study.founding_text().as_bytes()));
        Some(TrialCheckpoints { folder, every, of })
    }

    /// Of one run of the trial, from 1.
    pub(crate) fn of_run(&self, run: usize) -> Checkpoints {
        let file = self.folder.join(format!("run-{run}"));
        Checkpoints { file, every: self.every, of: format!("{}, run {run}", self.of) }
    }

    /// When any of its runs was last kept; `None` before the first time.
    pub(crate) fn last_kept(&self) -> Option<SystemTime> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let whole = files.filter(|file| file.path().extension().is_none());
        whole.filter_map(|file| file.metadata().ok()?.modified().ok()).max()
    }

    /// Once the trial is recorded. What cannot be removed is a warning.
    pub(crate) fn remove(&self) {
        match fs::remove_dir_all(&self.folder) {
            // With the study's folder, if this was its last.
            Ok(()) => drop(self.folder.parent().map(fs::remove_dir)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => tracing::warn!("cannot remove {}: {error}", self.folder.display()),
        }
    }
}
