//! Cutting an equitably coloured graph into parts that can be ordered on their own.
//!
//! An edge between two cells tells nothing if every vertex of the one is joined to every vertex of the other equally
//! often: the colours already say so. Without those edges, and without vertices that are alone in their cells, a network
//! with many equal branches falls into one component a branch. An isomorphism maps components to components, and any
//! choice of isomorphisms between equal components makes one of the whole. So each component is ordered once, and
//! symmetry between components costs a sort, not a search.

use super::dag::{Dag, as_u32};
use super::partition::Partition;

/// The parts of one coloured graph.
#[derive(Debug)]
pub(crate) struct Components {
    /// The connected components of two or more vertices. All other vertices are joined, within their cells, to
    /// nothing that distinguishes them.
    pub(crate) parts: Vec<Component>,
}

/// One component as a graph of its own.
#[derive(Debug)]
pub(crate) struct Component {
    /// Its vertices, by their numbers in the whole graph. Position here is the number in `dag`.
    pub(crate) vertices: Vec<u32>,
    /// The telling edges between them.
    pub(crate) dag: Dag,
}

impl Components {
    /// Cuts a graph. The partition has to be equitable.
    pub(crate) fn of(dag: &Dag, partition: &Partition) -> Components {
        let telling = telling_edges(dag, partition);
        if telling.is_empty() {
            return Components { parts: Vec::new() };
        }
        let mut forest = Forest::new(dag.len());
        for &(input, user) in &telling {
            forest.join(input, user);
        }
        // Components in the order of their first vertex in the partition. Nothing depends on that order.
        let mut part_of_root: Vec<Option<usize>> = vec![None; dag.len()];
        let mut local = vec![0; dag.len()];
        let mut vertices: Vec<Vec<u32>> = Vec::new();
        let mut edges: Vec<Vec<(u32, u32)>> = Vec::new();
        for &(input, user) in &telling {
            for vertex in [input, user] {
                part_of_root[forest.root(vertex) as usize] = Some(usize::MAX);
            }
        }
        for &vertex in partition.members() {
            let root = forest.root(vertex) as usize;
            let Some(part) = &mut part_of_root[root] else { continue };
            if *part == usize::MAX {
                *part = vertices.len();
                vertices.push(Vec::new());
                edges.push(Vec::new());
            }
            local[vertex as usize] = as_u32(vertices[*part].len());
            vertices[*part].push(vertex);
        }
        for &(input, user) in &telling {
            let part = part_of_root[forest.root(input) as usize].expect("the vertices of telling edges have parts");
            edges[part].push((local[input as usize], local[user as usize]));
        }
        let parts = vertices.into_iter().zip(edges);
        let parts = parts.map(|(vertices, edges)| Component { dag: Dag::new(vertices.len(), &edges), vertices });
        Components { parts: parts.collect() }
    }

    /// The part that has more than half of all vertices that are in parts, if there is one.
    pub(crate) fn dominant(&self) -> Option<&Component> {
        let total: usize = self.parts.iter().map(|part| part.vertices.len()).sum();
        self.parts.iter().find(|part| 2 * part.vertices.len() > total)
    }
}

/// All edges, with repeats, between two cells that are not joined evenly.
fn telling_edges(dag: &Dag, partition: &Partition) -> Vec<(u32, u32)> {
    let mut edges: Vec<(u32, u32, u32, u32)> = Vec::new();
    for cell in partition.cells().filter(|cell| cell.len() > 1) {
        for &input in cell {
            let users = dag.users(input).iter().filter(|&&user| !partition.is_single(user));
            edges.extend(users.map(|&user| (partition.colour(input), partition.colour(user), input, user)));
        }
    }
    edges.sort_unstable();
    let mut telling = Vec::new();
    for between in edges.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let pairs = partition.length(between[0].0) * partition.length(between[0].1);
        let mut same = between.chunk_by(|a, b| (a.2, a.3) == (b.2, b.3));
        if !same.all(|same| same.len() * pairs == between.len()) {
            telling.extend(between.iter().map(|&(_, _, input, user)| (input, user)));
        }
    }
    telling
}

/// Disjoint sets of vertices.
pub(crate) struct Forest {
    parents: Vec<u32>,
}

impl Forest {
    /// Every vertex on its own.
    pub(crate) fn new(vertices: usize) -> Forest {
        Forest { parents: (0..as_u32(vertices)).collect() }
    }

    /// The vertex that stands for the set of `vertex`.
    pub(crate) fn root(&mut self, mut vertex: u32) -> u32 {
        while self.parents[vertex as usize] != vertex {
            let parent = self.parents[vertex as usize];
            self.parents[vertex as usize] = self.parents[parent as usize];
            vertex = parent;
        }
        vertex
    }

    /// Unites two sets.
    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a as usize] = b;
    }
}
