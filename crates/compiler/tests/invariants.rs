//! Invariants C1 to C4 over random genotypes of several search spaces.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod interpreter;

use std::collections::BTreeMap;

use hnas_compiler::{
    AfterLastCell, Graph, GraphBuilder, Group, Op, SeparableInner, Shape, Skeleton, Stem, assemble, optimize, verify,
    verify_optimized,
};
use hnas_genome::{Genotype, Level, Merge, Primitive, SearchSpace};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// The paper's two spaces; sums instead of concatenations; four levels with something after each; all primitives.
fn spaces() -> [SearchSpace; 5] {
    let all = Primitive::ALL.to_vec();
    let level = |motifs, nodes, followed_by| Level { motifs, nodes, followed_by };
    let summed = vec![level(4, 4, None), level(1, 5, None)];
    let deep = vec![
        level(3, 3, None),
        level(2, 3, Some(Primitive::Depthwise3x3)),
        level(2, 3, Some(Primitive::MaxPool3x3)),
        level(1, 3, Some(Primitive::Conv3x3)),
    ];
    let pools = vec![Primitive::Identity, Primitive::MaxPool3x3, Primitive::AvgPool3x3];
    [
        SearchSpace::hierarchical(),
        SearchSpace::flat(),
        SearchSpace::new(all.clone(), summed, Merge::Sum).unwrap(),
        SearchSpace::new(all, deep, Merge::Concat).unwrap(),
        // Nearly everything can be shared here.
        SearchSpace::new(pools, vec![level(2, 4, None), level(1, 4, None)], Merge::Concat).unwrap(),
    ]
}

/// Tiny models of every form: one or two cells a group, each kind of separable convolution and of ending.
fn skeletons() -> [Skeleton; 3] {
    let stem = |width, stride| Stem { width, stride };
    let group = |cells, width| Group { cells, width };
    let new = |stem, groups, last, inner| Skeleton::new(stem, groups, last, inner, 3).unwrap();
    let last = AfterLastCell::Separable { width: 5 };
    [
        new(vec![stem(2, 1)], vec![group(1, 2), group(1, 3)], AfterLastCell::Nothing, SeparableInner::BatchNorm),
        new(vec![stem(3, 2), stem(2, 1)], vec![group(2, 2)], last, SeparableInner::Nothing),
        new(vec![stem(1, 1)], vec![group(1, 1), group(1, 2)], last, SeparableInner::BatchNormRelu),
    ]
}

const IMAGE: Shape = Shape { channels: 3, height: 4, width: 4 };

/// A random network of a random space, as assembled.
fn plain() -> impl Strategy<Value = Graph> {
    // A few mutations leave many identities and equal motifs, 1000 leave few: passes have to cope with both.
    let mutations = prop_oneof![0..20_usize, Just(60), Just(1000)];
    (0..spaces().len(), 0..skeletons().len(), mutations, any::<u64>()).prop_map(|(space, skeleton, mutations, seed)| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let genotype = Genotype::random(&spaces()[space], mutations, &mut rng).genotype;
        assemble(&genotype, &skeletons()[skeleton], IMAGE).expect("small enough")
    })
}

/// What one step of a random graph adds, and how far back it reaches for its inputs.
type Step = (usize, [usize; 3]);

/// A random graph of any operations over maps of one size, the last node its output: permuted concatenations and nested
/// sums, which genotypes rarely expand to. Steps that do not fit are left out.
fn any_graph() -> impl Strategy<Value = Graph> {
    prop::collection::vec((0..12_usize, [0..6_usize, 0..6, 0..6]), 1..25).prop_map(|steps: Vec<Step>| {
        let mut builder = GraphBuilder::new(Shape::new(2, 3, 3)).expect("small");
        let mut nodes = vec![builder.input()];
        for (kind, back) in steps {
            let input = |place: usize| nodes[nodes.len() - 1 - back[place].min(nodes.len() - 1)];
            let (op, count) = match kind {
                0 => (Op::Conv { kernel: 1, stride: 1, channels: 2 }, 1),
                1 => (Op::Depthwise { stride: 1 }, 1),
                2 => (Op::MaxPool, 1),
                3 => (Op::AvgPool, 1),
                4 => (Op::Identity, 1),
                5 => (Op::Concat, 1),
                6 => (Op::Sum, 1),
                7 => (Op::Concat, 3),
                8 | 9 => (Op::Concat, 2),
                10 => (Op::Sum, 2),
                _ => (Op::Sum, 3),
            };
            let channels: usize =
                (0..count).map(|place| builder.shape(input(place)).expect("added before").channels).sum();
            if channels <= 48
                && let Ok(node) = builder.push(op, (0..count).map(input))
            {
                nodes.push(node);
            }
        }
        builder.finish(nodes[nodes.len() - 1]).expect("added before")
    })
}

