//! The list of passes that make a graph smaller without changing what it computes.

use crate::passes::{drop_dead_nodes, flatten_merges, remove_identities, remove_single_merges, share_parameter_free};
use crate::verify::verify_pass;
use crate::{Graph, GraphError, VerifyError, verify_optimized};

/// A pass: the same function in fewer nodes. The error is one of the builder's and would be a bug.
type Pass = fn(&Graph) -> Result<Graph, GraphError>;

/// Every pass once, in this order. Each is one sweep from the input to the output and leaves nothing for itself to do;
/// the order is such that none leaves anything for an earlier one, so there is no need to repeat the list.
const PASSES: [(&str, Pass); 5] = [
    // An identity between two merges would hide that they are nested, and between two pools that they are the same.
    ("remove_identities", remove_identities),
    // For the same reason; graphs that are assembled have none, hand-written ones may.
    ("remove_single_merges", remove_single_merges),
    // Before sharing: the same concatenation may be divided into motifs in different ways.
    ("flatten_merges", flatten_merges),
    // Needs the inputs in their final form, so that equal operations have equal inputs.
    ("share_parameter_free", share_parameter_free),
    // Last, since every pass before leaves nodes behind that nobody reads any more.
    ("drop_dead_nodes", drop_dead_nodes),
];

/// The same network in fewer nodes: with the same parameters (see [`Node::param`](crate::Node::param)) it gives the same
/// outputs and gradients (invariant C4). Sums may be added up in another order, which changes the last bits.
///
/// The verifier looks at what each pass made.
///
/// # Panics
/// When a pass breaks an invariant; the message names the pass. That is a bug in the pass.
pub fn optimize(graph: Graph) -> Graph {
    let mut graph = graph;
    for (name, pass) in PASSES {
        let next = pass(&graph).unwrap_or_else(|error| panic!("pass {name}: {error}"));
        verify_pass(&graph, &next).unwrap_or_else(|errors| panic!("pass {name}:\n{}", lines(&errors)));
        graph = next;
    }
    verify_optimized(&graph).unwrap_or_else(|errors| panic!("after all passes:\n{}", lines(&errors)));
    graph
}

fn lines(errors: &[VerifyError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
