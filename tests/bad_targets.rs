//! Files and folders that cannot be written, or would be written over: refused before anything is computed for them.

mod support;

use expect_test::{Expect, expect};
use support::broken::Broken;
use support::{run, said};

const LEARNED: &str = "experiments/cifar10/genotypes/learned-cell.ron";

#[test]
fn weights() {
    let broken = Broken::new();
    std::fs::write(broken.path("w.bin"), "precious").unwrap();
    // An hour of steps, which none of these takes.
    let check = |weights: &str, expected: Expect| {
        broken.check(&format!("train {LEARNED} --device cpu --steps 1000000 --weights {weights}"), &expected);
    };
    check(
        "FOLDER/none/w.bin",
        expect![[r#"
        error: --weights FOLDER/none/w.bin: there is no folder FOLDER/none
    "#]],
    );
    check(
        "FOLDER",
        expect![[r#"
        error: --weights FOLDER: is a folder, not a file
    "#]],
    );
    check(
        "FOLDER/w.bin",
        expect![[r#"
        error: --weights FOLDER/w.bin: the file exists already, choose another
    "#]],
    );
    assert_eq!(std::fs::read_to_string(broken.path("w.bin")).unwrap(), "precious");
}

#[test]
fn genotypes_and_pictures() {
    let broken = Broken::new();
    let folder = broken.path("g");
    std::fs::create_dir_all(broken.path("d.svg")).unwrap();
    std::fs::write(broken.path("file"), "").unwrap();
    let check = |arguments: &str, expected: Expect| broken.check(arguments, &expected);
    check(
        &format!("draw {LEARNED} --out FOLDER/d.svg"),
        expect![[r#"
        error: --out FOLDER/d.svg: is a folder, not a file
    "#]],
    );
    assert!(!broken.path("d.svg.part").exists());
    check(
        "sample --out FOLDER/file",
        expect![[r#"
        error: --out FOLDER/file: is a file, not a folder
    "#]],
    );
    check(
        "pictures experiments/figure2/pictures.ron --out FOLDER/file",
        expect![[r#"
        error: --out FOLDER/file: is a file, not a folder
    "#]],
    );
    let written = said(run(&["sample", "--count", "2", "--out", folder.to_str().unwrap()]));
    assert_eq!(written, format!("genotypes: {} to genotype-0002.ron\n", folder.join("genotype-0001.ron").display()));
    let parent = std::fs::read_to_string(folder.join("genotype-0001.ron")).unwrap();
    check(
        "sample --seed 2 --out FOLDER/g",
        expect![[r#"
        error: --out FOLDER/g: genotype-0001.ron exists already, choose another folder
    "#]],
    );
    check(
        "mutate FOLDER/g/genotype-0001.ron --seed 2 --out FOLDER/g",
        expect![[r#"
        error: --out FOLDER/g: genotype-0001.ron exists already, choose another folder
    "#]],
    );
    std::fs::remove_file(folder.join("genotype-0001.ron")).unwrap();
    // Nothing is written where a part of it would be.
    check(
        "sample --count 3 --out FOLDER/g",
        expect![[r#"
        error: --out FOLDER/g: genotype-0002.ron exists already, choose another folder
    "#]],
    );
    assert!(!folder.join("genotype-0001.ron").exists());
    std::fs::write(folder.join("genotype-0001.ron"), parent).unwrap();
}

#[test]
fn names_of_pictures() {
    let broken = Broken::new();
    std::fs::copy(support::root().join(LEARNED), broken.path("cell.ron")).unwrap();
    let check = |names: [&str; 2], expected: Expect| {
        let picture = |name| format!("(name: {name:?}, caption: \"\", shows: Genotype(file: \"cell.ron\"))");
        let text = format!("(title: \"\", pictures: [{}])", names.map(picture).join(", "));
        std::fs::write(broken.path("pictures.ron"), text).unwrap();
        broken.check("pictures FOLDER/pictures.ron --out FOLDER/out", &expected);
        assert!(!broken.path("out").exists());
    };
    check(
        ["a", "a"],
        expect![[r#"
        error: FOLDER/pictures.ron: picture 2: name "a" is that of picture 1 as well
    "#]],
    );
    check(
        ["a", ".."],
        expect![[r#"
        error: FOLDER/pictures.ron: picture 2: name ".." is not 1 to 100 letters, digits, '-', '_' and '.', the first no '.'
    "#]],
    );
    check(
        ["a", ""],
        expect![[r#"
        error: FOLDER/pictures.ron: picture 2: name "" is not 1 to 100 letters, digits, '-', '_' and '.', the first no '.'
    "#]],
    );
    check(
        ["sub/a", "a"],
        expect![[r#"
        error: FOLDER/pictures.ron: picture 1: name "sub/a" is not 1 to 100 letters, digits, '-', '_' and '.', the first no '.'
    "#]],
    );
    let text = "(title: \"\", pictures: [(name: \"v1.2\", caption: \"\", shows: Genotype(file: \"cell.ron\"))])";
    std::fs::write(broken.path("pictures.ron"), text).unwrap();
    let folder = broken.path("out");
    said(run(&[&"pictures".into(), &broken.path("pictures.ron"), &"--out".into(), &folder]));
    assert!(folder.join("v1.2.svg").is_file());
}
