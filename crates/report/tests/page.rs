//! Reports of made-up searches: whole, well-formed, honest, whatever the page holds.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod synthetic;

use std::fs;
use std::path::Path;

use hnas_genome::{Genotype, SearchSpace};
use hnas_ledger::{Outcome, Trial};
use hnas_report::{Arm, Difference, FinalRun, Page, Published, SCHEMA_VERSION, write};
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;

/// A report read back, after checks that hold for every report.
struct Report {
    html: Html,
    json: Value,
    figures: Vec<(String, String)>,
}

impl Report {
    fn of(page: &Page) -> Report {
        let folder = tempfile::tempdir().unwrap();
        write(page, folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join("report.html")).unwrap();
        let html = Html::parse_document(&text);
        assert!(html.errors.is_empty(), "{:?}", html.errors);
        let json: Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("results.json")).unwrap()).unwrap();
        assert_eq!(json["schema_version"], SCHEMA_VERSION);
        assert_eq!(files(folder.path()), ["figures", "report.html", "results.json"]);
        let figure_folder = folder.path().join("figures");
        let read = |name: String| (name.clone(), fs::read_to_string(figure_folder.join(name)).unwrap());
        let figures: Vec<(String, String)> = files(&figure_folder).into_iter().map(read).collect();
        for (name, svg) in &figures {
            let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{name}: {error}\n{svg}"));
            assert!(!svg.contains("NaN") && !svg.contains("inf "), "{name}");
            assert_eq!(document.root_element().tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
            assert!(svg.contains("prefers-color-scheme"), "{name} has one colour scheme only");
        }
        let report = Report { html, json, figures };
        report.needs_nothing_else();
        report
    }

    /// No scripts, and no reference to anything outside the page.
    fn needs_nothing_else(&self) {
        assert!(self.all("script, link, img, iframe").is_empty());
        for element in self.all("[href], [src]") {
            let target = element.attr("href").expect("only links refer");
            assert!(
                self.all("[id]").iter().any(|part| target.strip_prefix('#') == part.attr("id")),
                "{target} is nowhere"
            );
        }
    }

    fn all(&self, selector: &str) -> Vec<ElementRef<'_>> {
        self.html.select(&Selector::parse(selector).unwrap()).collect()
    }

    fn texts(&self, selector: &str) -> Vec<String> {
        self.all(selector).iter().map(|element| element.text().collect::<String>()).collect()
    }

    /// The cells of each row of the tables under `selector`.
    fn rows(&self, selector: &str) -> Vec<Vec<String>> {
        let cell = Selector::parse("td").unwrap();
        let cells = |row: &ElementRef| row.select(&cell).map(|cell| cell.text().collect::<String>()).collect();
        self.all(&format!("{selector} tbody tr")).iter().map(cells).collect()
    }
}

/// Names of all files of a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A search of six trials in the flat space.
fn few() -> Vec<Trial> {
    synthetic::search(&SearchSpace::flat(), &synthetic::Plan { trials: 6, initial: 3, limit: u64::MAX }, 7)
}

fn page_with(arm: Arm) -> Page {
    Page { title: "t".to_owned(), scale: "s".to_owned(), arms: vec![arm], ..Page::default() }
}

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
        "compared",
        "arm-1",
        "arm-2",
        "arm-3",
        "arm-4",
        "arm-5",
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
fn the_scorecard_holds_what_the_trials_and_final_runs_say() {
    let page = synthetic::page(60);
    let report = Report::of(&page);
    let rows = report.rows("#scorecard");
    assert_eq!(rows.len(), page.arms.len());
    for (row, arm) in rows.iter().zip(&page.arms) {
        assert_eq!(row[0], arm.name);
        assert_eq!(row[1], arm.search.len().to_string());
        let best = arm.search.iter().filter_map(|trial| trial.finished().fitness).max();
        assert_eq!(row[2], best.map_or("–".to_owned(), |best| format!("{:.2} %", 100.0 * best.get())));
    }
    // 93.42 % with noise of +0.11, -0.07 and +0.02 points; the sample's standard deviation of those is 0.09 points.
    assert_eq!(rows[0][4], "93.44 ± 0.09 % n = 3");
    assert_eq!(rows[0][5], "6.56 ± 0.09 % n = 3");
    assert_eq!(rows[0][6], "3.75 ± 0.12 %");
    assert_eq!(rows[4][1..], ["0", "–", "–", "–", "–", "–", "–", "0 s"]);
    // Beside the published error: 6.56 - 3.75.
    assert_eq!(report.rows("#published")[0][3], "+2.81");
    assert_eq!(report.rows("#finals").len(), page.arms.iter().map(|arm| arm.finals.len()).sum::<usize>());
}

