//! Search spaces: which primitives, how many levels, motifs and nodes, and how inputs of a node are merged.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Primitive;

/// How a node merges its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Merge {
    /// Concatenation along channels (the paper's).
    Concat,
    /// Sum; all inputs need the same width.
    Sum,
}

/// One level above the primitives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Number of motifs of this level; 1 at the top.
    pub motifs: usize,
    /// Nodes of each motif, source and sink included; at least 2.
    pub nodes: usize,
    /// Primitive applied after each motif of this level (the paper: `Some(Conv1x1)` after level 2, when L = 3).
    pub followed_by: Option<Primitive>,
}

/// A search space. Invariant: at least one primitive, none twice, `Identity` among them (the trivial genotype needs it);
/// at least one level; every level has at least one motif and two nodes; the top level has exactly one motif.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawSearchSpace", into = "RawSearchSpace")]
pub struct SearchSpace {
    primitives: Vec<Primitive>,
    levels: Vec<Level>,
    merge: Merge,
}
