//! The key against complete enumerations of small symmetric structures, each written as a network (C5).
//!
//! What is the same is decided by brute force, over all permutations. The counts are those of the On-Line Encyclopedia of
//! Integer Sequences.

use std::collections::{HashMap, HashSet};

use hnas_compiler::{GraphBuilder, GraphError, NetworkKey, NodeId, Op, Shape};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use rayon::prelude::*;

const CONV1: Op = Op::Conv { kernel: 1, stride: 1, channels: 2 };
const CONV3: Op = Op::Conv { kernel: 3, stride: 1, channels: 2 };

/// A matrix as a network: a convolution a row and one a column, which reads each row as often as the entry says. All of
/// them are read by the output, the rows too, so that none is dead.
fn key(matrix: &[Vec<usize>]) -> Result<NetworkKey, GraphError> {
    let mut builder = GraphBuilder::new(Shape::new(1, 4, 4))?;
    let input = builder.input();
    let rows = (0..matrix.len()).map(|_| builder.push(CONV1, [input])).collect::<Result<Vec<NodeId>, _>>()?;
    let mut outputs = rows.clone();
    for column in 0..matrix[0].len() {
        let entries = rows.iter().zip(matrix);
        let read = entries.flat_map(|(&row, entries)| std::iter::repeat_n(row, entries[column]));
        let merged = builder.push(Op::Concat, [input].into_iter().chain(read))?;
        outputs.push(builder.push(CONV3, [merged])?);
    }
    let output = builder.push(Op::Concat, outputs)?;
    Ok(builder.finish(output)?.key())
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    (0..count).fold(vec![Vec::new()], |shorter, _| {
        let longer = |order: &Vec<usize>| {
            let free = (0..count).filter(|next| !order.contains(next));
            free.map(|next| [order.as_slice(), &[next]].concat()).collect::<Vec<_>>()
        };
        shorter.iter().flat_map(longer).collect()
    })
}

/// Checks that structures have the same key exactly when they have the same smallest form, and counts them.
fn check(pairs: Vec<(u64, NetworkKey)>, expected: usize) {
    let mut key_of: HashMap<u64, NetworkKey> = HashMap::new();
    for (form, key) in &pairs {
        assert_eq!(key_of.entry(*form).or_insert(*key), key, "one structure with two keys");
    }
    let keys: HashSet<NetworkKey> = key_of.values().copied().collect();
    assert_eq!(keys.len(), key_of.len(), "two structures with one key");
    assert_eq!(keys.len(), expected);
}

/// All matrices of `size` x `size` with entries below `values`, up to the order of rows and of columns.
fn check_matrices(size: usize, values: usize, expected: usize) {
    let orders = permutations(size);
    let cells = size * size;
    let count = values.pow(u32::try_from(cells).expect("small"));
    let pairs = (0..count).into_par_iter().map(|number| {
        let digits = (0..cells).scan(number, |rest, _| {
            let entry = *rest % values;
            *rest /= values;
            Some(entry)
        });
        let entries: Vec<usize> = digits.collect();
        let matrix: Vec<Vec<usize>> = entries.chunks(size).map(<[usize]>::to_vec).collect();
        let read = |rows: &[usize], columns: &[usize]| {
            let cells = rows.iter().flat_map(|&row| columns.iter().map(move |&column| (row, column)));
            cells.fold(0, |form: u64, (row, column)| form * values as u64 + matrix[row][column] as u64)
        };
        let forms = orders.iter().flat_map(|rows| orders.iter().map(move |columns| read(rows, columns)));
        (forms.min().expect("there is an order"), key(&matrix).expect("the network is small"))
    });
    check(pairs.collect(), expected);
}

#[test]
fn c5_matrices_up_to_the_order_of_rows_and_columns() {
    // A002724: entries 0 and 1.
    check_matrices(1, 2, 2);
    check_matrices(2, 2, 7);
    check_matrices(3, 2, 36);
    check_matrices(4, 2, 317);
    // Entries 0, 1 and 2, which are repeated inputs.
    check_matrices(2, 3, 27);
    check_matrices(3, 3, 738);
    // By Burnside's lemma (n^4 + 3 n^2) / 4. Some have equal sums of rows and of columns, but unequal entries.
    check_matrices(2, 4, 76);
    check_matrices(2, 5, 175);
}

#[test]
fn c5_graphs_up_to_the_order_of_vertices() {
    // A000088. Vertices are rows, edges columns with two entries.
    for (vertices, expected) in [(2, 2), (3, 4), (4, 11), (5, 34), (6, 156)] {
        let places: Vec<(usize, usize)> = (1..vertices).flat_map(|b| (0..b).map(move |a| (a, b))).collect();
        let place = |a: usize, b: usize| a.max(b) * (a.max(b) - 1) / 2 + a.min(b);
        let orders = permutations(vertices);
        let pairs = (1u64..1 << places.len()).into_par_iter().map(|edges| {
            let chosen: Vec<(usize, usize)> =
                places.iter().enumerate().filter(|(bit, _)| edges >> bit & 1 == 1).map(|(_, pair)| *pair).collect();
            let moved = |order: &Vec<usize>| chosen.iter().fold(0, |set, &(a, b)| set | 1 << place(order[a], order[b]));
            let row = |vertex| chosen.iter().map(|&(a, b)| usize::from(a == vertex || b == vertex)).collect();
            let matrix: Vec<Vec<usize>> = (0..vertices).map(row).collect();
            let form: u64 = orders.iter().map(moved).min().expect("there is an order");
            (form, key(&matrix).expect("the network is small"))
        });
        // The graph without edges is left out: a matrix without columns.
        check(pairs.collect(), expected - 1);
    }
}

