//! Programs: what they hold, and that they compute what the graph says.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod candidates;
mod symbols;

use std::collections::{BTreeMap, BTreeSet};

use candidates::{candidates, learned, small_graph};
use expect_test::{Expect, expect};
use hnas_compiler::{Graph, MapId, Op, Program, Shape, Step};
use proptest::prelude::*;

const IMAGE: Shape = Shape { channels: 3, height: 32, width: 32 };

fn images() -> impl Strategy<Value = Shape> {
    (1..9_usize, 1..9_usize).prop_map(|(height, width)| Shape::new(3, height, width))
}

/// Each map is given once and before it is read, is read unless it is the output, and the output is logits.
fn check_order(program: &Program) {
    let maps = program.maps();
    let mut given = vec![false; maps.len()];
    let mut read = vec![false; maps.len()];
    given[0] = true;
    for step in program.steps() {
        for map in step.inputs() {
            assert!(given[map.index()], "{step:?} reads {map:?} too early");
            read[map.index()] = true;
        }
        for map in step.outputs() {
            assert!(!given[map.index()], "{step:?} gives {map:?} again");
            given[map.index()] = true;
        }
    }
    assert!(given.iter().all(|&given| given));
    let output = program.output().index();
    let unread: Vec<usize> = (0..maps.len()).filter(|&map| !read[map]).collect();
    assert_eq!(unread, [output]);
    assert!(matches!(program.steps().last(), Some(Step::Linear { output: last, .. }) if last.index() == output));
    assert_eq!(maps[output].shape.pixels(), 1);
    assert_eq!((maps[0].normalization, maps[output].normalization), (None, None));
}

/// Number of input channels of each convolution that the output depends on, by its number.
fn convolutions(graph: &Graph) -> BTreeMap<usize, usize> {
    let live = graph.live();
    let (mut next, mut found) = (0, BTreeMap::new());
    for (id, node) in graph.iter() {
        let halves = match node.op {
            Op::Conv { .. } | Op::Depthwise { .. } => 1,
            Op::Separable { .. } => 2,
            _ => 0,
        };
        for _ in 0..halves {
            if live[id.index()] {
                found.insert(next, graph.node(node.inputs[0]).shape.channels);
            }
            next += 1;
        }
    }
    found
}

/// Every convolution that matters is there once and over all its channels: of the depthwise ones, every channel is in
/// exactly one step.
fn check_convolutions(graph: &Graph, program: &Program) {
    let channels = |maps: &[MapId]| maps.iter().map(|map| program.maps()[map.index()].shape.channels).sum::<usize>();
    let mut covered: BTreeMap<usize, usize> = BTreeMap::new();
    for step in program.steps() {
        match step {
            Step::Pointwise { inputs, products } => {
                for product in products {
                    assert_eq!(covered.insert(product.convolution, channels(inputs)), None, "{step:?}");
                }
            }
            Step::Conv { inputs, convolution, .. } => {
                assert_eq!(covered.insert(*convolution, channels(inputs)), None, "{step:?}");
            }
            Step::Depthwise { input, convolution, first, .. } => {
                let covered = covered.entry(*convolution).or_insert(0);
                assert_eq!(first, covered, "{step:?}");
                *covered += channels(&[*input]);
            }
            _ => {}
        }
    }
    assert_eq!(covered, convolutions(graph));
}

