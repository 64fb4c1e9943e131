//! The paper's mutation of one edge (section 3.1), one draw after the other.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::{Motif, SearchSpace};

/// How the new operation of a mutated edge is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MutationRule {
    /// Uniformly from the whole pool with none, so that it may equal the old one (the paper's).
    Uniform,
    /// Uniformly from the pool with none, without the old one.
    MustChange,
}

/// One mutated edge: where, what it carried and what it carries now.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// The level, from 2.
    pub level: usize,
    /// The motif, from 0.
    pub motif: usize,
    /// The node the edge comes from, from 1.
    pub from: usize,
    /// The node it goes to, from 1.
    pub to: usize,
    /// The operation before, from 0; `None` is none, no edge.
    pub old: Option<usize>,
    /// The operation after, from 0; `None` is none, no edge.
    pub new: Option<usize>,
}

impl Mutation {
    /// In words, with the names of the space: `level 2, motif 3: 1->4 Identity becomes Separable3x3`.
    pub fn describe(&self, space: &SearchSpace) -> String {
        let Mutation { level, motif, from, to, old, new } = *self;
        let name = |op: Option<usize>| op.map_or("none".to_owned(), |op| space.operation_name(level, op));
        format!("level {level}, motif {}: {from}->{to} {} becomes {}", motif + 1, name(old), name(new))
    }

    /// Draws a mutation of `levels`, `[level - 2][motif]`; every draw is uniform over its domain, in the paper's order.
    pub(crate) fn draw(
        space: &SearchSpace,
        levels: &[Vec<Motif>],
        rule: MutationRule,
        rng: &mut (impl Rng + ?Sized),
    ) -> Mutation {
        let level = if space.top() == 2 { 2 } else { uniform(2, space.top(), rng) };
        let motif = uniform(0, space.level(level).motifs - 1, rng);
        let to = uniform(2, space.level(level).nodes, rng);
        let from = uniform(1, to - 1, rng);
        let old = levels[level - 2][motif].operation(from, to);
        let new = match rule {
            MutationRule::Uniform => uniform(0, space.pool(level), rng),
            MutationRule::MustChange => {
                // One choice fewer; those from the old one on move up by one.
                let choice = uniform(0, space.pool(level) - 1, rng);
                let old = old.map_or(0, |op| op + 1);
                if choice < old { choice } else { choice + 1 }
            }
        };
        // 0 is none, as in the paper's adjacency matrix.
        Mutation { level, motif, from, to, old, new: new.checked_sub(1) }
    }

    /// Changes the edge in `levels`, from which it was drawn.
    pub(crate) fn apply(&self, levels: &mut [Vec<Motif>]) {
        levels[self.level - 2][self.motif].set(self.from, self.to, self.new);
    }
}

/// A uniform draw from `low ..= high`.
///
/// Always as `u32`: `rand` takes another number of bits for `usize` where that is 32 bits wide, and the same seed
/// has to give the same genotype everywhere.
fn uniform(low: usize, high: usize, rng: &mut (impl Rng + ?Sized)) -> usize {
    let bound = |value: usize| u32::try_from(value).expect("the limits of a search space fit into 32 bits");
    let drawn = rng.random_range(bound(low)..=bound(high));
    usize::try_from(drawn).expect("drawn below a usize")
}
