//! The key of the networks of genotypes (C5): blind to everything that does not change the network.

use hnas_compiler::{Skeleton, optimize};
use hnas_genome::{Edge, Genotype, Merge, Motif, Primitive, SearchSpace};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use rayon::prelude::*;

use networks::{graph, level, map_motifs, one_cell, space, spaces};
use renumber::renumbered;

mod networks;
mod renumber;

fn shuffled(count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    order
}

fn relabelled(motif: &Motif, change: impl Fn(Edge) -> Edge) -> Motif {
    Motif::new(motif.nodes(), motif.edges().map(change)).expect("the edges are those of a motif in another order")
}

/// Other places for the motifs of each level below the top, and references to match.
fn renamed(genotype: &Genotype, rng: &mut impl Rng) -> Genotype {
    let space = genotype.space();
    let places: Vec<Vec<usize>> = space.levels().iter().map(|level| shuffled(level.motifs, rng)).collect();
    let changed = map_motifs(genotype, |level, _, motif| match level {
        2 => motif.clone(),
        _ => relabelled(motif, |edge| Edge { op: places[level - 3][edge.op], ..edge }),
    });
    let mut levels = changed.clone();
    for (level, motifs) in changed.into_iter().enumerate() {
        for (index, motif) in motifs.into_iter().enumerate() {
            levels[level][places[level][index]] = motif;
        }
    }
    Genotype::new(space.clone(), levels).expect("renaming keeps a genotype valid")
}

/// Another order of the inner nodes of each motif, in which edges still go forward.
fn reordered(genotype: &Genotype, rng: &mut impl Rng) -> Genotype {
    let levels = map_motifs(genotype, |_, _, motif| {
        let mut number = vec![0; motif.nodes() + 1];
        (number[1], number[motif.nodes()]) = (1, motif.nodes());
        for next in 2..motif.nodes() {
            let is_free = |node: &usize| {
                number[*node] == 0 && motif.edges().all(|edge| edge.to != *node || number[edge.from] != 0)
            };
            let free: Vec<usize> = (2..motif.nodes()).filter(is_free).collect();
            number[free[rng.random_range(0..free.len())]] = next;
        }
        relabelled(motif, |edge| Edge { from: number[edge.from], to: number[edge.to], ..edge })
    });
    Genotype::new(genotype.space().clone(), levels).expect("reordering keeps a genotype valid")
}

/// What takes part in the network: the live edges of all used motifs.
fn live(genotype: &Genotype) -> Vec<Vec<Option<Vec<Edge>>>> {
    let used = genotype.used_motifs();
    let motifs = |level: usize| used[level - 2].iter().enumerate();
    let edges = |level| motifs(level).map(move |(index, used)| used.then(|| genotype.live_edges(level, index)));
    (2..=genotype.space().top()).map(|level| edges(level).collect()).collect()
}

