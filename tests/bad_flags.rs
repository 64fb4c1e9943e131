//! Bad flags, folders and data: what is said about each, exactly. Always exit code 2, and nothing is lost.

mod support;

use std::path::Path;

use expect_test::{Expect, expect};
use support::broken::Broken;
use support::{hnas, refused};

const LEARNED: &str = "experiments/cifar10/genotypes/learned-cell.ron";
const TINY: &str = "tests/cases/tiny.ron";

#[test]
fn flags() {
    let nothing = Broken::new();
    let check = |arguments: &str, expected: Expect| nothing.check(arguments, &expected);
    check(
        &format!("inspect {LEARNED} --colour red"),
        expect![[r#"
        error: unexpected argument '--colour' found

          tip: to pass '--colour' as a value, use '-- --colour'

        Usage: hnas inspect <GENOTYPE>

        For more information, try '--help'.
    "#]],
    );
    check(
        "sample --count many",
        expect![[r#"
        error: invalid value 'many' for '--count <N>': invalid digit found in string

        For more information, try '--help'.
    "#]],
    );
    check(
        "sample --space square",
        expect![[r#"
            error: --space square: neither hierarchical, flat nor a file
        "#]],
    );
    check(
        &format!("inspect {LEARNED} --skeleton medium"),
        expect![[r#"
            error: --skeleton medium: neither small, large, imagenet nor a file
        "#]],
    );
    check(
        &format!("inspect {LEARNED} --c0 0"),
        expect![[r#"
        error: --c0 0: stem convolution 1: width is 0 channels, allowed is 1 to 1048576
    "#]],
    );
    check(
        &format!("inspect {LEARNED} --skeleton imagenet --c0 1"),
        expect![[r#"
        error: --c0 1: stem convolution 1: width 32 scaled by 1/64 is not a whole number of channels
    "#]],
    );
    check(
        &format!("inspect {LEARNED} --image 0"),
        expect![[r#"
        error: experiments/cifar10/genotypes/learned-cell.ron: no network: input: a feature map of 3x0x0 is empty
    "#]],
    );
    check(
        &format!("draw {LEARNED} --out FOLDER/cell.png"),
        expect![[r#"
        error: --out FOLDER/cell.png: the ending must be .svg or .dot
    "#]],
    );
    check(
        &format!("draw {LEARNED} --out FOLDER/none/cell.svg"),
        expect![[r#"
            error: --out FOLDER/none/cell.svg: there is no folder FOLDER/none
        "#]],
    );
    check(
        &format!("train {LEARNED} --device gpu"),
        expect![[r#"
            error: unknown device 'gpu': expected auto, cpu, cuda, cuda:N, vulkan or vulkan:N
        "#]],
    );
    check(
        &format!("train {LEARNED} --steps 0"),
        expect![[r#"
        error: --steps 0: steps is 0, at least 1 is needed
    "#]],
    );
    check(
        &format!("train {LEARNED} --batch 0"),
        expect![[r#"
        error: --batch 0: batch is 0, at least 1 is needed
    "#]],
    );
    check(
        &format!("train {LEARNED} --learning-rate NaN"),
        expect![[r#"
        error: --learning-rate NaN: learning_rate.initial is NaN, allowed is a finite number above 0
    "#]],
    );
    check(
        &format!("train {LEARNED} --test 10 --valid 10"),
        expect![[r#"
        error: the argument '--test <N>' cannot be used with '--valid <N>'

        Usage: hnas train --test <N> <GENOTYPE>

        For more information, try '--help'.
    "#]],
    );
    check(
        &format!("search {TINY} --slots 0"),
        expect![[r#"
        error: --slots 0 is not between 1 and 1024
    "#]],
    );
    check(
        &format!("search {TINY} --scale huge"),
        expect![[r#"
        error: experiment tiny has no scale "huge"; it has tiny
    "#]],
    );
    check(
        &format!("search {TINY} --json"),
        expect![[r#"
        error: the following required arguments were not provided:
          --plan

        Usage: hnas search --plan --json <EXPERIMENT>

        For more information, try '--help'.
    "#]],
    );
    check(
        "search experiments/cifar10/experiment.ron --scale",
        expect![[r#"
        error: a value is required for '--scale <SCALE>' but none was supplied

        For more information, try '--help'.
    "#]],
    );
    check(
        "worker",
        expect![[r#"
            error: the following required arguments were not provided:
              --store <PLACE>

            Usage: hnas worker --store <PLACE>

            For more information, try '--help'.
        "#]],
    );
    check(
        "worker --store postgres://me:secret@host/db",
        expect![[r#"
            error: a password does not belong into the address of a ledger, where process lists and logs show it: put it into the file that PGPASSFILE names, or into PGPASSWORD
        "#]],
    );
    check(
        "worker --store mysql://host/db --idle-exit 15m",
        expect![[r#"
            error: mysql://.. is no place of a ledger: ledgers are kept in files and at postgres://
        "#]],
    );
    check(
        "worker --store FOLDER/ledger --idle-exit 15",
        expect![[r#"
            error: invalid value '15' for '--idle-exit <TIME>': write it like 11h30m, 15m or 90s, in days, hours, minutes and seconds, not "15"

            For more information, try '--help'.
        "#]],
    );
    check(
        "status FOLDER",
        expect![[r#"
            error: there is no ledger at FOLDER/ledger.sqlite
        "#]],
    );
    check(
        "copy-ledger FOLDER/none FOLDER/there",
        expect![[r#"
            error: there is no ledger at FOLDER/none
        "#]],
    );
    check(
        "simulate --workers 0",
        expect![[r#"
            error: --workers 0 is not between 1 and 1000000
        "#]],
    );
    check(
        "simulate --spread NaN",
        expect![[r#"
            error: --spread NaN is not between 0 and 3
        "#]],
    );
    check(
        &format!("search {TINY} --workers 0 --plan"),
        expect![[r#"
            error: --plan measures a training, and --workers 0 leaves no worker
        "#]],
    );
    check(
        "data fetch",
        expect![[r#"
        error: the following required arguments were not provided:
          <NAME>

        Usage: hnas data fetch <NAME>

        For more information, try '--help'.
    "#]],
    );
    check(
        "data fetch cifar11",
        expect![[r#"
            error: there is no data set "cifar11", only: cifar10, imagenet, food-groups
        "#]],
    );
}

#[test]
fn run_folders() {
    let broken = Broken::new();
    broken.check(
        "resume FOLDER",
        &expect![[r#"
            error: FOLDER is no run: it holds no .ron file of an experiment
        "#]],
    );
    broken.check(
        "report FOLDER/none",
        &expect![[r#"
            error: cannot read FOLDER/none: No such file or directory (os error 2)
        "#]],
    );
    std::fs::write(broken.path("run.ron"), "(name: 1)").unwrap();
    broken.check(
        "resume FOLDER",
        &expect![[r#"
        error: FOLDER/run.ron:1:7: Expected string
    "#]],
    );
    std::fs::write(broken.path("file"), "").unwrap();
    broken.check(
        &format!("search {TINY} --out FOLDER/file/run"),
        &expect![[r#"
            error: cannot write FOLDER/file/run: Not a directory (os error 20)
        "#]],
    );
}

#[test]
fn a_damaged_ledger_is_left_as_it_is() {
    let broken = Broken::new();
    let found = "search tests/cases/tiny.ron --device cpu --out FOLDER/run";
    let garbage = "this is no database, but long enough to be looked at as one ".repeat(20);
    std::fs::create_dir(broken.path("run")).unwrap();
    std::fs::write(broken.path("run/ledger.sqlite"), &garbage).unwrap();
    if !support::has_cifar10("a_damaged_ledger_is_left_as_it_is") {
        return;
    }
    broken.check(
        found,
        &expect![[r#"
        error: FOLDER/run/ledger.sqlite is not a ledger of hnas: the file is not a database
    "#]],
    );
    assert_eq!(std::fs::read_to_string(broken.path("run/ledger.sqlite")).unwrap(), garbage);
}

#[test]
fn missing_data() {
    let broken = Broken::new();
    std::fs::create_dir(broken.path("empty")).unwrap();
    std::fs::write(broken.path("file"), "").unwrap();
    let check = |data: &Path, arguments: &[&str], expected: Expect| {
        let output = hnas().args(arguments).env("HNAS_DATA", data).output().unwrap();
        let (code, error) = refused(output);
        assert_eq!(code, Some(2), "{error}");
        expected.assert_eq(&error.replace(broken.0.path().to_str().unwrap(), "FOLDER"));
    };
    check(
        &broken.path("empty"),
        &["data", "verify", "cifar10"],
        expect![[r#"
        error: cifar10 in FOLDER/empty/cifar10: data_batch_1.bin: missing; data_batch_2.bin: missing; data_batch_3.bin: missing; data_batch_4.bin: missing; data_batch_5.bin: missing; test_batch.bin: missing; run `hnas data fetch cifar10`
    "#]],
    );
    check(
        &broken.path("empty"),
        &["train", LEARNED],
        expect![[r#"
        error: cifar10 in FOLDER/empty/cifar10: data_batch_1.bin: missing; data_batch_2.bin: missing; data_batch_3.bin: missing; data_batch_4.bin: missing; data_batch_5.bin: missing; test_batch.bin: missing; run `hnas data fetch cifar10`
    "#]],
    );
    check(
        &broken.path("file"),
        &["data", "fetch", "cifar10"],
        expect![[r#"
            error: cannot write FOLDER/file/cifar10: Not a directory (os error 20); set HNAS_DATA to another folder
        "#]],
    );
}

#[test]
fn words_in_the_environment() {
    let check = |variable: &str, expected: Expect| {
        let output = hnas().args(["train", LEARNED, "--device", "cpu"]).env(variable, "typo").output().unwrap();
        let (code, error) = refused(output);
        assert_eq!(code, Some(2), "{error}");
        expected.assert_eq(&error);
    };
    check(
        "HNAS_SIMD",
        expect![[r#"
        error: in the environment, HNAS_SIMD is typo, not portable, avx2 or avx512
    "#]],
    );
    check(
        "HNAS_KERNELS",
        expect![[r#"
        error: in the environment, HNAS_KERNELS is typo, not plain
    "#]],
    );
}
