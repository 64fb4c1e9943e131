//! The canonical order of a labelled directed acyclic multigraph.
//!
//! Colour refinement first: nearly every network is told apart down to its last vertex by it, but for branches that are
//! equal. Those fall into [`Components`], each ordered on its own. A component that neither tells apart is searched:
//! choose a cell, give one of its vertices a colour of its own, refine; repeat until the rest falls apart. Do so for every
//! vertex of the cell and keep the smallest result. The tree is kept small in the ways of McKay's nauty: a branch that
//! already looks larger than the best one is left; two equal leaves give a symmetry, and of vertices that a symmetry
//! exchanges only one is tried.

use std::cmp::Ordering as Compared;
use std::ops::Range;

use super::components::{Component, Components, Forest};
use super::dag::{Dag, as_u32};
use super::partition::Partition;

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
fn order(dag: &Dag, partition: &Partition) -> Ordering {
    let components = Components::of(dag, partition);
    match components.parts.as_slice() {
        [part] if part.vertices.len() == dag.len() => search(dag, partition, part),
        [] | [_] | [_, _, ..] => order_components(dag, partition, components),
    }
}

/// Orders each component, sorts the components, and orders the vertices by cell, then component, then place in it.
fn order_components(dag: &Dag, partition: &Partition, components: Components) -> Ordering {
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

/// Orders a coloured graph that is one component which refinement cannot take apart.
fn search(dag: &Dag, partition: &Partition, whole: &Component) -> Ordering {
    let mut search = Search { dag, path: Vec::new(), traces: Vec::new(), best: None, symmetries: Vec::new() };
    search.descend(partition, whole);
    let best = search.best.expect("a component has vertices, so the search reaches a leaf");
    Ordering { vertices: best.vertices, symmetries: search.symmetries }
}

struct Search<'a> {
    dag: &'a Dag,
    /// The vertices individualised so far.
    path: Vec<u32>,
    /// For each of them, what the partition looked like afterwards: equal for branches that a symmetry exchanges.
    traces: Vec<Vec<u32>>,
    best: Option<Leaf>,
    symmetries: Vec<Symmetry>,
}

/// The leaf with the smallest traces and certificate so far.
struct Leaf {
    path: Vec<u32>,
    traces: Vec<Vec<u32>>,
    certificate: Vec<u32>,
    vertices: Vec<u32>,
}

impl Search<'_> {
    /// Explores the tree below a partition, whose largest component is `part`. Returns the number of individualised
    /// vertices to go back to: the present one, or fewer if everything below that has been seen in another guise.
    fn descend(&mut self, partition: &Partition, part: &Component) -> usize {
        let level = self.path.len();
        let mut tried: Vec<u32> = Vec::new();
        for vertex in target_cell(partition, part) {
            if self.is_tried(&tried, vertex) {
                continue;
            }
            tried.push(vertex);
            let mut child = partition.clone();
            child.individualise(self.dag, vertex);
            let components = Components::of(self.dag, &child);
            let dominant = components.dominant();
            self.path.push(vertex);
            self.traces.push(trace(self.dag, &child, dominant.is_some()));
            let back = if self.compare_traces().is_gt() {
                level
            } else if let Some(part) = dominant {
                self.descend(&child, part)
            } else {
                self.leaf(&child, components)
            };
            self.path.truncate(level);
            self.traces.truncate(level);
            if back < level {
                return back;
            }
        }
        level
    }

    /// Whether a known symmetry that fixes the path brings `vertex` to one that was tried.
    fn is_tried(&self, tried: &[u32], vertex: u32) -> bool {
        if tried.is_empty() {
            return false;
        }
        let mut orbits = Forest::new(self.dag.len());
        for symmetry in &self.symmetries {
            if symmetry.iter().all(|(moved, _)| !self.path.contains(moved)) {
                for &(from, to) in symmetry {
                    orbits.join(from, to);
                }
            }
        }
        let orbit = orbits.root(vertex);
        tried.iter().any(|&tried| orbits.root(tried) == orbit)
    }

    /// The present traces against the first ones of the best leaf; without one, anything is an improvement.
    fn compare_traces(&self) -> Compared {
        let Some(best) = &self.best else { return Compared::Less };
        let length = self.traces.len().min(best.traces.len());
        self.traces.as_slice().cmp(&best.traces[..length])
    }

    /// Orders what is left, which has fallen apart, and compares it with the best leaf. Returns as `descend` does.
    fn leaf(&mut self, partition: &Partition, components: Components) -> usize {
        let Ordering { vertices, symmetries } = order_components(self.dag, partition, components);
        // Every order respects the partition the search began with, so colours need no comparison.
        let certificate = self.dag.certificate(&vertices, |_| 0);
        let compared = match &self.best {
            Some(best) => self.compare_traces().then_with(|| certificate.cmp(&best.certificate)),
            None => Compared::Less,
        };
        match (compared, &self.best) {
            (Compared::Equal, Some(best)) => {
                // Both orders refine the partition at the fork, so the symmetry fixes the common path and exchanges the
                // two branches there: the whole branch is a copy of the one that was finished before.
                let pairs = best.vertices.iter().copied().zip(vertices);
                self.symmetries.push(pairs.filter(|(from, to)| from != to).collect());
                return self.path.iter().zip(&best.path).take_while(|(a, b)| a == b).count();
            }
            (Compared::Less, _) | (Compared::Equal, None) => {
                let (path, traces) = (self.path.clone(), self.traces.clone());
                self.best = Some(Leaf { path, traces, certificate, vertices });
            }
            (Compared::Greater, _) => {}
        }
        self.symmetries.extend(symmetries);
        self.path.len() - 1
    }
}

/// The vertices of `part` of one cell: the first of those cells that have the fewest.
fn target_cell(partition: &Partition, part: &Component) -> Vec<u32> {
    let mut vertices = part.vertices.clone();
    vertices.sort_unstable_by_key(|&vertex| partition.colour(vertex));
    let cells = vertices.chunk_by(|&a, &b| partition.colour(a) == partition.colour(b));
    cells.min_by_key(|cell| cell.len()).map(<[u32]>::to_vec).unwrap_or_default()
}

/// What an equitable partition looks like without its vertices' numbers: for each cell its size and, from any one of
/// its vertices, the cells of the inputs.
fn trace(dag: &Dag, partition: &Partition, is_inner: bool) -> Vec<u32> {
    let mut trace = vec![u32::from(is_inner)];
    for cell in partition.cells() {
        trace.push(partition.length(partition.colour(cell[0])).try_into().expect("a cell is part of a graph"));
        let first = trace.len();
        trace.extend(dag.inputs(cell[0]).iter().map(|&input| partition.colour(input)));
        trace[first..].sort_unstable();
        // Ends the list, so that traces can only differ where they mean different things.
        trace.push(u32::MAX);
    }
    trace
}
