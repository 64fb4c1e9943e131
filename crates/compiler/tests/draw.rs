//! Drawings of genotypes: well-formed, complete, and the same each time.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use expect_test::expect;
use hnas_compiler::{Shape, Skeleton, genotype_dot, genotype_svg, model_svg};
use hnas_genome::{Edge, Genotype, Level, Merge, Motif, Primitive, SearchSpace};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use roxmltree::{Document, Node};

/// The elements of one class, whatever other classes they have.
fn of_class<'a>(svg: &'a Document<'a>, class: &'a str) -> Vec<Node<'a, 'a>> {
    let is_of = move |node: &Node| node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class));
    svg.descendants().filter(is_of).collect()
}

fn texts(nodes: &[Node]) -> Vec<String> {
    nodes.iter().filter_map(|node| node.text()).map(str::to_owned).collect()
}

fn edge(from: usize, to: usize, op: usize) -> Edge {
    Edge { from, to, op }
}

fn motif(nodes: usize, edges: &[Edge]) -> Motif {
    Motif::new(nodes, edges.iter().copied()).unwrap()
}

/// Two motifs of three nodes, of which the cell uses the second; its edge 1->2 is dead.
fn small() -> Genotype {
    let primitives = vec![Primitive::Conv1x1, Primitive::Identity];
    let levels = vec![
        Level { motifs: 2, nodes: 3, followed_by: Some(Primitive::Conv1x1) },
        Level { motifs: 1, nodes: 2, followed_by: None },
    ];
    let space = SearchSpace::new(primitives, levels, Merge::Concat).unwrap();
    let motifs = vec![motif(3, &[edge(1, 2, 0), edge(2, 3, 1)]), motif(3, &[edge(1, 2, 0), edge(1, 3, 1)])];
    Genotype::new(space, vec![motifs, vec![motif(2, &[edge(1, 2, 1)])]]).unwrap()
}

fn four_levels() -> SearchSpace {
    let level = |motifs, nodes| Level { motifs, nodes, followed_by: None };
    let primitives = SearchSpace::flat().primitives().to_vec();
    SearchSpace::new(primitives, vec![level(12, 4), level(9, 5), level(1, 6)], Merge::Sum).unwrap()
}

#[test]
fn the_cell_and_each_used_motif_have_a_frame_and_the_others_a_line() {
    let text = genotype_svg(&small());
    let svg = Document::parse(&text).unwrap();
    assert_eq!(texts(&of_class(&svg, "heading")), ["Cell", "Motif 2"]);
    let notes = texts(&of_class(&svg, "note"));
    assert!(notes.contains(&"Motifs that the cell does not use: level 2: 1.".to_owned()), "{notes:?}");
    assert!(notes.contains(&"level 2, 1 copy in the cell".to_owned()), "{notes:?}");
    assert!(notes.iter().any(|note| note.starts_with("Faded edges")), "{notes:?}");
    // The dead edge's line and its label.
    assert_eq!(
        of_class(&svg, "edge").iter().filter(|edge| edge.attribute("class").unwrap().contains("dead")).count(),
        2
    );
}

#[test]
fn every_edge_is_drawn_with_its_label_and_every_node_with_its_number() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for space in [SearchSpace::hierarchical(), SearchSpace::flat(), four_levels()] {
        for _ in 0..8 {
            let genotype = Genotype::random(&space, 300, &mut rng).genotype;
            let text = genotype_svg(&genotype);
            let svg = Document::parse(&text).unwrap();
            let used = genotype.used_motifs();
            let drawn = (2..).zip(&used).flat_map(|(level, used)| {
                let motifs = genotype.motifs(level).iter().zip(used);
                motifs.filter(|(_, used)| **used).map(|(motif, _)| motif)
            });
            let (edges, nodes) = drawn.fold((0, 0), |(e, n), motif| (e + motif.edges().count(), n + motif.nodes()));
            assert_eq!(of_class(&svg, "edge").len(), 2 * edges, "a line and a label for each edge of\n{genotype}");
            assert_eq!(of_class(&svg, "node").len(), nodes);
            assert_eq!(text, genotype_svg(&Genotype::from_ron(&genotype.to_ron()).unwrap()));
        }
    }
}

