//! Folders in all layouts, and folders that are not what they seem.

use std::fs;

use expect_test::{Expect, expect};
use hnas_data::ImageSet;

use crate::tree::{Tree, photograph};

/// The images of a set, in order: path and label.
fn listing(tree: &Tree, set: &ImageSet) -> Vec<String> {
    (0..set.len()).map(|i| format!("{} {}", tree.plain(&set.path(i).display().to_string()), set.label(i))).collect()
}

#[test]
fn classes_and_images_ascend_by_name() {
    let tree =
        Tree::of(&["train/n02/b.JPEG", "train/n02/a.jpg", "train/n01/c.PNG", "train/n01/B.jpeg", "val/n02/x.JPEG"]);
    let folder = tree.open().unwrap();
    assert_eq!(folder.classes(), ["n01", "n02"]);
    let train = [
        "FOLDER/train/n01/B.jpeg 0",
        "FOLDER/train/n01/c.PNG 0",
        "FOLDER/train/n02/a.jpg 1",
        "FOLDER/train/n02/b.JPEG 1",
    ];
    assert_eq!(listing(&tree, folder.train()), train);
    assert_eq!(listing(&tree, folder.validation()), ["FOLDER/val/n02/x.JPEG 1"]);
    assert_eq!(folder.ignored().count, 0);
    fs::rename(tree.path("val"), tree.path("validation")).unwrap();
    assert_eq!(listing(&tree, tree.open().unwrap().validation()), ["FOLDER/validation/n02/x.JPEG 1"]);
}

#[test]
fn what_is_not_used_is_counted_and_named() {
    let tree =
        Tree::of(&["train/a/1.jpg", "train/a/.hidden.jpg", "train/stray.jpg", "val/a/1.jpg", "train/a/deeper/2.jpg"]);
    tree.put("train/a/notes.txt", b"notes");
    tree.put("val/a/Thumbs.db", b"");
    fs::create_dir(tree.path("train/a/folder.jpg")).unwrap();
    let folder = tree.open().unwrap();
    assert_eq!((folder.train().len(), folder.validation().len()), (1, 1));
    let named: Vec<String> =
        folder.ignored().first.iter().map(|path| tree.plain(&path.display().to_string())).collect();
    let expected = [
        "train/stray.jpg",
        "train/a/.hidden.jpg",
        "train/a/deeper",
        "train/a/folder.jpg",
        "train/a/notes.txt",
        "val/a/Thumbs.db",
    ];
    assert_eq!(named, expected.map(|path| format!("FOLDER/{path}")));
    assert_eq!(folder.ignored().count, 6);
}

#[test]
fn labels_may_come_from_a_file() {
    let check = |name: &str, text: &str| {
        let tree = Tree::of(&[
            "train/n01/1.jpg",
            "train/n02/1.jpg",
            "val/ILSVRC2012_val_00000002.JPEG",
            "val/ILSVRC2012_val_00000001.JPEG",
        ]);
        tree.put(name, text.as_bytes());
        let folder = tree.open().unwrap();
        let expected = ["FOLDER/val/ILSVRC2012_val_00000001.JPEG 1", "FOLDER/val/ILSVRC2012_val_00000002.JPEG 0"];
        assert_eq!(listing(&tree, folder.validation()), expected, "{name}");
    };
    check("val.txt", "ILSVRC2012_val_00000001.JPEG n02\nILSVRC2012_val_00000002.JPEG  n01\n\n");
    check("val/val.txt", "ILSVRC2012_val_00000002.JPEG 0\r\nILSVRC2012_val_00000001.JPEG 1\r\n");
    let kaggle = "ImageId,PredictionString\nILSVRC2012_val_00000001,n02 85 1 499 272 n02 1 2 3 4\nILSVRC2012_val_00000002,n01 1 2 3 4\nILSVRC2012_val_00000003,n01 1 2 3 4\n";
    check("LOC_val_solution.csv", kaggle);
    check("val/LOC_val_solution.csv", kaggle);
}

