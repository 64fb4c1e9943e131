//! The same operation without parameters applied to the same input twice.
//!
//! Concatenations are the same only when their inputs are in the same order: in another order the channels have other
//! positions, and whoever reads them would need its weights permuted. The order of a sum's inputs does not matter.
//! Nodes with parameters are never shared, however equal they look: they learn apart (invariant C3).

use std::collections::HashMap;

use crate::passes::rewrite::rewrite;
use crate::{Graph, GraphError, NodeId, Op};

/// Keeps the first of equal operations without parameters and lets the readers of the others read it.
pub(crate) fn share_parameter_free(graph: &Graph) -> Result<Graph, GraphError> {
    let mut known: HashMap<(Op, Vec<NodeId>), NodeId> = HashMap::new();
    rewrite(graph, |builder, node, inputs| {
        if node.op.has_parameters() {
            return builder.push_with(node.op, inputs, node.param);
        }
        let mut identity = inputs.clone();
        if node.op == Op::Sum {
            identity.sort_unstable();
        }
        if let Some(&first) = known.get(&(node.op, identity.clone())) {
            return Ok(first);
        }
        let id = builder.push(node.op, inputs)?;
        known.insert((node.op, identity), id);
        Ok(id)
    })
}
