//! The canonical key of a network: the same network has the same key, another network another one (invariant C5).
//!
//! What is called the same: after the passes, two graphs with the same operations, attributes and shapes, connected in
//! the same way. Names of motifs, order of nodes, unused motifs, dead edges, nesting of concatenations, and how the
//! network was divided into motifs are gone by then. The order of the inputs of a concatenation or a sum does not count;
//! [`form`] says why, and where it does.
//!
//! The passes leave nested what would be a merge of more than 4096 inputs; how such a giant is nested does count.
//!
//! The key is SHA-256 over a complete description of the graph in a canonical order of its nodes, not over some of its
//! properties: [`Graph::canonical`] builds the network from it again. The order is found in three steps, a file each
//! below [`order`]: refine colours, cut into components, search what is left.

mod components;
mod dag;
mod form;
mod network_key;
mod order;
mod partition;
mod rebuild;

pub use network_key::{NetworkKey, NetworkKeyError};

use sha2::{Digest, Sha256};

use crate::{Graph, optimize};
use form::Form;

/// What the description begins with. Keys are kept in ledgers: another description needs another number here.
const FORMAT: &[u8] = b"hnas network 1\n";

impl Graph {
    /// The canonical key of the network (invariant C5). That of a plain graph is that of its optimised form.
    pub fn key(&self) -> NetworkKey {
        let mut hasher = Sha256::new();
        hasher.update(FORMAT);
        for word in Form::of(&optimize(self.clone())).words() {
            hasher.update(word.to_le_bytes());
        }
        NetworkKey::new(hasher.finalize().into())
    }

    /// The optimised graph with nodes, inputs of merges and parameter sets in canonical order: networks with one key
    /// become one and the same graph, so that what is made of it, down to the random numbers of each layer, is the same.
    ///
    /// It computes what this graph computes up to the order of channels inside, and its parameter sets have other
    /// numbers, so weights cannot be carried over by number.
    pub fn canonical(&self) -> Graph {
        rebuild::rebuild(&Form::of(&optimize(self.clone())), self.input_shape())
    }
}
