//! Nested concatenations and nested sums.
//!
//! `concat(a, concat(b, c))` has the channels of `concat(a, b, c)` in the same positions, so whoever reads it needs no
//! other weights. `sum(a, sum(b, c))` is `sum(a, b, c)` added up in another order.

use crate::passes::rewrite::rewrite;
use crate::{Graph, GraphError, NodeId, Op};

/// An inner merge of more inputs stays as it is: merges of merges double their inputs at every step. The paper's flat
/// space, 11 nodes all joined by identities, reaches 512.
const MOST_INPUTS: usize = 4096;

/// Puts the inputs of an inner concatenation (sum) in its place among the inputs of an outer one. The inner one stays
/// for its other readers.
pub(crate) fn flatten_merges(graph: &Graph) -> Result<Graph, GraphError> {
    // The inputs of each node of the new graph that is a merge to be flattened, together with its kind.
    let mut merges: Vec<Option<(Op, Vec<NodeId>)>> = vec![None; graph.nodes().len()];
    rewrite(graph, |builder, node, inputs| {
        if !matches!(node.op, Op::Concat | Op::Sum) {
            return builder.push_with(node.op, inputs, node.param);
        }
        let mut flat = Vec::with_capacity(inputs.len());
        for input in inputs {
            match &merges[input.index()] {
                Some((op, inner)) if *op == node.op => flat.extend_from_slice(inner),
                Some(_) | None => flat.push(input),
            }
        }
        let id = builder.push(node.op, flat.iter().copied())?;
        if flat.len() <= MOST_INPUTS {
            merges[id.index()] = Some((node.op, flat));
        }
        Ok(id)
    })
}
