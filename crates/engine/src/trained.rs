//! A network after its training.

use std::path::Path;

use hnas_compiler::Graph;

use crate::device::EngineDevice;
use crate::error::EngineError;
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::weights;

/// A trained network: its graph, its weights, and how images are normalised for it.
#[derive(Clone, Debug)]
pub struct Trained {
    pub(crate) graph: Graph,
    pub(crate) network: Network,
    pub(crate) normalizer: Normalizer,
    pub(crate) device: EngineDevice,
    pub(crate) losses: Vec<f32>,
}

impl Trained {
    /// The network's graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Steps trained.
    pub fn steps(&self) -> usize {
        self.losses.len()
    }

    /// The mean cross-entropy of each step's batch before the step's update; step 1 first.
    pub fn losses(&self) -> &[f32] {
        &self.losses
    }

    /// Writes everything that is needed to evaluate the network elsewhere into one
    /// [safetensors](https://huggingface.co/docs/safetensors) file, which Python and others read as well.
    ///
    /// Its tensors, 32-bit floats in PyTorch's layout, are named after the nodes of the graph: `node5.weight`
    /// `[out, in, k, k]`, `node5.norm.weight`, `.bias`, `.running_mean`, `.running_var` `[channels]`; the halves of a
    /// separable convolution are `node7.depthwise` and `node7.pointwise`; the classifier's weight is
    /// `[classes, features]`. `losses` is the loss of each step. The metadata's entry `hnas` is a JSON object with the
    /// graph as text, the normalisation of images and batch normalisation's epsilon. Equal networks give equal bytes.
    ///
    /// The file is complete or absent: it is written under another name and renamed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), EngineError> {
        weights::save(self, path)
    }

    /// Reads a file of [`Trained::save`] onto a device.
    ///
    /// # Errors
    /// When the file cannot be read, or is not one of `save`'s: the message names what is missing or has another shape.
    pub fn load(path: &Path, device: &EngineDevice) -> Result<Trained, EngineError> {
        weights::load(path, device)
    }
}
