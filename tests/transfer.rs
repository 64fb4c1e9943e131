//! Genotypes transferred to photographs: killed at any moment, with files that are damaged, and with none at all.

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use expect_test::{Expect, expect};
use hnas_ledger::{SqliteLedger, Store};
use support::broken::Broken;
use support::{has_cifar10, has_food_groups, hnas, refused, results, root, said};

const TRANSFER: &str = "tests/cases/transfer.ron";
const SEEDS: [u64; 2] = [3, 5];

fn search(experiment: &str, out: &Path) -> std::process::Command {
    let mut command = hnas();
    command.arg("search").arg(experiment).args(["--device", "cpu", "--slots", "2", "--out"]).arg(out);
    command
}

/// The names of the trainings on photographs that there are by now.
fn transfers(out: &Path) -> Vec<String> {
    let names = SEEDS
        .iter()
        .flat_map(|seed| (1..=10).map(move |trial| format!("evolution/seed-{seed}/trial-{trial}/food-groups-c0-8")));
    let begun = |name: &String| SqliteLedger::read(out.join("ledger.sqlite"), name).is_ok();
    names.filter(begun).collect()
}

/// Every trial of the searches and of the transfers, bit for bit.
fn trials(out: &Path) -> Vec<String> {
    let searches = SEEDS.iter().map(|seed| format!("evolution/seed-{seed}"));
    let studies: Vec<String> = searches.chain(transfers(out)).collect();
    studies.iter().flat_map(|study| results(out, study)).collect()
}

