//! Reports are whole, well-formed and the same each time, whatever the page holds.

use std::collections::HashSet;
use std::fs;

use hnas_genome::{Genotype, SearchSpace};
use hnas_ledger::{Outcome, Proposal, Trial};
use hnas_report::{Arm, Claim, Difference, Evidence, FinalRun, Page, Published, Retraining, write, write_csv};
use hnas_search::TrialId;

use crate::pages::{arm_of, best, few, page_with, run, with_errors};
use crate::reading::{Report, tables};
use crate::synthetic;

#[test]
fn a_page_says_its_scale_first_then_what_differs_then_the_scorecard() {
    let page = synthetic::page(60);
    let report = Report::of(&page);
    assert_eq!(report.texts("header h1"), [page.title.as_str()]);
    assert_eq!(report.texts("header .scale"), [format!("Scale: {}", page.scale)]);
    let sections: Vec<&str> = report.all("main > section").iter().filter_map(|section| section.attr("id")).collect();
    let expected = [
        "differences",
        "scorecard",
        "arms",
        "figure-3",
        "figure-4",
        "small-and-large",
        "arm-1",
        "arm-2",
        "arm-3",
        "arm-4",
        "arm-5",
        "arm-6",
        "arm-7",
        "finals",
        "published",
        "facts",
    ];
    assert_eq!(sections, expected);
    let shown = report.rows("#differences");
    assert_eq!(shown.len(), page.differences.len());
    assert_eq!(shown[0], ["evaluations of evolution", "7000", "60"]);
}

