//! Concatenations and sums of a single input: whoever reads one reads its input instead.

use crate::passes::rewrite::rewrite;
use crate::{Graph, GraphError, Op};

/// Removes every concatenation and every sum that has one input.
pub(crate) fn remove_single_merges(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, |builder, node, inputs| match (node.op, &inputs[..]) {
        (Op::Concat | Op::Sum, &[input]) => Ok(input),
        _ => builder.push_with(node.op, inputs, node.param),
    })
}
