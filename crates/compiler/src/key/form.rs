//! The description of an optimised graph: what its vertices are, and which order of inputs counts.
//!
//! # Why the order of a concatenation's inputs does not count
//!
//! Exchanging two inputs of a concatenation permutes the channels of its output. Two networks that differ so are the
//! same up to the names of channels, if what follows can take the permutation up:
//!
//! - a convolution, the 1x1 half of a separable convolution, and a linear layer learn a weight for each pair of input and
//!   output channel: permuting the weights along the input gives the same output, so the permutation ends here;
//! - pools, global pooling and identities treat every channel alike: they permute their output in the same way;
//! - a depthwise convolution, the depthwise half of a separable one, and batch normalisation treat each channel on its
//!   own with learned numbers: permuting these with the channels permutes the output in the same way;
//! - a concatenation permutes its output in blocks; the argument goes on from there.
//!
//! The initial weights of a layer are drawn independently and alike for all channels, and gradient descent with momentum
//! and weight decay treats all weights alike, so the two networks also have the same distribution over training runs.
//!
//! A sum is where the argument stops: it adds channel by channel, so `Sum(Concat(a, b), Concat(b, a))` is not
//! `Sum(Concat(a, b), Concat(a, b))`. Hence a concatenation whose channels reach a sum, through operations that keep
//! their order, counts as ordered. No search space has both, as one merge holds for all of it, but a graph can.
//! (This errs on the side of telling apart: exchanging the inputs of both concatenations above gives another key.)
//! A sum itself has no order: addition commutes.

use std::collections::HashMap;

use super::dag::{Dag, as_u32, inverse};
use super::order::canonical_order;
use crate::{Graph, NodeId, Op, SeparableInner, Shape};

/// An optimised graph as a labelled graph, with its canonical order.
pub(crate) struct Form {
    pub(crate) vertices: Vec<Vertex>,
    pub(crate) dag: Dag,
    /// For each vertex its place in the canonical order.
    pub(crate) place: Vec<u32>,
    order: Vec<u32>,
}

/// What a vertex stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Vertex {
    /// A node with its operation and the shape of its output.
    Node(Op, Shape),
    /// Between an ordered concatenation and its input of this position, from 0.
    Position(u32),
}

/// What tells vertices apart, as numbers that mean the same for ever.
type Label = [u32; 7];

impl Form {
    /// The form of a graph that has been optimised.
    pub(crate) fn of(graph: &Graph) -> Form {
        let (vertices, dag) = vertices(graph);
        let labels: Vec<Label> = vertices.iter().map(|vertex| vertex.label()).collect();
        let order = canonical_order(&labels, &dag);
        Form { vertices, dag, place: inverse(&order), order }
    }

    /// The form as a list of numbers. Two lists are equal exactly when the networks are the same: they hold the number
    /// of vertices, in canonical order their labels, and in that order again the inputs of each.
    pub(crate) fn words(&self) -> Vec<u32> {
        let mut words = vec![as_u32(self.order.len())];
        words.extend(self.order.iter().flat_map(|&vertex| self.vertices[vertex as usize].label()));
        words.extend(self.dag.certificate(&self.order, |_| 0));
        words
    }
}

/// The vertices, inputs before users: the nodes, and positions in ordered concatenations.
///
/// The passes share a node without parameters that occurs twice, but not when two concatenations differ in the order of
/// their inputs, since that would exchange weights of what follows. Here, where the order does not count, they are one.
fn vertices(graph: &Graph) -> (Vec<Vertex>, Dag) {
    let reaches_sum = reaches_sum(graph);
    let mut vertices: Vec<Vertex> = Vec::with_capacity(graph.nodes().len());
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut vertex_of: Vec<u32> = Vec::with_capacity(graph.nodes().len());
    let mut known: HashMap<(Op, bool, Vec<u32>), u32> = HashMap::new();
    for (id, node) in graph.iter() {
        let mut inputs: Vec<u32> = node.inputs.iter().map(|input| vertex_of[input.index()]).collect();
        let is_ordered = node.op == Op::Concat && reaches_sum[id.index()];
        if !is_ordered {
            inputs.sort_unstable();
        }
        let is_shared = !node.op.has_parameters();
        // An ordered concatenation never stands for an unordered one: what reads it would lose or gain an order.
        let key = (node.op, is_ordered, inputs.clone());
        if let Some(&vertex) = known.get(&key).filter(|_| is_shared) {
            vertex_of.push(vertex);
            continue;
        }
        if is_ordered {
            for (position, input) in (0..).zip(&mut inputs) {
                edges.push((*input, as_u32(vertices.len())));
                *input = as_u32(vertices.len());
                vertices.push(Vertex::Position(position));
            }
        }
        let vertex = as_u32(vertices.len());
        edges.extend(inputs.iter().map(|&input| (input, vertex)));
        vertices.push(Vertex::Node(node.op, node.shape));
        vertex_of.push(vertex);
        if is_shared {
            known.insert(key, vertex);
        }
    }
    let dag = Dag::new(vertices.len(), &edges);
    (vertices, dag)
}

/// For each node, whether its channels reach a sum in their order.
fn reaches_sum(graph: &Graph) -> Vec<bool> {
    let mut reaches = vec![false; graph.nodes().len()];
    if !graph.nodes().iter().any(|node| node.op == Op::Sum) {
        return reaches;
    }
    for (id, node) in graph.iter().rev() {
        let passes_on = match node.op {
            Op::Sum => true,
            Op::Depthwise { .. } | Op::MaxPool | Op::AvgPool | Op::Identity | Op::Concat | Op::GlobalAvgPool => {
                reaches[id.index()]
            }
            Op::Input | Op::Conv { .. } | Op::Separable { .. } | Op::Linear { .. } => false,
        };
        if passes_on {
            for input in node.inputs.iter().copied().map(NodeId::index) {
                reaches[input] = true;
            }
        }
    }
    reaches
}

impl Vertex {
    /// A number for the kind, up to three fields, the shape. Ledgers keep what is made of them: never change a number.
    fn label(self) -> Label {
        let (op, shape) = match self {
            Vertex::Node(op, shape) => (op, shape),
            Vertex::Position(position) => return [11, position, 0, 0, 0, 0, 0],
        };
        let fields = match op {
            Op::Input => [0, 0, 0, 0],
            Op::Conv { kernel, stride, channels } => [1, kernel, stride, channels],
            Op::Depthwise { stride } => [2, stride, 0, 0],
            Op::Separable { stride, channels, inner } => {
                let inner = match inner {
                    SeparableInner::Nothing => 0,
                    SeparableInner::BatchNorm => 1,
                    SeparableInner::BatchNormRelu => 2,
                };
                [3, stride, channels, inner]
            }
            Op::MaxPool => [4, 0, 0, 0],
            Op::AvgPool => [5, 0, 0, 0],
            Op::Identity => [6, 0, 0, 0],
            Op::Concat => [7, 0, 0, 0],
            Op::Sum => [8, 0, 0, 0],
            Op::GlobalAvgPool => [9, 0, 0, 0],
            Op::Linear { classes } => [10, classes, 0, 0],
        };
        let [kind, a, b, c] = fields.map(as_u32);
        let [channels, height, width] = [shape.channels, shape.height, shape.width].map(as_u32);
        [kind, a, b, c, channels, height, width]
    }
}
