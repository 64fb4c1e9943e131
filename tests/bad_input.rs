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
    check(&format!("inspect {LEARNED} --colour red"), expect![[""]]);
    check("sample --count many", expect![[""]]);
    check("sample --space square", expect![[""]]);
    check(&format!("inspect {LEARNED} --skeleton medium"), expect![[""]]);
    check(&format!("inspect {LEARNED} --c0 0"), expect![[""]]);
    check(&format!("inspect {LEARNED} --skeleton imagenet --c0 1"), expect![[""]]);
    check(&format!("inspect {LEARNED} --image 0"), expect![[""]]);
    check(&format!("draw {LEARNED} --out FOLDER/cell.png"), expect![[""]]);
    check(&format!("draw {LEARNED} --out FOLDER/none/cell.svg"), expect![[""]]);
    check(&format!("train {LEARNED} --device gpu"), expect![[""]]);
    check(&format!("train {LEARNED} --steps 0"), expect![[""]]);
    check(&format!("train {LEARNED} --batch 0"), expect![[""]]);
    check(&format!("train {LEARNED} --learning-rate NaN"), expect![[""]]);
    check(&format!("train {LEARNED} --test 10 --valid 10"), expect![[""]]);
    check(&format!("search {TINY} --workers 0"), expect![[""]]);
    check(&format!("search {TINY} --scale huge"), expect![[""]]);
    check(&format!("search {TINY} --json"), expect![[""]]);
    check("search experiments/cifar10/experiment.ron --scale", expect![[""]]);
    check("data fetch", expect![[""]]);
    check("data fetch cifar11", expect![[""]]);
}

#[test]
fn genotypes() {
    let broken = Broken::new();
    let check = |from: &str, to: &str, expected: Expect| {
        broken.edited(LEARNED, "genotype.ron", from, to).check("inspect FOLDER/genotype.ron", &expected);
    };
    check("1->2 Motif5", "2->1 Motif5", expect![[""]]);
    check("1->2 Motif5", "2->2 Motif5", expect![[""]]);
    check("1->2 Motif5", "1->6 Motif5", expect![[""]]);
    check("1->2 Motif5", "1->2 Motif7", expect![[""]]);
    check("1->2 Motif5", "1->2 Identity", expect![[""]]);
    check("1->2 Motif5", "1->3 Motif5", expect![[""]]);
    check("1->2 Motif5", "one to two", expect![[""]]);
    check("\"1->2 Motif5\"", "12", expect![[""]]);
    check("nodes: 5", "nodes: 1", expect![[""]]);
    check("nodes: 5", "nodes: 1000000000", expect![[""]]);
    check("motifs: 6", "motifs: 5", expect![[""]]);
    check("motifs: 6", "motifs: 6, colour: 1", expect![[""]]);
    check("motifs: 6", "motifs: -6", expect![[""]]);
    check("Conv1x1", "Conv9x9", expect![[""]]);
    let text = std::fs::read_to_string(root().join(LEARNED)).unwrap();
    std::fs::write(broken.path("genotype.ron"), &text[..text.len() / 2]).unwrap();
    broken.check("inspect FOLDER/genotype.ron", &expect![[""]]);
    std::fs::write(broken.path("genotype.ron"), [0xff, 0xfe, 0x00]).unwrap();
    broken.check("mutate FOLDER/genotype.ron", &expect![[""]]);
    broken.check("mutate FOLDER/none.ron", &expect![[""]]);
    broken.check("mutate FOLDER", &expect![[""]]);
}

