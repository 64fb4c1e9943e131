//! Broken inputs and what is said about them.

use std::fs;

use expect_test::{Expect, expect};
use hnas_data::{Images, Manifest, load, verify};

use crate::tiny::{Tiny, change};

/// What `verify` and `load` say (the same) after some damage.
fn check_damage(damage: impl FnOnce(&Tiny), expected: Expect) {
    let tiny = Tiny::new();
    tiny.put();
    damage(&tiny);
    let manifest = tiny.manifest("");
    let said = tiny.plain(&verify(&manifest, &tiny.root()).unwrap_err().to_string());
    expected.assert_eq(&said);
    assert_eq!(tiny.plain(&load(&manifest, &tiny.root()).unwrap_err().to_string()), said);
}

#[test]
fn damaged_files_are_all_named() {
    check_damage(
        |tiny| change(&tiny.path("train.bin"), |bytes| bytes.truncate(9649)),
        expect!["tiny in FOLDER/cache/tiny: train.bin: 9,649 bytes instead of 9,650; run `hnas data fetch tiny`"],
    );
    check_damage(
        |tiny| change(&tiny.path("test.bin"), |bytes| bytes[3] ^= 1),
        expect![
            "tiny in FOLDER/cache/tiny: test.bin: md5 2cb7f78c7f3b9d03c853fe53ccc225de instead of a6e6fa490c69750a70c8c665b4c6104b; run `hnas data fetch tiny`"
        ],
    );
    check_damage(
        |tiny| fs::remove_file(tiny.path("train.bin")).unwrap(),
        expect!["tiny in FOLDER/cache/tiny: train.bin: missing; run `hnas data fetch tiny`"],
    );
    check_damage(
        |tiny| {
            fs::remove_file(tiny.path("train.bin")).unwrap();
            fs::create_dir(tiny.path("train.bin")).unwrap();
            change(&tiny.path("test.bin"), |bytes| bytes.push(0));
        },
        expect![
            "tiny in FOLDER/cache/tiny: train.bin: not a file; test.bin: 9,651 bytes instead of 9,650; run `hnas data fetch tiny`"
        ],
    );
    check_damage(
        |tiny| fs::remove_dir_all(tiny.root()).unwrap(),
        expect!["tiny in FOLDER/cache/tiny: train.bin: missing; test.bin: missing; run `hnas data fetch tiny`"],
    );
}

#[test]
fn a_label_out_of_range_is_named() {
    let mut tiny = Tiny::new();
    tiny.files[0].1[3 * (1 + 3 * 8 * 8)] = 2;
    tiny.put();
    let error = load(&tiny.manifest(""), &tiny.root()).unwrap_err();
    expect!["FOLDER/cache/tiny/train.bin: record 3 has label 2, but the labels of 2 classes are 0 to 1"]
        .assert_eq(&tiny.plain(&error.to_string()));
}

