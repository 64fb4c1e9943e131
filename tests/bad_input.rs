//! Bad input: what is said about each broken file and flag, exactly. Always exit code 2, and nothing is lost.

mod support;

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use support::{hnas, refused, root};

const LEARNED: &str = "experiments/cifar10/genotypes/learned-cell.ron";
const TINY: &str = "tests/cases/tiny.ron";

/// A folder of broken files, called FOLDER in what is expected.
struct Broken(tempfile::TempDir);

impl Broken {
    fn new() -> Broken {
        Broken(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes the file `source` under `name` with one text replaced, which must be there.
    fn edited(&self, source: &str, name: &str, from: &str, to: &str) -> &Broken {
        let text = std::fs::read_to_string(root().join(source)).unwrap();
        assert!(text.contains(from), "{source} holds no {from:?}");
        std::fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
        self
    }

    /// Runs the program, FOLDER in the arguments being this folder, and compares exit code and message.
    fn check(&self, arguments: &str, expected: &Expect) {
        let folder = self.0.path().to_str().unwrap();
        let arguments: Vec<String> = arguments.split_whitespace().map(|word| word.replace("FOLDER", folder)).collect();
        let output = hnas().args(&arguments).stdin(std::process::Stdio::null()).output().unwrap();
        let (code, error) = refused(output);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        expected.assert_eq(&error.replace(folder, "FOLDER"));
    }
}

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
        error: cannot write FOLDER/none/cell.svg: No such file or directory (os error 2)
    "#]],
    );
    check(
        &format!("train {LEARNED} --device gpu"),
        expect![[r#"
        error: --device gpu: unknown device 'gpu': expected auto, cpu, cuda or cuda:N
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
        &format!("search {TINY} --workers 0"),
        expect![[r#"
        error: --workers 0 is not between 1 and 1024
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
        error: there is no data set "cifar11", only: cifar10
    "#]],
    );
}

#[test]
fn genotypes() {
    let broken = Broken::new();
    let check = |from: &str, to: &str, expected: Expect| {
        broken.edited(LEARNED, "genotype.ron", from, to).check("inspect FOLDER/genotype.ron", &expected);
    };
    check(
        "1->2 Motif5",
        "2->1 Motif5",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: level 3, motif 1: edge 2 -> 1 does not go forward
    "#]],
    );
    check(
        "1->2 Motif5",
        "2->2 Motif5",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: level 3, motif 1: edge 2 -> 2 does not go forward
    "#]],
    );
    check(
        "1->2 Motif5",
        "1->6 Motif5",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: level 3, motif 1: edge 1 -> 6 leaves the motif, whose nodes are 1 to 5
    "#]],
    );
    check(
        "1->2 Motif5",
        "1->2 Motif7",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: level 3, motif 1: edge 1 -> 2 carries "Motif7", which is none of Motif1, Motif2, Motif3, Motif4, Motif5, Motif6
    "#]],
    );
    check(
        "1->2 Motif5",
        "1->2 Identity",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: level 3, motif 1: edge 1 -> 2 carries "Identity", which is none of Motif1, Motif2, Motif3, Motif4, Motif5, Motif6
    "#]],
    );
    check(
        "1->2 Motif5",
        "1->3 Motif5",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: level 3, motif 1: edge 1 -> 3 is given twice
    "#]],
    );
    check(
        "1->2 Motif5",
        "one to two",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: level 3, motif 1: "one to two" is not an edge such as "1->2 Identity" or "1->2 Motif3"
    "#]],
    );
    check(
        "\"1->2 Motif5\"",
        "12",
        expect![[r#"
        error: FOLDER/genotype.ron:19:14: Expected string
    "#]],
    );
    check(
        "nodes: 5",
        "nodes: 1",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: search space, level 3: the number of nodes is 1, not 2 to 64
    "#]],
    );
    check(
        "nodes: 5",
        "nodes: 1000000000",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: search space, level 3: the number of nodes is 1000000000, not 2 to 64
    "#]],
    );
    check(
        "motifs: 6",
        "motifs: 5",
        expect![[r#"
        error: FOLDER/genotype.ron:22:1: level 2: the number of motifs is 6, in the search space it is 5
    "#]],
    );
    check(
        "motifs: 6",
        "motifs: 6, colour: 1",
        expect![[r#"
        error: FOLDER/genotype.ron:8:119: Unexpected field named `colour` in `Level`, expected one of `motifs`, `nodes`, or `followed_by` instead
    "#]],
    );
    check(
        "motifs: 6",
        "motifs: -6",
        expect![[r#"
        error: FOLDER/genotype.ron:8:117: Integer is out of bounds
    "#]],
    );
    check(
        "Conv1x1",
        "Conv9x9",
        expect![[r#"
        error: FOLDER/genotype.ron:8:26: Unexpected variant named `Conv9x9` in enum `Primitive`, expected one of `Conv1x1`, `Depthwise3x3`, `Separable3x3`, `MaxPool3x3`, `AvgPool3x3`, `Identity`, or `Conv3x3` instead
    "#]],
    );
    let space =
        "(primitives: [Identity, MaxPool3x3], levels: [(motifs: 1, nodes: 3, followed_by: None)], merge: Concat)";
    let apart = format!("(space: {space}, levels: [[[\"1->2 Identity\"]]])");
    std::fs::write(broken.path("genotype.ron"), apart).unwrap();
    broken.check("inspect FOLDER/genotype.ron", &expect![[r#"
        error: FOLDER/genotype.ron:1:143: level 2, motif 1: node 3, the sink of the cell, cannot be reached from node 1 when expanded
    "#]]);
    let text = std::fs::read_to_string(root().join(LEARNED)).unwrap();
    std::fs::write(broken.path("genotype.ron"), &text[..text.len() / 2]).unwrap();
    broken.check(
        "inspect FOLDER/genotype.ron",
        &expect![[r#"
        error: FOLDER/genotype.ron:11:14: Expected end of string
    "#]],
    );
    std::fs::write(broken.path("genotype.ron"), [0xff, 0xfe, 0x00]).unwrap();
    broken.check(
        "mutate FOLDER/genotype.ron",
        &expect![[r#"
        error: cannot read FOLDER/genotype.ron: stream did not contain valid UTF-8
    "#]],
    );
    broken.check(
        "mutate FOLDER/none.ron",
        &expect![[r#"
        error: cannot read FOLDER/none.ron: No such file or directory (os error 2)
    "#]],
    );
    broken.check(
        "mutate FOLDER",
        &expect![[r#"
        error: cannot read FOLDER: Is a directory (os error 21)
    "#]],
    );
}

#[test]
fn skeletons() {
    let broken = Broken::new();
    let check = |text: &str, expected: Expect| {
        std::fs::write(broken.path("skeleton.ron"), text).unwrap();
        broken.check(&format!("inspect {LEARNED} --skeleton FOLDER/skeleton.ron"), &expected);
    };
    let rest = "after_last_cell: Nothing, separable_inner: BatchNorm, classes: 10";
    check(
        &format!("(stem: [], groups: [(cells: 1, width: 16)], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron:1:110: the stem has no convolution; it needs at least 1
        "#]],
    );
    check(
        &format!("(stem: [(width: 16, stride: 1)], groups: [], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron:1:111: there is no group of cells; at least 1 is needed
        "#]],
    );
    check(
        &format!("(stem: [(width: 16, stride: 3)], groups: [(cells: 1, width: 16)], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron:1:132: stem convolution 1: stride is 3, allowed is 1 or 2
        "#]],
    );
    check(
        &format!("(stem: [(width: 16, stride: 1)], groups: [(cells: 0, width: 16)], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron:1:132: group 1 has 0 cells; it needs at least 1
        "#]],
    );
    check(
        &format!("(stem: [(width: 8, stride: 1)], groups: [(cells: 1, width: 16)], {rest})"),
        expect![[r#"
            error: FOLDER/skeleton.ron:1:131: the stem ends with 8 channels, but the cells of group 1 are 16 channels wide
        "#]],
    );
    check(
        &format!("(stem: [(width: 16, stride: 1)], groups: [(cells: 100000, width: 16)], {rest})"),
        expect![[r#"
        error: experiments/cifar10/genotypes/learned-cell.ron: no network: the network would have at least 9400003 nodes in 100000 cell(s); at most 100000 are built
    "#]],
    );
    check(
        "(stem: [(width: 16, stride: 1)])",
        expect![[r#"
            error: FOLDER/skeleton.ron:1:32: Unexpected missing field named `groups` in `Skeleton`
        "#]],
    );
    check(
        "(",
        expect![[r#"
            error: FOLDER/skeleton.ron:1:1: Unexpected end of RON
        "#]],
    );
}

#[test]
fn recipes() {
    let broken = Broken::new();
    let text = std::fs::read_to_string(root().join(TINY)).unwrap();
    let begin = text.find("recipe: (").unwrap() + "recipe: ".len();
    let recipe = text[begin..].split("),\n                runs").next().unwrap().to_owned() + ")";
    let check = |from: &str, to: &str, expected: Expect| {
        assert!(recipe.contains(from), "{from}");
        std::fs::write(broken.path("recipe.ron"), recipe.replacen(from, to, 1)).unwrap();
        broken.check(&format!("train {LEARNED} --recipe FOLDER/recipe.ron"), &expected);
    };
    check(
        "momentum: 0.9",
        "momentum: NaN",
        expect![[r#"
        error: FOLDER/recipe.ron:16:17: momentum is NaN, allowed is 0 up to but without 1
    "#]],
    );
    check(
        "momentum: 0.9",
        "momentum: 1.5",
        expect![[r#"
        error: FOLDER/recipe.ron:16:17: momentum is 1.5, allowed is 0 up to but without 1
    "#]],
    );
    check(
        "momentum: 0.9",
        "momentum: fast",
        expect![[r#"
        error: FOLDER/recipe.ron:5:30: Expected float
    "#]],
    );
    check(
        "initial: 0.05",
        "initial: inf",
        expect![[r#"
        error: FOLDER/recipe.ron:16:17: learning_rate.initial is inf, allowed is a finite number above 0
    "#]],
    );
    check(
        "drops: [(3, 0.1)]",
        "drops: [(3, 0.1), (3, 0.1)]",
        expect![[r#"
        error: FOLDER/recipe.ron:16:17: learning_rate.drops: drop 2 is after step 3, it must come after step 3
    "#]],
    );
    check(
        "drops: [(3, 0.1)]",
        "drops: [(4, 0.1)]",
        expect![[r#"
        error: FOLDER/recipe.ron:16:17: learning_rate.drops: drop 1 is after step 4, but there are only 4 steps
    "#]],
    );
    check(
        "steps: 4",
        "steps: 0",
        expect![[r#"
        error: FOLDER/recipe.ron:16:17: steps is 0, at least 1 is needed
    "#]],
    );
    check(
        "crop: 24",
        "crop: 240",
        expect![[r#"
        error: a crop of 240x240 does not fit into images of 32x32
    "#]],
    );
    check(
        "flip: true",
        "flip: true, rotate: true",
        expect![[r#"
        error: FOLDER/recipe.ron:9:33: Unexpected field named `rotate` in `Recipe`, expected one of `steps`, `batch`, `learning_rate`, `momentum`, `weight_decay`, `weight_decay_on`, `crop`, `flip`, `normalization`, `initializer`, `batch_norm_momentum`, `batch_norm_epsilon`, `eval_batch`, or `time_limit_s` instead
    "#]],
    );
    check(
        "normalization: PerChannel",
        "normalization: PerPixel",
        expect![[r#"
        error: FOLDER/recipe.ron:10:36: Unexpected variant named `PerPixel` in enum `Normalization`, expected either `PerChannel` or `MinusOneToOne` instead
    "#]],
    );
}

#[test]
fn experiments() {
    let broken = Broken::new();
    let check = |from: &str, to: &str, expected: Expect| {
        broken
            .edited(TINY, "experiment.ron", from, to)
            .check("search FOLDER/experiment.ron --out FOLDER/run", &expected);
        assert!(!broken.path("run/ledger.sqlite").exists(), "nothing is begun with {to:?}");
    };
    check(
        "seed: 3,",
        "seed: three,",
        expect![[r#"
        error: FOLDER/experiment.ron:6:10: Expected integer
    "#]],
    );
    check(
        "seed: 3,",
        "seed: 3, colour: 1,",
        expect![[r#"
        error: FOLDER/experiment.ron:6:14: Unexpected field named `colour` in `File`, expected one of `name`, `title`, `dataset`, `seed`, `arms`, or `scales` instead
    "#]],
    );
    check(
        "seed: 3,",
        "",
        expect![[r#"
        error: FOLDER/experiment.ron:85:1: Unexpected missing field named `seed` in `File`
    "#]],
    );
    check(
        "dataset: \"cifar10\"",
        "dataset: \"cifar11\"",
        expect![[r#"
        error: there is no data set "cifar11", only: cifar10
    "#]],
    );
    check(
        "name: \"evolution\"",
        "name: \"../evolution\"",
        expect![[r#"
        error: FOLDER/experiment.ron: arm name "../evolution": use letters, digits, - and _
    "#]],
    );
    check(
        "fraction: 0.5",
        "fraction: 1.5",
        expect![[r#"
        error: FOLDER/experiment.ron:16:44: the tournament's fraction is above 0 and at most 1, not 1.5
    "#]],
    );
    check(
        "evaluations: 10",
        "evaluations: 0",
        expect![[r#"
        error: FOLDER/experiment.ron: scale "tiny": search.evaluations is 0, at least 1 is needed
    "#]],
    );
    check(
        "initial: 4",
        "initial: 0",
        expect![[r#"
        error: FOLDER/experiment.ron:25:26: Expected a nonzero u64 but found the unsigned integer `0` instead
    "#]],
    );
    check(
        "in_flight: 3",
        "in_flight: 0",
        expect![[r#"
        error: FOLDER/experiment.ron: scale "tiny": search.in_flight is 0, at least 1 is needed
    "#]],
    );
    check(
        "Average(of: 1)",
        "Average(of: 0)",
        expect![[r#"
        error: FOLDER/experiment.ron: scale "tiny": search.repeats averages over 0 trials
    "#]],
    );
    check(
        "train: 40",
        "train: 50000",
        expect![[r#"
            error: FOLDER/experiment.ron: scale "tiny": data.train and data.valid ask for 50040 images, cifar10 has 50000
        "#]],
    );
    check(
        "classes: 10",
        "classes: 7",
        expect![[r#"
            error: FOLDER/experiment.ron: scale "tiny", fitness: the skeleton tells 7 classes apart, cifar10 has 10
        "#]],
    );
    check(
        "merge: Concat",
        "merge: Product",
        expect![[r#"
        error: FOLDER/experiment.ron:14:24: Unexpected variant named `Product` in enum `Merge`, expected either `Concat` or `Sum` instead
    "#]],
    );
    check(
        "strategy: Tournament(fraction: 0.5, rule: Uniform)",
        "strategy: Given(files: [\"none.ron\"])",
        expect![[r#"
            error: cannot read FOLDER/none.ron: No such file or directory (os error 2)
        "#]],
    );
    let learned = root().join(LEARNED);
    let given = format!("strategy: Given(files: [{learned:?}])");
    broken.edited(TINY, "experiment.ron", "strategy: Tournament(fraction: 0.5, rule: Uniform)", &given);
    let output = hnas().arg("search").arg(broken.path("experiment.ron")).output().unwrap();
    let (code, error) = refused(output);
    assert_eq!(code, Some(2));
    assert!(error.ends_with("its search space is not that of the arm that names it\n"), "{error}");
    let text = std::fs::read_to_string(root().join(TINY)).unwrap();
    std::fs::write(broken.path("experiment.ron"), &text[..text.len() / 3]).unwrap();
    broken.check("search FOLDER/experiment.ron", &expect![[r#"
        error: FOLDER/experiment.ron:29:65: Unexpected field named `activation` in `Limits`, expected one of `parameters`, `multiply_adds`, or `activation_bytes` instead
    "#]]);
    broken.edited(TINY, "experiment.ron", "seed: 3,", "seed: 3,");
    std::fs::write(broken.path("published.ron"), "[(what: 1)]").unwrap();
    broken.check(
        "search FOLDER/experiment.ron",
        &expect![[r#"
        error: FOLDER/published.ron:1:8: Expected string
    "#]],
    );
}

#[test]
fn run_folders() {
    let broken = Broken::new();
    broken.check(
        "resume FOLDER",
        &expect![[r#"
        error: FOLDER is no run: it has no run.ron
    "#]],
    );
    broken.check(
        "report FOLDER/none",
        &expect![[r#"
        error: FOLDER/none is no run: it has no run.ron
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
        error: cannot write FOLDER/file/cifar10: Not a directory (os error 20); make room there or set HNAS_DATA to another folder: Not a directory (os error 20)
    "#]],
    );
}
