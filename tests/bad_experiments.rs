//! Bad experiment files: what is said about each, exactly. Always exit code 2, and no run is founded.

mod support;

use expect_test::{Expect, expect};
use support::broken::Broken;
use support::{hnas, refused, root};

const LEARNED: &str = "experiments/cifar10/genotypes/learned-cell.ron";
const OTHER: &str = "experiments/figure1/genotypes/three-levels.ron";
const TINY: &str = "tests/cases/tiny.ron";
const BASED: &str = "tests/cases/based.ron";

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
        "seeds: [3, 5],",
        "seeds: [three],",
        expect![[r#"
            error: FOLDER/experiment.ron:10:25: Expected integer
        "#]],
    );
    check(
        "seeds: [3, 5],",
        "seeds: [3, 5], colour: 1,",
        expect![[r#"
            error: FOLDER/experiment.ron:10:32: Unexpected field named `colour` in `Scale`, expected one of `name`, `seeds`, `data`, `search`, `fitness`, or `retraining` instead
        "#]],
    );
    check(
        "seeds: [3, 5],",
        "",
        expect![[r#"
            error: FOLDER/experiment.ron:74:13: Unexpected missing field named `seeds` in `Scale`
        "#]],
    );
    check(
        "dataset: \"cifar10\"",
        "dataset: \"cifar11\"",
        expect![[r#"
        error: FOLDER/experiment.ron: there is no data set "cifar11", only: cifar10
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
        error: FOLDER/experiment.ron: scale "tiny": the largest tournament has 1 of 7 trials (search.evaluations 10, in_flight 3, fraction 0.1), so nothing is selected; at least 2 are needed
    "#]],
    );
    check(
        "in_flight: 3",
        "in_flight: 9",
        expect![[r#"
        error: FOLDER/experiment.ron: scale "tiny": the largest tournament has 1 of 1 trials (search.evaluations 10, in_flight 9, fraction 0.5), so nothing is selected; at least 2 are needed
    "#]],
    );
    for initial in [10, 11] {
        let expected = format!(
            "error: FOLDER/experiment.ron: scale \"tiny\": search.initial is {initial} of 10 evaluations, so all trials are random and nothing is selected; it has to be less\n"
        );
        broken
            .edited(TINY, "experiment.ron", "initial: 4", &format!("initial: {initial}"))
            .says("search FOLDER/experiment.ron --out FOLDER/run", &expected);
    }
    check(
        "fraction: 0.5",
        "fraction: 1.5",
        expect![[r#"
            error: FOLDER/experiment.ron:16:31: a fraction is above 0 and at most 1, not 1.5
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
            error: FOLDER/experiment.ron:14:30: Expected a nonzero u64 but found the unsigned integer `0` instead
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
        error: FOLDER/experiment.ron: scale "tiny": search.repeats.of is 0, at least 1 is needed
    "#]],
    );
    for (from, field, most) in [
        ("evaluations: 10", "search.evaluations", 1_000_000_000),
        ("in_flight: 3", "search.in_flight", 1_000_000),
        ("Average(of: 1", "search.repeats.of", 1000),
        ("runs: 2", "fitness.runs", 1000),
    ] {
        for value in [most + 1, u64::MAX] {
            let (name, _) = from.rsplit_once(' ').unwrap();
            let expected = format!(
                "error: FOLDER/experiment.ron: scale \"tiny\": {field} is {value}, at most {most} is allowed\n"
            );
            broken
                .edited(TINY, "experiment.ron", from, &format!("{name} {value}"))
                .says("search FOLDER/experiment.ron --out FOLDER/run", &expected);
        }
    }
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
            error: FOLDER/experiment.ron:88:28: Unexpected variant named `Product` in enum `Merge`, expected either `Concat` or `Sum` instead
        "#]],
    );
    check(
        "seeds: [3, 5]",
        "seeds: []",
        expect![[r#"
        error: FOLDER/experiment.ron: scale "tiny": seeds are [], at least one is needed, each once
    "#]],
    );
    check(
        "seeds: [3, 5]",
        "seeds: [3, 5, 3]",
        expect![[r#"
        error: FOLDER/experiment.ron: scale "tiny": seeds are [3, 5, 3], at least one is needed, each once
    "#]],
    );
    check(
        "First(of: \"evolution\", trials: All)",
        "First(of: \"nobody\", trials: All)",
        expect![[r#"
        error: FOLDER/experiment.ron: arm "wide" is a part of "nobody", which is no arm with a search, neither above it nor in the experiment's basis
    "#]],
    );
    // `short` has no search of its own, and stands below.
    check(
        "First(of: \"evolution\", trials: All)",
        "First(of: \"short\", trials: All)",
        expect![[r#"
        error: FOLDER/experiment.ron: arm "wide" is a part of "short", which is no arm with a search, neither above it nor in the experiment's basis
    "#]],
    );
    check(
        "trials: Initial",
        "trials: Share(1.5)",
        expect![[r#"
            error: FOLDER/experiment.ron:104:60: a fraction is above 0 and at most 1, not 1.5
        "#]],
    );
    check(
        "Wider(by: 2)",
        "Wider(by: 0)",
        expect![[r#"
            error: FOLDER/experiment.ron:99:34: Expected a nonzero usize but found the unsigned integer `0` instead
        "#]],
    );
    check(
        "Wider(by: 2)",
        "Wider(by: 1000000)",
        expect![[r#"
        error: FOLDER/experiment.ron: arm "wide": stem convolution 1: width is 4000000 channels, allowed is 1 to 1048576
    "#]],
    );
    check(
        "parameters: Some(900)",
        "parameters: Some(-1)",
        expect![[r#"
            error: FOLDER/experiment.ron:91:44: Integer is out of bounds
        "#]],
    );
    check(
        "strategy: First(of: \"evolution\", trials: All)",
        "strategy: Given(files: [\"none.ron\"])",
        expect![[r#"
            error: cannot read FOLDER/none.ron: No such file or directory (os error 2)
        "#]],
    );
    let given = format!("strategy: Given(files: [{:?}, {:?}])", root().join(OTHER), root().join(LEARNED));
    broken.edited(TINY, "experiment.ron", "strategy: First(of: \"evolution\", trials: All)", &given);
    let output = hnas().arg("search").arg(broken.path("experiment.ron")).output().unwrap();
    let (code, error) = refused(output);
    assert_eq!(code, Some(2));
    assert!(error.contains("learned-cell.ron: its search space is not that of "), "{error}");
    broken.edited(BASED, "experiment.ron", "tiny.ron", "none.ron");
    broken.check(
        "search FOLDER/experiment.ron",
        &expect![[r#"
        error: cannot read FOLDER/none.ron: No such file or directory (os error 2)
    "#]],
    );
    broken.edited(BASED, "experiment.ron", "tiny.ron", "experiment.ron");
    broken.check(
        "search FOLDER/experiment.ron",
        &expect![[r#"
        error: FOLDER/experiment.ron: it is the basis of another experiment and so needs a basis of its own
    "#]],
    );
    let text = std::fs::read_to_string(root().join(TINY)).unwrap();
    std::fs::write(broken.path("experiment.ron"), &text[..text.len() / 3]).unwrap();
    broken.check(
        "search FOLDER/experiment.ron",
        &expect![[r#"
            error: FOLDER/experiment.ron:36:36: Unexpected end of RON
        "#]],
    );
    broken.edited(TINY, "experiment.ron", "title", "title");
    std::fs::write(broken.path("published.ron"), "[(what: 1)]").unwrap();
    broken.check(
        "search FOLDER/experiment.ron",
        &expect![[r#"
        error: FOLDER/published.ron:1:8: Expected string
    "#]],
    );
}
