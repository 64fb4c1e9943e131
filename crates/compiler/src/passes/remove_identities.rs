//! Identities: whoever reads one reads its input instead.

use crate::passes::rewrite::rewrite;
use crate::{Graph, GraphError, Op};

/// Removes every identity.
pub(crate) fn remove_identities(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, |builder, node, inputs| match (node.op, &inputs[..]) {
        (Op::Identity, &[input]) => Ok(input),
        _ => builder.push_with(node.op, inputs, node.param),
    })
}
