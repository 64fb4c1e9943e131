//! What a network costs, counted on the graph: parameters, multiply-adds, memory of the backward pass.

use serde::{Deserialize, Serialize};

use crate::{Graph, NodeId, Op, SeparableInner, Shape};

/// Bytes of a 32-bit float.
const F32: u64 = 4;

/// What a graph costs, node by node and in total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// One entry a node; the position is the id's [`index`](NodeId::index).
    pub nodes: Vec<NodeCost>,
    /// The sum over all nodes; stops at the largest 64-bit number.
    pub total: NodeCost,
}

/// What one node, or a whole graph, costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeCost {
    /// Number of trainable parameters: weights of convolutions (which have no bias), gamma and beta of batch
    /// normalisation (2 a channel), weights and bias of the linear layer.
    pub parameters: u64,
    /// The same with the running mean and variance of batch normalisation: 4 a channel. The paper's parameter counts
    /// come out under this convention.
    pub parameters_with_statistics: u64,
    /// Number of multiply-adds of one image's forward pass, in convolutions and the linear layer alone; padded pixels
    /// count as real ones. Batch normalisation, ReLU, pools and merges are not counted.
    pub multiply_adds: u64,
    /// Bytes kept for the backward pass of one image in 32-bit floats, when nothing is recomputed and nothing is folded:
    /// a batch needs as many times more. Every node but an identity keeps its output, since its readers need it; a
    /// convolution also keeps what goes into each of its batch normalisations, a separable one what comes out of its
    /// depthwise half, a max pool the place of the winner (4 bytes a value). A concatenation copies its inputs.
    pub activation_bytes: u64,
}

impl NodeCost {
    fn plus(self, other: NodeCost) -> NodeCost {
        NodeCost {
            parameters: self.parameters.saturating_add(other.parameters),
            parameters_with_statistics: self
                .parameters_with_statistics
                .saturating_add(other.parameters_with_statistics),
            multiply_adds: self.multiply_adds.saturating_add(other.multiply_adds),
            activation_bytes: self.activation_bytes.saturating_add(other.activation_bytes),
        }
    }
}

/// Counts what `graph` costs, dead nodes included: of a network, ask for the cost of the optimised graph.
///
/// The numbers of parameters are exactly those of the module that the engine builds from the graph.
pub fn cost(graph: &Graph) -> Cost {
    let nodes: Vec<NodeCost> = graph.iter().map(|(id, _)| node_cost(graph, id)).collect();
    let total = nodes.iter().fold(NodeCost::default(), |sum, &node| sum.plus(node));
    Cost { nodes, total }
}

fn node_cost(graph: &Graph, id: NodeId) -> NodeCost {
    let node = graph.node(id);
    let output = node.shape;
    let input = node.inputs.first().map_or(output, |&input| graph.node(input).shape);
    match node.op {
        Op::Conv { kernel, stride: _, channels: _ } => {
            normalized(output).plus(convolution((kernel * kernel * input.channels) as u64, output))
        }
        Op::Depthwise { stride: _ } => normalized(output).plus(convolution(9, output)),
        Op::Separable { stride: _, channels: _, inner } => {
            let middle = output.with_channels(input.channels);
            let between = match inner {
                SeparableInner::Nothing => kept(middle, 1),
                // The ReLU keeps nothing more: its output tells where it was active.
                SeparableInner::BatchNorm | SeparableInner::BatchNormRelu => normalized(middle),
            };
            let halves = convolution(9, middle).plus(convolution(input.channels as u64, output));
            halves.plus(between).plus(normalized(output))
        }
        Op::Linear { classes } => {
            let weights = (input.channels * classes) as u64;
            let parameters = weights + classes as u64;
            let own = NodeCost { parameters, parameters_with_statistics: parameters, ..NodeCost::default() };
            own.plus(NodeCost { multiply_adds: weights, ..kept(output, 1) })
        }
        Op::MaxPool => kept(output, 2),
        Op::Identity => NodeCost::default(),
        Op::Input | Op::AvgPool | Op::Concat | Op::Sum | Op::GlobalAvgPool => kept(output, 1),
    }
}

/// A convolution without bias whose output values each take `window` multiply-adds, and share weights over all pixels.
fn convolution(window: u64, output: Shape) -> NodeCost {
    let weights = window * output.channels as u64;
    NodeCost {
        parameters: weights,
        parameters_with_statistics: weights,
        multiply_adds: weights * output.pixels() as u64,
        activation_bytes: 0,
    }
}

/// Batch normalisation, with a ReLU or without: keeps its input and its output.
fn normalized(shape: Shape) -> NodeCost {
    let channels = shape.channels as u64;
    NodeCost { parameters: 2 * channels, parameters_with_statistics: 4 * channels, ..kept(shape, 2) }
}

/// `copies` tensors of 4-byte values kept for the backward pass.
fn kept(shape: Shape, copies: u64) -> NodeCost {
    NodeCost { activation_bytes: copies * F32 * shape.elements() as u64, ..NodeCost::default() }
}
