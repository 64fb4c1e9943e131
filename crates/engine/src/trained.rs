//! A network after its training.

use hnas_compiler::Graph;

use crate::device::EngineDevice;
use crate::network::Network;
use crate::normalizer::Normalizer;

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
}
