//! Texts that are not RON or not of the shape of a genotype: what is said, with line and column.

use expect_test::expect;
use hnas_genome::{Genotype, GenotypeError};

use crate::{GENOTYPE, check};

#[test]
fn every_truncated_text_is_refused() {
    for end in (0..GENOTYPE.len()).filter(|end| GENOTYPE.is_char_boundary(*end)) {
        let error = Genotype::from_ron(&GENOTYPE[..end]).expect_err("truncated");
        assert!(matches!(error, GenotypeError::Syntax { .. }), "{end} bytes: {error}");
    }
    check(
        ",\n)",
        &[""],
        expect![[r#"
        line 11, column 5: Expected comma
    "#]],
    );
    check(
        "\"],\n            [\"1->3 Identity\"],\n        ],",
        &[""],
        expect![[r#"
        line 7, column 15: Expected comma
    "#]],
    );
}

#[test]
fn wrong_types_are_refused_with_line_and_column() {
    check(
        "motifs: 2",
        &["motifs: \"two\"", "motifs: -2", "motifs: 2.5", "motifs: 99999999999999999999999"],
        expect![[r#"
            line 2, column 66: Expected integer
            line 2, column 68: Integer is out of bounds
            line 2, column 68: Expected comma
            line 2, column 67: Integer is out of bounds
        "#]],
    );
    check(
        "[\"1->3 Identity\"]",
        &["\"1->3 Identity\"", "[13]", "[(1, 3, Identity)]"],
        expect![[r#"
        line 6, column 13: Expected opening `[`
        line 6, column 14: Expected string
        line 6, column 14: Expected string
    "#]],
    );
    check(
        "Concat",
        &["Mean", "\"Concat\""],
        expect![[r#"
        line 2, column 159: Unexpected variant named `Mean` in enum `Merge`, expected either `Concat` or `Sum` instead
        line 2, column 159: Expected identifier
    "#]],
    );
    check(
        "[MaxPool3x3, Identity]",
        &["[MaxPool3x4, Identity]", "MaxPool3x3"],
        expect![[r#"
        line 2, column 26: Unexpected variant named `MaxPool3x4` in enum `Primitive`, expected one of `Conv1x1`, `Depthwise3x3`, `Separable3x3`, `MaxPool3x3`, `AvgPool3x3`, `Identity`, or `Conv3x3` instead
        line 2, column 24: Expected opening `[`
    "#]],
    );
    check(
        "    ],\n)",
        &["    ],\n) )"],
        expect![[r#"
        line 12, column 2: Non-whitespace trailing characters
    "#]],
    );
}

#[test]
fn unknown_missing_and_repeated_fields_are_refused_with_line_and_column() {
    check(
        "merge: Concat",
        &["merge: Concat, colour: 3"],
        expect![[r#"
        line 2, column 167: Unexpected field named `colour` in `SearchSpace`, expected one of `primitives`, `levels`, or `merge` instead
    "#]],
    );
    check(
        "nodes: 3, followed_by: None",
        &["nodes: 3, colour: 3, followed_by: None"],
        expect![[r#"
        line 2, column 131: Unexpected field named `colour` in `Level`, expected one of `motifs`, `nodes`, or `followed_by` instead
    "#]],
    );
    check(
        "    levels: [\n",
        &["    colour: 3,\n    levels: [\n", "    levels: [],\n    levels: [\n"],
        expect![[r#"
            line 3, column 5: Unexpected field named `colour` in `Genotype`, expected either `space` or `levels` instead
            line 4, column 5: Unexpected duplicate field named `levels` in `Genotype`
        "#]],
    );
    check(
        ", merge: Concat",
        &[""],
        expect![[r#"
        line 2, column 150: Unexpected missing field named `merge` in `SearchSpace`
    "#]],
    );
    check(
        ", followed_by: None",
        &[""],
        expect![[r#"
        line 2, column 129: Unexpected missing field named `followed_by` in `Level`
    "#]],
    );
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    let error = Genotype::from_ron(&"[".repeat(1_000_000)).expect_err("no genotype");
    expect!["line 1, column 1: Expected opening `(` for struct `Genotype`"].assert_eq(&error.to_string());
    let text = format!("(space: {}", "(levels: [".repeat(100_000));
    let error = Genotype::from_ron(&text).expect_err("no genotype");
    expect!["line 1, column 20: Unexpected field named `levels` in `Level`, expected one of `motifs`, `nodes`, or `followed_by` instead"].assert_eq(&error.to_string());
}
