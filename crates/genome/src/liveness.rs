//! Which edges and motifs take part in the network: those on a path from source to sink when everything is expanded.
//!
//! A motif whose sink cannot be reached from its source gives nothing, so an edge that carries it works like no edge.
//! What works is therefore computed from the bottom up, what is used from the top down.

use crate::{Edge, Motif};

/// For each level and motif, `[level - 2][motif]`: is its sink reachable from its source when expanded?
///
/// Operations must exist (G2).
pub(crate) fn working(levels: &[Vec<Motif>]) -> Vec<Vec<bool>> {
    let mut working: Vec<Vec<bool>> = Vec::with_capacity(levels.len());
    for motifs in levels {
        let below = working.last().map(Vec::as_slice);
        working.push(motifs.iter().map(|motif| !live_edges(motif, below).is_empty()).collect());
    }
    working
}

/// The edges of `motif` on a path from its source to its sink, in the order of [`Motif::edges`]; none if there is no
/// such path. `below` says which operations of the level below work; `None` stands for the primitives, which all do.
pub(crate) fn live_edges(motif: &Motif, below: Option<&[bool]>) -> Vec<Edge> {
    let works = |edge: &Edge| below.is_none_or(|below| below[edge.op]);
    let mut edges: Vec<Edge> = motif.edges().filter(works).collect();
    let mut from_source = vec![false; motif.nodes() + 1];
    from_source[1] = true;
    // Edges come ordered by the node they go to, so one sweep each way is enough.
    for edge in &edges {
        from_source[edge.to] |= from_source[edge.from];
    }
    let mut to_sink = vec![false; motif.nodes() + 1];
    to_sink[motif.nodes()] = true;
    for edge in edges.iter().rev() {
        to_sink[edge.from] |= to_sink[edge.to];
    }
    edges.retain(|edge| from_source[edge.from] && to_sink[edge.to]);
    edges
}

/// For each level and motif, `[level - 2][motif]`: does the cell, the first motif of the last level, use it?
pub(crate) fn used(levels: &[Vec<Motif>]) -> Vec<Vec<bool>> {
    let working = working(levels);
    let mut used: Vec<Vec<bool>> = levels.iter().map(|motifs| vec![false; motifs.len()]).collect();
    let top = levels.len() - 1;
    used[top][0] = working[top][0];
    for level in (1..=top).rev() {
        for index in 0..levels[level].len() {
            if used[level][index] {
                for edge in live_edges(&levels[level][index], Some(&working[level - 1])) {
                    used[level - 1][edge.op] = true;
                }
            }
        }
    }
    used
}
