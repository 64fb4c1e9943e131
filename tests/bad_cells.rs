//! Bad genotypes, skeletons and recipes: what is said about each, exactly. Always exit code 2.

mod support;

use expect_test::{Expect, expect};
use support::broken::Broken;
use support::root;

const LEARNED: &str = "experiments/cifar10/genotypes/learned-cell.ron";
const TINY: &str = "tests/cases/tiny.ron";

#[test]
fn genotypes() {
    let broken = Broken::new();
    let check = |from: &str, to: &str, expected: Expect| {
        broken.edited(LEARNED, "genotype.ron", from, to).check("inspect FOLDER/genotype.ron", &expected);
    };
    check(
        "1->2 Motif5",
        "2->1 Motif5",
        expect![[r#"
            error: FOLDER/genotype.ron: level 3, motif 1: edge 2 -> 1 does not go forward
        "#]],
    );
    check(
        "1->2 Motif5",
        "2->2 Motif5",
        expect![[r#"
            error: FOLDER/genotype.ron: level 3, motif 1: edge 2 -> 2 does not go forward
        "#]],
    );
    check(
        "1->2 Motif5",
        "1->6 Motif5",
        expect![[r#"
            error: FOLDER/genotype.ron: level 3, motif 1: edge 1 -> 6 leaves the motif, whose nodes are 1 to 5
        "#]],
    );
    check(
        "1->2 Motif5",
        "1->2 Motif7",
        expect![[r#"
            error: FOLDER/genotype.ron: level 3, motif 1: edge 1 -> 2 carries "Motif7", which is none of Motif1, Motif2, Motif3, Motif4, Motif5, Motif6
        "#]],
    );
    check(
        "1->2 Motif5",
        "1->2 Identity",
        expect![[r#"
            error: FOLDER/genotype.ron: level 3, motif 1: edge 1 -> 2 carries "Identity", which is none of Motif1, Motif2, Motif3, Motif4, Motif5, Motif6
        "#]],
    );
    check(
        "1->2 Motif5",
        "1->3 Motif5",
        expect![[r#"
            error: FOLDER/genotype.ron: level 3, motif 1: edge 1 -> 3 is given twice
        "#]],
    );
    check(
        "1->2 Motif5",
        "one to two",
        expect![[r#"
            error: FOLDER/genotype.ron: level 3, motif 1: "one to two" is not an edge such as "1->2 Identity" or "1->2 Motif3"
        "#]],
    );
    check(
        "\"1->2 Motif5\"",
        "12",
        expect![[r#"
        error: FOLDER/genotype.ron:19:14: Expected string
    "#]],
    );
    check(
        "nodes: 5",
        "nodes: 1",
        expect![[r#"
            error: FOLDER/genotype.ron: search space, level 3: the number of nodes is 1, not 2 to 64
        "#]],
    );
    check(
        "nodes: 5",
        "nodes: 1000000000",
        expect![[r#"
            error: FOLDER/genotype.ron: search space, level 3: the number of nodes is 1000000000, not 2 to 64
        "#]],
    );
    check(
        "motifs: 6",
        "motifs: 5",
        expect![[r#"
            error: FOLDER/genotype.ron: level 2: the number of motifs is 6, in the search space it is 5
        "#]],
    );
    check(
        "motifs: 6",
        "motifs: 6, colour: 1",
        expect![[r#"
        error: FOLDER/genotype.ron:8:119: Unexpected field named `colour` in `Level`, expected one of `motifs`, `nodes`, or `followed_by` instead
    "#]],
    );
    check(
        "motifs: 6",
        "motifs: -6",
        expect![[r#"
        error: FOLDER/genotype.ron:8:117: Integer is out of bounds
    "#]],
    );
    check(
        "Conv1x1",
        "Conv9x9",
        expect![[r#"
        error: FOLDER/genotype.ron:8:26: Unexpected variant named `Conv9x9` in enum `Primitive`, expected one of `Conv1x1`, `Depthwise3x3`, `Separable3x3`, `MaxPool3x3`, `AvgPool3x3`, `Identity`, or `Conv3x3` instead
    "#]],
    );
    let space =
        "(primitives: [Identity, MaxPool3x3], levels: [(motifs: 1, nodes: 3, followed_by: None)], merge: Concat)";
    let apart = format!("(space: {space}, levels: [[[\"1->2 Identity\"]]])");
    std::fs::write(broken.path("genotype.ron"), apart).unwrap();
    broken.check("inspect FOLDER/genotype.ron", &expect![[r#"
        error: FOLDER/genotype.ron: level 2, motif 1: node 3, the sink of the cell, cannot be reached from node 1 when expanded
    "#]]);
    let text = std::fs::read_to_string(root().join(LEARNED)).unwrap();
    std::fs::write(broken.path("genotype.ron"), &text[..text.len() / 2]).unwrap();
    broken.check(
        "inspect FOLDER/genotype.ron",
        &expect![[r#"
        error: FOLDER/genotype.ron:11:14: Expected end of string
    "#]],
    );
    std::fs::write(broken.path("genotype.ron"), [0xff, 0xfe, 0x00]).unwrap();
    broken.check(
        "mutate FOLDER/genotype.ron",
        &expect![[r#"
        error: cannot read FOLDER/genotype.ron: stream did not contain valid UTF-8
    "#]],
    );
    broken.check(
        "mutate FOLDER/none.ron",
        &expect![[r#"
        error: cannot read FOLDER/none.ron: No such file or directory (os error 2)
    "#]],
    );
    broken.check(
        "mutate FOLDER",
        &expect![[r#"
        error: cannot read FOLDER: Is a directory (os error 21)
    "#]],
    );
}

#[test]
fn skeletons() {
    let broken = Broken::new();
    let check = |text: &str, expected: Expect| {
        std::fs::write(broken.path("skeleton.ron"), text).unwrap();
        broken.check(&format!("inspect {LEARNED} --skeleton FOLDER/skeleton.ron"), &expected);
    };
    let rest = "after_last_cell: Nothing, separable_inner: BatchNorm, classes: 10";
    check(
        &format!("(stem: [], groups: [(cells: 1, width: 16)], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron: the stem has no convolution; it needs at least 1
        "#]],
    );
    check(
        &format!("(stem: [(width: 16, stride: 1)], groups: [], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron: there is no group of cells; at least 1 is needed
        "#]],
    );
    check(
        &format!("(stem: [(width: 16, stride: 3)], groups: [(cells: 1, width: 16)], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron: stem convolution 1: stride is 3, allowed is 1 or 2
        "#]],
    );
    check(
        &format!("(stem: [(width: 16, stride: 1)], groups: [(cells: 0, width: 16)], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron: group 1 has 0 cells; it needs at least 1
        "#]],
    );
    check(
        &format!("(stem: [(width: 8, stride: 1)], groups: [(cells: 1, width: 16)], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron: the stem ends with 8 channels, but the cells of group 1 are 16 channels wide
        "#]],
    );
    check(
        &format!("(stem: [(width: 16, stride: 1)], groups: [(cells: 100000, width: 16)], {rest})"),
        expect![[r#"
        error: experiments/cifar10/genotypes/learned-cell.ron: no network: the network would have at least 9400003 nodes in 100000 cell(s); at most 100000 are built
    "#]],
    );
    check(
        "(stem: [(width: 16, stride: 1)])",
        expect![[r#"
            error: FOLDER/skeleton.ron:1:32: Unexpected missing field named `groups` in `Skeleton`
        "#]],
    );
    check(
        "(",
        expect![[r#"
            error: FOLDER/skeleton.ron:1:1: Unexpected end of RON
        "#]],
    );
}

#[test]
fn recipes() {
    let broken = Broken::new();
    let text = std::fs::read_to_string(root().join(TINY)).unwrap();
    let begin = text.find("recipe: (").unwrap() + "recipe: ".len();
    let recipe = text[begin..].split("),\n                runs").next().unwrap().to_owned() + ")";
    let check = |from: &str, to: &str, expected: Expect| {
        assert!(recipe.contains(from), "{from}");
        std::fs::write(broken.path("recipe.ron"), recipe.replacen(from, to, 1)).unwrap();
        broken.check(&format!("train {LEARNED} --recipe FOLDER/recipe.ron"), &expected);
    };
    check(
        "momentum: 0.9",
        "momentum: NaN",
        expect![[r#"
            error: FOLDER/recipe.ron: momentum is NaN, allowed is 0 up to but without 1
        "#]],
    );
    check(
        "momentum: 0.9",
        "momentum: 1.5",
        expect![[r#"
            error: FOLDER/recipe.ron: momentum is 1.5, allowed is 0 up to but without 1
        "#]],
    );
    check(
        "momentum: 0.9",
        "momentum: fast",
        expect![[r#"
            error: FOLDER/recipe.ron:5:34: Expected float
        "#]],
    );
    check(
        "initial: 0.05",
        "initial: inf",
        expect![[r#"
            error: FOLDER/recipe.ron: learning_rate.initial is inf, allowed is a finite number above 0
        "#]],
    );
    check(
        "drops: [(3, 0.1)]",
        "drops: [(3, 0.1), (3, 0.1)]",
        expect![[r#"
            error: FOLDER/recipe.ron: learning_rate.drops: drop 2 is after step 3, it must come after step 3
        "#]],
    );
    check(
        "drops: [(3, 0.1)]",
        "drops: [(4, 0.1)]",
        expect![[r#"
            error: FOLDER/recipe.ron: learning_rate.drops: drop 1 is after step 4, but there are only 4 steps
        "#]],
    );
    check(
        "steps: 4",
        "steps: 0",
        expect![[r#"
            error: FOLDER/recipe.ron: steps is 0, at least 1 is needed
        "#]],
    );
    check(
        "crop: 24",
        "crop: 240",
        expect![[r#"
            error: FOLDER/recipe.ron:17:22: Non-whitespace trailing characters
        "#]],
    );
    check(
        "flip: true",
        "flip: true, rotate: true",
        expect![[r#"
            error: FOLDER/recipe.ron:9:37: Unexpected field named `rotate` in `Recipe`, expected one of `steps`, `batch`, `learning_rate`, `momentum`, `weight_decay`, `weight_decay_on`, `crop`, `flip`, `normalization`, `initializer`, `batch_norm_momentum`, `batch_norm_epsilon`, `precision`, `eval_batch`, or `time_limit_s` instead
        "#]],
    );
    check(
        "normalization: PerChannel",
        "normalization: PerPixel",
        expect![[r#"
            error: FOLDER/recipe.ron:10:40: Unexpected variant named `PerPixel` in enum `Normalization`, expected either `PerChannel` or `MinusOneToOne` instead
        "#]],
    );
}
