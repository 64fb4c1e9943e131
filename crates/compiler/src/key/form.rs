//! The canonical description of an optimised graph.
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

use super::dag::{Dag, as_u32};
use super::order::canonical_order;
use crate::{Graph, NodeId, Op, SeparableInner, Shape};

/// The description of an optimised graph as a list of numbers: two lists are equal exactly when the networks are the same.
///
/// First the number of vertices, then, in canonical order, what each vertex is, then, in that order again, the inputs of
/// each. Shapes follow from that of the input, which is part of what the input is.
pub(crate) fn canonical_form(graph: &Graph) -> Vec<u32> {
    let (labels, dag) = vertices(graph);
    let order = canonical_order(&labels, &dag);
    let mut form = vec![as_u32(labels.len())];
    for &vertex in &order {
        labels[vertex as usize].write(&mut form);
    }
    form.extend(dag.certificate(&order, |_| 0));
    form
}

/// What a vertex is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Label {
    /// A node with its operation and the shape of its output.
    Node(Op, Shape),
    /// Stands between an ordered concatenation and its input of this place.
    Place(u32),
}

/// The vertices of the description: the nodes, and places in ordered concatenations.
///
/// The passes share a node without parameters that occurs twice, but not when two concatenations differ in the order of
/// their inputs, since that would exchange weights of what follows. Here, where the order does not count, they are one.
fn vertices(graph: &Graph) -> (Vec<Label>, Dag) {
    let reaches_sum = reaches_sum(graph);
    let mut labels: Vec<Label> = Vec::with_capacity(graph.nodes().len());
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut vertex_of: Vec<u32> = Vec::with_capacity(graph.nodes().len());
    let mut known: HashMap<(Op, Vec<u32>), u32> = HashMap::new();
    for (id, node) in graph.iter() {
        let mut inputs: Vec<u32> = node.inputs.iter().map(|input| vertex_of[input.index()]).collect();
        let is_ordered = node.op == Op::Concat && reaches_sum[id.index()];
        if !is_ordered {
            inputs.sort_unstable();
        }
        if !node.op.has_parameters() && node.op != Op::Input {
            if let Some(&vertex) = known.get(&(node.op, inputs.clone())) {
                vertex_of.push(vertex);
                continue;
            }
        }
        let key = (node.op, inputs.clone());
        if is_ordered {
            for (place, input) in (0..).zip(&mut inputs) {
                edges.push((*input, as_u32(labels.len())));
                *input = as_u32(labels.len());
                labels.push(Label::Place(place));
            }
        }
        let vertex = as_u32(labels.len());
        edges.extend(inputs.iter().map(|&input| (input, vertex)));
        labels.push(Label::Node(node.op, node.shape));
        vertex_of.push(vertex);
        if !node.op.has_parameters() {
            known.insert(key, vertex);
        }
    }
    let dag = Dag::new(labels.len(), &edges);
    (labels, dag)
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

impl Label {
    /// A number for the kind, then its fields. How many follow from the kind, so no two labels run together alike.
    fn write(self, form: &mut Vec<u32>) {
        let words: &[usize] = match self {
            Label::Node(Op::Input, Shape { channels, height, width }) => &[0, channels, height, width],
            Label::Node(Op::Conv { kernel, stride, channels }, _) => &[1, kernel, stride, channels],
            Label::Node(Op::Depthwise { stride }, _) => &[2, stride],
            Label::Node(Op::Separable { stride, channels, inner }, _) => {
                let inner = match inner {
                    SeparableInner::Nothing => 0,
                    SeparableInner::BatchNorm => 1,
                    SeparableInner::BatchNormRelu => 2,
                };
                &[3, stride, channels, inner]
            }
            Label::Node(Op::MaxPool, _) => &[4],
            Label::Node(Op::AvgPool, _) => &[5],
            Label::Node(Op::Identity, _) => &[6],
            Label::Node(Op::Concat, _) => &[7],
            Label::Node(Op::Sum, _) => &[8],
            Label::Node(Op::GlobalAvgPool, _) => &[9],
            Label::Node(Op::Linear { classes }, _) => &[10, classes],
            Label::Place(place) => &[11, place as usize],
        };
        form.extend(words.iter().map(|&word| as_u32(word)));
    }
}
