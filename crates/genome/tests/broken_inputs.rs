//! Files that are no genotypes, and what the reader says about them.

use expect_test::{Expect, expect};
use hnas_genome::{Edge, Genotype, GenotypeError, Motif, SearchSpace};

/// Two motifs of 3 nodes over two primitives, and a cell of 3 nodes.
const GENOTYPE: &str = r#"(
    space: (primitives: [MaxPool3x3, Identity], levels: [(motifs: 2, nodes: 3, followed_by: Some(Conv1x1)), (motifs: 1, nodes: 3, followed_by: None)], merge: Concat),
    levels: [
        [ // level 2
            ["1->2 MaxPool3x3", "2->3 Identity"],
            ["1->3 Identity"],
        ],
        [ // level 3
            ["1->2 Motif2", "2->3 Motif1"],
        ],
    ],
)"#;

/// Reads the genotype above with `old` replaced by `new`.
fn check(old: &str, new: &str, expected: Expect) {
    assert_eq!(GENOTYPE.matches(old).count(), 1, "the test replaces one place");
    let error = Genotype::from_ron(&GENOTYPE.replace(old, new)).expect_err("the input is broken");
    expected.assert_eq(&error.to_string());
}

#[test]
fn the_unbroken_text_is_read_and_written_as_it_stands() {
    assert_eq!(Genotype::from_ron(GENOTYPE).expect("valid").to_ron(), GENOTYPE);
}

#[test]
fn syntax_and_shape_are_refused_with_line_and_column() {
    check(",\n)", "", expect!["line 11, column 5: Expected comma"]);
    check("    ],\n)", "    ],\n) )", expect!["line 12, column 2: Non-whitespace trailing characters"]);
    check("motifs: 2", "motifs: \"two\"", expect!["line 2, column 66: Expected integer"]);
    check("motifs: 2", "motifs: -2", expect!["line 2, column 68: Integer is out of bounds"]);
    check("motifs: 2", "motifs: 99999999999999999999999", expect!["line 2, column 67: Integer is out of bounds"]);
    check("[\"1->3 Identity\"]", "\"1->3 Identity\"", expect!["line 6, column 13: Expected opening `[`"]);
    check("merge: Concat", "merge: Concat, colour: 3", expect!["line 2, column 167: Unexpected field named `colour` in `SearchSpace`, expected one of `primitives`, `levels`, or `merge` instead"]);
    check("nodes: 3, followed_by: None", "nodes: 3, colour: 3, followed_by: None", expect!["line 2, column 131: Unexpected field named `colour` in `Level`, expected one of `motifs`, `nodes`, or `followed_by` instead"]);
    check(", followed_by: None", "", expect!["line 2, column 129: Unexpected missing field named `followed_by` in `Level`"]);
    check("    levels: [\n", "    colour: 3,\n    levels: [\n", expect!["line 3, column 5: Unexpected field named `colour` in `Genotype`, expected either `space` or `levels` instead"]);
    check("    levels: [\n", "    levels: [],\n    levels: [\n", expect!["line 4, column 5: Unexpected duplicate field named `levels` in `Genotype`"]);
    check(", merge: Concat", "", expect!["line 2, column 150: Unexpected missing field named `merge` in `SearchSpace`"]);
    check("Concat", "Mean", expect!["line 2, column 159: Unexpected variant named `Mean` in enum `Merge`, expected either `Concat` or `Sum` instead"]);
    check("[MaxPool3x3, Identity]", "[MaxPool3x4, Identity]", expect!["line 2, column 26: Unexpected variant named `MaxPool3x4` in enum `Primitive`, expected one of `Conv1x1`, `Depthwise3x3`, `Separable3x3`, `MaxPool3x3`, `AvgPool3x3`, `Identity`, or `Conv3x3` instead"]);
}