#[test]
fn an_unknown_data_set_is_refused_with_those_there_are() {
    expect![[r#"there is no data set "cifar11", only: cifar10"#]]
        .assert_eq(&Manifest::builtin("cifar11").unwrap_err().to_string());
}

/// What is said about the tiny manifest with `from` replaced by `to`.
fn check_manifest(from: &str, to: &str, expected: Expect) {
    let tiny = Tiny::new();
    let text = tiny.text("");
    assert!(text.contains(from), "{text}");
    expected.assert_eq(&tiny.read(&text.replacen(from, to, 1)).unwrap_err());
}

#[test]
fn broken_manifests_are_refused() {
    check_manifest(
        "licence",
        "license",
        expect![
            "FOLDER/tiny.ron:4:5-4:12: Unexpected field named `license` in `Manifest`, expected one of `name`, `title`, `licence`, `homepage`, `image`, `record`, `classes`, `files`, or `sources` instead"
        ],
    );
    check_manifest(
        "records: 50, part",
        "record: 50, part",
        expect![
            "FOLDER/tiny.ron:10:83-10:89: Unexpected field named `record` in `DataFile`, expected one of `name`, `bytes`, `md5`, `records`, or `part` instead"
        ],
    );
    check_manifest(
        "homepage: \"none\",",
        "",
        expect!["FOLDER/tiny.ron:15:1: Unexpected missing field named `homepage` in `Manifest`"],
    );
    check_manifest(
        "part: Train",
        "part: Valid",
        expect![
            "FOLDER/tiny.ron:10:102-10:107: Unexpected variant named `Valid` in enum `Part`, expected either `Train` or `Test` instead"
        ],
    );
    check_manifest(
        "md5: \"",
        "md5: \"0",
        expect![[
            r#"FOLDER/tiny.ron:10:48-10:82: "0fa5b3ff4931b7af355822f35d5ae935d" is not an MD5 sum, which is 32 lower-case hexadecimal digits"#
        ]],
    );
    check_manifest(
        "name: \"tiny\"",
        "name: \"../tiny\"",
        expect![[
            r#"FOLDER/tiny.ron:15:1-15:2: the name "../tiny" is not made of lower-case letters, digits, - and _"#
        ]],
    );
    check_manifest(
        "height: 8",
        "height: 0",
        expect!["FOLDER/tiny.ron:15:1-15:2: an image of 3 x 0 x 8 is empty or too large"],
    );
    check_manifest(
        "height: 8",
        "height: 8000000000",
        expect!["FOLDER/tiny.ron:15:1-15:2: an image of 3 x 8000000000 x 8 is empty or too large"],
    );
    check_manifest(
        "label: 0",
        "label: 1",
        expect!["FOLDER/tiny.ron:15:1-15:2: the label is byte 1 of 1 label bytes, counted from 0"],
    );
    check_manifest(
        "\"a\", \"b\"",
        "",
        expect!["FOLDER/tiny.ron:15:1-15:2: 0 classes: a label is one byte, so there are 1 to 256 classes"],
    );
    check_manifest(
        "\"a\", \"b\"",
        "\"a\", \"a\"",
        expect![[r#"FOLDER/tiny.ron:15:1-15:2: two classes are called "a""#]],
    );
    check_manifest("train.bin", "test.bin", expect![[r#"FOLDER/tiny.ron:15:1-15:2: two files are called "test.bin""#]]);
    check_manifest(
        "train.bin",
        "../train.bin",
        expect![[r#"FOLDER/tiny.ron:15:1-15:2: "../train.bin" is not a plain file name"#]],
    );
    check_manifest("train.bin", "..", expect![[r#"FOLDER/tiny.ron:15:1-15:2: ".." is not a plain file name"#]]);
    check_manifest(
        "bytes: 9650",
        "bytes: 9649",
        expect!["FOLDER/tiny.ron:15:1-15:2: train.bin: 50 records of 193 bytes are not 9,649 bytes"],
    );
    check_manifest(
        "bytes: 9650",
        "bytes: 0",
        expect!["FOLDER/tiny.ron:15:1-15:2: train.bin: 50 records of 193 bytes are not 0 bytes"],
    );
    check_manifest(
        "records: 50",
        "records: 0",
        expect!["FOLDER/tiny.ron:15:1-15:2: train.bin has 0 records, at least 1 is needed"],
    );
    check_manifest("part: Test", "part: Train", expect!["FOLDER/tiny.ron:15:1-15:2: no file has images of part Test"]);
    let archive = r#"sources: [Archive(url: "http://example.org/tiny.tar.gz", bytes: 1, md5: "00000000000000000000000000000000", format: TarGz, folder: "")"#;
    check_manifest(
        "sources: [",
        archive,
        expect![[r#"FOLDER/tiny.ron:15:1-15:2: "http://example.org/tiny.tar.gz" is not the https address of a file"#]],
    );
    check_manifest(
        "sources: [",
        &archive.replace("http:", "https:").replace("/tiny.tar.gz", "/"),
        expect![[r#"FOLDER/tiny.ron:15:1-15:2: "https://example.org/" is not the https address of a file"#]],
    );
    let package = r#"sources: [NpmPackage(name: "tiny", version: "1.0.0", bytes: 1, files: [(name: "train.bin", rows: "a.png", labels: "a.json", first_label: 0)])"#;
    check_manifest(
        "sources: [",
        package,
        expect!["FOLDER/tiny.ron:15:1-15:2: package tiny rebuilds test.bin 0 times instead of once"],
    );
    check_manifest(
        "sources: [",
        &package.replace("\"tiny\"", "\"--tiny\""),
        expect![[r#"FOLDER/tiny.ron:15:1-15:2: "--tiny" is not the name of a package: "name" or "@scope/name""#]],
    );
}

#[test]
fn images_that_do_not_fit_together_are_refused() {
    let check = |pixels: usize, labels: &[u8], shape, classes, expected: Expect| {
        let error = Images::new(vec![0; pixels], labels.to_vec(), shape, classes).unwrap_err();
        expected.assert_eq(&error.to_string());
    };
    check(23, &[0, 1], (3, 2, 2), 2, expect!["2 labels of images of 12 bytes need 24 bytes of pixels, not 23"]);
    check(12, &[0, 2], (3, 2, 1), 2, expect!["image 1 has label 2, but the labels of 2 classes are 0 to 1"]);
    check(0, &[0], (3, 0, 2), 2, expect!["an image of 3 x 0 x 2 is empty or too large"]);
    check(0, &[0], (3, usize::MAX, 2), 2, expect!["an image of 3 x 18446744073709551615 x 2 is empty or too large"]);
    check(0, &[], (3, 2, 2), 2, expect!["there are no images"]);
    check(12, &[0], (3, 2, 2), 257, expect!["257 classes: a label is one byte, so there are 1 to 256 classes"]);
}

#[test]
fn cifar_100_can_be_said() {
    let mut tiny = Tiny::new();
    // Two label bytes, of which the second counts, in place of one label byte and one pixel.
    for (_, bytes) in &mut tiny.files {
        for (record, bytes) in bytes.chunks_exact_mut(1 + 3 * 8 * 8).enumerate() {
            bytes[..2].copy_from_slice(&[200, (record % 2) as u8]);
        }
    }
    tiny.put();
    let text = tiny.text("").replace("label_bytes: 1, label: 0", "label_bytes: 2, label: 1");
    let text = text.replace("channels: 3, height: 8, width: 8", "channels: 1, height: 191, width: 1");
    let (train, _) = load(&tiny.read(&text).unwrap(), &tiny.root()).unwrap();
    let train = train.all(50, 0).unwrap();
    assert_eq!(train.shape(), (1, 191, 1));
    for i in 0..train.len() {
        assert_eq!(usize::from(train.label(i)), i % 2);
        assert_eq!(train.image(i), &tiny.files[0].1[i * 193 + 2..(i + 1) * 193]);
    }
}
