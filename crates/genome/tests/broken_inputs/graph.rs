//! Genotypes that do not fit their space or connect nothing: what is said, with level, motif and edge.

use expect_test::expect;
use hnas_genome::{Edge, Genotype, Motif};

use crate::{GENOTYPE, check};

#[test]
fn counts_other_than_those_of_the_space_are_refused() {
    check(
        "(motifs: 2, nodes: 3, followed_by: Some(Conv1x1)), ",
        &[""],
        expect![[r#"
        the number of levels above the primitives is 2, in the search space it is 1
    "#]],
    );
    check(
        "            [\"1->3 Identity\"],\n",
        &["", "[], [],"],
        expect![[r#"
        level 2: the number of motifs is 1, in the search space it is 2
        level 2: the number of motifs is 3, in the search space it is 2
    "#]],
    );
    check(
        "\"1->2 Motif2\", \"2->3 Motif1\"],",
        &["\"1->2 Motif2\", \"2->3 Motif1\"], [],"],
        expect![[r#"
        level 3: the number of motifs is 2, in the search space it is 1
    "#]],
    );
}

#[test]
fn edges_that_are_none_are_refused() {
    check(
        "1->3 Identity",
        &["", "1-3 Identity", "1->3", "1->3Identity", "->3 Identity", "+1->3 Identity", "one->3 Identity"],
        expect![[r#"
            level 2, motif 2: "" is not an edge such as "1->2 Identity" or "1->2 Motif3"
            level 2, motif 2: "1-3 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3"
            level 2, motif 2: "1->3" is not an edge such as "1->2 Identity" or "1->2 Motif3"
            level 2, motif 2: "1->3Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3"
            level 2, motif 2: "->3 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3"
            level 2, motif 2: "+1->3 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3"
            level 2, motif 2: "one->3 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3"
        "#]],
    );
    check(
        "1->3 Identity",
        &["1->99999999999999999999999 Identity", "1->-3 Identity", &"x".repeat(100_000)],
        expect![[r#"
            level 2, motif 2: "1->99999999999999999999999 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3"
            level 2, motif 2: "1->-3 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3"
            level 2, motif 2: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..." is not an edge such as "1->2 Identity" or "1->2 Motif3"
        "#]],
    );
}

#[test]
fn g1_edges_out_of_place_are_refused() {
    check(
        "1->3 Identity",
        &["3->1 Identity", "2->2 Identity"],
        expect![[r#"
        level 2, motif 2: edge 3 -> 1 does not go forward
        level 2, motif 2: edge 2 -> 2 does not go forward
    "#]],
    );
    check(
        "1->3 Identity",
        &["1->4 Identity", "0->3 Identity", "1->1000000000 Identity"],
        expect![[r#"
        level 2, motif 2: edge 1 -> 4 leaves the motif, whose nodes are 1 to 3
        level 2, motif 2: edge 0 -> 3 leaves the motif, whose nodes are 1 to 3
        level 2, motif 2: edge 1 -> 1000000000 leaves the motif, whose nodes are 1 to 3
    "#]],
    );
    check(
        "\"2->3 Identity\"",
        &["\"1->2 Identity\"", "\"1->2 MaxPool3x3\""],
        expect![[r#"
        level 2, motif 1: edge 1 -> 2 is given twice
        level 2, motif 1: edge 1 -> 2 is given twice
    "#]],
    );
    check(
        "2->3 Motif1",
        &["3->2 Motif1", "4->5 Motif1", "1->2 Motif1"],
        expect![[r#"
        level 3, motif 1: edge 3 -> 2 does not go forward
        level 3, motif 1: edge 4 -> 5 leaves the motif, whose nodes are 1 to 3
        level 3, motif 1: edge 1 -> 2 is given twice
    "#]],
    );
}

#[test]
fn g2_operations_that_do_not_exist_are_refused() {
    check(
        "1->3 Identity",
        &["1->3 Conv9x9", "1->3 identity", "1->3 none", "1->3 Identity twice"],
        expect![[r#"
        level 2, motif 2: edge 1 -> 3 carries "Conv9x9", which is none of MaxPool3x3, Identity
        level 2, motif 2: edge 1 -> 3 carries "identity", which is none of MaxPool3x3, Identity
        level 2, motif 2: edge 1 -> 3 carries "none", which is none of MaxPool3x3, Identity
        level 2, motif 2: edge 1 -> 3 carries "Identity twice", which is none of MaxPool3x3, Identity
    "#]],
    );
    // A primitive, but not of this space; and not of this level.
    check(
        "1->3 Identity",
        &["1->3 Conv3x3", "1->3 Motif1"],
        expect![[r#"
        level 2, motif 2: edge 1 -> 3 carries "Conv3x3", which is none of MaxPool3x3, Identity
        level 2, motif 2: edge 1 -> 3 carries "Motif1", which is none of MaxPool3x3, Identity
    "#]],
    );
    check(
        "2->3 Motif1",
        &["2->3 Motif3", "2->3 Motif0", "2->3 Motif-1", "2->3 Motif", "2->3 Identity"],
        expect![[r#"
            level 3, motif 1: edge 2 -> 3 carries "Motif3", which is none of Motif1, Motif2
            level 3, motif 1: edge 2 -> 3 carries "Motif0", which is none of Motif1, Motif2
            level 3, motif 1: edge 2 -> 3 carries "Motif-1", which is none of Motif1, Motif2
            level 3, motif 1: edge 2 -> 3 carries "Motif", which is none of Motif1, Motif2
            level 3, motif 1: edge 2 -> 3 carries "Identity", which is none of Motif1, Motif2
        "#]],
    );
}

#[test]
fn g3_a_cell_whose_sink_is_unreachable_is_refused() {
    // At the top itself, and since a motif on the only path is broken below.
    check(
        ", \"2->3 Motif1\"",
        &[""],
        expect![[r#"
        level 3, motif 1: node 3, the sink of the cell, cannot be reached from node 1 when expanded
    "#]],
    );
    check(
        "\"1->3 Identity\"",
        &["", "\"1->2 Identity\""],
        expect![[r#"
        level 3, motif 1: node 3, the sink of the cell, cannot be reached from node 1 when expanded
        level 3, motif 1: node 3, the sink of the cell, cannot be reached from node 1 when expanded
    "#]],
    );
}

#[test]
fn a_broken_motif_that_the_cell_does_not_need_is_taken() {
    let spare = GENOTYPE.replace("\"1->2 Motif2\", \"2->3 Motif1\"", "\"1->3 Motif1\", \"2->3 Motif2\"");
    let broken = spare.replace("\"1->3 Identity\"", "");
    assert_ne!(broken, spare);
    let genotype = Genotype::from_ron(&broken).expect("valid");
    assert_eq!(genotype.used_motifs(), [vec![true, false], vec![true]]);
}

#[test]
fn motifs_made_in_code_are_checked_as_well() {
    let valid = Genotype::from_ron(GENOTYPE).expect("valid");
    let say = |motif: Motif| {
        let levels = vec![vec![valid.motif(2, 0).clone(), motif], valid.motifs(3).to_vec()];
        Genotype::new(valid.space().clone(), levels).expect_err("the motif does not fit").to_string()
    };
    let edge = Edge { from: 1, to: 2, op: 1_000_000_000 };
    let far = Motif::new(3, [edge]).expect("a motif alone knows no pool");
    let said = [
        say(Motif::chain(4, 0)),
        say(Motif::chain(3, 2)),
        say(far),
        Motif::new(1_000_000_000, []).expect_err("too many nodes").to_string(),
        Motif::new(1, []).expect_err("too few nodes").to_string(),
    ];
    expect![[r#"
        level 2, motif 2: the number of nodes is 4, in the search space it is 3
        level 2, motif 2: edge 1 -> 2 carries operation 2, counted from 0, of 2
        level 2, motif 2: edge 1 -> 2 carries operation 1000000000, counted from 0, of 2
        the number of nodes is 1000000000, not 2 to 64
        the number of nodes is 1, not 2 to 64"#]]
    .assert_eq(&said.join("\n"));
}
