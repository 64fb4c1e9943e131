//! The key of networks made to be hard: highly symmetric ones, and pairs that colour refinement cannot tell apart (C5).
//!
//! A naive search takes k! steps for k equal branches: these tests would not end.

use std::collections::HashSet;
use std::time::Instant;

use hnas_compiler::{Graph, GraphBuilder, NetworkKey, NodeId, Op, Shape};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use isomorphism::Network;
use renumber::renumbered;

mod isomorphism;
mod renumber;

const CONV1: Op = Op::Conv { kernel: 1, stride: 1, channels: 4 };
const CONV3: Op = Op::Conv { kernel: 3, stride: 1, channels: 4 };

/// Builds graphs whose operations always fit.
struct Sketch(GraphBuilder);

impl Sketch {
    fn new() -> Sketch {
        Sketch(GraphBuilder::new(Shape::new(4, 8, 8)).expect("a small shape"))
    }

    fn input(&self) -> NodeId {
        self.0.input()
    }

    fn apply(&mut self, op: Op, input: NodeId) -> NodeId {
        self.0.push(op, [input]).expect("the operation fits")
    }

    fn concat(&mut self, inputs: impl IntoIterator<Item = NodeId>) -> NodeId {
        self.0.push(Op::Concat, inputs).expect("all feature maps have one size")
    }

    /// The same operation on the same input, `count` times.
    fn many(&mut self, op: Op, input: NodeId, count: usize) -> Vec<NodeId> {
        (0..count).map(|_| self.apply(op, input)).collect()
    }

    fn finish(mut self, outputs: impl IntoIterator<Item = NodeId>) -> Graph {
        let output = self.concat(outputs);
        self.0.finish(output).expect("the output was just added")
    }
}

/// `vertices` equal convolutions, and for each set of them one convolution over their concatenation.
fn hypergraph(vertices: usize, sets: &[Vec<usize>]) -> Graph {
    let mut sketch = Sketch::new();
    let input = sketch.input();
    let points = sketch.many(CONV1, input, vertices);
    let mut outputs = Vec::new();
    for set in sets {
        let merged = sketch.concat(set.iter().map(|&vertex| points[vertex]));
        outputs.push(sketch.apply(CONV3, merged));
    }
    sketch.finish(outputs)
}

/// Cycles of these lengths, as edges between vertices.
fn cycles(lengths: &[usize]) -> Graph {
    let mut sets = Vec::new();
    let mut first = 0;
    for &length in lengths {
        sets.extend((0..length).map(|i| vec![first + i, first + (i + 1) % length]));
        first += length;
    }
    hypergraph(first, &sets)
}

/// The edges of a graph on a 4 x 4 torus whose vertices are joined when they differ by one of these steps.
fn torus(steps: &[(usize, usize)]) -> Graph {
    let mut sets: HashSet<Vec<usize>> = HashSet::new();
    for (row, column) in (0..4).flat_map(|row| (0..4).map(move |column| (row, column))) {
        for (down, right) in steps {
            let mut edge = vec![4 * row + column, 4 * ((row + down) % 4) + (column + right) % 4];
            edge.sort_unstable();
            sets.insert(edge);
        }
    }
    let mut sets: Vec<Vec<usize>> = sets.into_iter().collect();
    sets.sort_unstable();
    hypergraph(16, &sets)
}

/// The key, after checking that it is the same for other orders of nodes and inputs.
fn stable_key(name: &str, graph: &Graph) -> NetworkKey {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let start = Instant::now();
    let key = graph.key();
    println!("{name}: {} nodes, {:.1} ms", graph.nodes().len(), start.elapsed().as_secs_f64() * 1e3);
    let canonical = graph.canonical();
    for _ in 0..5 {
        let other = renumbered(graph, &mut rng);
        assert_eq!(other.key(), key, "{name}: the key depends on the order of nodes");
        assert_eq!(other.canonical(), canonical, "{name}: the canonical graph depends on the order of nodes");
    }
    assert_eq!(canonical.key(), key, "{name}: the canonical graph is another network");
    key
}