#[test]
fn each_arm_shows_its_figures_its_winner_and_an_unbroken_ancestry() {
    let page = synthetic::page(60);
    let report = Report::of(&page);
    assert_eq!(report.all("#figure-3 svg.hnas-chart").len(), 3);
    assert_eq!(report.all("#figure-4 svg.hnas-chart").len(), 3);
    assert_eq!(report.all("#arm-2 .figures svg.hnas-chart").len(), 6, "four, and one for each level");
    assert_eq!(report.all("#arm-2 svg.hnas-cell").len(), 3, "the winner of each seed");
    assert_eq!(report.all("#arm-6 svg.hnas-cell").len(), 0, "an arm that failed whole has no winner");
    let seed = &page.arms[1].seeds[0];
    let found = &report.json["arms"][1]["seeds"][0]["winner"];
    assert_eq!(found["trial"].as_u64(), Some(best(&seed.trials).proposal.id.0));
    let ancestry: Vec<u64> = found["ancestry"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    assert_eq!(ancestry.last(), Some(&best(&seed.trials).proposal.id.0));
    let trial = |id: u64| &seed.trials[id as usize - 1];
    for pair in ancestry.windows(2) {
        assert_eq!(trial(pair[1]).proposal.parent.map(|parent| parent.0), Some(pair[0]));
    }
    assert_eq!(trial(ancestry[0]).proposal.parent, None);
    // The page names the edge that each of them changed.
    let rows = report.rows("#arm-2 details details:not(.sql)");
    let steps: Vec<&Vec<String>> = rows.iter().take(ancestry.len()).collect();
    for (row, &id) in steps.iter().zip(&ancestry) {
        assert_eq!(row[0], id.to_string());
        if let Some(mutation) = &trial(id).proposal.mutation {
            assert_eq!(
                row[1..4],
                [
                    mutation.level.to_string(),
                    (mutation.motif + 1).to_string(),
                    format!("{} → {}", mutation.from, mutation.to)
                ]
            );
        }
    }
    for name in ["figure-3-best.svg", "figure-4-2.svg", "figure-4-2.sql", "2-hierarchical-evolution-seed-1-winner.svg"]
    {
        assert!(report.figures.iter().any(|(found, _)| found == name), "{name} is missing");
    }
}

#[test]
fn the_json_counts_what_the_trials_say() {
    let page = synthetic::page(60);
    let json = Report::of(&page).json;
    for (arm, found) in page.arms.iter().zip(json["arms"].as_array().unwrap()) {
        for (seed, found) in arm.seeds.iter().zip(found["seeds"].as_array().unwrap()) {
            let counts = &found["counts"];
            let failed = seed.trials.iter().filter(|trial| matches!(trial.outcome, Outcome::Failed { .. })).count();
            let repeats = seed.trials.iter().filter(|trial| trial.proposal.same_as.is_some()).count();
            let genotypes: HashSet<_> = seed.trials.iter().map(|trial| trial.proposal.genotype.to_ron()).collect();
            assert_eq!(counts["failed"], failed);
            assert_eq!(counts["repeated_networks"], repeats);
            assert_eq!(counts["repeated_genotypes"], seed.trials.len() - genotypes.len());
            assert_eq!(counts["networks"], seed.trials.len() - repeats);
            assert_eq!(counts["scored"], seed.trials.len() - failed);
            let reasons = counts["failures"].as_object().unwrap().values();
            assert_eq!(reasons.map(|number| number.as_u64().unwrap()).sum::<u64>(), failed as u64);
            assert_eq!(found["trials"].as_array().unwrap().len(), seed.trials.len());
        }
    }
    assert_eq!(json["arms"][5]["counts"]["refused"], 12);
}

#[test]
fn markup_in_any_text_is_shown_as_text() {
    let hostile = "<&>\"' <script>alert(1)</script> \u{7}\u{202e}</style></svg>";
    let mut trials = few();
    trials[2].outcome = Outcome::Failed { reason: hostile.to_owned() };
    trials[3].worker = hostile.to_owned();
    let own = || hostile.to_owned();
    let failed = FinalRun { seed: None, test_accuracy: None, top_5_accuracy: None, failure: Some(own()), seconds: 1.0 };
    let retraining = Retraining {
        study: own(),
        trial: best(&trials).proposal.id,
        model: own(),
        parameters: 1,
        planned: 2,
        runs: vec![failed, run(0.9)],
    };
    let arm = Arm { description: own(), published_error: Some(own()), ..arm_of(hostile, &trials, vec![retraining]) };
    let evidence = Evidence::TestError { arm: own(), model: own() };
    let page = Page {
        title: own(),
        scale: own(),
        differences: vec![Difference { what: own(), paper: own(), here: own() }],
        claims: vec![Claim { what: own(), published: own(), source: own(), evidence }],
        arms: vec![arm],
        published: vec![Published { what: own(), value: own(), source: own() }],
        facts: vec![(own(), own())],
    };
    let report = Report::of(&page);
    let shown = hostile.replace('\u{7}', "\u{fffd}");
    for place in [
        "h1",
        "title",
        "#arm-1 h2",
        "#facts dt",
        "#differences td",
        "#scorecard td",
        "#published td",
        "#finals td",
        "#arms td",
        ".counts td",
    ] {
        assert!(report.texts(place).iter().any(|text| text.contains(&shown)), "{place}: {:?}", report.texts(place));
    }
    assert_eq!(report.json["title"], hostile, "programs get the text as it is");
    let tables = tables(&page);
    assert_eq!(tables["searches"].1[0][0], shown);
    assert_eq!(tables["failures"].1[0][2], shown);
}

#[test]
fn any_state_of_a_run_makes_a_page_and_tables() {
    let trials = few();
    let all_failed: Vec<Trial> = trials
        .iter()
        .cloned()
        .map(|trial| Trial { outcome: Outcome::Failed { reason: "out of memory".to_owned() }, ..trial })
        .collect();
    let mut strange = trials.clone();
    strange[0].seconds = f64::NAN;
    strange[4].proposal.parent = Some(strange[4].proposal.id);
    let retraining = |runs| Retraining { runs, ..with_errors(&trials, &[]) };
    let not_numbers = [f64::NAN, f64::INFINITY, 0.9].map(run).to_vec();
    let without = FinalRun { seconds: f64::INFINITY, ..FinalRun::default() };
    let elsewhere = |mut arm: Arm| {
        arm.seeds[0].winner = Some(TrialId(99));
        arm
    };
    let unborn = |mut retraining: Retraining| {
        retraining.trial = TrialId(99);
        retraining
    };
    let of_space = |space: &SearchSpace| Trial {
        proposal: Proposal { genotype: Genotype::identity_chain(space), ..trials[0].proposal.clone() },
        ..trials[0].clone()
    };
    let mixed = [of_space(&SearchSpace::flat()), of_space(&SearchSpace::hierarchical())];
    let arm = |search: &[Trial]| arm_of("a", search, Vec::new());
    let with = |retraining: Retraining| arm_of("a", &trials, vec![retraining]);
    let cases = [
        ("nothing at all", Page::default()),
        ("an arm without seeds", page_with(Arm::default())),
        ("an arm without trials", page_with(arm(&[]))),
        ("only failures", page_with(arm(&all_failed))),
        ("a single trial", page_with(arm(&trials[..1]))),
        ("the same arm twice", Page { arms: vec![arm(&trials); 2], ..Page::default() }),
        ("a parent that is missing", page_with(arm(&trials[4..]))),
        ("numbers that are none", page_with(arm_of("a", &strange, vec![retraining(not_numbers)]))),
        ("final runs without a number", page_with(with(retraining(vec![without])))),
        ("a retraining without runs", page_with(with(retraining(Vec::new())))),
        ("a retraining of no trial", page_with(with(unborn(with_errors(&trials, &[5.0]))))),
        ("a winner from elsewhere", page_with(elsewhere(arm(&trials)))),
        ("two search spaces", page_with(arm(&mixed))),
    ];
    for (case, page) in cases {
        let report = Report::of(&page);
        // A table of results and one of budgets, a row an arm each.
        assert_eq!(report.rows("#arms").len(), 2 * page.arms.len(), "{case}");
        let text = report.texts("body").concat();
        assert!(!text.contains("NaN") && !text.contains(" inf"), "{case}: {text}");
        for (name, (_, rows)) in tables(&page) {
            assert!(rows.concat().iter().all(|cell| cell != "NaN" && cell != "inf"), "{case}: {name}");
        }
    }
}

#[test]
fn many_trials_make_a_page_that_is_not_huge_and_the_same_each_time() {
    let trials =
        synthetic::search(&SearchSpace::flat(), &synthetic::Plan { trials: 40, initial: 8, limit: u64::MAX }, 3);
    // Trials 41, 42, ... repeat the first forty, since making networks takes time and drawing dots does not.
    let copy = |n: u64| {
        let mut trial = trials[n as usize % trials.len()].clone();
        trial.proposal.id.0 = n + 1;
        trial.proposal.parent = None;
        trial
    };
    let page = page_with(arm_of("long", &(0..7000).map(copy).collect::<Vec<_>>(), Vec::new()));
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let read = |folder: &tempfile::TempDir| {
        write(&page, folder.path()).unwrap();
        fs::read_to_string(folder.path().join("report.html")).unwrap()
    };
    let [first, second] = [read(&folders[0]), read(&folders[1])];
    assert!(first == second, "two reports of one page differ");
    assert!(first.len() < 1_500_000, "{} bytes", first.len());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    fs::write(&file, "").unwrap();
    for error in [write(&Page::default(), &file).unwrap_err(), write_csv(&Page::default(), &file).unwrap_err()] {
        let message = error.to_string();
        assert!(message.starts_with("cannot create the folder ") && message.contains("taken"), "{message}");
        // Whoever prints an error with its sources prints the system's words once.
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(!message.contains(&cause), "{message}");
    }
}