/// A random graph in which every vertex has three neighbours, uniform over all that are connected; vertices are rows,
/// edges columns.
fn random_cubic(vertices: usize, rng: &mut impl Rng) -> Vec<Vec<usize>> {
    loop {
        let mut ends: Vec<usize> = (0..3 * vertices).map(|end| end / 3).collect();
        for last in (1..ends.len()).rev() {
            ends.swap(last, rng.random_range(0..=last));
        }
        let edges: HashSet<(usize, usize)> = ends.chunks(2).map(|e| (e[0].min(e[1]), e[0].max(e[1]))).collect();
        let is_simple = edges.len() == 3 * vertices / 2 && edges.iter().all(|(a, b)| a != b);
        let mut reached = vec![0];
        for next in 0..vertices {
            let Some(&vertex) = reached.get(next) else { break };
            for &(a, b) in &edges {
                let other = if a == vertex { b } else { a };
                if (a == vertex || b == vertex) && !reached.contains(&other) {
                    reached.push(other);
                }
            }
        }
        if is_simple && reached.len() == vertices {
            let row = |vertex| edges.iter().map(|&(a, b)| usize::from(a == vertex || b == vertex)).collect();
            return (0..vertices).map(row).collect();
        }
    }
}

#[test]
fn c5_cubic_graphs_whose_vertices_all_look_alike() {
    // A002851: connected graphs with three neighbours a vertex. Colour refinement tells none of them from another of its
    // size, nor any two vertices of one apart.
    for (vertices, samples, expected) in [(4, 10, 1), (6, 100, 2), (8, 1000, 5), (10, 4_000, 19), (12, 12_000, 85)] {
        let keys: HashSet<NetworkKey> = (0..samples)
            .into_par_iter()
            .map(|seed| {
                let matrix = random_cubic(vertices, &mut ChaCha8Rng::seed_from_u64(seed));
                key(&matrix).expect("the network is small")
            })
            .collect();
        assert_eq!(keys.len(), expected, "connected cubic graphs of {vertices} vertices");
    }
}

/// A random Steiner triple system, by hill climbing (Stinson, 1985): every two points are in exactly one triple. Points are
/// rows, triples columns.
fn random_triples(points: usize, rng: &mut impl Rng) -> Vec<Vec<usize>> {
    // The third point of the triple of two points.
    let mut third: HashMap<(usize, usize), usize> = HashMap::new();
    while third.len() < points * (points - 1) {
        let open = |x: usize, third: &HashMap<(usize, usize), usize>| -> Vec<usize> {
            (0..points).filter(|&y| y != x && !third.contains_key(&(x, y))).collect()
        };
        let x = rng.random_range(0..points);
        let others = open(x, &third);
        if others.len() < 2 {
            continue;
        }
        let first = rng.random_range(0..others.len());
        let second = (first + rng.random_range(1..others.len())) % others.len();
        let (y, z) = (others[first], others[second]);
        if let Some(&w) = third.get(&(y, z)) {
            for (a, b) in [(y, z), (z, y), (y, w), (w, y), (z, w), (w, z)] {
                third.remove(&(a, b));
            }
        }
        for (a, b, c) in [(x, y, z), (y, z, x), (z, x, y)] {
            third.extend([((a, b), c), ((b, a), c)]);
        }
    }
    let triples = third.iter().map(|(&(a, b), &c)| (a, b, c)).filter(|(a, b, c)| a < b && b < c);
    let mut triples: Vec<(usize, usize, usize)> = triples.collect();
    triples.sort_unstable();
    let row = |point| triples.iter().map(|&(a, b, c)| usize::from([a, b, c].contains(&point))).collect();
    (0..points).map(row).collect()
}

#[test]
fn c5_triple_systems_that_stay_alike_after_a_first_choice() {
    // There are 1, 1, 2 and 80 systems. Chance does not find the few most symmetric ones of 15 points.
    for (points, samples, expected) in [(7, 10, 1..=1), (9, 20, 1..=1), (13, 100, 2..=2), (15, 150, 40..=80)] {
        let keys: HashSet<NetworkKey> = (0..samples)
            .into_par_iter()
            .map(|seed| {
                let matrix = random_triples(points, &mut ChaCha8Rng::seed_from_u64(seed));
                key(&matrix).expect("the network is small")
            })
            .collect();
        println!("{} triple systems of {points} points among {samples}", keys.len());
        assert!(expected.contains(&keys.len()), "{} triple systems of {points} points", keys.len());
    }
}
