//! The model that is built around a cell: stem, groups of cells, classifier (paper section 5).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::MAX_CHANNELS;

/// How cells become a model: stem convolutions, groups of cells, global average pooling, a linear layer.
///
/// After each cell stands a 3x3 separable convolution: with stride 2 to the next group's width after the last cell of a
/// group, else with stride 1 to the same width; after the very last cell [`AfterLastCell`] decides.
///
/// Invariant: at least one stem convolution and one group, each group at least one cell; widths are 1 to
/// [`MAX_CHANNELS`], strides 1 or 2; the last stem convolution gives the first group's width; at least 2 classes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawSkeleton", into = "RawSkeleton")]
pub struct Skeleton {
    stem: Vec<Stem>,
    groups: Vec<Group>,
    after_last_cell: AfterLastCell,
    separable_inner: SeparableInner,
    classes: usize,
}

/// One 3x3 convolution before the first cell, with batch normalisation and ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stem {
    /// Channels of its output.
    pub width: usize,
    /// Step in pixels: 1 or 2.
    pub stride: usize,
}

/// Cells of one width and one resolution, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Number of cells (the paper's N).
    pub cells: usize,
    /// Nominal width of the cells in channels.
    pub width: usize,
}

/// What stands between the very last cell and the global average pooling; the paper leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AfterLastCell {
    /// Nothing: the reading that gives the published parameter counts.
    Nothing,
    /// A 3x3 separable convolution of stride 1.
    Separable {
        /// Channels of its output.
        width: usize,
    },
}

/// What stands between the depthwise and the 1x1 half of a separable convolution; the paper leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SeparableInner {
    /// Nothing: the two halves are one linear map.
    Nothing,
    /// Batch normalisation: the reading that gives the published parameter counts.
    BatchNorm,
    /// Batch normalisation and ReLU. It has the parameters of `BatchNorm`, so published counts cannot tell the two apart.
    BatchNormRelu,
}

impl SeparableInner {
    /// The name used in files: that of the variant.
    pub fn name(self) -> &'static str {
        match self {
            SeparableInner::Nothing => "Nothing",
            SeparableInner::BatchNorm => "BatchNorm",
            SeparableInner::BatchNormRelu => "BatchNormRelu",
        }
    }

    /// The variant of that name.
    pub(crate) fn from_name(name: &str) -> Option<SeparableInner> {
        let all = [SeparableInner::Nothing, SeparableInner::BatchNorm, SeparableInner::BatchNormRelu];
        all.into_iter().find(|inner| inner.name() == name)
    }
}

/// Why a skeleton is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each message says what its fields are")]
pub enum SkeletonError {
    #[error("the stem has no convolution; it needs at least 1")]
    NoStem,
    #[error("there is no group of cells; at least 1 is needed")]
    NoGroup,
    #[error("group {group} has 0 cells; it needs at least 1")]
    NoCell { group: usize },
    #[error("{place}: width is {width} channels, allowed is 1 to {}", MAX_CHANNELS)]
    Width { place: String, width: usize },
    #[error("stem convolution {stem}: stride is {stride}, allowed is 1 or 2")]
    Stride { stem: usize, stride: usize },
    #[error("the stem ends with {stem} channels, but the cells of group 1 are {group} channels wide")]
    StemWidth { stem: usize, group: usize },
    #[error("{classes} class(es); at least 2 are needed")]
    Classes { classes: usize },
    #[error("{place}: width {width} scaled by {numerator}/{denominator} is not a whole number of channels")]
    Scale { place: String, width: usize, numerator: usize, denominator: usize },
}

/// A skeleton as it stands in a file, not yet checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "Skeleton")]
struct RawSkeleton {
    stem: Vec<Stem>,
    groups: Vec<Group>,
    after_last_cell: AfterLastCell,
    separable_inner: SeparableInner,
    classes: usize,
}

impl TryFrom<RawSkeleton> for Skeleton {
    type Error = SkeletonError;

    fn try_from(raw: RawSkeleton) -> Result<Skeleton, SkeletonError> {
        Skeleton::new(raw.stem, raw.groups, raw.after_last_cell, raw.separable_inner, raw.classes)
    }
}

impl From<Skeleton> for RawSkeleton {
    fn from(skeleton: Skeleton) -> RawSkeleton {
        let Skeleton { stem, groups, after_last_cell, separable_inner, classes } = skeleton;
        RawSkeleton { stem, groups, after_last_cell, separable_inner, classes }
    }
}

impl Skeleton {
    /// A skeleton from its parts.
    ///
    /// # Errors
    /// When the invariant of the type does not hold; the message names the place and the numbers.
    pub fn new(
        stem: Vec<Stem>,
        groups: Vec<Group>,
        after_last_cell: AfterLastCell,
        separable_inner: SeparableInner,
        classes: usize,
    ) -> Result<Skeleton, SkeletonError> {
        let last_stem = stem.last().ok_or(SkeletonError::NoStem)?.width;
        let first_group = groups.first().ok_or(SkeletonError::NoGroup)?.width;
        let skeleton = Skeleton { stem, groups, after_last_cell, separable_inner, classes };
        for (place, width) in skeleton.widths() {
            if !(1..=MAX_CHANNELS).contains(&width) {
                return Err(SkeletonError::Width { place, width });
            }
        }
        for (index, stem) in skeleton.stem.iter().enumerate() {
            if stem.stride != 1 && stem.stride != 2 {
                return Err(SkeletonError::Stride { stem: index + 1, stride: stem.stride });
            }
        }
        if let Some(index) = skeleton.groups.iter().position(|group| group.cells == 0) {
            return Err(SkeletonError::NoCell { group: index + 1 });
        }
        if last_stem != first_group {
            return Err(SkeletonError::StemWidth { stem: last_stem, group: first_group });
        }
        if classes < 2 {
            return Err(SkeletonError::Classes { classes });
        }
        Ok(skeleton)
    }