/// A network as assembled, or any graph.
fn any_plain() -> impl Strategy<Value = Graph> {
    prop_oneof![plain(), any_graph()]
}

fn live_parameters(graph: &Graph) -> BTreeMap<u32, Op> {
    let live = graph.live();
    let nodes = graph.iter().filter(|(id, _)| live[id.index()]);
    nodes.filter_map(|(_, node)| node.param.map(|param| (param, node.op))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn c1_assembled_and_optimized_graphs_are_valid(graph in any_plain()) {
        prop_assert_eq!(verify(&graph), Ok(()));
        prop_assert_eq!(verify(&optimize(graph)), Ok(()));
    }

    #[test]
    fn c1_text_reads_back_as_the_same_graph(graph in any_plain()) {
        prop_assert_eq!(Graph::parse(&graph.to_text()), Ok(graph.clone()));
        let optimized = optimize(graph);
        prop_assert_eq!(Graph::parse(&optimized.to_text()), Ok(optimized));
    }

    #[test]
    fn c2_every_node_of_an_optimized_graph_is_between_input_and_output(graph in any_plain()) {
        let optimized = optimize(graph);
        prop_assert_eq!(verify_optimized(&optimized), Ok(()));
        prop_assert!(optimized.nodes().iter().all(|node| node.op != Op::Identity));
    }

    #[test]
    fn c3_passes_keep_exactly_the_parameters_that_matter(graph in any_plain()) {
        let before = live_parameters(&graph);
        let optimized = optimize(graph);
        prop_assert_eq!(&live_parameters(&optimized), &before);
        let owners = optimized.nodes().iter().filter(|node| node.param.is_some()).count();
        prop_assert_eq!(owners, before.len());
    }

    #[test]
    fn c4_passes_keep_outputs_and_gradients(graph in any_plain(), seed: u64) {
        let before = interpreter::run(&graph, seed);
        let after = interpreter::run(&optimize(graph), seed);
        prop_assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(before.is_close(*after), "{:?} became {:?}", before, after);
        }
    }

    #[test]
    fn c4_passes_leave_nothing_for_themselves(graph in any_plain()) {
        let optimized = optimize(graph);
        prop_assert_eq!(optimize(optimized.clone()), optimized);
    }
}

/// The referee can tell: another order of channels, another parameter set, another pool, an operation shared that has
/// parameters.
#[test]
fn c4_the_interpreter_sees_what_passes_must_not_do() {
    let graph = |merge: &str, pool: &str, param: u32| {
        Graph::parse(&format!(
            "%0 = input : 2x4x4\n%1 = conv 3x3 stride 1 channels 4 (%0) param 0\n%2 = {pool} (%1)\n\
             %3 = conv 1x1 stride 1 channels 4 (%0) param {param}\n%4 = concat ({merge})\n\
             %5 = conv 1x1 stride 1 channels 8 (%4) param 2\n%6 = global_avg_pool (%5)\n%7 = linear classes 3 (%6)\n\
             output %7"
        ))
        .unwrap()
    };
    let differ = |one: &Graph, other: &Graph| {
        let (one, other) = (interpreter::run(one, 7), interpreter::run(other, 7));
        one.iter().zip(&other).all(|(one, other)| !one.is_close(*other))
    };
    let plain = graph("%2, %3", "max_pool", 1);
    assert!(!differ(&plain, &plain));
    assert!(differ(&plain, &graph("%3, %2", "max_pool", 1)));
    assert!(differ(&plain, &graph("%2, %3", "avg_pool", 1)));
    assert!(differ(&plain, &graph("%2, %3", "max_pool", 9)));
    assert!(differ(&plain, &graph("%2, %2", "max_pool", 1)));
}

/// A sum of a sum with itself doubles what is added up at each step: 2^40 inputs if all were flattened.
#[test]
fn c4_flattening_stops_before_it_explodes() {
    let mut builder = GraphBuilder::new(Shape::new(1, 1, 1)).unwrap();
    let mut value = builder.input();
    for _ in 0..40 {
        value = builder.push(Op::Sum, [value, value]).unwrap();
    }
    let graph = builder.finish(value).unwrap();
    let optimized = optimize(graph.clone());
    assert!(optimized.nodes().iter().all(|node| node.inputs.len() <= 8192));
    assert!(optimized.nodes().len() <= 5, "{optimized}");
    assert!(interpreter::run(&graph, 1)[0].is_close(interpreter::run(&optimized, 1)[0]));
    assert_eq!(optimize(optimized.clone()), optimized);
}
