//! The canonical order of a labelled directed acyclic multigraph.
//!
//! Colour refinement first: nearly every network is told apart down to its last vertex by it, but for branches that are
//! equal. Those fall into [`Components`], each ordered on its own. A component that neither tells apart goes to
//! [`search`](super::search), which tries its vertices and keeps the smallest description.

use std::ops::Range;

use super::components::Components;
use super::dag::{Dag, as_u32};
use super::partition::Partition;
use super::search;

/// An order of the vertices of a coloured graph that depends on the coloured graph only: equal graphs have equal
/// [certificates](Dag::certificate) in their orders.
#[derive(Debug)]
pub(crate) struct Ordering {
    /// The vertices in order, cell after cell of the partition it was made for.
    pub(crate) vertices: Vec<u32>,
    /// Symmetries of the coloured graph met on the way.
    pub(crate) symmetries: Vec<Symmetry>,
}

/// A permutation of the vertices that keeps colours and edges: each moved vertex and where it goes.
pub(crate) type Symmetry = Vec<(u32, u32)>;

/// The canonical order of the graph whose vertex `v` has label `labels[v]`. Inputs have to be given before users.
pub(crate) fn canonical_order<L: Ord>(labels: &[L], dag: &Dag) -> Vec<u32> {
    let mut depths: Vec<u32> = vec![0; labels.len()];
    for vertex in 0..as_u32(labels.len()) {
        let above = dag.inputs(vertex).iter().map(|&input| depths[input as usize] + 1);
        depths[vertex as usize] = above.max().unwrap_or(0);
    }
    let initial = |vertex: u32| (depths[vertex as usize], &labels[vertex as usize]);
    let mut partition = Partition::new(labels.len(), |a, b| initial(a).cmp(&initial(b)));
    partition.refine(dag);
    order(dag, &partition).vertices
}

/// Orders a coloured graph. The partition has to be equitable.
pub(crate) fn order(dag: &Dag, partition: &Partition) -> Ordering {
    let components = Components::of(dag, partition);
    match components.parts.as_slice() {
        [part] if part.vertices.len() == dag.len() => search::order(dag, partition, part),
        [] | [_] | [_, _, ..] => order_components(dag, partition, components),
    }
}

/// Orders each component, sorts the components, and orders the vertices by cell, then component, then place in it.
pub(crate) fn order_components(dag: &Dag, partition: &Partition, components: Components) -> Ordering {
    let mut parts: Vec<(Vec<u32>, Vec<u32>)> = Vec::with_capacity(components.parts.len());
    let mut symmetries: Vec<Symmetry> = Vec::new();
    for part in components.parts {
        let whole = |local: u32| part.vertices[local as usize];
        let colour = |local: u32| partition.colour(whole(local));
        let mut inner = Partition::new(part.vertices.len(), |a, b| colour(a).cmp(&colour(b)));
        inner.refine(&part.dag);
        let inner = order(&part.dag, &inner);
        let certificate = part.dag.certificate(&inner.vertices, colour);
        parts.push((certificate, inner.vertices.iter().map(|&local| whole(local)).collect()));
        let lifted = |symmetry: Symmetry| symmetry.into_iter().map(|(a, b)| (whole(a), whole(b))).collect();
        symmetries.extend(inner.symmetries.into_iter().map(lifted));
    }
    parts.sort_unstable();
    // Equal components change places, and so do vertices of one cell that are in none.
    for pair in parts.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        symmetries.push(swap(&pair[0].1, &pair[1].1));
    }
    let mut rank = vec![None; dag.len()];
    for (part, (_, vertices)) in (0..).zip(&parts) {
        for (place, &vertex) in (0..).zip(vertices) {
            rank[vertex as usize] = Some((part, place));
        }
    }
    let mut vertices = partition.members().to_vec();
    for cell in cells(partition) {
        let cell = &mut vertices[cell];
        if rank[cell[0] as usize].is_some() {
            cell.sort_unstable_by_key(|&vertex: &u32| rank[vertex as usize]);
        } else {
            symmetries.extend(cell.windows(2).map(|pair| swap(&pair[..1], &pair[1..])));
        }
    }
    Ordering { vertices, symmetries }
}

/// The places of each cell.
fn cells(partition: &Partition) -> impl Iterator<Item = Range<usize>> {
    partition.cells().scan(0, |start, cell| {
        *start += cell.len();
        Some(*start - cell.len()..*start)
    })
}

fn swap(these: &[u32], those: &[u32]) -> Symmetry {
    these.iter().zip(those).flat_map(|(&a, &b)| [(a, b), (b, a)]).collect()
}
