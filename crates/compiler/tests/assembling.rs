//! What genotypes expand to, and what is refused.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use expect_test::{Expect, expect};
use hnas_compiler::{AfterLastCell, Group, SeparableInner, Shape, Skeleton, Stem, assemble};
use hnas_genome::{Edge, Genotype, Level, Merge, Motif, Primitive, SearchSpace};

/// One stem convolution and one cell, nothing after it.
fn one_cell(width: usize) -> Skeleton {
    let (stem, groups) = (vec![Stem { width, stride: 1 }], vec![Group { cells: 1, width }]);
    Skeleton::new(stem, groups, AfterLastCell::Nothing, SeparableInner::BatchNorm, 10).unwrap()
}

fn check(genotype: &str, skeleton: &Skeleton, expected: Expect) {
    let genotype = Genotype::from_ron(genotype).unwrap();
    let graph = assemble(&genotype, skeleton, Shape::new(3, 8, 8)).unwrap();
    expected.assert_eq(&graph.to_text());
}

const SIX: &str = "primitives: [Conv1x1, Depthwise3x3, Separable3x3, MaxPool3x3, AvgPool3x3, Identity, Conv3x3]";

#[test]
fn every_primitive_of_a_flat_cell() {
    check(
        &format!(
            r#"(space: ({SIX}, levels: [(motifs: 1, nodes: 5, followed_by: None)], merge: Concat), levels: [[[
                "1->2 Conv1x1", "1->3 Conv3x3", "2->3 Identity", "1->4 MaxPool3x3", "3->4 Depthwise3x3",
                "1->5 AvgPool3x3", "4->5 Separable3x3"]]])"#
        ),
        &one_cell(16),
        expect![[r#"
            %0 = input : 3x8x8
            %1 = conv 3x3 stride 1 channels 16 (%0) : 16x8x8 param 0
            %2 = conv 1x1 stride 1 channels 16 (%1) : 16x8x8 param 1
            %3 = conv 3x3 stride 1 channels 16 (%1) : 16x8x8 param 2
            %4 = identity (%2) : 16x8x8
            %5 = concat (%3, %4) : 32x8x8
            %6 = max_pool (%1) : 16x8x8
            %7 = depthwise stride 1 (%5) : 32x8x8 param 3
            %8 = concat (%6, %7) : 48x8x8
            %9 = avg_pool (%1) : 16x8x8
            %10 = separable stride 1 channels 16 inner BatchNorm (%8) : 16x8x8 param 4
            %11 = concat (%9, %10) : 32x8x8
            %12 = global_avg_pool (%11) : 32x1x1
            %13 = linear classes 10 (%12) : 10x1x1 param 5
            output %13
        "#]],
    );
}

#[test]
fn motifs_are_expanded_at_each_use_and_followed_by_their_levels_primitive() {
    check(
        &format!(
            r#"(space: ({SIX}, levels: [(motifs: 2, nodes: 3, followed_by: Some(Conv1x1)),
                (motifs: 1, nodes: 3, followed_by: Some(MaxPool3x3))], merge: Sum), levels: [
                [["1->3 Identity", "1->2 AvgPool3x3", "2->3 Depthwise3x3"], ["1->3 MaxPool3x3"]],
                [["1->2 Motif1", "2->3 Motif1", "1->3 Motif2"]]])"#
        ),
        &one_cell(4),
        expect![[r#"
            %0 = input : 3x8x8
            %1 = conv 3x3 stride 1 channels 4 (%0) : 4x8x8 param 0
            %2 = avg_pool (%1) : 4x8x8
            %3 = identity (%1) : 4x8x8
            %4 = depthwise stride 1 (%2) : 4x8x8 param 1
            %5 = sum (%3, %4) : 4x8x8
            %6 = conv 1x1 stride 1 channels 4 (%5) : 4x8x8 param 2
            %7 = max_pool (%1) : 4x8x8
            %8 = conv 1x1 stride 1 channels 4 (%7) : 4x8x8 param 3
            %9 = avg_pool (%6) : 4x8x8
            %10 = identity (%6) : 4x8x8
            %11 = depthwise stride 1 (%9) : 4x8x8 param 4
            %12 = sum (%10, %11) : 4x8x8
            %13 = conv 1x1 stride 1 channels 4 (%12) : 4x8x8 param 5
            %14 = sum (%8, %13) : 4x8x8
            %15 = max_pool (%14) : 4x8x8
            %16 = global_avg_pool (%15) : 4x1x1
            %17 = linear classes 10 (%16) : 10x1x1 param 6
            output %17
        "#]],
    );
}

/// Node 2 of the cell has only a motif without a way through, so it goes, and with it the edge 2->4; node 3 leads nowhere
/// and stays until the passes.
#[test]
fn nodes_without_inputs_are_dropped_with_what_only_they_feed() {
    check(
        &format!(
            r#"(space: ({SIX}, levels: [(motifs: 2, nodes: 3, followed_by: None), (motifs: 1, nodes: 4, followed_by: None)],
                merge: Concat), levels: [
                [["1->2 Conv1x1"], ["1->3 Depthwise3x3", "2->3 Conv1x1"]],
                [["1->2 Motif1", "2->4 Motif2", "1->3 Motif2", "1->4 Motif2"]]])"#
        ),
        &one_cell(4),
        expect![[r#"
            %0 = input : 3x8x8
            %1 = conv 3x3 stride 1 channels 4 (%0) : 4x8x8 param 0
            %2 = depthwise stride 1 (%1) : 4x8x8 param 1
            %3 = depthwise stride 1 (%1) : 4x8x8 param 2
            %4 = global_avg_pool (%3) : 4x1x1
            %5 = linear classes 10 (%4) : 10x1x1 param 3
            output %5
        "#]],
    );
}