/// No two steps of 1x1 convolutions read the same maps, no two equal pools the same map.
fn check_sharing(program: &Program) {
    let mut known = BTreeSet::new();
    for step in program.steps() {
        let kind = match step {
            Step::Pointwise { .. } => 0,
            Step::MaxPool { .. } => 1,
            Step::AvgPool { .. } => 2,
            Step::GlobalAvgPool { .. } => 3,
            Step::Conv { .. } | Step::Depthwise { .. } | Step::Sum { .. } | Step::Linear { .. } => continue,
        };
        assert!(known.insert((kind, step.inputs())), "{step:?} reads what another one reads");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn maps_are_given_once_and_before_they_are_read(candidate in candidates(), images in images()) {
        check_order(&Program::lower(&candidate.plain(IMAGE), images).unwrap());
        check_order(&Program::lower(&candidate.optimized(IMAGE), images).unwrap());
    }

    #[test]
    fn every_live_convolution_is_there_once(candidate in candidates(), images in images()) {
        for graph in [candidate.plain(IMAGE), candidate.optimized(IMAGE)] {
            check_convolutions(&graph, &Program::lower(&graph, images).unwrap());
        }
    }

    #[test]
    fn what_is_read_by_equals_is_read_once(candidate in candidates()) {
        check_sharing(&Program::lower(&candidate.plain(IMAGE), IMAGE).unwrap());
        check_sharing(&Program::lower(&candidate.optimized(IMAGE), IMAGE).unwrap());
    }

    #[test]
    fn lowering_keeps_the_function(candidate in candidates(), images in images()) {
        for graph in [candidate.plain(images), candidate.optimized(images)] {
            prop_assert_eq!(symbols::of_program(&Program::lower(&graph, images).unwrap()), symbols::of_graph(&graph));
        }
    }

    #[test]
    fn shapes_are_those_of_the_graph_made_for_the_images(candidate in candidates(), images in images()) {
        let program = Program::lower(&candidate.optimized(IMAGE), images);
        prop_assert_eq!(program, Program::lower(&candidate.optimized(images), images));
    }

    #[test]
    fn optimized_graphs_take_no_more_steps(candidate in candidates()) {
        let [plain, optimized] = [candidate.plain(IMAGE), candidate.optimized(IMAGE)].map(|graph| {
            Program::lower(&graph, IMAGE).unwrap().steps().len()
        });
        prop_assert!(optimized <= plain, "{} steps became {}", plain, optimized);
    }
}

#[test]
fn learned_cell_is_lowered() {
    let graph = learned().optimized(IMAGE);
    let program = Program::lower(&graph, IMAGE).unwrap();
    check_order(&program);
    check_convolutions(&graph, &program);
    assert_eq!(symbols::of_program(&program), symbols::of_graph(&graph));
    assert_eq!((program.steps().len(), program.maps().len()), (325, 326));
}

#[test]
fn steps_of_a_small_graph() {
    let program = Program::lower(&small_graph(), Shape::new(3, 8, 8)).unwrap();
    let maps =
        program.maps().iter().enumerate().map(|(index, map)| format!("{index}: {} {:?}", map.shape, map.normalization));
    let steps = program.steps().iter().map(|step| format!("{step:?}"));
    let lines: Vec<String> = maps.chain(steps).collect();
    expect![[r#"
        0: 3x8x8 None
        1: 20x4x4 Some(Normalization { convolution: 0, first: 0, relu: true })
        2: 4x4x4 Some(Normalization { convolution: 1, first: 0, relu: true })
        3: 20x4x4 None
        4: 4x4x4 None
        5: 20x4x4 None
        6: 4x4x4 Some(Normalization { convolution: 2, first: 0, relu: false })
        7: 20x4x4 Some(Normalization { convolution: 2, first: 4, relu: false })
        8: 24x4x4 Some(Normalization { convolution: 3, first: 0, relu: true })
        9: 4x2x2 Some(Normalization { convolution: 5, first: 0, relu: true })
        10: 20x2x2 Some(Normalization { convolution: 5, first: 4, relu: true })
        11: 24x4x4 None
        12: 6x4x4 Some(Normalization { convolution: 6, first: 0, relu: true })
        13: 24x2x2 Some(Normalization { convolution: 7, first: 0, relu: true })
        14: 6x4x4 None
        15: 6x2x2 Some(Normalization { convolution: 8, first: 0, relu: true })
        16: 24x1x1 None
        17: 4x1x1 None
        18: 20x1x1 None
        19: 6x1x1 None
        20: 10x1x1 None
        Conv { inputs: [MapId(0)], convolution: 0, kernel: 3, stride: 2, output: MapId(1) }
        Pointwise { inputs: [MapId(1)], products: [Product { convolution: 1, output: MapId(2) }, Product { convolution: 6, output: MapId(12) }] }
        MaxPool { input: MapId(1), output: MapId(3) }
        MaxPool { input: MapId(2), output: MapId(4) }
        MaxPool { input: MapId(3), output: MapId(5) }
        Depthwise { input: MapId(2), convolution: 2, first: 0, stride: 1, output: MapId(6) }
        Depthwise { input: MapId(3), convolution: 2, first: 4, stride: 1, output: MapId(7) }
        Pointwise { inputs: [MapId(6), MapId(7)], products: [Product { convolution: 3, output: MapId(8) }] }
        Depthwise { input: MapId(4), convolution: 5, first: 0, stride: 2, output: MapId(9) }
        Depthwise { input: MapId(5), convolution: 5, first: 4, stride: 2, output: MapId(10) }
        Sum { inputs: [(MapId(2), 0), (MapId(3), 4), (MapId(8), 0)], output: MapId(11) }
        Depthwise { input: MapId(11), convolution: 7, first: 0, stride: 2, output: MapId(13) }
        AvgPool { input: MapId(12), output: MapId(14) }
        Depthwise { input: MapId(14), convolution: 8, first: 0, stride: 2, output: MapId(15) }
        GlobalAvgPool { input: MapId(13), output: MapId(16) }
        GlobalAvgPool { input: MapId(9), output: MapId(17) }
        GlobalAvgPool { input: MapId(10), output: MapId(18) }
        GlobalAvgPool { input: MapId(15), output: MapId(19) }
        Linear { inputs: [MapId(16), MapId(17), MapId(18), MapId(19)], linear: 0, output: MapId(20) }"#]].assert_eq(&lines.join("\n"));
    assert_eq!(program.output().index(), program.maps().len() - 1);
    assert_eq!(program.winners_per_image(), 16 * (32 + 16 + 32));
}

fn check_error(text: &str, images: &str, expected: Expect) {
    let graph = Graph::parse(text).unwrap();
    expected.assert_eq(&Program::lower(&graph, images.parse().unwrap()).unwrap_err().to_string());
}

#[test]
fn errors_name_node_and_shapes() {
    let classifier =
        "%0 = input : 3x1x1\n%1 = conv 3x3 stride 2 channels 4 (%0)\n%2 = linear classes 2 (%1)\noutput %2";
    check_error(classifier, "4x1x1", expect!["the images are 4x1x1, but the input of the graph, %0, has 3 channel(s)"]);
    check_error(classifier, "3x0x1", expect!["%0, for images of 3x0x1: a feature map of 3x0x1 is empty"]);
    check_error(
        classifier,
        "3x3x1",
        expect!["%2, for images of 3x3x1: linear needs an input of 1x1 pixels, not 4x2x1"],
    );
    let two_sizes = "%0 = input : 3x1x1\n%1 = conv 1x1 stride 2 channels 4 (%0)\n%2 = concat (%1, %0)\n\
                     %3 = global_avg_pool (%2)\n%4 = linear classes 2 (%3)\noutput %4";
    check_error(
        two_sizes,
        "3x2x2",
        expect!["%2, for images of 3x2x2: concat: the first input is 4x1x1, but input 2 is 3x2x2"],
    );
    check_error(
        "%0 = input : 3x4x4\n%1 = max_pool (%0)\noutput %1",
        "3x8x8",
        expect!["the output %1 is max_pool of 3x4x4, not a linear layer"],
    );
}

/// A node that leads nowhere may not fit the images.
#[test]
fn dead_nodes_have_no_shape() {
    let text = "%0 = input : 3x1x1\n%1 = conv 1x1 stride 2 channels 4 (%0)\n%2 = concat (%1, %0)\n\
                %3 = global_avg_pool (%0)\n%4 = linear classes 2 (%3)\noutput %4";
    let program = Program::lower(&Graph::parse(text).unwrap(), Shape::new(3, 2, 2)).unwrap();
    assert_eq!(program.steps().len(), 2);
}
