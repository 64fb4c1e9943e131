//! The experiment of the paper's Table 1 as its file says it.

use std::path::Path;

use hnas_experiment::Experiment;

fn experiment() -> Experiment {
    Experiment::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/cifar10/experiment.ron")).unwrap()
}

#[test]
fn scale_paper_holds_the_numbers_of_the_paper() {
    let paper = experiment().resolve("paper", None).unwrap();
    assert_eq!(paper.differences, []);
    for (_, study) in &paper.arms {
        let recipe = &study.fitness.recipe;
        assert_eq!(
            (study.data.train, study.data.valid, study.data.retrain, study.data.test),
            (40_000, 10_000, 50_000, 10_000)
        );
        assert_eq!((recipe.steps(), recipe.batch(), study.fitness.runs, recipe.crop()), (5000, 256, 4, 24));
        assert_eq!((recipe.momentum(), recipe.weight_decay(), recipe.learning_rate().initial), (0.9, 3e-4, 0.1));
        assert_eq!(recipe.learning_rate().drops, [(4000, 0.1), (4500, 0.1)]);
        let last = &study.retraining.recipe;
        assert_eq!((last.steps(), last.batch(), study.retraining.runs), (80_000, 256, 5));
        assert_eq!(last.learning_rate().drops, [(40_000, 0.1), (60_000, 0.1), (70_000, 0.1)]);
        assert_eq!((study.fitness.skeleton.c0(), study.retraining.skeleton.c0()), (16, 64));
    }
    let searches: Vec<_> = paper.arms.iter().map(|(_, study)| (study.arm.as_str(), study.search.evaluations)).collect();
    let expected = [
        ("hierarchical-evolution", 7000),
        ("hierarchical-random", 7000),
        ("flat-evolution", 7000),
        ("learned-cell", 1),
    ];
    assert_eq!(searches, expected);
}

#[test]
fn arms_of_a_scale_are_trained_alike() {
    let experiment = experiment();
    for scale in experiment.scales() {
        let resolved = experiment.resolve(scale, None).unwrap();
        let (_, first) = &resolved.arms[0];
        for (_, study) in &resolved.arms {
            assert_eq!(
                (&study.data, &study.fitness, &study.retraining),
                (&first.data, &first.fitness, &first.retraining)
            );
        }
    }
}

#[test]
fn a_smaller_scale_says_every_number_that_it_changes() {
    let smoke = experiment().resolve("smoke", Some(9)).unwrap();
    let of = |what: &str| {
        smoke.differences.iter().find(|difference| difference.what == what).map(|found| (&*found.paper, &*found.here))
    };
    assert_eq!(of("search.evaluations"), Some(("7000", "6")));
    assert_eq!(of("fitness.recipe.steps"), Some(("5000", "3")));
    assert_eq!(of("data.train"), Some(("40000", "80")));
    assert_eq!(of("seed"), Some(("1", "9")));
    assert_eq!(of("strategy.Tournament.initial"), Some(("200", "2")));
    assert_eq!(of("fitness.recipe.momentum"), None);
}
