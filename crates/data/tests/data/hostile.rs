//! Manifests that name something else than they seem to, and what is said about them.

use std::fs;

use expect_test::{Expect, expect};
use hnas_data::{Manifest, Part, fetch, load, verify};

use crate::tiny::Tiny;

const ARCHIVE: &str = r#"Archive(url: "https://example.org/tiny.tar.gz", bytes: 1, md5: "00000000000000000000000000000000", format: TarGz, folder: "tiny")"#;
const PACKAGE: &str = r#"NpmPackage(name: "tiny", version: "1.0.0", bytes: 1, files: [
        (name: "train.bin", rows: "a.png", labels: "a.json", first_label: 0),
        (name: "test.bin", rows: "b.png", labels: "b.json", first_label: 0)])"#;

/// What is said about the tiny manifest with this source, without the place.
fn read(source: &str) -> Result<Manifest, String> {
    let tiny = Tiny::new();
    tiny.read(&tiny.text(source)).map_err(|error| error.split_once(": ").unwrap().1.to_string())
}

fn archive_at(url: &str) -> String {
    ARCHIVE.replace("https://example.org/tiny.tar.gz", url)
}

#[test]
fn archives_come_over_https_or_from_this_machine() {
    for url in [
        "https://example.org/tiny.tar.gz",
        "https://example.org:8443/a/tiny.tar.gz?download=1",
        "http://127.0.0.1/tiny.tar.gz",
        "http://127.0.0.1:8000/tiny.tar.gz",
    ] {
        assert_eq!(read(&archive_at(url)).map(|_| ()), Ok(()), "{url}");
    }
    for url in [
        "http://example.org/tiny.tar.gz",
        "http://127.0.0.1:x@example.org/tiny.tar.gz",
        "http://127.0.0.1:80@example.org/tiny.tar.gz",
        "http://127.0.0.1@example.org/tiny.tar.gz",
        "http://127.0.0.1.example.org/tiny.tar.gz",
        "http://user@127.0.0.1:8000/tiny.tar.gz",
        "http://localhost:8000/tiny.tar.gz",
        "http://127.0.0.2:8000/tiny.tar.gz",
        "https://user:secret@example.org/tiny.tar.gz",
        "https:///tiny.tar.gz",
        "https://example.org",
        "https://example.org/",
        "https://example.org/?a/tiny.tar.gz",
        "ftp://example.org/tiny.tar.gz",
        "file:///tiny.tar.gz",
        "/tiny.tar.gz",
        "tiny.tar.gz",
        "",
    ] {
        assert_eq!(read(&archive_at(url)), Err(format!("{url:?} is not the https address of a file")));
    }
}

