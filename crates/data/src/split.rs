//! Splits as types (invariant E2): what an image may be used for is said by its type.
//!
//! | type | made by | read by |
//! |---|---|---|
//! | [`Train`] | [`TrainingImages::split`], [`TrainingImages::all`] | training |
//! | [`Valid`] | [`TrainingImages::split`] | the fitness of a candidate |
//! | [`Test`] | [`TestImages::take`] | retraining, once the search is over |
//!
//! Nothing turns one into another, and a search is given [`TrainingImages`] only: it has no way to reach a test image.
//! Whoever brings data of their own says with `TrainingImages::from` and `TestImages::from` which is which.

use std::ops::Deref;
use std::sync::Arc;

use thiserror::Error;

use crate::images::{Images, View};
use crate::statistics;
use crate::stratify::stratified;

/// The images of a data set which its makers meant for training: all that a search may see.
#[derive(Debug, Clone)]
pub struct TrainingImages(Arc<Images>);

/// The images of a data set which its makers meant for testing. Only retraining takes them.
///
/// They cannot be split for a search:
///
/// ```compile_fail,E0599
/// fn search(images: hnas_data::TestImages) {
///     let split = images.split(40_000, 10_000, 1);
/// }
/// ```
#[derive(Debug, Clone)]
pub struct TestImages(Arc<Images>);

/// Images to train on.
#[derive(Debug, Clone)]
pub struct Train(View);

/// Images, none of them in the [`Train`] it was split from, that decide the fitness of a candidate.
#[derive(Debug, Clone)]
pub struct Valid(View);

/// Images that no search has seen.
#[derive(Debug, Clone)]
pub struct Test(View);

/// Training images divided for a search: no image is in both parts.
#[derive(Debug, Clone)]
pub struct Split {
    /// To train candidates on.
    pub train: Train,
    /// To measure their fitness on.
    pub valid: Valid,
}

/// Why images could not be divided as asked.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum SplitError {
    /// More images were asked for than there are.
    #[error("{train} images to train on and {valid} to validate on are {}, but there are {available}", train.saturating_add(*valid))]
    TooManyToSplit {
        /// Asked for training.
        train: usize,
        /// Asked for validation.
        valid: usize,
        /// Number of training images of the data set.
        available: usize,
    },
    /// More images were asked for than there are.
    #[error("{asked} {part} images were asked for, but there are {available}")]
    TooMany {
        /// "training" or "test".
        part: &'static str,
        /// Asked for.
        asked: usize,
        /// There are.
        available: usize,
    },
    /// A part of no images: no mean, no accuracy.
    #[error("0 {part} images were asked for, at least 1 is needed")]
    Empty {
        /// "training", "validation" or "test".
        part: &'static str,
    },
}

impl TrainingImages {
    /// Number of images.
    #[expect(clippy::len_without_is_empty, reason = "there is always an image")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// `(channels, height, width)` of every image.
    pub fn shape(&self) -> (usize, usize, usize) {
        self.0.shape()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.0.classes()
    }

    /// Divides the images for a search (paper, section 4.1: 40,000 and 10,000 of CIFAR-10's 50,000), each class keeping
    /// its share in both parts. Equal arguments give an equal split on every machine.
    ///
    /// # Errors
    /// When a part is empty, or when both together are more than there are.
    pub fn split(&self, train: usize, valid: usize, seed: u64) -> Result<Split, SplitError> {
        for (size, part) in [(train, "training"), (valid, "validation")] {
            if size == 0 {
                return Err(SplitError::Empty { part });
            }
        }
        if train.checked_add(valid).is_none_or(|sum| sum > self.len()) {
            return Err(SplitError::TooManyToSplit { train, valid, available: self.len() });
        }
        let [train, valid] = self.draw([train, valid], seed);
        Ok(Split { train: Train(train), valid: Valid(valid) })
    }

    /// `n` images to retrain on, each class keeping its share. `n` is [`TrainingImages::len`] in the paper; the seed
    /// matters only when it is less.
    ///
    /// # Errors
    /// When `n` is 0 or more than there are.
    pub fn all(&self, n: usize, seed: u64) -> Result<Train, SplitError> {
        check("training", n, self.len())?;
        let [train] = self.draw([n], seed);
        Ok(Train(train))
    }

    fn draw<const PARTS: usize>(&self, sizes: [usize; PARTS], seed: u64) -> [View; PARTS] {
        draw(&self.0, sizes, seed)
    }
}

impl TestImages {
    /// Number of images.
    #[expect(clippy::len_without_is_empty, reason = "there is always an image")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// `n` of the images, each class keeping its share; the seed matters only when `n` is less than
    /// [`TestImages::len`].
    ///
    /// # Errors
    /// When `n` is 0 or more than there are.
    pub fn take(&self, n: usize, seed: u64) -> Result<Test, SplitError> {
        check("test", n, self.len())?;
        let [test] = draw(&self.0, [n], seed);
        Ok(Test(test))
    }
}

impl Train {
    /// Mean of each channel over all pixels of all images, where a byte of 255 counts as 1.
    pub fn channel_mean(&self) -> Vec<f64> {
        statistics::channels(&self.0).iter().map(|channel| channel.mean).collect()
    }

    /// Standard deviation of each channel over all pixels of all images, where a byte of 255 counts as 1. It is 0 for a
    /// channel of one value only.
    pub fn channel_std(&self) -> Vec<f64> {
        statistics::channels(&self.0).iter().map(|channel| channel.std).collect()
    }
}

fn check(part: &'static str, asked: usize, available: usize) -> Result<(), SplitError> {
    if asked == 0 {
        return Err(SplitError::Empty { part });
    }
    if asked > available {
        return Err(SplitError::TooMany { part, asked, available });
    }
    Ok(())
}

fn draw<const PARTS: usize>(images: &Arc<Images>, sizes: [usize; PARTS], seed: u64) -> [View; PARTS] {
    let mut parts = stratified(images.labels(), images.classes(), &sizes, seed).into_iter();
    sizes.map(|_| View::of(images.clone(), parts.next().expect("one set is drawn for each size")))
}

impl From<Images> for TrainingImages {
    fn from(images: Images) -> TrainingImages {
        TrainingImages(Arc::new(images))
    }
}

impl From<Images> for TestImages {
    fn from(images: Images) -> TestImages {
        TestImages(Arc::new(images))
    }
}

/// Each part is read as a [`View`].
macro_rules! reads_as_view {
    ($($part:ident),*) => {$(
        impl Deref for $part {
            type Target = View;

            fn deref(&self) -> &View {
                &self.0
            }
        }
    )*};
}

reads_as_view!(Train, Valid, Test);
