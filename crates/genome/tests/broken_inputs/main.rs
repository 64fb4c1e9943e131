//! Files that are no genotypes, and what the reader says about them.

mod graph;
mod space;
mod syntax;

use expect_test::Expect;
use hnas_genome::Genotype;

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

/// Reads the genotype above with `old` replaced by each of `new`; what is said, one line each.
fn check(old: &str, new: &[&str], expected: Expect) {
    assert_eq!(GENOTYPE.matches(old).count(), 1, "the test replaces one place");
    let say = |new: &&str| match Genotype::from_ron(&GENOTYPE.replace(old, new)) {
        Ok(_) => panic!("{new:?} in place of {old:?} is taken"),
        Err(error) => format!("{error}\n"),
    };
    expected.assert_eq(&new.iter().map(say).collect::<String>());
}

#[test]
fn the_unbroken_text_is_read_and_written_as_it_stands() {
    assert_eq!(Genotype::from_ron(GENOTYPE).expect("valid").to_ron(), GENOTYPE);
}