#[test]
fn an_archive_lies_where_nothing_else_does() {
    let check = |name: &str, expected: Expect| {
        expected.assert_eq(&read(&archive_at(&format!("https://example.org/{name}"))).unwrap_err());
    };
    check(
        "test.bin",
        expect![[r#"an archive cannot be called "test.bin": the name "test.bin" is taken in the data set's folder"#]],
    );
    check(
        "TEST.bin",
        expect![[r#"an archive cannot be called "TEST.bin": the name "TEST.bin" is taken in the data set's folder"#]],
    );
    check(
        "a.part",
        expect![[r#"an archive cannot be called "a.part": the name "a.part" is taken in the data set's folder"#]],
    );
    check(".lock", expect![[r#"".lock" is not a plain file name"#]]);
    check(".fetch-1", expect![[r#"".fetch-1" is not a plain file name"#]]);
    check("..", expect![[r#"".." is not a plain file name"#]]);

    let tiny = Tiny::new();
    let rename = |to: &str| {
        let text = tiny.text(ARCHIVE).replace("train.bin", to);
        tiny.read(&text).unwrap_err().split_once(": ").unwrap().1.to_string()
    };
    expect![[
        r#"an archive cannot be called "tiny.tar.gz": the name "tiny.tar.gz.part" is taken in the data set's folder"#
    ]]
    .assert_eq(&rename("tiny.tar.gz.part"));
    expect![[r#"an archive cannot be called "tiny.tar.gz": the name "tiny.tar.gz" is taken in the data set's folder"#]]
        .assert_eq(&rename("tiny.tar.gz"));
    expect![[r#"".lock" is not a plain file name"#]].assert_eq(&rename(".lock"));
    expect![[r#"".fetch-1" is not a plain file name"#]].assert_eq(&rename(".fetch-1"));
}

#[test]
fn a_folder_in_an_archive_is_one_that_an_archive_can_have() {
    let folder = |folder: &str| read(&ARCHIVE.replace("folder: \"tiny\"", &format!("folder: {folder:?}")));
    for good in ["", "a", "a/b", "a/"] {
        assert_eq!(folder(good).map(|_| ()), Ok(()), "{good:?}");
    }
    for bad in ["..", "a/../b", "/a", ".", "./a"] {
        let said = folder(bad).unwrap_err();
        assert!(said.starts_with(&format!("{bad:?} is not a folder within an archive: such as ")), "{said}");
    }
    expect![[r#"".." is not a folder within an archive: such as "a", "a/b" or, where files lie at the top, """#]]
        .assert_eq(&folder("..").unwrap_err());
}

#[test]
fn a_package_is_one_of_the_registry_in_one_version() {
    let name = |name: &str| read(&PACKAGE.replace("\"tiny\"", &format!("{name:?}")));
    for good in ["tiny", "tiny-data.js", "Tiny_2", "@scope/tiny"] {
        assert_eq!(name(good).map(|_| ()), Ok(()), "{good}");
    }
    for bad in [
        "",
        "owner/repo",
        "/abs/path",
        "a/../b",
        "./tiny",
        "../tiny",
        ".tiny",
        "-tiny",
        "--tiny",
        "@scope",
        "@scope/",
        "@/tiny",
        "@scope/a/b",
        "@scope/../b",
        "@-scope/a",
        "tiny@2",
        "a@b/c",
        "github:owner",
        "file:tiny",
        "tiny.tgz",
        "tiny.TAR.gz",
        "@scope/tiny.tar",
        "a b",
        "a\nb",
        "~",
        "a+b",
    ] {
        let said = format!("{bad:?} is not the name of a package: \"name\" or \"@scope/name\"");
        assert_eq!(name(bad), Err(said));
    }
    let version = |version: &str| read(&PACKAGE.replace("\"1.0.0\"", &format!("{version:?}")));
    for good in ["1.0.0", "0.10.200", "1.0.0-rc.1", "1.0.0+build-2", "1.0.0-rc.1+build"] {
        assert_eq!(version(good).map(|_| ()), Ok(()), "{good}");
    }
    for bad in [
        "",
        "latest",
        "v1.0.0",
        "^1.0.0",
        "1",
        "1.0",
        "1.x.0",
        "1..0",
        "1.0.0.0",
        "1.0.0 || 2.0.0",
        "*",
        "1.0.0/a",
        "1.0.0@a",
        "1.0.0-a.tgz",
        "../1.0.0",
        "npm:a",
        "-1.0.0",
    ] {
        let said = format!("{bad:?} is not the exact version of a package: such as \"1.0.0\"");
        assert_eq!(version(bad), Err(said));
    }
}

#[test]
fn a_package_has_one_label_byte() {
    let tiny = Tiny::new();
    let text = tiny.text(PACKAGE).replace("label_bytes: 1", "label_bytes: 2");
    let text = text.replace("channels: 3, height: 8, width: 8", "channels: 1, height: 191, width: 1");
    expect!["FOLDER/tiny.ron:17:1-17:2: package tiny gives 1 label byte an image, but records have 2"]
        .assert_eq(&tiny.read(&text).unwrap_err());
}

/// A manifest of two files of records of two bytes, so many each.
fn giant(tiny: &Tiny, records: [u64; 2]) -> Result<Manifest, String> {
    let mut text = tiny
        .text("LocalFolder(\"by-hand\")")
        .replace("channels: 3, height: 8, width: 8", "channels: 1, height: 1, width: 1");
    for records in records {
        let size = format!("bytes: {}, md5", u128::from(records) * 2);
        text = text.replacen("bytes: 9650, md5", &size, 1);
        text = text.replacen("records: 50", &format!("records: {records}"), 1);
    }
    tiny.read(&text)
}

#[test]
#[cfg(target_pointer_width = "64")]
fn sizes_that_cannot_be_added_up_are_refused() {
    let tiny = Tiny::new();
    let half = 1 << 62;
    expect![
        "FOLDER/tiny.ron:15:1-15:2: the files up to test.bin have more than 18,446,744,073,709,551,615 bytes together"
    ]
    .assert_eq(&giant(&tiny, [half, half]).unwrap_err());

    // One record less: a data set that nobody has, and that is said without a panic.
    let manifest = giant(&tiny, [half, half - 1]).unwrap();
    assert_eq!(manifest.records(Part::Train), 1 << 62);
    fs::create_dir_all(tiny.root().join("by-hand")).unwrap();
    tiny.put();
    let said = verify(&manifest, &tiny.root()).unwrap_err().to_string();
    assert_eq!(load(&manifest, &tiny.root()).unwrap_err().to_string(), said);
    expect!["tiny in FOLDER/cache/tiny: train.bin: 9,650 bytes instead of 9,223,372,036,854,775,808; test.bin: 9,650 bytes instead of 9,223,372,036,854,775,806; run `hnas data fetch tiny`"].assert_eq(&tiny.plain(&said));
    expect!["tiny could not be fetched: folder by-hand: train.bin: missing; test.bin: missing; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"].assert_eq(&tiny.plain(&fetch(&manifest, &tiny.root(), &mut |_| {}).unwrap_err().to_string()));
}