#[test]
fn labels_that_do_not_fit_are_refused() {
    let check = |name: &str, text: &[u8], expected: Expect| {
        let tree = Tree::of(&["train/n01/1.jpg", "train/n02/1.jpg", "val/a.jpg", "val/b.jpg"]);
        tree.put(name, text);
        expected.assert_eq(&tree.refused());
    };
    check(
        "nothing.txt",
        b"",
        expect![
            "FOLDER/val: 2 images, no folders of classes and no file of labels: looked for FOLDER/val.txt, FOLDER/val/val.txt, FOLDER/LOC_val_solution.csv, FOLDER/val/LOC_val_solution.csv, FOLDER/ILSVRC2012_validation_ground_truth.txt, FOLDER/val/ILSVRC2012_validation_ground_truth.txt, FOLDER/ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
        ],
    );
    check("val.txt", b"a.jpg n01\n", expect![[r#"FOLDER/val.txt: no label for 1 of 2 images, "b.jpg" first"#]]);
    check(
        "val.txt",
        b"a.jpg n01\nb.jpg n03\n",
        expect![[r#"FOLDER/val.txt:2: "n03" is none of the 2 training classes"#]],
    );
    check("val.txt", b"a.jpg n01\nb.jpg 2\n", expect![[r#"FOLDER/val.txt:2: "2" is none of the 2 training classes"#]]);
    check("val.txt", b"a.jpg\n", expect![[r#"FOLDER/val.txt:1: "a.jpg" is not a name and a class"#]]);
    check("val.txt", b"a.jpg n01\nb.jpg n01\na.jpg n02\n", expect![[r#"FOLDER/val.txt:3: "a.jpg" has two labels"#]]);
    check("val.txt", b"\xff\xfe", expect!["cannot read FOLDER/val.txt: stream did not contain valid UTF-8"]);
    check(
        "LOC_val_solution.csv",
        b"ImageId,PredictionString\na n01\n",
        expect![[r#"FOLDER/LOC_val_solution.csv:2: "a n01" is not a name and a class"#]],
    );
}

#[test]
fn labels_may_come_from_the_development_kit() {
    // `meta.mat` has the numbers 1 (n03), 2 (n01), 3 (n02) and, for a class that is not trained, 4 (n04).
    for (kit, meta) in [("", "meta.mat"), ("val/", "meta-plain.mat"), ("ILSVRC2012_devkit_t12/data/", "meta.mat")] {
        let names = ["val/ILSVRC2012_val_00000002.JPEG", "val/ILSVRC2012_val_00000001.JPEG"];
        let tree = Tree::of(&["train/n01/1.jpg", "train/n02/1.jpg", "train/n03/1.jpg", names[0], names[1]]);
        let truth = format!("{kit}ILSVRC2012_validation_ground_truth.txt");
        tree.put(&truth, b"3\n1\n2\n");
        expect_missing(&tree, kit);
        tree.put(&format!("{kit}meta.mat"), &photograph(meta));
        let folder = tree.open().unwrap();
        let expected = ["FOLDER/val/ILSVRC2012_val_00000001.JPEG 1", "FOLDER/val/ILSVRC2012_val_00000002.JPEG 2"];
        assert_eq!(listing(&tree, folder.validation()), expected);
        tree.put(&truth, b"3\n");
        assert!(tree.refused().contains("no label for 1 of 2 images, \"ILSVRC2012_val_00000002.JPEG\" first"));
        tree.put(&truth, b"3\n4\n");
        assert!(tree.refused().ends_with(":2: class 4, \"n04\", is none of the 3 training classes"));
        tree.put(&truth, b"3\n9\n");
        assert!(tree.refused().ends_with("meta.mat has no class 9"));
        tree.put(&truth, b"3\nx\n");
        assert!(tree.refused().ends_with(":2: \"x\" is not a number"));
    }
}

fn expect_missing(tree: &Tree, kit: &str) {
    assert!(tree.refused().starts_with(&format!("cannot read FOLDER/{kit}meta.mat: ")), "{}", tree.refused());
}

#[test]
fn any_other_file_is_no_mapping() {
    let tree = Tree::of(&["train/n01/1.jpg", "train/n02/1.jpg", "train/n03/1.jpg", "val/ILSVRC2012_val_00000001.JPEG"]);
    tree.put("ILSVRC2012_validation_ground_truth.txt", b"1\n");
    for name in ["meta.mat", "meta-plain.mat"] {
        let whole = photograph(name);
        for at in (0..whole.len()).step_by(17) {
            tree.put("meta.mat", &whole[..at]);
            assert!(tree.refused().contains("/meta.mat: no MATLAB 5 file with"), "{name} cut to {at}");
            let mut bytes = whole.clone();
            bytes[at] = bytes[at].wrapping_add(131);
            tree.put("meta.mat", &bytes);
            // Some bytes say nothing, such as those of the words; whatever is read, a label is a class.
            if let Ok(folder) = tree.open() {
                assert!(folder.validation().label(0) < 3);
            }
        }
    }
    tree.put("meta.mat", b"a text");
    expect!["FOLDER/meta.mat: no MATLAB 5 file with the fields ILSVRC2012_ID and WNID, as the development kit's is"]
        .assert_eq(&tree.refused());
}

#[test]
fn folders_that_do_not_fit_are_refused() {
    let check = |paths: &[&str], expected: Expect| {
        let tree = Tree::of(paths);
        expected.assert_eq(&tree.refused());
    };
    check(&[], expect!["cannot read FOLDER/train: No such file or directory (os error 2)"]);
    check(&["train/a/1.jpg"], expect!["FOLDER: neither a folder val nor a folder validation"]);
    check(
        &["train/a/1.txt", "val/a/1.jpg"],
        expect![
            "FOLDER/train: no images: files named .JPEG, .jpg or .png were looked for, in folders of classes; 1 other entries"
        ],
    );
    check(
        &["train/1.jpg", "val/a/1.jpg"],
        expect![
            "FOLDER/train: no images: files named .JPEG, .jpg or .png were looked for, in folders of classes; 1 other entries"
        ],
    );
    check(
        &["train/a/1.jpg", "val/a/1.txt"],
        expect![
            "FOLDER/val: no images: files named .JPEG, .jpg or .png were looked for, in folders of classes; 1 other entries"
        ],
    );
    check(
        &["train/a/1.jpg", "val/a/1.jpg", "val/b/1.jpg", "val/c/1.jpg"],
        expect![[r#"FOLDER/val: 2 classes, "b" first, are none of the 1 training classes"#]],
    );
    check(
        &["train/a/1.jpg", "val/a/1.jpg", "val/2.jpg"],
        expect!["FOLDER/val: 1 images beside 1 folders: either all images are in folders of classes or none"],
    );
    check(&["train", "val/a/1.jpg"], expect!["cannot read FOLDER/train: Not a directory (os error 20)"]);
}

#[test]
#[cfg(unix)]
fn links_are_followed_and_loops_are_not() {
    use std::os::unix::fs::symlink;
    let tree = Tree::of(&["elsewhere/1.jpg", "train/a/1.jpg", "val/a/1.jpg"]);
    symlink(tree.path("elsewhere"), tree.path("train/b")).unwrap();
    symlink(tree.path("elsewhere/1.jpg"), tree.path("train/a/2.jpg")).unwrap();
    symlink(tree.path("train"), tree.path("train/a/up.jpg")).unwrap();
    symlink(tree.path("train/a/round.jpg"), tree.path("train/a/round.jpg")).unwrap();
    symlink(tree.path("train/round"), tree.path("train/round")).unwrap();
    symlink(tree.path("nowhere"), tree.path("train/a/nowhere.jpg")).unwrap();
    symlink("/dev/zero", tree.path("train/a/zero.jpg")).unwrap();
    let folder = tree.open().unwrap();
    assert_eq!(folder.classes(), ["a", "b"]);
    let train = ["FOLDER/train/a/1.jpg 0", "FOLDER/train/a/2.jpg 0", "FOLDER/train/b/1.jpg 1"];
    assert_eq!(listing(&tree, folder.train()), train);
    assert_eq!(folder.ignored().count, 5);
}