#[test]
fn a_broken_space_is_refused_before_anything_is_allocated_for_it() {
    check("[MaxPool3x3, Identity]", "[]", expect!["the search space lacks the primitive Identity, of which the first genotype is made"]);
    check("[MaxPool3x3, Identity]", "[MaxPool3x3]", expect!["the search space lacks the primitive Identity, of which the first genotype is made"]);
    check("[MaxPool3x3, Identity]", "[Identity, MaxPool3x3, MaxPool3x3]", expect!["the search space lists the primitive MaxPool3x3 twice"]);
    check("motifs: 2", "motifs: 0", expect!["level 2 of the search space has 0 motifs; 1 to 64 are possible"]);
    check("motifs: 2", "motifs: 1000000000", expect!["level 2 of the search space has 1000000000 motifs; 1 to 64 are possible"]);
    check("nodes: 3, followed_by: Some", "nodes: 1000000000, followed_by: Some", expect!["level 2 of the search space has motifs of 1000000000 nodes; 2 to 64 are possible"]);
    check("nodes: 3, followed_by: Some", "nodes: 1, followed_by: Some", expect!["level 2 of the search space has motifs of 1 nodes; 2 to 64 are possible"]);
    check("motifs: 1", "motifs: 2", expect!["level 3, the top of the search space, has 2 motifs; it needs exactly 1, the cell"]);
    check(
        "(motifs: 2, nodes: 3, followed_by: Some(Conv1x1)), (motifs: 1, nodes: 3, followed_by: None)",
        "",
        expect!["the search space has 0 levels above the primitives; 1 to 8 are possible"],
    );
    let level = "(motifs: 1, nodes: 3, followed_by: None)";
    check(level, &[level; 8].join(", "), expect!["the search space has 9 levels above the primitives; 1 to 8 are possible"]);
    let choiceless =
        "[Identity], levels: [(motifs: 1, nodes: 2, followed_by: None)], merge: Concat), levels: [], extra: (levels: [";
    let text = GENOTYPE.replace("[MaxPool3x3, Identity], levels: [", choiceless);
    let space = text.split_once("space: ").and_then(|(_, rest)| rest.split_once(", levels: [], extra")).expect("cut").0;
    expect!["1:91-1:92: the search space has one primitive and one edge at each level, so there is nothing to choose"].assert_eq(&ron::from_str::<SearchSpace>(space).expect_err("nothing to choose").to_string());
}

#[test]
fn counts_other_than_those_of_the_space_are_refused() {
    check("(motifs: 2, nodes: 3, followed_by: Some(Conv1x1)), ", "", expect!["the genotype has 2 levels above the primitives, its search space has 1"]);
    check("            [\"1->3 Identity\"],\n", "", expect!["level 2 has 1 motifs, the search space says 2"]);
    check("[\"1->2 Motif2\", \"2->3 Motif1\"]", "[\"1->2 Motif2\", \"2->3 Motif1\"], []", expect!["level 3 has 2 motifs, the search space says 1"]);
}