#[test]
fn each_arm_shows_its_figures_its_winner_and_an_unbroken_ancestry() {
    let page = synthetic::page(60);
    let report = Report::of(&page);
    assert_eq!(report.all("#arm-1 .figures svg.hnas-chart").len(), 3);
    assert_eq!(report.all("#arm-1 svg.hnas-cell").len(), 1);
    assert_eq!(report.all("#arm-4 svg.hnas-cell").len(), 0, "an arm that failed whole has no winner");
    assert_eq!(report.all("#compared svg.hnas-chart").len(), 1);
    let trials = &page.arms[0].search;
    let best = trials.iter().rev().max_by_key(|trial| trial.finished().fitness).unwrap();
    let ancestry = report.json["arms"][0]["winner"]["ancestry"].as_array().unwrap();
    assert_eq!(ancestry.last().unwrap().as_u64(), Some(best.proposal.id.0));
    for pair in ancestry.windows(2) {
        let child = &trials[pair[1].as_u64().unwrap() as usize - 1];
        assert_eq!(child.proposal.parent.map(|parent| parent.0), pair[0].as_u64());
    }
    let first = &trials[ancestry[0].as_u64().unwrap() as usize - 1];
    assert_eq!(first.proposal.parent, None);
    let names: Vec<&str> = report.figures.iter().map(|(name, _)| name.as_str()).collect();
    for name in
        ["arms-compared.svg", "final-runs.svg", "1-hierarchical-evolution-fitness.svg", "3-flat-evolution-winner.svg"]
    {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}

#[test]
fn the_json_counts_what_the_trials_say() {
    let page = synthetic::page(60);
    let json = Report::of(&page).json;
    for (arm, found) in page.arms.iter().zip(json["arms"].as_array().unwrap()) {
        let counts = &found["counts"];
        let failed = arm.search.iter().filter(|trial| matches!(trial.outcome, Outcome::Failed { .. })).count();
        let repeats = arm.search.iter().filter(|trial| trial.proposal.same_as.is_some()).count();
        assert_eq!(counts["failed"], failed);
        assert_eq!(counts["repeats"], repeats);
        assert_eq!(counts["networks"], arm.search.len() - repeats);
        assert_eq!(counts["scored"], arm.search.len() - failed);
        let reasons = counts["failures"].as_object().unwrap().values();
        assert_eq!(reasons.map(|number| number.as_u64().unwrap()).sum::<u64>(), failed as u64);
        assert_eq!(found["trials"].as_array().unwrap().len(), arm.search.len());
    }
    assert_eq!(json["arms"][3]["counts"]["refused"], 12);
}

#[test]
fn markup_in_any_text_is_shown_as_text() {
    let hostile = "<&>\"' <script>alert(1)</script> \u{7}\u{202e}</style></svg>";
    let mut trials = few();
    trials[2].outcome = Outcome::Failed { reason: hostile.to_owned() };
    trials[3].worker = hostile.to_owned();
    let own = || hostile.to_owned();
    let failed = FinalRun { seed: 1, test_accuracy: None, failure: Some(own()), parameters: 1, seconds: 1.0 };
    let scored = FinalRun { test_accuracy: Some(0.9), failure: None, ..failed.clone() };
    let arm = Arm {
        name: own(),
        description: own(),
        published_error: Some(own()),
        search: trials,
        finals: vec![failed, scored],
        winner: None,
    };
    let report = Report::of(&Page {
        title: own(),
        scale: own(),
        differences: vec![Difference { what: own(), paper: own(), here: own() }],
        arms: vec![arm],
        published: vec![Published { what: own(), value: own(), source: own() }],
        facts: vec![(own(), own())],
    });
    let shown = hostile.replace('\u{7}', "\u{fffd}");
    for place in
        ["h1", "title", "#arm-1 h2", "#facts dt", "#differences td", "#published td", "#finals td", ".counts td"]
    {
        assert!(report.texts(place).iter().any(|text| text.contains(&shown)), "{place}: {:?}", report.texts(place));
    }
    assert_eq!(report.json["title"], hostile, "programs get the text as it is");
}

#[test]
fn any_state_of_a_run_makes_a_page() {
    let trials = few();
    let all_failed: Vec<Trial> = trials
        .iter()
        .cloned()
        .map(|trial| Trial { outcome: Outcome::Failed { reason: "out of memory".to_owned() }, ..trial })
        .collect();
    let mut strange = trials.clone();
    strange[0].seconds = f64::NAN;
    strange[4].proposal.parent = Some(strange[4].proposal.id);
    let run =
        |accuracy| FinalRun { seed: 1, test_accuracy: accuracy, failure: None, parameters: 0, seconds: f64::INFINITY };
    let not_numbers = [f64::NAN, f64::INFINITY, 0.9].map(|accuracy| run(Some(accuracy))).to_vec();
    let elsewhere = Some(Genotype::identity_chain(&SearchSpace::hierarchical()));
    let arm = |search: &[Trial]| Arm { name: "a".to_owned(), search: search.to_vec(), ..Arm::default() };
    let cases = [
        ("nothing at all", Page::default()),
        ("an arm without trials", page_with(arm(&[]))),
        ("only failures", page_with(arm(&all_failed))),
        ("a single trial", page_with(arm(&trials[..1]))),
        ("the same arm twice", Page { arms: vec![arm(&trials); 2], ..Page::default() }),
        ("a parent that is missing", page_with(arm(&trials[4..]))),
        ("numbers that are none", page_with(Arm { finals: not_numbers, ..arm(&strange) })),
        ("final runs without a number", page_with(Arm { finals: vec![run(None)], ..arm(&trials) })),
        ("a winner from elsewhere", page_with(Arm { winner: elsewhere, ..arm(&trials) })),
    ];
    for (case, page) in cases {
        let report = Report::of(&page);
        assert_eq!(report.rows("#scorecard").len(), page.arms.len(), "{case}");
        let text = report.texts("body").concat();
        assert!(!text.contains("NaN") && !text.contains("inf"), "{case}: {text}");
    }
}

#[test]
fn a_run_at_another_scale_never_claims_to_reproduce() {
    let report = Report::of(&synthetic::page(30));
    let words = report.texts("body").concat().to_lowercase();
    assert!(!words.contains("reproduc"), "{words}");
    assert_eq!(report.all("#published .caution").len(), 1);
    let at_full_scale = Page { differences: Vec::new(), ..synthetic::page(30) };
    assert_eq!(Report::of(&at_full_scale).all("#published .caution").len(), 0);
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
    let page = page_with(Arm { name: "long".to_owned(), search: (0..7000).map(copy).collect(), ..Arm::default() });
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
    let message = write(&Page::default(), &file).unwrap_err().to_string();
    assert!(message.starts_with("cannot create the folder ") && message.contains("taken"), "{message}");
}
