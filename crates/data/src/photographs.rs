//! Photographs of a folder as a training or a test sees them.
//!
//! | type | made by | read by |
//! |---|---|---|
//! | [`TrainPhotographs`] | [`ImageFolder::training`] | training |
//! | [`TestPhotographs`] | [`ImageFolder::test`] | retraining, once a search is over |
//!
//! They are another type than what a search trains and scores on, [`Train`](crate::Train) and [`Valid`](crate::Valid), and
//! nothing turns one into another (invariant E2).

use crate::folder::{ImageFolder, ImageSet};
use crate::loader::{Loader, LoaderError, Workers};
use crate::transform::{Augmentation, CentreCrop};

/// The photographs to train on, each cut, resampled and changed at random.
#[derive(Clone, Debug)]
pub struct TrainPhotographs {
    set: ImageSet,
    classes: usize,
    augmentation: Augmentation,
    workers: Workers,
}

/// The photographs that papers score on, which the folder calls validation; the middle of each is seen.
#[derive(Clone, Debug)]
pub struct TestPhotographs {
    set: ImageSet,
    classes: usize,
    crop: CentreCrop,
    workers: Workers,
}

impl ImageFolder {
    /// Its training photographs, decoded by `workers`.
    pub fn training(&self, augmentation: Augmentation, workers: Workers) -> TrainPhotographs {
        TrainPhotographs { set: self.train().clone(), classes: self.classes().len(), augmentation, workers }
    }

    /// Its validation photographs, decoded by `workers`.
    pub fn test(&self, crop: CentreCrop, workers: Workers) -> TestPhotographs {
        TestPhotographs { set: self.validation().clone(), classes: self.classes().len(), crop, workers }
    }
}

impl TrainPhotographs {
    /// Batches of `batch` photographs, from step `step` on: see [`Loader::training`].
    ///
    /// # Errors
    /// Those of [`Loader::training`].
    pub fn batches(&self, batch: usize, seed: u64, step: u64) -> Result<Loader, LoaderError> {
        Loader::training(&self.set, self.augmentation, batch, seed, step, self.workers)
    }

    /// `(channels, height, width)` of what is seen of each.
    pub fn shape(&self) -> (usize, usize, usize) {
        square(self.augmentation.size())
    }
}

impl TestPhotographs {
    /// All of them in order, in batches of up to `batch`: see [`Loader::evaluation`].
    ///
    /// # Errors
    /// Those of [`Loader::evaluation`].
    pub fn batches(&self, batch: usize) -> Result<Loader, LoaderError> {
        Loader::evaluation(&self.set, self.crop, self.set.len(), batch, self.workers)
    }

    /// `(channels, height, width)` of what is seen of each.
    pub fn shape(&self) -> (usize, usize, usize) {
        square(self.crop.size())
    }
}

fn square(side: u32) -> (usize, usize, usize) {
    (3, side as usize, side as usize)
}

/// Each part has these.
macro_rules! counts {
    ($($part:ident),*) => {$(
        impl $part {
            /// Number of photographs, at least 1.
            #[expect(clippy::len_without_is_empty, reason = "there is always a photograph")]
            pub fn len(&self) -> usize {
                self.set.len()
            }

            /// Number of classes; every label is below it.
            pub fn classes(&self) -> usize {
                self.classes
            }
        }
    )*};
}

counts!(TrainPhotographs, TestPhotographs);
