//! A network as a straight list of fused steps, forward and backward, and the memory they take.
//!
//! A [`Graph`](crate::Graph) says what is computed. A [`Program`] says how, for images of one size:
//!
//! - A concatenation is never built. What it joins stays where it is: the value of a node is a list of feature maps, and
//!   what reads it reads them all.
//! - A map holds what a convolution gives, before its batch normalisation. Scale, shift and ReLU are applied by whatever
//!   reads the map, so no normalised copy is made or kept.
//! - 1x1 convolutions of the same maps are one step: their inputs are read once.
//! - What treats each channel on its own (depthwise convolutions, pools) is one step a map, and a pool of a map that is
//!   part of several concatenations is computed once.
//!
//! The backward pass is the same list from its end to its start: the backward step of a step takes the gradients of the
//! maps it gave and adds to the gradients of the maps it read.

mod lower;
mod places;
mod storage;
mod work;

pub use lower::LowerError;
pub use storage::{PIECES, Storage};
pub use work::Work;

use crate::Shape;

/// Channels of a map in memory are padded to a multiple of this with zeros: one or two vectors of a processor.
pub const CHANNEL_BLOCK: usize = 16;

/// The number of a map: its position in [`Program::maps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapId(u32);

impl MapId {
    /// The images.
    pub const IMAGES: MapId = MapId(0);

    /// Position in [`Program::maps`].
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn from_index(index: usize) -> MapId {
        MapId(u32::try_from(index).expect("a program has fewer than 2^32 maps"))
    }
}

/// A feature map that is kept in memory, as `[batch, height, width, channels]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Its shape for one image.
    pub shape: Shape,
    /// What is applied to the map by whatever reads it; `None` if it is read as it is.
    pub normalization: Option<Normalization>,
}

impl Map {
    /// Channels in memory: whole blocks of [`CHANNEL_BLOCK`].
    pub fn pitch(&self) -> usize {
        self.shape.channels.next_multiple_of(CHANNEL_BLOCK)
    }

    /// Values in memory of one image, padding included.
    pub fn values(&self) -> usize {
        self.pitch() * self.shape.pixels()
    }
}

/// The batch normalisation of a map, or of the map's part of a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Normalization {
    /// The convolution whose batch normalisation it is, see [`Program`].
    pub convolution: usize,
    /// The channel of that batch normalisation that the map's first channel has.
    pub first: usize,
    /// Whether a ReLU follows.
    pub relu: bool,
}

/// One output of a [`Step::Pointwise`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// The convolution, with a weight of `[out, sum of the inputs' channels, 1, 1]`.
    pub convolution: usize,
    /// What it gives.
    pub output: MapId,
}

/// One step of a program. The maps it reads are given by earlier steps, or map 0, the images.
///
/// Where a step reads several maps, their channels lie one behind the other in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// 1x1 convolutions of stride 1 of the same maps.
    Pointwise {
        /// What all of them read.
        inputs: Vec<MapId>,
        /// What each of them gives; one or more.
        products: Vec<Product>,
    },
    /// Any other convolution over all channels: 3x3, or of stride 2. Padded by half its kernel.
    Conv {
        /// What it reads.
        inputs: Vec<MapId>,
        /// The convolution, with a weight of `[out, in, kernel, kernel]`.
        convolution: usize,
        /// Side of the kernel: 1 or 3.
        kernel: usize,
        /// 1 or 2.
        stride: usize,
        /// What it gives.
        output: MapId,
    },
    /// 3x3 convolution of each channel on its own, padded by 1.
    Depthwise {
        /// What it reads.
        input: MapId,
        /// The convolution, with a weight of `[channels, 1, 3, 3]`.
        convolution: usize,
        /// The channel of the weight that the map's first channel has.
        first: usize,
        /// 1 or 2.
        stride: usize,
        /// What it gives.
        output: MapId,
    },
    /// 3x3 max pooling, stride 1, padded by 1; a padded pixel never wins.
    MaxPool {
        /// What it reads.
        input: MapId,
        /// What it gives.
        output: MapId,
    },
    /// 3x3 average pooling, stride 1, over the real pixels under the window.
    AvgPool {
        /// What it reads.
        input: MapId,
        /// What it gives.
        output: MapId,
    },
    /// The sum of several values of one shape, each in one or more maps.
    Sum {
        /// Each map and the channel of the output to which its first channel is added.
        inputs: Vec<(MapId, usize)>,
        /// What it gives.
        output: MapId,
    },
    /// The mean over all pixels of each channel.
    GlobalAvgPool {
        /// What it reads.
        input: MapId,
        /// What it gives: a map of 1x1 pixels.
        output: MapId,
    },
    /// Fully connected layer with bias over maps of 1x1 pixels.
    Linear {
        /// What it reads.
        inputs: Vec<MapId>,
        /// The layer, see [`Program`].
        linear: usize,
        /// What it gives.
        output: MapId,
    },
}

/// A network as a list of steps, for images of one size. [`Program::lower`] makes it of a graph.
///
/// Convolutions are numbered in the order of the graph's nodes from 0, a separable one counting as two (its depthwise
/// half, then its 1x1 half); linear layers likewise. Nodes that the output does not depend on are counted, but have no
/// steps.
///
/// Invariant: each map but the images (map 0, without normalisation) is given by exactly one step, before all steps that
/// read it; the output is a map of 1x1 pixels given by a linear layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    maps: Vec<Map>,
    steps: Vec<Step>,
    output: MapId,
}

impl Program {
    /// The maps; map 0 is the images.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// The steps of the forward pass, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The logits.
    pub fn output(&self) -> MapId {
        self.output
    }
}

impl Step {
    /// The maps it reads, in order; one may occur twice.
    pub fn inputs(&self) -> Vec<MapId> {
        match self {
            Step::Pointwise { inputs, .. } | Step::Conv { inputs, .. } | Step::Linear { inputs, .. } => inputs.clone(),
            Step::Sum { inputs, .. } => inputs.iter().map(|&(map, _)| map).collect(),
            Step::Depthwise { input, .. }
            | Step::MaxPool { input, .. }
            | Step::AvgPool { input, .. }
            | Step::GlobalAvgPool { input, .. } => vec![*input],
        }
    }

    /// The maps it gives.
    pub fn outputs(&self) -> Vec<MapId> {
        match self {
            Step::Pointwise { products, .. } => products.iter().map(|product| product.output).collect(),
            Step::Conv { output, .. }
            | Step::Depthwise { output, .. }
            | Step::MaxPool { output, .. }
            | Step::AvgPool { output, .. }
            | Step::Sum { output, .. }
            | Step::GlobalAvgPool { output, .. }
            | Step::Linear { output, .. } => vec![*output],
        }
    }

    /// Whether its backward pass reads the values of the maps it read: not where the gradient alone is enough, as for
    /// the pools, of which a max pool keeps the winners instead.
    pub fn needs_inputs_again(&self) -> bool {
        match self {
            Step::Pointwise { .. } | Step::Conv { .. } | Step::Depthwise { .. } | Step::Linear { .. } => true,
            Step::MaxPool { .. } | Step::AvgPool { .. } | Step::Sum { .. } | Step::GlobalAvgPool { .. } => false,
        }
    }
}
