//! Skeletons as data: what is built in, what is read, what is refused.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use expect_test::{Expect, expect};
use hnas_compiler::{AfterLastCell, SeparableInner, Skeleton};

#[test]
fn built_in_skeletons_are_those_of_the_paper() {
    let text = |skeleton: &Skeleton| ron::to_string(skeleton).unwrap();
    expect!["(stem:[(width:16,stride:1)],groups:[(cells:1,width:16),(cells:1,width:32),(cells:1,width:64)],after_last_cell:Nothing,separable_inner:BatchNorm,classes:10)"].assert_eq(&text(&Skeleton::cifar_small()));
    expect!["(stem:[(width:64,stride:1)],groups:[(cells:2,width:64),(cells:2,width:128),(cells:2,width:256)],after_last_cell:Nothing,separable_inner:BatchNorm,classes:10)"].assert_eq(&text(&Skeleton::cifar_large(64).unwrap()));
    expect!["(stem:[(width:32,stride:2),(width:64,stride:2)],groups:[(cells:1,width:64),(cells:2,width:128),(cells:2,width:256),(cells:2,width:512)],after_last_cell:Nothing,separable_inner:BatchNorm,classes:1000)"].assert_eq(&text(&Skeleton::imagenet()));
}

#[test]
fn ron_reads_back() {
    let last = AfterLastCell::Separable { width: 64 };
    let other = Skeleton::cifar_small().with_after_last_cell(last).unwrap();
    let other = other.with_separable_inner(SeparableInner::BatchNormRelu);
    for skeleton in [Skeleton::cifar_small(), Skeleton::imagenet(), other] {
        let text = ron::to_string(&skeleton).unwrap();
        assert_eq!(ron::from_str::<Skeleton>(&text).unwrap(), skeleton);
    }
}

#[test]
fn with_c0_scales_every_width() {
    assert_eq!(Skeleton::cifar_large(64).unwrap().with_c0(128), Skeleton::cifar_large(128));
    let last = AfterLastCell::Separable { width: 10 };
    let skeleton = Skeleton::imagenet().with_after_last_cell(last).unwrap();
    let scaled = skeleton.with_c0(32).unwrap();
    assert_eq!(scaled.c0(), 32);
    expect!["(stem:[(width:16,stride:2),(width:32,stride:2)],groups:[(cells:1,width:32),(cells:2,width:64),(cells:2,width:128),(cells:2,width:256)],after_last_cell:Separable(width:5),separable_inner:BatchNorm,classes:1000)"].assert_eq(&ron::to_string(&scaled).unwrap());
    expect!["separable convolution after the last cell: width 10 scaled by 20/64 is not a whole number of channels"]
        .assert_eq(&skeleton.with_c0(20).unwrap_err().to_string());
    expect!["stem convolution 1: width is 0 channels, allowed is 1 to 1048576"]
        .assert_eq(&skeleton.with_c0(0).unwrap_err().to_string());
    expect!["stem convolution 1: width is 549755813888 channels, allowed is 1 to 1048576"]
        .assert_eq(&skeleton.with_c0(1 << 40).unwrap_err().to_string());
}

/// The small skeleton with one piece of its text replaced.
fn check(piece: &str, replacement: &str, expected: Expect) {
    let valid = "(stem:[(width:16,stride:1)],groups:[(cells:1,width:16),(cells:1,width:32),(cells:1,width:64)],\
                 after_last_cell:Nothing,separable_inner:BatchNorm,classes:10)";
    assert!(ron::from_str::<Skeleton>(valid).is_ok());
    assert!(valid.contains(piece));
    let error = ron::from_str::<Skeleton>(&valid.replacen(piece, replacement, 1)).unwrap_err();
    expected.assert_eq(&error.code.to_string());
}

#[test]
fn wrong_skeletons_are_refused_with_place_and_numbers() {
    check("(width:16,stride:1)", "", expect!["the stem has no convolution; it needs at least 1"]);
    check("stride:1", "stride:3", expect!["stem convolution 1: stride is 3, allowed is 1 or 2"]);
    check(
        "[(width:16",
        "[(width:8",
        expect!["the stem ends with 8 channels, but the cells of group 1 are 16 channels wide"],
    );
    check(
        "(width:16,stride:1)",
        "(width:0,stride:1)",
        expect!["stem convolution 1: width is 0 channels, allowed is 1 to 1048576"],
    );
    check("cells:1,width:32", "cells:0,width:32", expect!["group 2 has 0 cells; it needs at least 1"]);
    check("width:32", "width:2000000", expect!["group 2: width is 2000000 channels, allowed is 1 to 1048576"]);
    check("width:32", "width:-1", expect!["Integer is out of bounds"]);
    check(
        "(cells:1,width:16),(cells:1,width:32),(cells:1,width:64)",
        "",
        expect!["there is no group of cells; at least 1 is needed"],
    );
    check(
        "after_last_cell:Nothing",
        "after_last_cell:Separable(width:0)",
        expect!["separable convolution after the last cell: width is 0 channels, allowed is 1 to 1048576"],
    );
    check("classes:10", "classes:1", expect!["1 class(es); at least 2 are needed"]);
    check(
        "classes:10",
        "classes:10,dropout:1",
        expect![
            "Unexpected field named `dropout` in `Skeleton`, expected one of `stem`, `groups`, `after_last_cell`, `separable_inner`, or `classes` instead"
        ],
    );
    check(
        "classes:10",
        "clases:10",
        expect![
            "Unexpected field named `clases` in `Skeleton`, expected one of `stem`, `groups`, `after_last_cell`, `separable_inner`, or `classes` instead"
        ],
    );
    check(",classes:10", "", expect!["Unexpected missing field named `classes` in `Skeleton`"]);
    check(
        "stride:1",
        "stride:1,kernel:5",
        expect!["Unexpected field named `kernel` in `Stem`, expected either `width` or `stride` instead"],
    );
    check(
        "separable_inner:BatchNorm",
        "separable_inner:Relu",
        expect![
            "Unexpected variant named `Relu` in enum `SeparableInner`, expected one of `Nothing`, `BatchNorm`, or `BatchNormRelu` instead"
        ],
    );
}