    /// The paper's small model for CIFAR-10, whose accuracy is the fitness: c0 = 16, 3 groups of 1 cell, 10 classes.
    pub fn cifar_small() -> Skeleton {
        Skeleton::cifar(16, 1).expect("the built-in skeleton is valid")
    }

    /// The paper's large model for CIFAR-10: 3 groups of 2 cells, 10 classes; c0 = 64 and 128 are published.
    ///
    /// # Errors
    /// When c0 is 0 or too large.
    pub fn cifar_large(c0: usize) -> Result<Skeleton, SkeletonError> {
        Skeleton::cifar(c0, 2)
    }

    /// The paper's model for ImageNet, made for images of 299 x 299 pixels: two stem convolutions of stride 2 to 32 and
    /// 64 channels, 4 groups of 1, 2, 2, 2 cells of widths 64, 128, 256, 512, 1000 classes.
    pub fn imagenet() -> Skeleton {
        let stem = vec![Stem { width: 32, stride: 2 }, Stem { width: 64, stride: 2 }];
        let groups = [(1, 64), (2, 128), (2, 256), (2, 512)].map(|(cells, width)| Group { cells, width }).to_vec();
        Skeleton::new(stem, groups, AfterLastCell::Nothing, SeparableInner::BatchNorm, 1000)
            .expect("the built-in skeleton is valid")
    }

    fn cifar(c0: usize, cells: usize) -> Result<Skeleton, SkeletonError> {
        let stem = vec![Stem { width: c0, stride: 1 }];
        let groups = [1, 2, 4].map(|factor| Group { cells, width: c0.saturating_mul(factor) }).to_vec();
        Skeleton::new(stem, groups, AfterLastCell::Nothing, SeparableInner::BatchNorm, 10)
    }

    /// The same skeleton with every width multiplied by `c0` / [`Skeleton::c0`].
    ///
    /// # Errors
    /// When a width does not come out as a whole number of channels, or not in range.
    pub fn with_c0(&self, c0: usize) -> Result<Skeleton, SkeletonError> {
        let denominator = self.c0();
        let scale = |place: String, width: usize| match width.checked_mul(c0) {
            Some(product) if product % denominator == 0 => Ok(product / denominator),
            Some(_) | None => Err(SkeletonError::Scale { place, width, numerator: c0, denominator }),
        };
        let widths = self.widths().map(|(place, width)| scale(place, width)).collect::<Result<Vec<usize>, _>>()?;
        let mut widths = widths.into_iter();
        let mut next = || widths.next().expect("one width for each place of `widths`");
        let stem = self.stem.iter().map(|stem| Stem { width: next(), ..*stem }).collect();
        let groups = self.groups.iter().map(|group| Group { width: next(), ..*group }).collect();
        let after_last_cell = match self.after_last_cell {
            AfterLastCell::Nothing => AfterLastCell::Nothing,
            AfterLastCell::Separable { width: _ } => AfterLastCell::Separable { width: next() },
        };
        Skeleton::new(stem, groups, after_last_cell, self.separable_inner, self.classes)
    }

    /// The same skeleton with another [`AfterLastCell`].
    ///
    /// # Errors
    /// When its width is out of range.
    pub fn with_after_last_cell(&self, after_last_cell: AfterLastCell) -> Result<Skeleton, SkeletonError> {
        let Skeleton { stem, groups, after_last_cell: _, separable_inner, classes } = self.clone();
        Skeleton::new(stem, groups, after_last_cell, separable_inner, classes)
    }

    /// The same skeleton with another [`SeparableInner`].
    pub fn with_separable_inner(&self, separable_inner: SeparableInner) -> Skeleton {
        Skeleton { separable_inner, ..self.clone() }
    }

    /// Every width with the name of its place: stem, groups, the convolution after the last cell.
    fn widths(&self) -> impl Iterator<Item = (String, usize)> + '_ {
        let stem = self.stem.iter().enumerate().map(|(i, stem)| (format!("stem convolution {}", i + 1), stem.width));
        let groups = self.groups.iter().enumerate().map(|(i, group)| (format!("group {}", i + 1), group.width));
        let last = match self.after_last_cell {
            AfterLastCell::Nothing => None,
            AfterLastCell::Separable { width } => Some(("separable convolution after the last cell".to_owned(), width)),
        };
        stem.chain(groups).chain(last)
    }

    /// Convolutions before the first cell, in order; at least one.
    pub fn stem(&self) -> &[Stem] {
        &self.stem
    }

    /// Groups of cells, in order; at least one.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// What follows the very last cell.
    pub fn after_last_cell(&self) -> AfterLastCell {
        self.after_last_cell
    }

    /// What stands inside every separable convolution, those of the cells included.
    pub fn separable_inner(&self) -> SeparableInner {
        self.separable_inner
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Width of the first group's cells in channels, the paper's c0.
    pub fn c0(&self) -> usize {
        self.groups[0].width
    }

    /// Number of cells of all groups.
    pub fn cells(&self) -> usize {
        self.groups.iter().fold(0, |cells, group| cells.saturating_add(group.cells))
    }
}
