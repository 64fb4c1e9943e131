//! What holds for the processor at hand holds for lesser ones: the tests of this program run again as if on these.

use std::process::{Command, Output};

use crate::chunks::step;

/// Runs tests of this program in a process of its own.
fn run(simd: &str, arguments: &[&str]) -> Output {
    let program = std::env::current_exe().expect("a program knows where it lies");
    Command::new(program).args(arguments).env("HNAS_SIMD", simd).output().expect("it can be started again")
}

#[test]
fn definitions_hold_on_each() {
    for simd in ["portable", "avx2"] {
        let Output { status, stdout, stderr } = run(simd, &["--skip", "processors::"]);
        let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert!(status.success(), "{simd}:\n{stdout}\n{stderr}");
        assert!(!stdout.contains(" 0 passed"), "{simd} ran nothing:\n{stdout}");
    }
}

/// AVX2 and AVX-512 round alike; the portable loops do where they have fused multiply-add.
#[test]
fn registers_do_not_change_a_bit() {
    let bits = |simd: &str| {
        let Output { stdout, .. } = run(simd, &["--exact", "processors::bits", "--nocapture"]);
        let text = String::from_utf8_lossy(&stdout).into_owned();
        text.lines()
            .find_map(|line| line.split_once("bits: "))
            .map(|(_, bits)| bits.to_owned())
            .expect("a line of bits")
    };
    assert_eq!(bits("avx2"), bits("avx512"));
}

#[test]
fn bits() {
    // Fowler, Noll and Vo's hash.
    let add = |hash: u64, value: &f32| (hash ^ u64::from(value.to_bits())).wrapping_mul(0x100_0000_01b3);
    println!("bits: {:x}", step(5, 2, false).concat().iter().fold(0xcbf2_9ce4_8422_2325, add));
}

#[test]
fn another_word_is_refused() {
    let Output { status, stdout, stderr } = run("avx3", &["--exact", "processors::bits", "--nocapture"]);
    let said = [stdout, stderr].concat();
    assert!(!status.success());
    assert!(String::from_utf8_lossy(&said).contains("HNAS_SIMD is avx3, not portable, avx2 or avx512"));
}