/// Checks each, and that no two have the same key. That they differ is confirmed by VF2 where it comes to an end.
fn all_differ(graphs: impl IntoIterator<Item = (String, Graph)>) {
    let graphs: Vec<(String, Graph)> = graphs.into_iter().collect();
    let keys: HashSet<NetworkKey> = graphs.iter().map(|(name, graph)| stable_key(name, graph)).collect();
    assert_eq!(keys.len(), graphs.len(), "different networks with the same key");
    let networks: Vec<Network> = graphs.iter().map(|(_, graph)| Network::new(graph)).collect();
    for (index, network) in networks.iter().enumerate() {
        for (other, name) in networks[..index].iter().zip(&graphs) {
            let same = network.is_same(other);
            assert_ne!(same, Some(true), "{} and {} are the same network", graphs[index].0, name.0);
            if same.is_none() {
                println!("{} and {}: VF2 gave up", graphs[index].0, name.0);
            }
        }
    }
}

#[test]
fn c5_equal_parallel_branches() {
    let branches = |count: usize, length: usize| {
        let mut sketch = Sketch::new();
        let input = sketch.input();
        let mut ends = vec![input; count];
        for step in 0..length {
            let op = [CONV1, Op::Depthwise { stride: 1 }, CONV3][step % 3];
            ends = ends.into_iter().map(|end| sketch.apply(op, end)).collect();
        }
        sketch.finish(ends)
    };
    let sizes = [(29, 1), (30, 1), (30, 2), (30, 5), (31, 5), (100, 3)];
    all_differ(sizes.map(|(count, length)| (format!("{count} chains of {length}"), branches(count, length))));
}

#[test]
fn c5_products_and_trees_of_symmetric_blocks() {
    let series = |widths: &[usize]| {
        let mut sketch = Sketch::new();
        let mut value = sketch.input();
        for &width in widths {
            let branches = sketch.many(CONV1, value, width);
            let branches: Vec<NodeId> = branches.into_iter().map(|branch| sketch.apply(CONV3, branch)).collect();
            value = sketch.concat(branches);
        }
        let last = sketch.many(CONV1, value, 3);
        sketch.finish(last)
    };
    let tree = |branching: usize, depth: usize| {
        let mut sketch = Sketch::new();
        let mut leaves = vec![sketch.input()];
        for _ in 0..depth {
            leaves = leaves.into_iter().flat_map(|leaf| sketch.many(CONV1, leaf, branching)).collect();
        }
        sketch.finish(leaves)
    };
    all_differ([
        ("6 blocks of 8".to_owned(), series(&[8; 6])),
        ("blocks of 8 and 9".to_owned(), series(&[8, 8, 9, 7, 8, 8])),
        ("blocks of 8 and 9 in another order".to_owned(), series(&[8, 9, 8, 7, 8, 8])),
        ("tree of 3^4".to_owned(), tree(3, 4)),
        ("tree of 2^6".to_owned(), tree(2, 6)),
    ]);
}

#[test]
fn c5_grids_whose_symmetries_are_products_of_permutations() {
    let grid = |rows: usize, columns: usize, of_columns: Op| {
        let mut sketch = Sketch::new();
        let input = sketch.input();
        let (rows, columns) = (sketch.many(CONV1, input, rows), sketch.many(of_columns, input, columns));
        let mut outputs = Vec::new();
        for (row, column) in rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column))) {
            let merged = sketch.concat([*row, *column]);
            outputs.push(sketch.apply(CONV3, merged));
        }
        sketch.finish(outputs)
    };
    all_differ([
        ("8 x 8, rows unlike columns".to_owned(), grid(8, 8, CONV3)),
        ("8 x 8, rows like columns".to_owned(), grid(8, 8, CONV1)),
        ("7 x 9".to_owned(), grid(7, 9, CONV1)),
        ("9 x 7, rows unlike columns".to_owned(), grid(9, 7, CONV3)),
    ]);
}

