//! Flags that mean nothing on their line, numbers that no flag takes, words in the environment: refused, never ignored.

mod support;

use expect_test::{Expect, expect};
use support::broken::Broken;
use support::{hnas, refused};

const LEARNED: &str = "experiments/cifar10/genotypes/learned-cell.ron";
const TINY: &str = "tests/cases/tiny.ron";

#[test]
fn flags_and_numbers() {
    let nothing = Broken::new();
    let check = |arguments: &str, expected: Expect| nothing.check(arguments, &expected);
    let train = |flags: &str| format!("train {LEARNED} --device cpu {flags}");
    check(
        &format!("inspect {LEARNED} --graph --json"),
        expect![[r#"
            error: the argument '--graph' cannot be used with '--json'

            Usage: hnas inspect --graph <GENOTYPE>

            For more information, try '--help'.
        "#]],
    );
    check(
        &train("--slots 5"),
        expect![[r#"
            error: unexpected argument '--slots' found

              tip: a similar argument exists: '--split-seed'

            Usage: hnas train --device <DEVICE> --split-seed <SPLIT_SEED> <GENOTYPE>

            For more information, try '--help'.
        "#]],
    );
    check(
        &format!("search {TINY} --workers 0 --device bogus"),
        expect![[r#"
            error: unknown device 'bogus': expected auto, cpu, cuda, cuda:N, vulkan or vulkan:N
        "#]],
    );
    check(
        &format!("search {TINY} --workers 1025"),
        expect![[r#"
            error: --workers 1025 is not between 0 and 1024
        "#]],
    );
    check(
        "doctor --log nonsense=foo",
        expect![[r#"
            error: --log nonsense=foo: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
        "#]],
    );
    check(
        &train("--learning-rate -0.1"),
        expect![[r#"
            error: --learning-rate -0.1: learning_rate.initial is -0.1, allowed is a finite number above 0
        "#]],
    );
    check(
        &train("--steps -1"),
        expect![[r#"
            error: invalid value '-1' for '--steps <N>': invalid digit found in string

            For more information, try '--help'.
        "#]],
    );
    check(
        &train("--steps 18446744073709551615"),
        expect![[r#"
            error: --steps 18446744073709551615: steps is 18446744073709551615, at most 1000000000 is allowed
        "#]],
    );
    check(
        "sample --mutations 18446744073709551615",
        expect![[r#"
            error: --mutations 18446744073709551615 is not between 0 and 1000000
        "#]],
    );
    check(
        "sample --count 0",
        expect![[r#"
            error: --count 0 is not between 1 and 1000000
        "#]],
    );
    check(
        &train("--dataset food-groups"),
        expect![[r#"
            error: --dataset food-groups: it holds photographs, which are for experiments: `hnas search` with one like experiments/imagenet/experiment.ron
        "#]],
    );
    check(
        "status --store postgres://me@127.0.0.1:1/db",
        expect![[r#"
            error: the database postgres://me@127.0.0.1:1/db is away: 127.0.0.1:1: error connecting to server: Connection refused (os error 111)
        "#]],
    );
}

#[test]
fn images_that_are_not_there() {
    if !support::has_cifar10("images_that_are_not_there") {
        return;
    }
    let broken = Broken::new();
    let check =
        |flags: &str, expected: Expect| broken.check(&format!("train {LEARNED} --device cpu {flags}"), &expected);
    check(
        "--train 0",
        expect![[r#"
        error: --train 0 --valid 10000: 0 training images were asked for, at least 1 is needed
    "#]],
    );
    check(
        "--train 10 --valid 0",
        expect![[r#"
        error: --train 10 --valid 0: 0 validation images were asked for, at least 1 is needed
    "#]],
    );
    check(
        "--train 50000",
        expect![[r#"
        error: --train 50000 --valid 10000: 50000 images to train on and 10000 to validate on are 60000, but there are 50000
    "#]],
    );
    check(
        "--train 50001 --test 1",
        expect![[r#"
        error: --train 50001: 50001 training images were asked for, but there are 50000
    "#]],
    );
    check(
        "--train 1 --test 10001",
        expect![[r#"
        error: --test 10001: 10001 test images were asked for, but there are 10000
    "#]],
    );
}

#[test]
fn doctor_says_that_nothing_can_be_trained() {
    let output = hnas().arg("doctor").env("HNAS_KERNELS", "typo").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("hnas "), "what is here is said all the same");
    let (code, error) = refused(output);
    assert_eq!(code, Some(1), "{error}");
    assert_eq!(error, "error: nothing can be trained here: in the environment, HNAS_KERNELS is typo, not plain\n");
}
