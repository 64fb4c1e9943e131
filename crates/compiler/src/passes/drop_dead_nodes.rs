//! Nodes on which the output does not depend.

use crate::{Graph, GraphBuilder, GraphError, NodeId};

/// Drops every node that does not lead to the output; the input stays in any case.
pub(crate) fn drop_dead_nodes(graph: &Graph) -> Result<Graph, GraphError> {
    let live = graph.live();
    let mut builder = GraphBuilder::new(graph.input_shape())?;
    // Dead nodes keep a placeholder that nobody looks up.
    let mut new: Vec<NodeId> = vec![builder.input(); graph.nodes().len()];
    for (id, node) in graph.iter().skip(1).filter(|(id, _)| live[id.index()]) {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|input| new[input.index()]).collect();
        new[id.index()] = builder.push_with(node.op, inputs, node.param)?;
    }
    builder.finish(new[graph.output().index()])
}
