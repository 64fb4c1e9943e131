//! One sweep over a graph that builds another one: what the passes have in common.

use crate::{Graph, GraphBuilder, GraphError, Node, NodeId};

/// Builds a new graph from an old one, node by node in topological order.
///
/// `replace` gets each node but the input together with its inputs in the new graph, and answers with the node of the
/// new graph that stands for it: one it adds, or one that is there already.
pub(crate) fn rewrite(
    graph: &Graph,
    mut replace: impl FnMut(&mut GraphBuilder, &Node, Vec<NodeId>) -> Result<NodeId, GraphError>,
) -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::new(graph.input_shape())?;
    let mut new = Vec::with_capacity(graph.nodes().len());
    new.push(builder.input());
    for node in &graph.nodes()[1..] {
        let inputs = node.inputs.iter().map(|input| new[input.index()]).collect();
        let id = replace(&mut builder, node, inputs)?;
        new.push(id);
    }
    builder.finish(new[graph.output().index()])
}