#[test]
fn c5_layers_where_every_node_looks_alike() {
    let all_pairs = |n: usize| (0..n).flat_map(|a| (0..a).map(move |b| vec![a, b])).collect::<Vec<_>>();
    let all_but_one = |n: usize| (0..n).map(|i| (0..n).filter(|&j| j != i).collect()).collect::<Vec<_>>();
    let circulant =
        |n: usize, steps: [usize; 3]| (0..n).map(|i| steps.map(|s| (i + s) % n).to_vec()).collect::<Vec<_>>();
    let fano = circulant(7, [0, 1, 3]);
    // Two copies of a symmetric layer that share nothing but input and output.
    let twice =
        fano.iter().cloned().chain(fano.iter().map(|set| set.iter().map(|i| i + 7).collect())).collect::<Vec<_>>();
    all_differ([
        ("all pairs of 9".to_owned(), hypergraph(9, &all_pairs(9))),
        ("all but one of 14".to_owned(), hypergraph(14, &all_but_one(14))),
        ("Fano plane".to_owned(), hypergraph(7, &fano)),
        ("two Fano planes".to_owned(), hypergraph(14, &twice)),
        ("14 points, difference set of a 14-cycle".to_owned(), hypergraph(14, &circulant(14, [0, 1, 3]))),
        ("circulant 24".to_owned(), hypergraph(24, &circulant(24, [0, 1, 5]))),
        ("another circulant 24".to_owned(), hypergraph(24, &circulant(24, [0, 1, 7]))),
    ]);
}