#[test]
fn a_drawing_has_both_colour_schemes_and_no_ids_or_scripts() {
    let text = genotype_svg(&Genotype::identity_chain(&SearchSpace::hierarchical()));
    assert!(text.contains("@media screen and (prefers-color-scheme:dark)"), "{text}");
    let svg = Document::parse(&text).unwrap();
    assert!(svg.descendants().all(|node| node.attribute("id").is_none() && node.tag_name().name() != "script"));
    let root = svg.root_element();
    let size: Vec<f64> = root.attribute("viewBox").unwrap().split(' ').map(|number| number.parse().unwrap()).collect();
    assert!(size[2] > 300.0 && size[3] > 100.0, "{size:?}");
}

#[test]
fn a_genotype_as_dot() {
    expect![[r#"
        digraph genotype {
          rankdir=LR;
          node [shape=circle, fontname="sans-serif"];
          edge [fontname="sans-serif", fontsize=11];
          subgraph cluster_l3_m1 {
            label="cell, level 3";
            l3_m1_n1 [label="1"];
            l3_m1_n2 [label="2"];
            l3_m1_n1 -> l3_m1_n2 [label="Motif2"];
          }
          subgraph cluster_l2_m2 {
            label="motif 2, level 2";
            l2_m2_n1 [label="1"];
            l2_m2_n2 [label="2"];
            l2_m2_n3 [label="3"];
            l2_m2_n1 -> l2_m2_n2 [label="Conv1x1", style=dotted];
            l2_m2_n1 -> l2_m2_n3 [label="Identity"];
          }
        }
    "#]]
    .assert_eq(&genotype_dot(&small()));
}

#[test]
fn a_network_as_dot() {
    use hnas_compiler::{GraphBuilder, Op, Shape};
    let mut builder = GraphBuilder::new(Shape::new(3, 8, 8)).unwrap();
    let conv = builder.push(Op::Conv { kernel: 3, stride: 2, channels: 4 }, [builder.input()]).unwrap();
    let both = builder.push(Op::Concat, [conv, conv]).unwrap();
    let dot = builder.finish(both).unwrap().to_dot();
    for line in ["n0 -> n1;", "n1 -> n2;", "\\n3x8x8\"];", "\\n8x4x4\", peripheries=2];"] {
        assert!(dot.contains(line), "{line} is not in\n{dot}");
    }
}

#[test]
fn a_model_is_drawn_as_it_is_assembled() {
    let check = |skeleton: &Skeleton, side: usize, boxes: &[&str], sizes: &[&str]| {
        let text = model_svg("A & B", skeleton, Shape::new(3, side, side)).unwrap();
        let svg = Document::parse(&text).unwrap();
        assert_eq!(texts(&of_class(&svg, "title")), ["A & B"]);
        let drawn: Vec<String> = ["layer", "cell"].iter().flat_map(|class| texts(&of_class(&svg, class))).collect();
        for words in boxes {
            assert!(drawn.iter().any(|drawn| drawn == words), "{words} is not in {drawn:?}");
        }
        let shown = texts(&of_class(&svg, "size"));
        for size in sizes {
            assert!(shown.iter().any(|shown| shown == size), "{size} is not in {shown:?}");
        }
        assert_eq!(drawn.iter().filter(|words| words.starts_with("cell")).count(), skeleton.cells());
        assert_eq!(drawn.len(), shown.len());
    };
    check(
        &Skeleton::cifar_small(),
        32,
        &["3×3 convolution, stride 1, 16", "cell, c = 64", "3×3 separable, stride 2, 64", "linear, softmax over 10"],
        &["32×32×3", "32×32×16", "8×8×64", "1×1×64", "1×1×10"],
    );
    check(&Skeleton::cifar_large(64).unwrap(), 32, &["cell, c = 256", "3×3 separable, stride 1, 256"], &["8×8×256"]);
    check(
        &Skeleton::imagenet(),
        299,
        &["3×3 convolution, stride 2, 32", "cell, c = 512", "linear, softmax over 1000"],
        &["299×299×3", "150×150×32", "75×75×64", "10×10×512"],
    );
}