#[test]
fn skeletons() {
    let broken = Broken::new();
    let check = |text: &str, expected: Expect| {
        std::fs::write(broken.path("skeleton.ron"), text).unwrap();
        broken.check(&format!("inspect {LEARNED} --skeleton FOLDER/skeleton.ron"), &expected);
    };
    let rest = "after_last_cell: Nothing, separable_inner: BatchNorm, classes: 10";
    check(&format!("(stem: [], groups: [(cells: 1, width: 16)], {rest})"), expect![[""]]);
    check(&format!("(stem: [(width: 16, stride: 1)], groups: [], {rest})"), expect![[""]]);
    check(&format!("(stem: [(width: 16, stride: 3)], groups: [(cells: 1, width: 16)], {rest})"), expect![[""]]);
    check(&format!("(stem: [(width: 16, stride: 1)], groups: [(cells: 0, width: 16)], {rest})"), expect![[""]]);
    check(&format!("(stem: [(width: 8, stride: 1)], groups: [(cells: 1, width: 16)], {rest})"), expect![[""]]);
    check(&format!("(stem: [(width: 16, stride: 1)], groups: [(cells: 100000, width: 16)], {rest})"), expect![[""]]);
    check("(stem: [(width: 16, stride: 1)])", expect![[""]]);
    check("(", expect![[""]]);
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
    check("momentum: 0.9", "momentum: NaN", expect![[""]]);
    check("momentum: 0.9", "momentum: 1.5", expect![[""]]);
    check("momentum: 0.9", "momentum: fast", expect![[""]]);
    check("initial: 0.05", "initial: inf", expect![[""]]);
    check("drops: [(3, 0.1)]", "drops: [(3, 0.1), (3, 0.1)]", expect![[""]]);
    check("drops: [(3, 0.1)]", "drops: [(4, 0.1)]", expect![[""]]);
    check("steps: 4", "steps: 0", expect![[""]]);
    check("crop: 24", "crop: 240", expect![[""]]);
    check("flip: true", "flip: true, rotate: true", expect![[""]]);
    check("normalization: PerChannel", "normalization: PerPixel", expect![[""]]);
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
    check("seed: 3,", "seed: three,", expect![[""]]);
    check("seed: 3,", "seed: 3, colour: 1,", expect![[""]]);
    check("seed: 3,", "", expect![[""]]);
    check("dataset: \"cifar10\"", "dataset: \"cifar11\"", expect![[""]]);
    check("name: \"evolution\"", "name: \"../evolution\"", expect![[""]]);
    check("fraction: 0.5", "fraction: 1.5", expect![[""]]);
    check("evaluations: 10", "evaluations: 0", expect![[""]]);
    check("initial: 4", "initial: 0", expect![[""]]);
    check("in_flight: 3", "in_flight: 0", expect![[""]]);
    check("Average(of: 1)", "Average(of: 0)", expect![[""]]);
    check("train: 40", "train: 50000", expect![[""]]);
    check("classes: 10", "classes: 7", expect![[""]]);
    check("merge: Concat", "merge: Product", expect![[""]]);
    check(
        "strategy: Tournament(fraction: 0.5, rule: Uniform)",
        "strategy: Given(files: [\"none.ron\"])",
        expect![[""]],
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
    broken.check("search FOLDER/experiment.ron", &expect![[""]]);
    broken.edited(TINY, "experiment.ron", "seed: 3,", "seed: 3,");
    std::fs::write(broken.path("published.ron"), "[(what: 1)]").unwrap();
    broken.check("search FOLDER/experiment.ron", &expect![[""]]);
}

#[test]
fn run_folders() {
    let broken = Broken::new();
    broken.check("resume FOLDER", &expect![[""]]);
    broken.check("report FOLDER/none", &expect![[""]]);
    std::fs::write(broken.path("run.ron"), "(name: 1)").unwrap();
    broken.check("resume FOLDER", &expect![[""]]);
    std::fs::write(broken.path("file"), "").unwrap();
    broken.check(&format!("search {TINY} --out FOLDER/file/run"), &expect![[""]]);
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
    broken.check(found, &expect![[""]]);
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
    check(&broken.path("empty"), &["data", "verify", "cifar10"], expect![[""]]);
    check(&broken.path("empty"), &["train", LEARNED], expect![[""]]);
    check(&broken.path("file"), &["data", "fetch", "cifar10"], expect![[""]]);
}