#[test]
fn c5_pairs_that_colour_refinement_cannot_tell_apart() {
    all_differ([("two 3-cycles".to_owned(), cycles(&[3, 3])), ("a 6-cycle".to_owned(), cycles(&[6]))]);
    all_differ([
        ("cycles of 30".to_owned(), cycles(&[30])),
        ("cycles of 15, 15".to_owned(), cycles(&[15, 15])),
        ("cycles of 14, 16".to_owned(), cycles(&[14, 16])),
        ("cycles of 5, 5, 10, 10".to_owned(), cycles(&[5, 5, 10, 10])),
        ("ten cycles of 3".to_owned(), cycles(&[3; 10])),
    ]);
    // Strongly regular graphs with the same parameters (16, 6, 2, 2): not even refinement of pairs tells them apart.
    let rook = torus(&[(0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (3, 0)]);
    let shrikhande = torus(&[(0, 1), (0, 3), (1, 0), (3, 0), (1, 1), (3, 3)]);
    all_differ([("rook's graph".to_owned(), rook), ("Shrikhande graph".to_owned(), shrikhande)]);
}

#[test]
fn c5_hubs_that_hold_symmetric_satellites() {
    // A cycle of equal nodes, each with its own equal satellites: after the first choice everything falls apart.
    let wheel = |hubs: usize, satellites: usize, length: usize| {
        let mut sketch = Sketch::new();
        let input = sketch.input();
        let points = sketch.many(CONV1, input, hubs);
        let mut outputs = Vec::new();
        for i in 0..hubs {
            let merged = sketch.concat([points[i], points[(i + 1) % hubs]]);
            let hub = sketch.apply(CONV3, merged);
            let mut ends = sketch.many(CONV1, hub, satellites);
            for _ in 1..length {
                ends = ends.into_iter().map(|end| sketch.apply(CONV3, end)).collect();
            }
            outputs.extend(ends);
        }
        sketch.finish(outputs)
    };
    all_differ([
        ("6 hubs with 10 satellites".to_owned(), wheel(6, 10, 1)),
        ("10 hubs with 6 satellites".to_owned(), wheel(10, 6, 1)),
        ("10 hubs with 6 satellites of 2".to_owned(), wheel(10, 6, 2)),
    ]);
}

#[test]
fn c5_repeated_inputs_count() {
    let merged = |pattern: &[usize]| {
        let mut sketch = Sketch::new();
        let input = sketch.input();
        let values = [input, sketch.apply(CONV1, input), sketch.apply(CONV1, input)];
        let merged = sketch.concat(pattern.iter().map(|&value| values[value]));
        let output = sketch.apply(CONV3, merged);
        sketch.finish([output])
    };
    let patterns: [&[usize]; 6] = [&[1, 2], &[1, 1, 2], &[1, 1, 2, 2], &[1, 1, 1, 2], &[0, 1, 2], &[0, 0, 1, 2]];
    all_differ(patterns.map(|pattern| (format!("{pattern:?}"), merged(pattern))));
    assert_eq!(merged(&[1, 1, 2]).key(), merged(&[2, 1, 2]).key(), "the two convolutions are alike");
    assert_eq!(merged(&[1]).key(), merged(&[2]).key(), "the convolution that nobody reads does not count");
}

#[test]
fn c5_a_concatenation_below_a_sum_keeps_its_order() {
    let sum = |left: [usize; 2], right: [usize; 2], after: Op| {
        let mut sketch = Sketch::new();
        let input = sketch.input();
        let values = [sketch.apply(CONV1, input), sketch.apply(CONV3, input)];
        let [left, right] = [left, right].map(|places| sketch.concat(places.map(|place| values[place])));
        let right = sketch.apply(after, right);
        let sum = sketch.0.push(Op::Sum, [left, right]).expect("both are as wide");
        sketch.finish([sum])
    };
    // Channel by channel, a pool of the second is added to the first.
    assert_eq!(sum([0, 1], [0, 1], Op::MaxPool).key(), sum([0, 1], [0, 1], Op::MaxPool).key());
    assert_ne!(sum([0, 1], [0, 1], Op::MaxPool).key(), sum([0, 1], [1, 0], Op::MaxPool).key());
    for right in [[0, 1], [1, 0]] {
        let graph = sum([1, 0], right, Op::MaxPool);
        assert_eq!(graph.canonical().key(), graph.key(), "the canonical graph keeps the order");
    }
    // Behind a convolution the channels have no order any more, so these two are the same network; the first shares one
    // concatenation, which the sum keeps ordered. The key errs on telling apart, whatever the numbers of the nodes.
    let wide = Op::Conv { kernel: 1, stride: 1, channels: 8 };
    assert_ne!(sum([0, 1], [0, 1], wide).key(), sum([0, 1], [1, 0], wide).key());
}

#[test]
fn c5_an_ordered_concatenation_never_stands_for_an_unordered_one() {
    // The sum fixes which value stands first; the convolution beside it reads the same values in no order at all.
    let network = |first: usize, second: usize, summed: [usize; 2], beside: [usize; 2]| {
        let mut sketch = Sketch::new();
        let input = sketch.input();
        let mut values = [input; 2];
        for (place, op) in [(first, CONV1), (second, CONV3)] {
            values[place] = sketch.apply(op, input);
        }
        let others = [sketch.apply(CONV1, input), sketch.apply(CONV3, input)];
        let summed = sketch.concat(summed.map(|place| values[place]));
        let other = sketch.concat(others);
        let sum = sketch.0.push(Op::Sum, [summed, other]).expect("both are as wide");
        let beside = sketch.concat(beside.map(|place| values[place]));
        let beside = sketch.apply(Op::Conv { kernel: 1, stride: 1, channels: 8 }, beside);
        sketch.finish([sum, beside])
    };
    // The value of each convolution, not its number in the graph, decides where it stands.
    assert_ne!(network(0, 1, [0, 1], [1, 0]).key(), network(0, 1, [1, 0], [0, 1]).key());
    // A value's number in the graph changes nothing.
    for (summed, beside) in [([0, 1], [1, 0]), ([1, 0], [0, 1]), ([0, 1], [0, 1])] {
        let flipped = |places: [usize; 2]| places.map(|place| 1 - place);
        let mirrored = network(1, 0, flipped(summed), flipped(beside));
        let same_values = network(0, 1, summed, beside);
        assert_eq!(mirrored.key(), same_values.key(), "{summed:?} {beside:?}");
    }
}
