//! Which operations genotypes use, over the course of a search.

use hnas_genome::Genotype;
use hnas_ledger::Trial;

/// Windows that a search is divided into, at most.
const WINDOWS: usize = 25;

/// The operations on the edges of one level.
pub(crate) struct Usage {
    /// The level, from 2: its edges carry the operations of the level below.
    pub(crate) level: usize,
    /// Names of the operations.
    pub(crate) operations: Vec<String>,
    pub(crate) windows: Vec<Window>,
}

/// Some trials one after the other.
pub(crate) struct Window {
    /// The first and the last trial.
    pub(crate) trials: (u64, u64),
    /// Edges of their networks at this level. An edge counts once for each motif that holds it, however often the motif is used.
    pub(crate) edges: u64,
    /// The part of these edges that carries each operation; they sum to 1, or are all 0 without edges.
    pub(crate) shares: Vec<f64>,
}

/// The usage at each level, the cell's first. Only edges that are part of the network count: live ones of motifs that are
/// used. Trials of another search space than the first one's are left out.
pub(crate) fn usage(trials: &[Trial]) -> Vec<Usage> {
    let Some(first) = trials.first() else { return Vec::new() };
    let space = first.proposal.genotype.space();
    let of_space: Vec<&Trial> = trials.iter().filter(|trial| trial.proposal.genotype.space() == space).collect();
    let width = of_space.len().div_ceil(WINDOWS).max(1);
    let level = |level: usize| {
        let operations: Vec<String> = (0..space.pool(level)).map(|op| space.operation_name(level, op)).collect();
        let window = |trials: &[&Trial]| window(trials, level, operations.len());
        Usage { level, windows: of_space.chunks(width).map(window).collect(), operations }
    };
    (2..=space.top()).rev().map(level).collect()
}

fn window(trials: &[&Trial], level: usize, operations: usize) -> Window {
    let mut counts = vec![0_u64; operations];
    for trial in trials {
        for op in live_operations(&trial.proposal.genotype, level) {
            counts[op] += 1;
        }
    }
    let edges: u64 = counts.iter().sum();
    let share = |&count: &u64| if edges == 0 { 0.0 } else { count as f64 / edges as f64 };
    let id = |trial: Option<&&Trial>| trial.map_or(0, |trial| trial.proposal.id.0);
    Window { trials: (id(trials.first()), id(trials.last())), edges, shares: counts.iter().map(share).collect() }
}

/// The operations on all edges of `level` that are part of the network.
fn live_operations(genotype: &Genotype, level: usize) -> Vec<usize> {
    let used = &genotype.used_motifs()[level - 2];
    let motifs = (0..used.len()).filter(|&motif| used[motif]);
    motifs.flat_map(|motif| genotype.live_edges(level, motif)).map(|edge| edge.op).collect()
}

#[cfg(test)]
mod tests {
    use hnas_genome::{Edge, Motif, SearchSpace};

    use super::*;

    #[test]
    fn only_edges_of_the_network_count() {
        // The trivial genotype: a chain of the first motif, itself a chain of identities. No other motif is used.
        let space = SearchSpace::hierarchical();
        let chain = Genotype::identity_chain(&space);
        let identity = chain.motif(2, 0).operation(1, 2).unwrap();
        assert_eq!(live_operations(&chain, 3), [0, 0, 0, 0]);
        assert_eq!(live_operations(&chain, 2), [identity; 3]);

        // The cell: motif 1 from source to sink, and a motif 2 that leads to node 2 and no further.
        let edge = |from, to, op| Edge { from, to, op };
        let cell = Motif::new(5, [edge(1, 5, 0), edge(1, 2, 1)]).unwrap();
        let genotype = Genotype::new(space, vec![chain.motifs(2).to_vec(), vec![cell]]).unwrap();
        assert_eq!(live_operations(&genotype, 3), [0]);
        assert_eq!(live_operations(&genotype, 2), [identity; 3], "motif 2 is not used");
    }
}
