//! A judge of its own for what the key says: petgraph's VF2 on the optimised graphs.
//!
//! It shares nothing with the key but the definition: inputs of a merge have no order, so that two merges, or two pools,
//! with the same inputs are one node.

use std::collections::BTreeMap;

use hnas_compiler::{Graph, Op, Shape, optimize};
use petgraph::algo::is_isomorphic_matching;
use petgraph::graph::{DiGraph, NodeIndex};

/// Pairs of nodes VF2 may try; it is exponential in symmetric graphs.
const MOST_PAIRS: usize = 200_000;

/// What isomorphic nodes have in common: operation, shape, inputs, users, longest ways from the input and to the output.
pub(crate) type Label = (Op, Shape, usize, usize, usize, usize);

/// A network as VF2 takes it. The weight of an edge says how many there are.
pub(crate) struct Network {
    graph: DiGraph<Label, usize>,
    /// Sorted: networks that differ here differ at first sight.
    pub(crate) labels: Vec<Label>,
}

impl Network {
    pub(crate) fn new(graph: &Graph) -> Network {
        let graph = optimize(graph.clone());
        let mut nodes: Vec<(Op, Shape, Vec<usize>)> = Vec::new();
        let mut place: Vec<usize> = Vec::new();
        for node in graph.nodes() {
            let mut inputs: Vec<usize> = node.inputs.iter().map(|input| place[input.index()]).collect();
            inputs.sort_unstable();
            let node = (node.op, node.shape, inputs);
            let same = nodes.iter().position(|known| !node.0.has_parameters() && *known == node);
            place.push(same.unwrap_or(nodes.len()));
            if same.is_none() {
                nodes.push(node);
            }
        }
        let mut from_input = vec![0; nodes.len()];
        let mut to_output = vec![0; nodes.len()];
        let mut users = vec![0; nodes.len()];
        for (index, (_, _, inputs)) in nodes.iter().enumerate() {
            from_input[index] = inputs.iter().map(|&input| from_input[input] + 1).max().unwrap_or(0);
        }
        for (index, (_, _, inputs)) in nodes.iter().enumerate().rev() {
            for &input in inputs {
                to_output[input] = to_output[input].max(to_output[index] + 1);
                users[input] += 1;
            }
        }
        let mut digraph = DiGraph::new();
        for (index, (op, shape, inputs)) in nodes.iter().enumerate() {
            digraph.add_node((*op, *shape, inputs.len(), users[index], from_input[index], to_output[index]));
        }
        for (index, (_, _, inputs)) in nodes.iter().enumerate() {
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            for &input in inputs {
                *counts.entry(input).or_default() += 1;
            }
            for (input, count) in counts {
                digraph.add_edge(NodeIndex::new(input), NodeIndex::new(index), count);
            }
        }
        let mut labels: Vec<Label> = digraph.node_weights().copied().collect();
        labels.sort_unstable();
        Network { graph: digraph, labels }
    }

    /// Whether two networks are the same; `None` if VF2 would take too long.
    pub(crate) fn is_same(&self, other: &Network) -> Option<bool> {
        if self.labels != other.labels {
            return Some(false);
        }
        let mut pairs = 0;
        let same = is_isomorphic_matching(
            &self.graph,
            &other.graph,
            |a, b| {
                pairs += 1;
                pairs <= MOST_PAIRS && a == b
            },
            |a, b| a == b,
        );
        (pairs <= MOST_PAIRS).then_some(same)
    }
}
