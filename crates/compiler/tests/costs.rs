//! Costs of each operation against numbers worked out by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use hnas_compiler::{Graph, NodeCost, cost};

/// The cost of one operation over an input of 6x8x8: parameters, the same with statistics, multiply-adds, values kept for
/// the backward pass (of 4 bytes).
fn check(op: &str, parameters: u64, with_statistics: u64, multiply_adds: u64, values: u64) {
    let graph = Graph::parse(&format!("%0 = input : 6x8x8\n%1 = {op}\noutput %1")).unwrap();
    let expected = NodeCost {
        parameters,
        parameters_with_statistics: with_statistics,
        multiply_adds,
        activation_bytes: 4 * values,
    };
    let found = cost(&graph);
    assert_eq!(found.nodes[1], expected, "{op}");
    let input = NodeCost { activation_bytes: 4 * 6 * 64, ..NodeCost::default() };
    assert_eq!(found.nodes[0], input);
    assert_eq!(found.total, NodeCost { activation_bytes: 4 * (values + 6 * 64), ..expected });
}

#[test]
fn convolutions() {
    // 6 * 10 weights, gamma and beta, mean and variance; 60 a pixel; before and after batch normalisation.
    check("conv 1x1 stride 1 channels 10 (%0)", 60 + 20, 60 + 40, 60 * 64, 2 * 640);
    check("conv 3x3 stride 1 channels 10 (%0)", 540 + 20, 540 + 40, 540 * 64, 2 * 640);
    check("conv 3x3 stride 2 channels 10 (%0)", 540 + 20, 540 + 40, 540 * 16, 2 * 160);
    check("depthwise stride 1 (%0)", 54 + 12, 54 + 24, 54 * 64, 2 * 384);
    check("depthwise stride 2 (%0)", 54 + 12, 54 + 24, 54 * 16, 2 * 96);
}

#[test]
fn separable_convolutions() {
    // 54 weights of the depthwise half, 60 of the 1x1 half; the batch normalisation between them has 6 channels.
    check("separable stride 1 channels 10 inner Nothing (%0)", 114 + 20, 114 + 40, 114 * 64, 384 + 2 * 640);
    check("separable stride 1 channels 10 inner BatchNorm (%0)", 114 + 32, 114 + 64, 114 * 64, 2 * 384 + 2 * 640);
    check("separable stride 1 channels 10 inner BatchNormRelu (%0)", 114 + 32, 114 + 64, 114 * 64, 2 * 384 + 2 * 640);
    check("separable stride 2 channels 10 inner BatchNorm (%0)", 114 + 32, 114 + 64, 114 * 16, 2 * 96 + 2 * 160);
}

#[test]
fn operations_without_parameters() {
    check("max_pool (%0)", 0, 0, 0, 2 * 384);
    check("avg_pool (%0)", 0, 0, 0, 384);
    check("identity (%0)", 0, 0, 0, 0);
    check("concat (%0, %0)", 0, 0, 0, 768);
    check("sum (%0, %0)", 0, 0, 0, 384);
    check("global_avg_pool (%0)", 0, 0, 0, 6);
}

#[test]
fn linear_layer() {
    let graph = Graph::parse("%0 = input : 6x1x1\n%1 = linear classes 10 (%0)\noutput %1").unwrap();
    let expected =
        NodeCost { parameters: 60 + 10, parameters_with_statistics: 60 + 10, multiply_adds: 60, activation_bytes: 40 };
    assert_eq!(cost(&graph).nodes[1], expected);
}
