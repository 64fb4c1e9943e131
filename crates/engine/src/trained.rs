//! A network after its training.

use hnas_compiler::Graph;

use crate::device::EngineDevice;
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::source::Supply;

/// A trained network: its graph, its weights, and how images are normalised for it.
#[derive(Clone, Debug)]
pub struct Trained {
    pub(crate) graph: Graph,
    pub(crate) network: Network,
    pub(crate) normalizer: Normalizer,
    pub(crate) device: EngineDevice,
    pub(crate) losses: Vec<f32>,
    pub(crate) seconds: f64,
    pub(crate) supply: Option<Supply>,
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

    /// Seconds that the training took, over all processes that went on with it; 0 of one that was read from a file.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// How photographs came to this process; `None` where images were in memory, or of one that was read from a file.
    pub fn supply(&self) -> Option<&Supply> {
        self.supply.as_ref()
    }

    /// The mean cross-entropy of each step's batch before the step's update; step 1 first.
    pub fn losses(&self) -> &[f32] {
        &self.losses
    }
}
