//! What programs multiply and move, against counts by hand and against the cost of their graphs.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod candidates;

use candidates::{candidates, learned, small_graph};
use hnas_compiler::{Graph, Op, Program, Shape, Skeleton, Step, Work, assemble, cost, optimize};
use hnas_genome::{Genotype, SearchSpace};
use proptest::prelude::*;

const IMAGE: Shape = Shape { channels: 3, height: 32, width: 32 };

fn program(graph: &Graph) -> Program {
    Program::lower(graph, IMAGE).unwrap()
}

#[test]
fn a_network_by_hand() {
    // The trivial flat genotype is a chain of identities: the model is its stem, two strided separable convolutions, the
    // mean and the classifier.
    let cell = Genotype::identity_chain(&SearchSpace::flat());
    let skeleton = Skeleton::cifar_small();
    let graph = optimize(assemble(&cell, &skeleton, IMAGE).unwrap());
    let (program, batch) = (program(&graph), 8);
    let names: Vec<bool> = program.steps().iter().map(|step| matches!(step, Step::Depthwise { .. })).collect();
    assert_eq!(names, [false, true, false, true, false, false, false], "{:?}", program.steps());
    // Values of an image: 3 channels take a block of 16.
    let [first, half, second, quarter, third] =
        [16 * 32 * 32, 16 * 16 * 16, 32 * 16 * 16, 32 * 8 * 8, 64 * 8 * 8].map(|values: u64| values * batch);
    let (images, vector) = (first, 64 * batch);
    for value_bytes in [4, 2] {
        let weights = [9 * 16 * 16, 9 * 16, 16 * 32, 9 * 32, 32 * 64, 0, 64 * 16];
        let products =
            [weights[0] * 1024, weights[1] * 256, weights[2] * 256, weights[3] * 64, weights[4] * 64, 0, weights[6]];
        let forward = [images + first, first + half, half + second, second + quarter, quarter + third, third + vector];
        let forward = forward.into_iter().chain([vector + 16 * batch]);
        let mut expected: Vec<Work> = forward
            .zip(weights.iter().zip(products))
            .map(|(maps, (weights, products))| Work {
                multiply_adds: products * batch,
                bytes: value_bytes * maps + 4 * weights,
            })
            .collect();
        // Backward: gradient and value of what was given, value and gradient of what was read; no gradient of the images.
        let backward = [
            16 * batch + 2 * vector,
            vector + third,
            2 * third + 2 * quarter,
            2 * quarter + 2 * second,
            2 * second + 2 * half,
            2 * half + 2 * first,
            2 * first + images,
        ];
        for ((maps, index), times) in backward.into_iter().zip((0..7).rev()).zip([2, 2, 2, 2, 2, 2, 1]) {
            let multiply_adds = times * products[index] * batch;
            expected.push(Work { multiply_adds, bytes: value_bytes * maps + 8 * weights[index] });
        }
        expected.push(Work { multiply_adds: 0, bytes: 20 * weights.iter().sum::<u64>() });
        assert_eq!(program.training_work(batch as usize, value_bytes as usize), expected);
    }
}

#[test]
fn a_training_step_multiplies_three_times_what_a_forward_pass_does_less_the_images_gradient() {
    let graph = learned().optimized(IMAGE);
    let program = program(&graph);
    // The widths fill their blocks, but for 3 of 16 channels of the images and 10 of 16 classes.
    let cost = cost(&graph);
    let [stem, linear] = [graph.nodes()[1].op, graph.node(graph.output()).op];
    assert!(matches!((stem, linear), (Op::Conv { .. }, Op::Linear { .. })));
    let [stem, linear] = [1, graph.output().index()].map(|node| cost.nodes[node].multiply_adds);
    let others = cost.total.multiply_adds - stem - linear;
    let expected = 3 * others + 2 * (stem / 3 * 16) + 3 * (linear / 10 * 16);
    assert_eq!(program.total_training_work(4, 4).multiply_adds, 4 * expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_map_is_written_and_read(candidate in candidates()) {
        check(&program(&candidate.optimized(IMAGE)));
    }
}

#[test]
fn every_map_of_every_kind_of_step_is_written_and_read() {
    let graph = small_graph();
    check(&Program::lower(&graph, graph.input_shape()).unwrap());
}

fn check(program: &Program) {
    let values: usize = program.maps().iter().map(|map| map.values()).sum();
    let Work { multiply_adds, bytes } = program.total_training_work(1, 4);
    assert!(multiply_adds > 0);
    assert!(bytes >= 8 * values as u64, "{bytes} bytes for {values} values");
}

#[test]
fn seconds_are_those_of_what_takes_longer() {
    let work = Work { multiply_adds: 100, bytes: 300 };
    assert_eq!(work.seconds(100.0, 100.0), 3.0);
    assert_eq!(work.seconds(100.0, 10.0), 10.0);
}
