//! Bad experiment files: what is said about each, exactly. Always exit code 2, and no run is founded.

mod support;

use expect_test::{Expect, expect};
use support::broken::Broken;
use support::{hnas, refused, root};

const LEARNED: &str = "experiments/cifar10/genotypes/learned-cell.ron";
const TINY: &str = "tests/cases/tiny.ron";

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
            error: FOLDER/experiment.ron:86:1: Unexpected missing field named `seed` in `File`
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
        "fraction: 0.1",
        expect![[r#"
        error: FOLDER/experiment.ron: scale "tiny": the largest tournament has 1 of 7 trials (search.fraction 0.1), so nothing is selected; at least 2 are needed
    "#]],
    );
    check(
        "fraction: 0.5",
        "fraction: 1.5",
        expect![[r#"
            error: FOLDER/experiment.ron:27:27: the tournament's fraction is above 0 and at most 1, not 1.5
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
        "strategy: Tournament(rule: Uniform)",
        "strategy: Given(files: [\"none.ron\"])",
        expect![[r#"
            error: cannot read FOLDER/none.ron: No such file or directory (os error 2)
        "#]],
    );
    let learned = root().join(LEARNED);
    let given = format!("strategy: Given(files: [{learned:?}])");
    broken.edited(TINY, "experiment.ron", "strategy: Tournament(rule: Uniform)", &given);
    let output = hnas().arg("search").arg(broken.path("experiment.ron")).output().unwrap();
    let (code, error) = refused(output);
    assert_eq!(code, Some(2));
    assert!(error.ends_with("its search space is not that of the arm that names it\n"), "{error}");
    let text = std::fs::read_to_string(root().join(TINY)).unwrap();
    std::fs::write(broken.path("experiment.ron"), &text[..text.len() / 3]).unwrap();
    broken.check(
        "search FOLDER/experiment.ron",
        &expect![[r#"
        error: FOLDER/experiment.ron:30:63: Unexpected end of RON
    "#]],
    );
    broken.edited(TINY, "experiment.ron", "seed: 3,", "seed: 3,");
    std::fs::write(broken.path("published.ron"), "[(what: 1)]").unwrap();
    broken.check(
        "search FOLDER/experiment.ron",
        &expect![[r#"
        error: FOLDER/published.ron:1:8: Expected string
    "#]],
    );
}
