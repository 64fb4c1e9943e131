//! The same graph with its nodes, and the inputs of its merges, in another order.

use hnas_compiler::{Graph, GraphBuilder, NodeId, Op};
use rand::{Rng, RngExt};

/// A copy with the nodes in a random topological order and the inputs of each concatenation and sum shuffled.
pub(crate) fn renumbered(graph: &Graph, rng: &mut impl Rng) -> Graph {
    let mut builder = GraphBuilder::new(graph.input_shape()).expect("the shape is that of a graph");
    let mut new: Vec<Option<NodeId>> = vec![None; graph.nodes().len()];
    new[0] = Some(builder.input());
    for _ in 1..new.len() {
        let is_ready = |index: &usize| {
            new[*index].is_none() && graph.nodes()[*index].inputs.iter().all(|input| new[input.index()].is_some())
        };
        let ready: Vec<usize> = (0..new.len()).filter(is_ready).collect();
        let index = ready[rng.random_range(0..ready.len())];
        let node = &graph.nodes()[index];
        let mut inputs: Vec<NodeId> = node.inputs.iter().filter_map(|input| new[input.index()]).collect();
        if matches!(node.op, Op::Concat | Op::Sum) {
            for last in (1..inputs.len()).rev() {
                inputs.swap(last, rng.random_range(0..=last));
            }
        }
        new[index] = Some(builder.push(node.op, inputs).expect("the same node in another place"));
    }
    builder.finish(new[graph.output().index()].expect("all nodes have been placed")).expect("it exists")
}
