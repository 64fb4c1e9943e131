//! A network graph as something that can be trained.

use hnas_compiler::{Graph, Op, Shape, cost};

use crate::device::EngineDevice;
use crate::error::EngineError;
use crate::failure::catching_out_of_memory;
use crate::memory::{self, Grant};
use crate::network::Network;
use crate::random::{Stream, stream};
use crate::recipe::Recipe;

/// A network with its first weights, on a device. [`train`](crate::train) takes it and gives a
/// [`Trained`](crate::Trained).
///
/// Invariant: the graph ends in a classifier of 2 classes or more.
#[derive(Debug)]
pub struct Phenotype {
    pub(crate) graph: Graph,
    pub(crate) network: Network,
    pub(crate) device: EngineDevice,
}

impl Phenotype {
    /// Builds the network of an optimised graph. Every weight is drawn from `seed`'s own stream, in the order of the
    /// graph's nodes, with the recipe's initialiser.
    ///
    /// # Errors
    /// When the graph does not end in a classifier of at least 2 classes; when the device does not train in the recipe's
    /// precision; [`EngineError::Failed`] when there is too little memory for the weights.
    pub fn build(graph: &Graph, recipe: &Recipe, device: &EngineDevice, seed: u64) -> Result<Phenotype, EngineError> {
        Phenotype::build_in(graph, recipe, device, seed, memory::wait_for)
    }

    /// In memory that `ask` grants.
    pub(crate) fn build_in(
        graph: &Graph,
        recipe: &Recipe,
        device: &EngineDevice,
        seed: u64,
        ask: fn(u64) -> Grant,
    ) -> Result<Phenotype, EngineError> {
        device.check(recipe)?;
        check_classifier(graph)?;
        // The rest of what a training takes is asked for when it begins.
        let weights = cost(graph).total.parameters.saturating_mul(size_of::<f32>() as u64);
        let _weights = catching_out_of_memory(|| Ok::<_, EngineError>(ask(weights)))?;
        let mut rng = stream(seed, Stream::Weights);
        let (initializer, epsilon) = (recipe.initializer(), recipe.batch_norm_epsilon());
        let network = Network::new(graph, initializer, epsilon, &device.autodiff(), &mut rng);
        Ok(Phenotype { graph: graph.clone(), network, device: device.clone() })
    }

    /// Number of trained numbers, counted on the built burn module.
    pub fn parameters(&self) -> usize {
        self.network.parameters.trained()
    }

    /// Number of trained numbers and running statistics, counted on the built burn module.
    pub fn parameters_with_statistics(&self) -> usize {
        self.network.parameters.with_statistics()
    }
}

pub(crate) fn check_classifier(graph: &Graph) -> Result<(), EngineError> {
    let Shape { channels, height, width } = graph.node(graph.output()).shape;
    let linear = matches!(graph.node(graph.output()).op, Op::Linear { .. });
    if !linear || channels < 2 {
        return Err(EngineError::NotAClassifier { channels, height, width });
    }
    Ok(())
}

/// Checks that the network takes the images and tells their classes apart.
pub(crate) fn check_data(graph: &Graph, data_channels: usize, data_classes: usize) -> Result<(), EngineError> {
    let network = graph.input_shape().channels;
    if network != data_channels {
        return Err(EngineError::Channels { network, data: data_channels });
    }
    let classes = graph.node(graph.output()).shape.channels;
    if classes != data_classes {
        return Err(EngineError::Classes { network: classes, data: data_classes });
    }
    Ok(())
}