/// Random edges wherever they take no part: in unused motifs, from nodes without inputs, to nodes that lead nowhere.
fn with_dead_edges(genotype: &Genotype, rng: &mut impl Rng) -> (Genotype, usize) {
    let (space, wanted) = (genotype.space(), live(genotype));
    let mut genotype = genotype.clone();
    let mut changes = 0;
    for level in 2..=space.top() {
        for index in 0..space.level(level).motifs {
            let motif = genotype.motif(level, index);
            let to = rng.random_range(2..=motif.nodes());
            let from = rng.random_range(1..to);
            let op = rng.random_range(0..space.pool(level));
            let edges = motif.edges().filter(|edge| (edge.from, edge.to) != (from, to));
            let changed = Motif::new(motif.nodes(), edges.chain([Edge { from, to, op }])).expect("the edge is forward");
            let mut levels = map_motifs(&genotype, |_, _, motif| motif.clone());
            levels[level - 2][index] = changed;
            match Genotype::new(space.clone(), levels) {
                Ok(next) if live(&next) == wanted && next != genotype => {
                    genotype = next;
                    changes += 1;
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    (genotype, changes)
}

/// A level of motifs of two nodes, one around each operation of level `below`, put above that level.
fn wrapped(genotype: &Genotype, below: usize) -> Genotype {
    let old = genotype.space();
    let count = if below == old.top() { 1 } else { old.pool(below + 1) };
    let wrappers: Vec<Motif> = (0..count).map(|op| Motif::chain(2, op)).collect();
    let mut levels = old.levels().to_vec();
    levels.insert(below - 1, level(count, 2, None));
    let mut motifs = map_motifs(genotype, |_, _, motif| motif.clone());
    motifs.insert(below - 1, wrappers);
    let new = SearchSpace::new(old.primitives().to_vec(), levels, old.merge()).expect("one more level fits");
    Genotype::new(new, motifs).expect("a level of wrappers changes nothing")
}

#[test]
fn c5_blind_to_names_order_dead_edges_unused_motifs_and_division() {
    let spaces = spaces();
    let skeletons = [one_cell(), Skeleton::cifar_small()];
    let dead: Vec<usize> = (0..1000u64)
        .into_par_iter()
        .map(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let case = usize::try_from(seed).expect("below 1000");
            let skeleton = &skeletons[usize::from(case % 10 == 0)];
            let genotype = Genotype::random(&spaces[case % spaces.len()], 200, &mut rng).genotype;
            let plain = graph(&genotype, skeleton);
            let key = plain.key();
            let optimized = optimize(plain.clone());
            assert_eq!(optimized.key(), key, "seed {seed}: optimised");
            assert_eq!(renumbered(&plain, &mut rng).key(), key, "seed {seed}: nodes of the plain graph");
            assert_eq!(renumbered(&optimized, &mut rng).key(), key, "seed {seed}: nodes of the optimised graph");
            let canonical = plain.canonical();
            assert_eq!(canonical.key(), key, "seed {seed}: canonical graph");
            assert_eq!(optimize(canonical.clone()), canonical, "seed {seed}: the canonical graph is optimised");
            assert_eq!(renumbered(&plain, &mut rng).canonical(), canonical, "seed {seed}: canonical after renumbering");
            let check = |what: &str, other: &Genotype| {
                assert_eq!(graph(other, skeleton).key(), key, "seed {seed}: {what}\n{genotype}\n{other}");
            };
            check("motifs renamed", &renamed(&genotype, &mut rng));
            check("nodes reordered", &reordered(&genotype, &mut rng));
            let (with_dead, changes) = with_dead_edges(&genotype, &mut rng);
            check("dead edges", &with_dead);
            let below = rng.random_range(1..=genotype.space().top());
            check("another level", &wrapped(&genotype, below));
            let mut all = reordered(&renamed(&with_dead, &mut rng), &mut rng);
            all = wrapped(&all, rng.random_range(1..=all.space().top()));
            check("everything at once", &all);
            changes
        })
        .collect();
    let with_changes = dead.iter().filter(|&&changes| changes > 0).count();
    println!("{} dead edges or edges of unused motifs in {with_changes} of 1000 genotypes", dead.iter().sum::<usize>());
    assert!(with_changes > 500, "dead edges were changed in {with_changes} of 1000 genotypes only");
}

/// The edges of a motif with its source and sink at other nodes, and its inner nodes from `first` on.
fn inlined(motif: &Motif, source: usize, sink: usize, first: usize) -> Vec<Edge> {
    let place = |node: usize| match node {
        1 => source,
        last if last == motif.nodes() => sink,
        inner => first + inner - 2,
    };
    motif.edges().map(|edge| Edge { from: place(edge.from), to: place(edge.to), ..edge }).collect()
}

#[test]
fn c5_a_flat_graph_and_its_division_into_motifs_have_one_key() {
    let nodes = 5;
    let inner = nodes - 2;
    let (identity, conv) = (5, 0);
    assert_eq!(Primitive::PAPER[identity], Primitive::Identity);
    for merge in [Merge::Concat, Merge::Sum] {
        (0..150u64).into_par_iter().for_each(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let two = space(vec![level(2, nodes, None), level(1, 3, None)], merge);
            let drawn = Genotype::random(&space(vec![level(2, nodes, None), level(1, 3, None)], merge), 100, &mut rng);
            let motifs = drawn.genotype.motifs(2).to_vec();
            let working = motifs.iter().all(|motif| {
                let alone = space(vec![level(1, nodes, None)], merge);
                Genotype::new(alone, vec![vec![motif.clone()]]).is_ok()
            });
            if !working {
                return;
            }
            let key_of = |genotype: Genotype| graph(&genotype, &one_cell()).key();
            let divided = |cell: Vec<Edge>| {
                let cell = Motif::new(3, cell).expect("a small cell");
                key_of(Genotype::new(two.clone(), vec![motifs.clone(), vec![cell]]).expect("both motifs work"))
            };
            let flat = |nodes: usize, edges: Vec<Edge>| {
                let cell = Motif::new(nodes, edges).expect("inlined edges go forward");
                let space = space(vec![level(1, nodes, None)], merge);
                key_of(Genotype::new(space, vec![vec![cell]]).expect("both motifs work"))
            };
            let [a, b] = [&motifs[0], &motifs[1]];

            // One after the other.
            let series = divided(vec![Edge { from: 1, to: 2, op: 0 }, Edge { from: 2, to: 3, op: 1 }]);
            let (middle, last) = (2 + inner, 3 + 2 * inner);
            let edges = [inlined(a, 1, middle, 2), inlined(b, middle, last, middle + 1)].concat();
            assert_eq!(flat(last, edges), series, "seed {seed}, {merge:?}: in series");

            // Side by side: the second behind a node of its own in the flat graph, a nested merge.
            let shortcut = Edge { from: 1, to: 3, op: 1 };
            let both = divided(vec![Edge { from: 1, to: 2, op: 0 }, Edge { from: 2, to: 3, op: 1 }, shortcut]);
            let (second, last) = (last, last + inner + 2);
            let edges = [
                inlined(a, 1, middle, 2),
                inlined(b, middle, second, middle + 1),
                inlined(b, 1, second + inner + 1, second + 1),
                vec![Edge { from: second, to: last, op: identity }],
                vec![Edge { from: second + inner + 1, to: last, op: identity }],
            ];
            assert_eq!(flat(last, edges.concat()), both, "seed {seed}, {merge:?}: side by side");

            // And it is no constant.
            let other = [inlined(a, 1, middle, 2), vec![Edge { from: middle, to: middle + 1, op: conv }]].concat();
            assert_ne!(flat(middle + 1, other), both, "seed {seed}, {merge:?}: another network");
        });
    }
}