#[test]
fn edges_that_are_none_are_refused() {
    check("1->3 Identity", "", expect![[r#"level 2, motif 2: "" is not an edge such as "1->2 Identity" or "1->2 Motif3""#]]);
    check("1->3 Identity", "1-3 Identity", expect![[r#"level 2, motif 2: "1-3 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3""#]]);
    check("1->3 Identity", "1->3", expect![[r#"level 2, motif 2: "1->3" is not an edge such as "1->2 Identity" or "1->2 Motif3""#]]);
    check("1->3 Identity", "+1->3 Identity", expect![[r#"level 2, motif 2: "+1->3 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3""#]]);
    check("1->3 Identity", "->3 Identity", expect![[r#"level 2, motif 2: "->3 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3""#]]);
    check("1->3 Identity", "1->99999999999999999999999 Identity", expect![[r#"level 2, motif 2: "1->99999999999999999999999 Identity" is not an edge such as "1->2 Identity" or "1->2 Motif3""#]]);
    check("1->3 Identity", &"x".repeat(100_000), expect![[r#"level 2, motif 2: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..." is not an edge such as "1->2 Identity" or "1->2 Motif3""#]]);
}

#[test]
fn edges_out_of_place_are_refused() {
    check("1->3 Identity", "3->1 Identity", expect!["level 2, motif 2: edge 3 -> 1 does not go forward"]);
    check("1->3 Identity", "2->2 Identity", expect!["level 2, motif 2: edge 2 -> 2 does not go forward"]);
    check("1->3 Identity", "1->4 Identity", expect!["level 2, motif 2: edge 1 -> 4 leaves the motif, whose nodes are 1 to 3"]);
    check("1->3 Identity", "0->3 Identity", expect!["level 2, motif 2: edge 0 -> 3 leaves the motif, whose nodes are 1 to 3"]);
    check("1->3 Identity", "1->1000000000 Identity", expect!["level 2, motif 2: edge 1 -> 1000000000 leaves the motif, whose nodes are 1 to 3"]);
    check("\"2->3 Identity\"", "\"1->2 Identity\"", expect!["level 2, motif 1: edge 1 -> 2 is given twice"]);
    check("2->3 Motif1", "3->2 Motif1", expect!["level 3, motif 1: edge 3 -> 2 does not go forward"]);
}

#[test]
fn g2_operations_that_do_not_exist_are_refused() {
    check("1->3 Identity", "1->3 Conv9x9", expect![[r#"level 2, motif 2: edge 1 -> 3 carries "Conv9x9"; level 2 has MaxPool3x3, Identity"#]]);
    check("1->3 Identity", "1->3 identity", expect![[r#"level 2, motif 2: edge 1 -> 3 carries "identity"; level 2 has MaxPool3x3, Identity"#]]);
    check("1->3 Identity", "1->3 Conv3x3", expect![[r#"level 2, motif 2: edge 1 -> 3 carries "Conv3x3"; level 2 has MaxPool3x3, Identity"#]]);
    check("1->3 Identity", "1->3 Motif1", expect![[r#"level 2, motif 2: edge 1 -> 3 carries "Motif1"; level 2 has MaxPool3x3, Identity"#]]);
    check("1->3 Identity", "1->3 Identity twice", expect![[r#"level 2, motif 2: edge 1 -> 3 carries "Identity twice"; level 2 has MaxPool3x3, Identity"#]]);
    check("1->3 Identity", "1->3 none", expect![[r#"level 2, motif 2: edge 1 -> 3 carries "none"; level 2 has MaxPool3x3, Identity"#]]);
    check("2->3 Motif1", "2->3 Motif3", expect![[r#"level 3, motif 1: edge 2 -> 3 carries "Motif3"; level 3 has Motif1, Motif2"#]]);
    check("2->3 Motif1", "2->3 Motif0", expect![[r#"level 3, motif 1: edge 2 -> 3 carries "Motif0"; level 3 has Motif1, Motif2"#]]);
    check("2->3 Motif1", "2->3 Motif-1", expect![[r#"level 3, motif 1: edge 2 -> 3 carries "Motif-1"; level 3 has Motif1, Motif2"#]]);
    check("2->3 Motif1", "2->3 Motif", expect![[r#"level 3, motif 1: edge 2 -> 3 carries "Motif"; level 3 has Motif1, Motif2"#]]);
    check("2->3 Motif1", "2->3 Identity", expect![[r#"level 3, motif 1: edge 2 -> 3 carries "Identity"; level 3 has Motif1, Motif2"#]]);
}

#[test]
fn g3_a_cell_whose_sink_is_unreachable_is_refused() {
    // At the top itself, and since a motif on the only path is broken below.
    check(", \"2->3 Motif1\"", "", expect!["level 3, motif 1: node 3, the sink of the cell, cannot be reached from node 1 when expanded"]);
    check("\"1->3 Identity\"", "", expect!["level 3, motif 1: node 3, the sink of the cell, cannot be reached from node 1 when expanded"]);
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
    fn check(error: GenotypeError, expected: Expect) {
        expected.assert_eq(&error.to_string());
    }
    let valid = Genotype::from_ron(GENOTYPE).expect("valid");
    let build = |motif: Motif| {
        let levels = vec![vec![valid.motif(2, 0).clone(), motif], valid.motifs(3).to_vec()];
        Genotype::new(valid.space().clone(), levels).expect_err("the motif does not fit")
    };
    check(build(Motif::chain(4, 0)), expect!["level 2, motif 2: 4 nodes, the search space says 3"]);
    check(build(Motif::chain(3, 2)), expect!["level 2, motif 2: edge 1 -> 2 carries operation 2, counted from 0; level 2 has 2 to choose from"]);
    let edge = Edge { from: 1, to: 2, op: usize::MAX };
    check(build(Motif::new(3, [edge]).expect("a motif alone knows no pool")), expect!["level 2, motif 2: edge 1 -> 2 carries operation 18446744073709551615, counted from 0; level 2 has 2 to choose from"]);
    let error = Motif::new(1_000_000_000, []).expect_err("too many nodes");
    expect!["a motif of 1000000000 nodes; 2 to 64 are possible"].assert_eq(&error.to_string());
    let error = Motif::new(1, []).expect_err("too few nodes");
    expect!["a motif of 1 nodes; 2 to 64 are possible"].assert_eq(&error.to_string());
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    let error = Genotype::from_ron(&"[".repeat(1_000_000)).expect_err("no genotype");
    expect!["line 1, column 1: Expected opening `(` for struct `Genotype`"].assert_eq(&error.to_string());
    let text = format!("(space: {}", "(levels: [".repeat(100_000));
    let error = Genotype::from_ron(&text).expect_err("no genotype");
    expect!["line 1, column 20: Unexpected field named `levels` in `Level`, expected one of `motifs`, `nodes`, or `followed_by` instead"].assert_eq(&error.to_string());
}
