//! Search spaces that are none.

use expect_test::expect;
use hnas_genome::SearchSpace;

use crate::check;

#[test]
fn a_broken_space_is_refused_before_anything_is_allocated_for_it() {
    check(
        "[MaxPool3x3, Identity]",
        &["[]", "[MaxPool3x3]", "[Identity, MaxPool3x3, MaxPool3x3]"],
        expect![[r#"
        search space: the primitive Identity is missing, of which the first genotype is made
        search space: the primitive Identity is missing, of which the first genotype is made
        search space: the primitive MaxPool3x3 is listed twice
    "#]],
    );
    check(
        "motifs: 2",
        &["motifs: 0", "motifs: 65", "motifs: 1000000000"],
        expect![[r#"
        search space, level 2: the number of motifs is 0, not 1 to 64
        search space, level 2: the number of motifs is 65, not 1 to 64
        search space, level 2: the number of motifs is 1000000000, not 1 to 64
    "#]],
    );
    let nodes = ["0", "1", "65", "1000000000"].map(|nodes| format!("nodes: {nodes}, followed_by: Some"));
    check(
        "nodes: 3, followed_by: Some",
        &nodes.each_ref().map(String::as_str),
        expect![[r#"
        search space, level 2: the number of nodes is 0, not 2 to 64
        search space, level 2: the number of nodes is 1, not 2 to 64
        search space, level 2: the number of nodes is 65, not 2 to 64
        search space, level 2: the number of nodes is 1000000000, not 2 to 64
    "#]],
    );
    check(
        "motifs: 1",
        &["motifs: 2"],
        expect![[r#"
        search space, level 3: the number of motifs is 2, but the top level has exactly 1, the cell
    "#]],
    );
    let levels = "(motifs: 2, nodes: 3, followed_by: Some(Conv1x1)), (motifs: 1, nodes: 3, followed_by: None)";
    check(
        levels,
        &["", &[levels; 5].join(", "), &[levels; 10_000].join(", ")],
        expect![[r#"
        search space: the number of levels above the primitives is 0, not 1 to 8
        search space: the number of levels above the primitives is 10, not 1 to 8
        search space: the number of levels above the primitives is 20000, not 1 to 8
    "#]],
    );
    let choiceless = "[Identity], levels: [(motifs: 1, nodes: 2, followed_by: None)]";
    check(
        &format!("[MaxPool3x3, Identity], levels: [{levels}]"),
        &[choiceless],
        expect![[r#"
        search space: one primitive and one edge at each level leave nothing to choose
    "#]],
    );
    // Also inside another file, where serde reads it.
    let space = "(primitives: [Conv1x1], levels: [(motifs: 1, nodes: 5, followed_by: None)], merge: Sum)";
    expect!["1:87-1:88: search space: the primitive Identity is missing, of which the first genotype is made"]
        .assert_eq(&ron::from_str::<SearchSpace>(space).expect_err("no identity").to_string());
}
