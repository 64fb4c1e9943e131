//! What can be wrong with what the engine is given.

use std::path::PathBuf;

use hnas_compiler::LowerError;
use thiserror::Error;

use crate::failure::Failure;

/// A device, graph, recipe or file that cannot be used. A training that fails is a [`Failure`](crate::Failure) instead.
#[derive(Debug, Error)]
pub enum EngineError {
    /// Not a name of a device.
    #[error("unknown device '{name}': expected auto, cpu, cuda, cuda:N, vulkan or vulkan:N")]
    UnknownDeviceName {
        /// As given.
        name: String,
    },
    /// A variable of the environment holds a word that means nothing.
    #[error("in the environment, {message}")]
    Environment {
        /// Which, what it is and what it may be.
        message: String,
    },
    /// The backend was left out when the program was built.
    #[error(
        "device '{asked}' needs a build with cargo feature '{feature}' (cargo build --release --features {feature}); \
         this build has: {available}"
    )]
    MissingFeature {
        /// The device asked for.
        asked: String,
        /// The cargo feature.
        feature: &'static str,
        /// The devices there are.
        available: String,
    },
    /// The backend is there, the device is not.
    #[error("there is no device '{asked}' on this machine; there is: {available}")]
    NoSuchDevice {
        /// The device asked for.
        asked: String,
        /// The devices there are.
        available: String,
    },
    /// Two devices that cannot work on one run.
    #[error("{first} and {second} cannot share a run: its devices are different ones of one kind")]
    Devices {
        /// The one named first.
        first: String,
        /// The other.
        second: String,
    },
    /// A recipe of a precision that the device does not train in.
    #[error("precision Bf16 is for cuda:N and vulkan:N; {device} trains in F32")]
    Precision {
        /// The device, and what else keeps it from that.
        device: String,
    },
    /// The graph's output is no vector of class scores.
    #[error("the network's output is {channels}x{height}x{width}; a classifier ends in at least 2 classes of 1x1")]
    NotAClassifier {
        /// Channels of the output.
        channels: usize,
        /// Rows of the output.
        height: usize,
        /// Columns of the output.
        width: usize,
    },
    /// The network does not take images of the size at hand.
    #[error("the network does not take these images")]
    Lower(#[from] LowerError),
    /// Network and data have different numbers of channels.
    #[error("the network takes images of {network} channels, the data has {data}")]
    Channels {
        /// Of the network's input.
        network: usize,
        /// Of the images.
        data: usize,
    },
    /// Network and data have different numbers of classes.
    #[error("the network tells {network} classes apart, the data has {data}")]
    Classes {
        /// Of the network's output.
        network: usize,
        /// Of the labels.
        data: usize,
    },
    /// A crop larger than the images.
    #[error("a crop of {crop}x{crop} does not fit into images of {height}x{width}")]
    Crop {
        /// Side of the crop.
        crop: usize,
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// A channel of one value only cannot be divided by its standard deviation.
    #[error("channel {channel} of the training images is {mean} everywhere: it cannot be normalised per channel")]
    ConstantChannel {
        /// From 0.
        channel: usize,
        /// Its value, where a byte of 255 counts as 1.
        mean: f64,
    },
    /// Photographs are never all read before a training, so there are no statistics of them.
    #[error("photographs are normalised to -1 .. 1: normalization is PerChannel, use MinusOneToOne")]
    Statistics,
    /// What is seen of photographs has another size than what is trained on.
    #[error("the recipe's crop is {crop}x{crop}, but {size}x{size} pixels are seen of each photograph")]
    Seen {
        /// Side of the crop.
        crop: usize,
        /// Side of what is seen.
        size: usize,
    },
    /// Nothing to score on.
    #[error("none of the {images} photographs to score on can be decoded")]
    NoPhotograph {
        /// How many there are.
        images: usize,
    },
    /// Photographs that cannot be had.
    #[error(transparent)]
    Photographs(#[from] hnas_data::LoaderError),
    /// The network could not be built or measured, as a training may fail.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// An evaluation of no images at once.
    #[error("an evaluation batch of 0 images")]
    EmptyBatch,
    /// A file of weights could not be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file is not weights of this program.
    #[error("{path} holds no weights of this program: {reason}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}
