//! Motifs: small directed acyclic graphs whose edges carry operations of the level below.

use thiserror::Error;

use crate::SearchSpace;

/// An edge of a motif that carries an operation. Nodes are numbered from 1, as in the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    /// The node it comes from.
    pub from: usize,
    /// The node it goes to.
    pub to: usize,
    /// The operation: an index, from 0, into the operations of the level below.
    pub op: usize,
}

/// A directed acyclic graph from node 1, its source, to the last node, its sink: the paper's `G_m^(l)` (section 2).
///
/// Invariant G1: an edge goes from a lower to a higher node, since only those have a place. Between two nodes there is
/// at most one edge. Node numbers are 1 to [`nodes`](Self::nodes), which is 2 to [`SearchSpace::MAX_NODES`]. Which operations exist is not
/// known here: [`Genotype`](crate::Genotype) checks it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Motif {
    nodes: usize,
    /// The upper triangle, row by row of the successor: 1->2, 1->3, 2->3, 1->4, ...
    operations: Vec<Option<usize>>,
}

impl Motif {
    /// A motif of `nodes` nodes and these edges, in any order; everything else carries none.
    ///
    /// # Errors
    /// If the number of nodes is out of range, or an edge does not go forward, leaves the nodes or is given twice.
    pub fn new(nodes: usize, edges: impl IntoIterator<Item = Edge>) -> Result<Motif, MotifError> {
        if !(2..=SearchSpace::MAX_NODES).contains(&nodes) {
            return Err(MotifError::NodeCount { count: nodes });
        }
        let mut motif = Motif { nodes, operations: vec![None; nodes * (nodes - 1) / 2] };
        for Edge { from, to, op } in edges {
            if !(1..=nodes).contains(&from) || !(1..=nodes).contains(&to) {
                return Err(MotifError::NodeOutOfRange { from, to, nodes });
            }
            if from >= to {
                return Err(MotifError::NotForward { from, to });
            }
            if motif.operation(from, to).is_some() {
                return Err(MotifError::Repeated { from, to });
            }
            motif.set(from, to, Some(op));
        }
        Ok(motif)
    }

    /// The chain 1 -> 2 -> ... -> `nodes`, every edge carrying `op`.
    ///
    /// # Panics
    /// If `nodes` is not 2 to [`SearchSpace::MAX_NODES`].
    pub fn chain(nodes: usize, op: usize) -> Motif {
        let edges = (2..=nodes).map(|to| Edge { from: to - 1, to, op });
        Motif::new(nodes, edges).expect("a chain is asked for with a possible number of nodes")
    }

    /// Number of nodes, source and sink included.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The operation between two nodes; `None` is the paper's none, no edge.
    ///
    /// # Panics
    /// If not `1 <= from < to <= nodes`.
    pub fn operation(&self, from: usize, to: usize) -> Option<usize> {
        self.operations[self.place(from, to)]
    }

    /// The edges that carry an operation, ordered by the node they go to, then by the one they come from.
    pub fn edges(&self) -> impl Iterator<Item = Edge> + '_ {
        let places = (2..=self.nodes).flat_map(|to| (1..to).map(move |from| (from, to)));
        places.zip(&self.operations).filter_map(|((from, to), op)| op.map(|op| Edge { from, to, op }))
    }

    /// Puts an operation, or none, between two nodes. Every value of `from < to` keeps the invariant.
    pub(crate) fn set(&mut self, from: usize, to: usize, op: Option<usize>) {
        let place = self.place(from, to);
        self.operations[place] = op;
    }

    fn place(&self, from: usize, to: usize) -> usize {
        assert!(
            1 <= from && from < to && to <= self.nodes,
            "no edge {from} -> {to} in a motif of {} nodes",
            self.nodes
        );
        (to - 1) * (to - 2) / 2 + from - 1
    }
}

/// What is wrong with a motif. Nodes are numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MotifError {
    /// Too few nodes for a source and a sink, or too many.
    #[error("the number of nodes is {count}, not 2 to {}", SearchSpace::MAX_NODES)]
    NodeCount {
        /// Nodes asked for.
        count: usize,
    },
    /// A node of an edge does not exist.
    #[error("edge {from} -> {to} leaves the motif, whose nodes are 1 to {nodes}")]
    NodeOutOfRange {
        /// The node it comes from.
        from: usize,
        /// The node it goes to.
        to: usize,
        /// Nodes of the motif.
        nodes: usize,
    },
    /// An edge to its own or to an earlier node (G1).
    #[error("edge {from} -> {to} does not go forward")]
    NotForward {
        /// The node it comes from.
        from: usize,
        /// The node it goes to.
        to: usize,
    },
    /// Two edges between the same nodes.
    #[error("edge {from} -> {to} is given twice")]
    Repeated {
        /// The node it comes from.
        from: usize,
        /// The node it goes to.
        to: usize,
    },
}
