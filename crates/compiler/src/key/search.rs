//! The canonical order of a component that colour refinement cannot take apart: individualisation and refinement.
//!
//! Choose a cell, give one of its vertices a colour of its own, refine; repeat until the rest falls apart. Do so for every
//! vertex of the cell and keep the smallest result. The tree is kept small in the ways of McKay's nauty: a branch that
//! already looks larger than the best one is left; two equal leaves give a symmetry, and of vertices that a symmetry
//! exchanges only one is tried.

use std::cmp::Ordering as Compared;

use super::components::{Component, Components, Forest};
use super::dag::Dag;
use super::order::{Ordering, Symmetry, order_components};
use super::partition::Partition;

/// Orders a coloured graph that is one component.
pub(crate) fn order(dag: &Dag, partition: &Partition, whole: &Component) -> Ordering {
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