#[test]
fn separable_convolutions_stand_after_the_cells() {
    let genotype = format!(
        r#"(space: ({SIX}, levels: [(motifs: 1, nodes: 2, followed_by: None)], merge: Concat), levels: [[["1->2 MaxPool3x3"]]])"#
    );
    let groups = vec![Group { cells: 2, width: 4 }, Group { cells: 1, width: 8 }];
    let last = AfterLastCell::Separable { width: 12 };
    let stem = vec![Stem { width: 2, stride: 2 }, Stem { width: 4, stride: 1 }];
    let skeleton = Skeleton::new(stem, groups, last, SeparableInner::Nothing, 10).unwrap();
    check(
        &genotype,
        &skeleton,
        expect![[r#"
        %0 = input : 3x8x8
        %1 = conv 3x3 stride 2 channels 2 (%0) : 2x4x4 param 0
        %2 = conv 3x3 stride 1 channels 4 (%1) : 4x4x4 param 1
        %3 = max_pool (%2) : 4x4x4
        %4 = separable stride 1 channels 4 inner Nothing (%3) : 4x4x4 param 2
        %5 = max_pool (%4) : 4x4x4
        %6 = separable stride 2 channels 8 inner Nothing (%5) : 8x2x2 param 3
        %7 = max_pool (%6) : 8x2x2
        %8 = separable stride 1 channels 12 inner Nothing (%7) : 12x2x2 param 4
        %9 = global_avg_pool (%8) : 12x1x1
        %10 = linear classes 10 (%9) : 10x1x1 param 5
        output %10
    "#]],
    );
    let nothing = skeleton.with_after_last_cell(AfterLastCell::Nothing).unwrap();
    check(
        &genotype,
        &nothing,
        expect![[r#"
        %0 = input : 3x8x8
        %1 = conv 3x3 stride 2 channels 2 (%0) : 2x4x4 param 0
        %2 = conv 3x3 stride 1 channels 4 (%1) : 4x4x4 param 1
        %3 = max_pool (%2) : 4x4x4
        %4 = separable stride 1 channels 4 inner Nothing (%3) : 4x4x4 param 2
        %5 = max_pool (%4) : 4x4x4
        %6 = separable stride 2 channels 8 inner Nothing (%5) : 8x2x2 param 3
        %7 = max_pool (%6) : 8x2x2
        %8 = global_avg_pool (%7) : 8x1x1
        %9 = linear classes 10 (%8) : 10x1x1 param 4
        output %9
    "#]],
    );
}

/// A genotype all of whose edges carry the first operation, with many levels of motifs of `nodes` nodes.
fn full(levels: usize, nodes: usize, merge: Merge) -> Genotype {
    let level = Level { motifs: 1, nodes, followed_by: None };
    let primitives = vec![Primitive::Identity, Primitive::Conv1x1];
    let space = SearchSpace::new(primitives, vec![level; levels], merge).unwrap();
    let edges = (2..=nodes).flat_map(|to| (1..to).map(move |from| Edge { from, to, op: 0 }));
    let motif = Motif::new(nodes, edges).unwrap();
    Genotype::new(space, vec![vec![motif]; levels]).unwrap()
}

fn check_error(genotype: &Genotype, skeleton: &Skeleton, image: Shape, expected: Expect) {
    expected.assert_eq(&assemble(genotype, skeleton, image).unwrap_err().to_string());
}

#[test]
fn explosions_are_refused_with_numbers() {
    let image = Shape::new(3, 8, 8);
    check_error(
        &full(3, 20, Merge::Sum),
        &one_cell(4),
        image,
        expect!["the network would have at least 7512242 nodes in 1 cell(s); at most 100000 are built"],
    );
    check_error(
        &full(8, 64, Merge::Sum),
        &one_cell(4),
        image,
        expect!["the network would have at least 18446744073709551615 nodes in 1 cell(s); at most 100000 are built"],
    );
    check_error(
        &full(1, 40, Merge::Concat),
        &one_cell(4),
        image,
        expect![
            "group 1, cell 1: a feature map of 2097152x8x8 is too large: at most 1048576 channels and 2147483648 values"
        ],
    );
    check_error(
        &full(1, 3, Merge::Concat),
        &one_cell(4),
        Shape::new(0, 8, 8),
        expect!["input: a feature map of 0x8x8 is empty"],
    );
    let groups = vec![Group { cells: 1_000_000_000, width: 4 }; 2];
    let stem = vec![Stem { width: 4, stride: 1 }];
    let many = Skeleton::new(stem, groups, AfterLastCell::Nothing, SeparableInner::BatchNorm, 10).unwrap();
    check_error(
        &full(1, 3, Merge::Concat),
        &many,
        image,
        expect!["the network would have at least 10000000003 nodes in 2000000000 cell(s); at most 100000 are built"],
    );
}