/// Files of trainings that are under way.
fn kept(out: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![out.join("checkpoints")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

/// Whether a training was kept after this moment.
fn kept_since(out: &Path, moment: SystemTime) -> bool {
    let changed = |file: &PathBuf| std::fs::metadata(file).and_then(|found| found.modified()).ok();
    kept(out).iter().filter_map(changed).any(|changed| changed > moment)
}

#[test]
fn a_killed_training_on_photographs_goes_on_as_if_nothing_had_happened() {
    let test = "a_killed_training_on_photographs_goes_on_as_if_nothing_had_happened";
    if !has_cifar10(test) || !has_food_groups(test) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (undisturbed, killed) = (folder.path().join("undisturbed"), folder.path().join("killed"));
    let begun = Instant::now();
    said(search(TRANSFER, &undisturbed).output().unwrap());
    let whole = begun.elapsed();
    assert_eq!(trials(&undisturbed).len(), 2 * (10 + 2), "two searches, and two trainings of each winner");
    assert_eq!(kept(&undisturbed), Vec::<PathBuf>::new(), "what is recorded is kept no longer");

    // Where it dies follows from this number, as far as time does.
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("moments of death from seed {seed}");
    let mut state = seed;
    let (mut at_work, mut halfway) = (0, 0);
    // A trial whose process dies ten times is given up.
    for death in 0..8 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let part = (state >> 11) as f64 / (1u64 << 53) as f64;
        let begun = SystemTime::now();
        let mut child = search(TRANSFER, &killed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Early in the run, and then soon after a training has gone on and is kept anew.
        if death >= 2 {
            while !kept_since(&killed, begun) && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        std::thread::sleep(whole.mul_f64(if death < 2 { part / 4.0 } else { part / 20.0 }));
        at_work += usize::from(child.try_wait().unwrap().is_none());
        // On Unix this is kill -9.
        child.kill().unwrap();
        child.wait().unwrap();
        halfway += usize::from(!kept(&killed).is_empty());
    }
    assert!(at_work >= 3 && halfway >= 1, "{at_work} of 8 kills at work, {halfway} with a training kept");
    println!("{at_work} of 8 kills at work, {halfway} of them with a training kept");
    said(search(TRANSFER, &killed).output().unwrap());
    assert_eq!(trials(&killed), trials(&undisturbed), "seed {seed}");
    assert_eq!(kept(&killed), Vec::<PathBuf>::new());

    // Killed as soon as a training is kept, it does not begin anew.
    let once = folder.path().join("once");
    let mut child = search(TRANSFER, &once).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // A file that is still being written has another name.
    while !kept(&once).iter().any(|file| file.extension().is_none()) {
        assert!(child.try_wait().unwrap().is_none(), "it ended without a training kept");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!kept(&once).is_empty());
    let output = search(TRANSFER, &once).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    said(output);
    // 40 steps of 8 images are 320; the first one or two steps of a training that was kept are not done again.
    let fewer = |line: &&str| line.contains(" photographs in ") && !line.contains(": 320 photographs in ");
    assert!(told.lines().any(|line| fewer(&line)), "{told}");
    assert_eq!(trials(&once), trials(&undisturbed));
}

/// A data folder whose photographs may be changed.
fn own_data() -> tempfile::TempDir {
    let (own, all) = (tempfile::tempdir().unwrap(), data());
    copy(&all.join("food-groups"), &own.path().join("food-groups"));
    copy(&all.join("cifar10"), &own.path().join("cifar10"));
    own
}

/// The data folder of this machine.
fn data() -> PathBuf {
    let found: serde_json::Value = serde_json::from_str(&said(support::run(&["doctor", "--json"]))).unwrap();
    PathBuf::from(found["data_folder"].as_str().unwrap())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn damaged_photographs_are_named_and_the_run_comes_to_its_end() {
    let test = "damaged_photographs_are_named_and_the_run_comes_to_its_end";
    if !has_cifar10(test) || !has_food_groups(test) {
        return;
    }
    let data = own_data();
    let damaged = ["train/fruits/E001.jpeg", "val/marine-fish/P005.jpeg"];
    for path in damaged {
        let path = data.path().join("food-groups").join(path);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, &good[..good.len() / 2]).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let output = search("experiments/imagenet/experiment.ron", folder.path())
        .args(["--scale", "smoke"])
        .env("HNAS_DATA", data.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    said(output);
    // The one in training is named only if these few steps came upon it.
    assert!(told.contains(&format!("{}: no photograph: ", damaged[1])), "{told}");
    let page = std::fs::read_to_string(folder.path().join("imagenet/report.html")).unwrap();
    assert!(page.contains("top-5: "), "the report says both errors");
    let results: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("imagenet/results.json")).unwrap()).unwrap();
    let run = &results["arms"][0]["seeds"][0]["retrainings"][0]["runs"][0];
    // All 76 count, the damaged one as wrong.
    for accuracy in [&run["test_accuracy"], &run["top_5_accuracy"]] {
        let right = accuracy.as_f64().unwrap() * 76.0;
        assert!((right - right.round()).abs() < 1e-9 && (0.0..76.0).contains(&right), "{run}");
    }
}

#[test]
fn without_photographs_nothing_is_begun_and_what_to_do_is_said() {
    let data = tempfile::tempdir().unwrap();
    let out = data.path().join("run");
    let check = |scale: &str, expected: Expect| {
        let output = search("experiments/imagenet/experiment.ron", &out)
            .args(["--scale", scale, "--seed", "1"])
            .env("HNAS_DATA", data.path())
            .output()
            .unwrap();
        let (code, error) = refused(output);
        assert_eq!(code, Some(2), "{error}");
        expected.assert_eq(&error.replace(data.path().to_str().unwrap(), "FOLDER"));
        assert_eq!(Store::from(out.join("ledger.sqlite")).studies().unwrap(), []);
        std::fs::remove_dir_all(&out).unwrap();
    };
    check(
        "smoke",
        expect![[r#"
            error: food-groups: cannot read FOLDER/food-groups/train: No such file or directory (os error 2); run `hnas data fetch food-groups`
        "#]],
    );
    check(
        "paper",
        expect![[r#"
            error: imagenet: cannot read FOLDER/imagenet/train: No such file or directory (os error 2); in FOLDER/imagenet, unpack ILSVRC2012_img_train.tar, and the archive of each class in it, to train/<class>/*.JPEG; unpack ILSVRC2012_img_val.tar to val/*.JPEG and put one of val.txt, LOC_val_solution.csv, or meta.mat and ILSVRC2012_validation_ground_truth.txt of the development kit beside val, or sort the images into val/<class>/*.JPEG
        "#]],
    );
}

#[test]
fn experiments_that_contradict_themselves() {
    let broken = Broken::new();
    std::fs::copy(root().join("tests/cases/tiny.ron"), broken.path("tiny.ron")).unwrap();
    let check = |from: &str, to: &str, expected: Expect| {
        broken
            .edited(TRANSFER, "experiment.ron", from, to)
            .check("search FOLDER/experiment.ron --out FOLDER/run", &expected);
    };
    check(
        "name: \"tiny\",",
        "name: \"small\",",
        expect![[r#"
            error: FOLDER/experiment.ron: there is no scale "small" in FOLDER/tiny.ron
        "#]],
    );
    check(
        "MinusOneToOne",
        "PerChannel",
        expect![[r#"
            error: FOLDER/experiment.ron: scale "tiny", retraining: there are no statistics of photographs: normalization is MinusOneToOne
        "#]],
    );
    check(
        "classes: 10",
        "classes: 9",
        expect![[r#"
            error: FOLDER/experiment.ron: scale "tiny", retraining: the skeleton tells 9 classes apart, food-groups has 10
        "#]],
    );
    check(
        "food-groups",
        "cifar10",
        expect![[r#"
            error: FOLDER/experiment.ron: scale "tiny", retraining: there is no data set "cifar10", only: imagenet, food-groups
        "#]],
    );
    check(
        "food-groups",
        "photographs",
        expect![[r#"
            error: FOLDER/experiment.ron: scale "tiny", retraining: there is no data set "photographs", only: cifar10, imagenet, food-groups
        "#]],
    );
    check(
        "shorter: 36",
        "shorter: 31",
        expect![[r#"
            error: FOLDER/experiment.ron: scale "tiny", retraining: photographs: a crop of 32 x 32 does not fit where the shorter side is 31
        "#]],
    );
    check(
        "area: (0.2, 1.0)",
        "area: (0.2, 1.5)",
        expect![[r#"
            error: FOLDER/experiment.ron: scale "tiny", retraining: photographs: area from 0.2 to 1.5: shares of an area are above 0 and at most 1
        "#]],
    );
    check(
        "checkpoint_every: Some(3)",
        "checkpoint_every: Some(0)",
        expect![[r#"
            error: FOLDER/experiment.ron:44:44: Expected a nonzero usize but found the unsigned integer `0` instead
        "#]],
    );
    check(
        "of: \"tiny.ron\"",
        "of: \"experiment.ron\"",
        expect![[r#"
            error: FOLDER/experiment.ron: it is the basis of another experiment and so needs a basis of its own
        "#]],
    );
    // A search has no photographs, whoever names it as a basis.
    std::fs::copy(root().join(TRANSFER), broken.path("experiment.ron")).unwrap();
    let photographs = "runs: 2, photographs: Some((dataset: \"food-groups\", area: (1.0, 1.0), aspect: (1.0, 1.0), brightness: 0.0, contrast: (1.0, 1.0), shorter: 32)),";
    broken.edited("tests/cases/tiny.ron", "tiny.ron", "runs: 2,", photographs).check(
        "search FOLDER/experiment.ron --out FOLDER/run",
        &expect![[r#"
            error: FOLDER/experiment.ron: scale "tiny": fitness.photographs: only a retraining has any
        "#]],
    );
}
