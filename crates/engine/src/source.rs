//! Where the images of a training or an evaluation are: in memory, or in files that are decoded as they are needed.

use std::time::{Duration, Instant};

use hnas_data::{Batch, Decoded, Loader, Test, TestPhotographs, Train, TrainPhotographs, Valid, View};

use crate::batches::Draws;
use crate::error::EngineError;
use crate::normalizer::Normalizer;
use crate::recipe::Recipe;

/// What a network is trained on.
#[derive(Clone, Copy, Debug)]
pub enum TrainOn<'a> {
    /// Images in memory, cut and mirrored as the recipe says.
    Memory(&'a Train),
    /// Photographs, seen as their augmentation says.
    Photographs(&'a TrainPhotographs),
}

/// What a network is scored on.
#[derive(Clone, Copy, Debug)]
pub enum ScoreOn<'a> {
    /// Whole images in memory.
    Memory(&'a View),
    /// The middle of photographs.
    Photographs(&'a TestPhotographs),
}

impl<'a> From<&'a Train> for TrainOn<'a> {
    fn from(train: &'a Train) -> TrainOn<'a> {
        TrainOn::Memory(train)
    }
}

impl<'a> From<&'a TrainPhotographs> for TrainOn<'a> {
    fn from(train: &'a TrainPhotographs) -> TrainOn<'a> {
        TrainOn::Photographs(train)
    }
}

impl<'a> From<&'a TestPhotographs> for ScoreOn<'a> {
    fn from(test: &'a TestPhotographs) -> ScoreOn<'a> {
        ScoreOn::Photographs(test)
    }
}

/// Each of these is scored on as it is.
macro_rules! scored_in_memory {
    ($($part:ident),*) => {$(
        impl<'a> From<&'a $part> for ScoreOn<'a> {
            fn from(images: &'a $part) -> ScoreOn<'a> {
                ScoreOn::Memory(images)
            }
        }
    )*};
}

scored_in_memory!(View, Train, Valid, Test);

impl<'a> TrainOn<'a> {
    /// `(channels, height, width)` of an image before it is cut, and the number of classes.
    pub(crate) fn kind(self) -> ((usize, usize, usize), usize) {
        match self {
            TrainOn::Memory(train) => (train.shape(), train.classes()),
            TrainOn::Photographs(train) => (train.shape(), train.classes()),
        }
    }

    pub(crate) fn len(self) -> usize {
        match self {
            TrainOn::Memory(train) => train.len(),
            TrainOn::Photographs(train) => train.len(),
        }
    }

    /// How their bytes become numbers by the recipe.
    pub(crate) fn normalizer(self, recipe: &Recipe) -> Result<Normalizer, EngineError> {
        match self {
            TrainOn::Memory(train) => Normalizer::new(recipe.normalization(), train),
            TrainOn::Photographs(train) => Normalizer::of_photographs(recipe.normalization(), train.shape().0),
        }
    }

    /// The batches of a training, from after so many steps on.
    pub(crate) fn source(self, recipe: &Recipe, seed: u64, steps: usize) -> Result<Source<'a>, EngineError> {
        Ok(match self {
            TrainOn::Memory(data) => {
                Source::Memory { data, draws: Box::new(Draws::new(data, recipe, seed).after(steps)) }
            }
            TrainOn::Photographs(photographs) => {
                let loader = photographs.batches(recipe.batch(), seed, steps as u64)?;
                Source::Photographs(Stream::new(loader, photographs.shape()))
            }
        })
    }
}

impl ScoreOn<'_> {
    /// `(channels, height, width)` of an image, and the number of classes.
    pub(crate) fn kind(self) -> ((usize, usize, usize), usize) {
        match self {
            ScoreOn::Memory(data) => (data.shape(), data.classes()),
            ScoreOn::Photographs(test) => (test.shape(), test.classes()),
        }
    }

    pub(crate) fn len(self) -> usize {
        match self {
            ScoreOn::Memory(data) => data.len(),
            ScoreOn::Photographs(test) => test.len(),
        }
    }
}

/// The batches of a training, in order.
pub(crate) enum Source<'a> {
    Memory { data: &'a View, draws: Box<Draws> },
    Photographs(Stream),
}

/// Photographs that come one batch after the other, and how they came.
pub(crate) struct Stream {
    loader: Loader,
    /// `(channels, height, width)` of what is seen of each.
    pub(crate) shape: (usize, usize, usize),
    decoded: Decoded,
    images: u64,
    begun: Instant,
    waited: Duration,
}

/// How photographs came to a training, since it was begun or gone on with.
#[derive(Clone, Debug, PartialEq)]
pub struct Supply {
    /// What was read.
    pub decoded: Decoded,
    /// Photographs that were trained on.
    pub images: u64,
    /// Seconds that took.
    pub seconds: f64,
    /// Those of them in which the training waited for photographs.
    pub waited_seconds: f64,
    /// Photographs that one core decodes in a second.
    pub decoded_per_core_second: f64,
}

impl Supply {
    /// Photographs that the training would take in a second if it never had to wait for them.
    pub fn needed_per_second(&self) -> f64 {
        self.images as f64 / (self.seconds - self.waited_seconds)
    }
}

impl Stream {
    pub(crate) fn new(loader: Loader, shape: (usize, usize, usize)) -> Stream {
        let (begun, waited) = (Instant::now(), Duration::ZERO);
        Stream { loader, shape, decoded: Decoded::default(), images: 0, begun, waited }
    }

    /// The next batch; `None` after the last one of an evaluation. Files that are damaged are named in a warning, each once.
    pub(crate) fn next(&mut self) -> Result<Option<Batch>, EngineError> {
        let asked = Instant::now();
        let Some(batch) = self.loader.next().transpose()? else { return Ok(None) };
        self.waited += asked.elapsed();
        self.images += batch.labels.len() as u64;
        for (path, why) in &batch.decoded.damaged {
            if !self.decoded.damaged.contains_key(path) {
                tracing::warn!("{}: no photograph: {why}", path.display());
            }
        }
        self.decoded.add(batch.decoded.clone());
        Ok(Some(batch))
    }

    /// How they came.
    pub(crate) fn supply(&self) -> Supply {
        Supply {
            decoded: self.decoded.clone(),
            images: self.images,
            seconds: self.begun.elapsed().as_secs_f64(),
            waited_seconds: self.waited.as_secs_f64(),
            decoded_per_core_second: self.loader.images_per_core_second().unwrap_or_default(),
        }
    }
}
