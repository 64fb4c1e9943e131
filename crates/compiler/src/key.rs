//! The canonical key of a network: the same network has the same key, another network another one (invariant C5).
//!
//! What is called the same: after the passes, two graphs with the same operations, attributes and shapes, connected in
//! the same way. Names of motifs, order of nodes, unused motifs, dead edges, nesting of concatenations, and how the
//! network was divided into motifs are gone by then. The order of the inputs of a concatenation or a sum does not count;
//! [`form`] says why, and where it does.
//!
//! The key is SHA-256 over a complete description of the graph in a canonical order of its nodes, not over some of its
//! properties: whoever has the description can draw the network again. It is found in four steps, a file each below
//! [`order`]: refine colours, cut into components, search what is left.

mod components;
mod dag;
mod form;
mod network_key;
mod order;
mod partition;
mod search;

pub use network_key::{NetworkKey, NetworkKeyError};

use sha2::{Digest, Sha256};

use crate::{Graph, optimize};

/// What the description begins with. Keys are kept in ledgers: another description needs another number here.
const FORMAT: &[u8] = b"hnas network 1\n";

impl Graph {
    /// The canonical key of the network (invariant C5). That of a plain graph is that of its optimised form.
    pub fn key(&self) -> NetworkKey {
        let mut hasher = Sha256::new();
        hasher.update(FORMAT);
        for word in form::canonical_form(&optimize(self.clone())) {
            hasher.update(word.to_le_bytes());
        }
        NetworkKey::new(hasher.finalize().into())
    }
}
