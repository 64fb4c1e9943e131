//! NAS-Bench-101 (Ying et al., 2019) counts the different cells of its space: 423,624. The key has to find them all, no
//! more and no fewer (C5).
//!
//! A cell has 2 to 7 vertices and at most 9 edges, every vertex lies on a path from the first, the input, to the last, the
//! output, and each vertex between them has one of three operations, applied to the sum of what comes in.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use hnas_compiler::{Graph, GraphBuilder, GraphError, NetworkKey, NodeId, Op, Shape};
use rayon::prelude::*;

const MAX_EDGES: u32 = 9;
const CHANNELS: usize = 8;
const OPS: [Op; 3] = [
    Op::Conv { kernel: 1, stride: 1, channels: CHANNELS },
    Op::Conv { kernel: 3, stride: 1, channels: CHANNELS },
    Op::Depthwise { stride: 1 },
];

/// Edges of a cell: bit `7 * from + to`, where `from < to`.
#[derive(Clone, Copy)]
struct Cell {
    vertices: usize,
    edges: u64,
}

impl Cell {
    fn has(self, from: usize, to: usize) -> bool {
        self.edges >> (7 * from + to) & 1 == 1
    }

    /// All cells of so many vertices with every vertex on a path from the first to the last.
    fn all(vertices: usize) -> Vec<Cell> {
        let places: Vec<(usize, usize)> = (1..vertices).flat_map(|to| (0..to).map(move |from| (from, to))).collect();
        let subsets = (0u32..1 << places.len()).filter(|subset| subset.count_ones() <= MAX_EDGES);
        let cells = subsets.map(|subset| {
            let chosen = places.iter().enumerate().filter(|(place, _)| subset >> place & 1 == 1);
            let edges = chosen.fold(0, |edges, (_, (from, to))| edges | 1 << (7 * from + to));
            Cell { vertices, edges }
        });
        cells.filter(|cell| cell.is_connected()).collect()
    }

    /// Since edges go forward, every vertex lies on a path if it has an input, but for the first, and a user, but for the last.
    fn is_connected(self) -> bool {
        let last = self.vertices - 1;
        (1..=last).all(|to| (0..to).any(|from| self.has(from, to)))
            && (0..last).all(|from| (from + 1..=last).any(|to| self.has(from, to)))
    }

    /// The smallest adjacency matrix over all orders of the inner vertices: equal exactly for cells that are the same but
    /// for operations.
    fn pattern(self, permutations: &[Vec<usize>]) -> u64 {
        let pairs = || (1..self.vertices).flat_map(|to| (0..to).map(move |from| (from, to)));
        let edges: Vec<(usize, usize)> = pairs().filter(|&(from, to)| self.has(from, to)).collect();
        let moved = permutations.iter().map(|p| edges.iter().fold(0, |m, &(from, to)| m | 1 << (7 * p[from] + p[to])));
        moved.min().expect("there is at least one order")
    }

    /// The network; `operations` in base 3 says what the inner vertices do.
    fn graph(self, operations: usize) -> Result<Graph, GraphError> {
        let mut builder = GraphBuilder::new(Shape::new(CHANNELS, 8, 8))?;
        let mut values: Vec<NodeId> = vec![builder.input()];
        let mut rest = operations;
        for to in 1..self.vertices {
            let inputs: Vec<NodeId> = (0..to).filter(|&from| self.has(from, to)).map(|from| values[from]).collect();
            let merged = if inputs.len() == 1 { inputs[0] } else { builder.push(Op::Sum, inputs)? };
            let is_output = to + 1 == self.vertices;
            values.push(if is_output { merged } else { builder.push(OPS[rest % 3], [merged])? });
            rest /= 3;
        }
        builder.finish(values[self.vertices - 1])
    }

    fn key(self, operations: usize) -> NetworkKey {
        self.graph(operations).expect("all feature maps have one shape").key()
    }
}

/// All orders of the vertices that leave the first and the last where they are.
fn permutations(vertices: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![0]];
    for _ in 1..vertices - 1 {
        let longer = |order: &Vec<usize>| {
            let free = (1..vertices - 1).filter(|vertex| !order.contains(vertex));
            free.map(|vertex| [order.as_slice(), &[vertex]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all.iter().map(|order| [order.as_slice(), &[vertices - 1]].concat()).collect()
}

#[test]
fn c5_the_key_finds_exactly_the_423624_networks_of_nas_bench_101() {
    let start = Instant::now();
    let mut counts = Vec::new();
    for vertices in 2..=7 {
        let cells = Cell::all(vertices);
        let permutations = permutations(vertices);
        let patterns: Vec<u64> = cells.par_iter().map(|cell| cell.pattern(&permutations)).collect();
        // One cell of each pattern with all operations gives every network; this does not rely on the key.
        let mut first_of: HashMap<u64, Cell> = HashMap::new();
        for (&cell, &pattern) in cells.iter().zip(&patterns) {
            first_of.entry(pattern).or_insert(cell);
        }
        let choices = OPS.len().pow(u32::try_from(vertices - 2).expect("at most 5"));
        let firsts: Vec<Cell> = first_of.into_values().collect();
        let keys: HashSet<NetworkKey> =
            firsts.par_iter().flat_map_iter(|cell| (0..choices).map(|operations| cell.key(operations))).collect();
        // Every other cell is one of those networks with its vertices in another order.
        let strangers = cells.par_iter().enumerate().filter(|(index, cell)| !keys.contains(&cell.key(index % choices)));
        assert_eq!(strangers.count(), 0, "{vertices} vertices: keys that no cell with the same pattern has");
        println!(
            "{vertices} vertices: {} matrices, {} patterns, {} labelled, {} keys",
            cells.len(),
            firsts.len(),
            firsts.len() * choices,
            keys.len()
        );
        counts.push(keys.len());
    }
    println!("took {:.1} s on {} threads", start.elapsed().as_secs_f64(), rayon::current_num_threads());
    assert_eq!(counts, [1, 6, 84, 2441, 62010, 359_082]);
    assert_eq!(counts.iter().sum::<usize>(), 423_624);
}
