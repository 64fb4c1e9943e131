//! The key as text, in files too, and keys that have to stay what they are.

use expect_test::{Expect, expect};
use hnas_compiler::{Graph, NetworkKey, Shape, Skeleton, assemble};
use hnas_genome::{Genotype, SearchSpace};

/// Ledgers keep keys. Another key for the same network needs another version in `key.rs`, and is no accident.
#[test]
fn c5_keys_stay_what_they_are() {
    let check = |graph: &Graph, key: &Expect| key.assert_eq(&graph.key().to_string());
    let genotype = Genotype::identity_chain(&SearchSpace::hierarchical());
    let smallest = assemble(&genotype, &Skeleton::cifar_small(), Shape::new(3, 32, 32)).expect("a small network");
    check(&smallest, &expect!["ced79b5550104dc0537f505bdd904a505d2841a070cc17ab8bd2a9e5e6582dde"]);
    let (every_operation, _) = include_str!("cases/every-operation.txt").split_once("----").expect("two parts");
    check(
        &Graph::parse(every_operation).expect("a graph"),
        &expect!["465ecddfe5a96d49c64c995c1a3f15c1ade015a5fc15cac4d139988e54cfe2e9"],
    );
}

#[test]
fn a_key_is_written_as_64_hexadecimal_digits_and_read_back() {
    let text = "00ff0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";
    let key: NetworkKey = text.parse().expect("64 hexadecimal digits");
    assert_eq!(key.to_string(), text);
    assert_eq!(key.as_bytes()[..3], [0x00, 0xff, 0x01]);
    assert_eq!(format!("{key:?}"), format!("NetworkKey({text})"));
    let ron = ron::to_string(&key).expect("a string");
    assert_eq!(ron, format!("\"{text}\""));
    assert_eq!(ron::from_str::<NetworkKey>(&ron).expect("what was written"), key);
    let larger: NetworkKey = text.replace("00ff", "01ff").parse().expect("64 hexadecimal digits");
    assert!(key < larger);
}

#[test]
fn a_text_that_is_no_key_is_refused_with_its_reason() {
    let check = |text: &str, reason: &Expect| {
        reason.assert_eq(&text.parse::<NetworkKey>().expect_err("no key").to_string());
        assert!(ron::from_str::<NetworkKey>(&format!("{text:?}")).is_err());
    };
    check("", &expect!["a network key has 64 hexadecimal digits, not 0"]);
    check("00ff", &expect!["a network key has 64 hexadecimal digits, not 4"]);
    check(&"0".repeat(65), &expect!["a network key has 64 hexadecimal digits, not 65"]);
    check(
        &format!("{}g{}", "0".repeat(10), "0".repeat(53)),
        &expect!["character 11 of a network key is `g`, not one of 0-9 and a-f"],
    );
    check(&"A".repeat(64), &expect!["character 1 of a network key is `A`, not one of 0-9 and a-f"]);
    check(&"é".repeat(64), &expect!["character 1 of a network key is `é`, not one of 0-9 and a-f"]);
}
