//! The experiments of the paper as their files say them.

use std::path::Path;

use hnas_experiment::{Evidence, Experiment, PlannedArm, Published, Resolved};

const TRAINING: [&str; 5] = ["cifar10", "figure3", "figure4", "imagenet", "learned-cell"];

fn experiment(name: &str) -> Experiment {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    Experiment::load(&folder.join(name).join("experiment.ron")).unwrap()
}

fn resolved(name: &str, scale: &str) -> Resolved {
    experiment(name).resolve(scale, None).unwrap()
}

/// Name, trials, trials of the search, and c0 of the retraining, of each arm of the first seed.
fn arms(resolved: &Resolved) -> Vec<(&str, u64, u64, Option<usize>)> {
    let first = resolved.arms[0].seed();
    let arms = resolved.arms.iter().filter(|arm| arm.seed() == first);
    let c0 = |arm: &PlannedArm| arm.retraining.as_ref().map(|training| training.skeleton.c0());
    arms.map(|arm| (arm.name.as_str(), arm.trials, arm.search.search.evaluations, c0(arm))).collect()
}

#[test]
fn cifar10_has_the_eight_rows_of_table_1_and_the_wide_model_of_table_2() {
    let paper = resolved("cifar10", "paper");
    let expected = [
        ("hierarchical-evolution", 7000, 7000, Some(64)),
        ("hierarchical-evolution-wide", 7000, 7000, Some(128)),
        ("hierarchical-random", 7000, 7000, Some(64)),
        ("hierarchical-random-short", 200, 7000, Some(64)),
        ("hierarchical-random-architecture", 1, 7000, Some(64)),
        ("flat-evolution", 7000, 7000, Some(64)),
        ("flat-random-short", 200, 7000, Some(64)),
        ("flat-random-architecture", 1, 7000, Some(64)),
        ("flat-constrained-evolution", 7000, 7000, Some(64)),
    ];
    assert_eq!(arms(&paper), expected);
    for number in &paper.published {
        let named = match &number.evidence {
            Evidence::Nothing => vec![],
            Evidence::TestError(arm) | Evidence::Top5Error(arm) => vec![arm],
            Evidence::LowerTestError(arm, than) => vec![arm, than],
        };
        for arm in named {
            assert!(expected.iter().any(|(name, ..)| name == arm), "{number:?}");
        }
    }
    let is_row = |number: &&Published| number.source == "Table 1" && matches!(number.evidence, Evidence::TestError(_));
    let rows: Vec<&Published> = paper.published.iter().filter(is_row).collect();
    assert_eq!(rows.len(), 8);
    // What is said of two arms is what their rows say.
    let error = |arm: &str| {
        let of_arm = Evidence::TestError(arm.to_owned());
        let row = rows.iter().find(|row| row.evidence == of_arm);
        row.and_then(|row| row.value.split(' ').next()?.parse::<f64>().ok()).unwrap()
    };
    for number in &paper.published {
        if let Evidence::LowerTestError(arm, than) = &number.evidence {
            let (better, worse) = (error(arm), error(than));
            assert_eq!(number.value, format!("{better:.2} against {worse:.2}"));
            assert!(better < worse, "{number:?}");
        }
    }
}

#[test]
fn figures_have_their_trials_from_the_searches_of_cifar10() {
    let table = resolved("cifar10", "paper");
    for name in ["figure3", "figure4"] {
        for arm in resolved(name, "paper").arms {
            assert!(table.arms.iter().any(|other| other.search == arm.search), "{name}: {}", arm.name);
        }
    }
    let steps: Vec<u64> = arms(&resolved("figure4", "paper")).iter().map(|arm| arm.1).collect();
    assert_eq!(steps, [1, 200, 700, 1750, 3500, 7000]);
    assert!(resolved("figure3", "paper").arms.iter().all(|arm| arm.retraining.is_none()));
}

#[test]
fn arms_of_a_scale_are_trained_alike_and_every_seed_has_all_arms() {
    for name in TRAINING {
        let experiment = experiment(name);
        for scale in experiment.scales() {
            let resolved = experiment.resolve(scale, None).unwrap();
            let first = &resolved.arms[0].search;
            for arm in &resolved.arms {
                assert_eq!((&arm.search.data, &arm.search.fitness), (&first.data, &first.fitness));
            }
            let mut seeds: Vec<u64> = resolved.arms.iter().map(PlannedArm::seed).collect();
            seeds.dedup();
            assert_eq!(seeds, if scale == "smoke" { vec![1] } else { vec![1, 2, 3] }, "{name} {scale}");
            assert_eq!(resolved.arms.len(), seeds.len() * arms(&resolved).len());
        }
    }
}

#[test]
fn a_smaller_scale_says_every_number_that_it_changes() {
    let smoke = experiment("cifar10").resolve("smoke", Some(9)).unwrap();
    let of = |what: &str| {
        smoke.differences.iter().find(|difference| difference.what == what).map(|found| (&*found.paper, &*found.here))
    };
    assert_eq!(of("search.evaluations"), Some(("7000", "6")));
    assert_eq!(of("fitness.recipe.steps"), Some(("5000", "2")));
    assert_eq!(of("data.train"), Some(("40000", "80")));
    assert_eq!(of("seeds"), Some(("[1,2,3]", "[9]")));
    assert_eq!(of("strategy.Tournament.initial"), Some(("200", "2")));
    assert_eq!(of("retraining.runs"), Some(("5", "1")));
    assert_eq!(of("trials of flat-random-short"), Some(("200 of 7000", "2 of 6")));
    assert_eq!(of("fitness.recipe.momentum"), None);
    for name in TRAINING {
        assert_eq!(resolved(name, "paper").differences, [], "{name}");
    }
}

#[test]
fn searches_of_the_same_name_are_the_same() {
    // The ledger would refuse them otherwise.
    for scale in experiment("cifar10").scales() {
        let mut known: Vec<PlannedArm> = Vec::new();
        for name in TRAINING {
            for arm in resolved(name, scale).arms {
                let other = known.iter().find(|other| other.search.name == arm.search.name);
                assert!(other.is_none_or(|other| other.search == arm.search), "{name}: {}", arm.name);
                known.push(arm);
            }
        }
    }
}

#[test]
fn what_is_not_there_stands_in_no_founding_text() {
    // Ledgers and run folders that were founded before there was either still open.
    for scale in experiment("cifar10").scales() {
        for arm in resolved("cifar10", scale).arms {
            let trivial = hnas_genome::Genotype::identity_chain(&arm.search.space);
            let training = arm.retraining.unwrap();
            assert_eq!(training.checkpoint_every.is_some(), ["workstation", "paper"].contains(&scale));
            let study = arm.search.retraining(hnas_search::TrialId(1), &trivial, &training);
            assert_eq!(study.founding_text().contains("checkpoint"), training.checkpoint_every.is_some());
            for text in [arm.search.founding_text(), study.founding_text()] {
                assert!(!text.contains("photographs"), "{text}");
            }
        }
    }
    let imagenet = resolved("imagenet", "paper").arms.remove(0);
    let trivial = hnas_genome::Genotype::identity_chain(&imagenet.search.space);
    let study = imagenet.search.retraining(hnas_search::TrialId(1), &trivial, &imagenet.retraining.unwrap());
    assert_eq!(study.name, "learned-cell/seed-1/trial-1/imagenet-c0-64");
    assert!(study.founding_text().contains("photographs") && study.founding_text().contains("checkpoint"));
}
