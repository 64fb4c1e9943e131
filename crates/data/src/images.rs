//! Images in memory: the decoded bytes of a data set, and views of some of them.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// A decoded data set: `len` images of `channels x height x width` bytes each, and their labels.
///
/// Invariant, held in [`Images::new`]: there is at least one image, the pixels fill the images exactly, and every label
/// is below `classes`.
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    /// `[len, channels, height, width]`
    pixels: Vec<u8>,
    labels: Vec<u8>,
    shape: (usize, usize, usize),
    classes: usize,
}

/// Why bytes and labels are no [`Images`].
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ImagesError {
    /// An image without pixels, or with more than can be counted.
    #[error("an image of {channels} x {height} x {width} is empty or too large")]
    Shape {
        /// Channels of an image.
        channels: usize,
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// There is no label, so there is no image.
    #[error("there are no images")]
    NoImages,
    /// More images than an index of 32 bits tells apart.
    #[error("{0} images are more than the {max} that can be told apart", max = u32::MAX)]
    TooMany(usize),
    /// Labels are bytes.
    #[error("{0} classes: a label is one byte, so there are 1 to 256 classes")]
    Classes(usize),
    /// Pixels and labels disagree about the number of images.
    #[error("{labels} labels of images of {image} bytes need {} bytes of pixels, not {pixels}", labels.saturating_mul(*image))]
    Pixels {
        /// Number of labels.
        labels: usize,
        /// Bytes of one image.
        image: usize,
        /// Bytes of pixels given.
        pixels: usize,
    },
    /// A label names no class.
    #[error("image {image} has label {label}, but the labels of {classes} classes are 0 to {}", classes - 1)]
    Label {
        /// Index of the image, from 0.
        image: usize,
        /// Its label.
        label: u8,
        /// Number of classes.
        classes: usize,
    },
}

impl Images {
    /// Images from raw bytes.
    ///
    /// `pixels` is `[labels.len(), channels, height, width]`, row-major; `shape` is `(channels, height, width)`.
    ///
    /// # Errors
    /// When the sizes disagree, when nothing is given, or when a label is not below `classes`.
    pub fn new(
        pixels: Vec<u8>,
        labels: Vec<u8>,
        shape: (usize, usize, usize),
        classes: usize,
    ) -> Result<Images, ImagesError> {
        let (channels, height, width) = shape;
        let image = channels.checked_mul(height).and_then(|plane| plane.checked_mul(width)).filter(|&image| image > 0);
        let image = image.ok_or(ImagesError::Shape { channels, height, width })?;
        if labels.is_empty() {
            return Err(ImagesError::NoImages);
        }
        if u32::try_from(labels.len()).is_err() {
            return Err(ImagesError::TooMany(labels.len()));
        }
        if !(1..=256).contains(&classes) {
            return Err(ImagesError::Classes(classes));
        }
        if Some(pixels.len()) != labels.len().checked_mul(image) {
            return Err(ImagesError::Pixels { labels: labels.len(), image, pixels: pixels.len() });
        }
        if let Some((image, &label)) = labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= classes) {
            return Err(ImagesError::Label { image, label, classes });
        }
        Ok(Images { pixels, labels, shape, classes })
    }

    /// Number of images, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is always an image")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The bytes of image `i`, `[channels, height, width]`.
    ///
    /// # Panics
    /// When `i` is not below [`Images::len`].
    pub fn image(&self, i: usize) -> &[u8] {
        let (channels, height, width) = self.shape;
        let bytes = channels * height * width;
        &self.pixels[i * bytes..(i + 1) * bytes]
    }

    /// The class of image `i`, below [`Images::classes`].
    ///
    /// # Panics
    /// When `i` is not below [`Images::len`].
    pub fn label(&self, i: usize) -> u8 {
        self.labels[i]
    }

    /// The class of every image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// `(channels, height, width)` of every image.
    pub fn shape(&self) -> (usize, usize, usize) {
        self.shape
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }
}

impl fmt::Debug for Images {
    /// Sizes only: the pixels of a data set fill no screen usefully.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (channels, height, width) = self.shape;
        write!(f, "Images({} of {channels} x {height} x {width}, {} classes)", self.len(), self.classes)
    }
}

/// Some of the images of a data set, in a fixed order. Shares the bytes, so a clone costs nothing.
///
/// Invariant: it holds at least one image, and each index is one of the data set's.
#[derive(Clone)]
pub struct View {
    images: Arc<Images>,
    indices: Arc<[u32]>,
}

impl View {
    /// All of `images` in their own order: the way in for data which is no data set of ours.
    pub fn whole(images: Images) -> View {
        let indices = (0..images.len() as u32).collect();
        View { images: Arc::new(images), indices }
    }

    /// The images at `indices`, which the caller has drawn from `0..images.len()`, at least one.
    pub(crate) fn of(images: Arc<Images>, indices: Vec<u32>) -> View {
        debug_assert!(!indices.is_empty() && indices.iter().all(|&index| (index as usize) < images.len()));
        View { images, indices: indices.into() }
    }

    /// Number of images, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is always an image")]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// The bytes of the view's image `i`, `[channels, height, width]`.
    ///
    /// # Panics
    /// When `i` is not below [`View::len`].
    pub fn image(&self, i: usize) -> &[u8] {
        self.images.image(self.indices[i] as usize)
    }

    /// The class of the view's image `i`, below [`View::classes`].
    ///
    /// # Panics
    /// When `i` is not below [`View::len`].
    pub fn label(&self, i: usize) -> u8 {
        self.images.label(self.indices[i] as usize)
    }

    /// `(channels, height, width)` of every image.
    pub fn shape(&self) -> (usize, usize, usize) {
        self.images.shape()
    }

    /// Number of classes of the data set, some of which the view may not hold.
    pub fn classes(&self) -> usize {
        self.images.classes()
    }

    /// Where the view's images are in the data set they are drawn from, ascending.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} of {:?})", self.len(), self.images)
    }
}
