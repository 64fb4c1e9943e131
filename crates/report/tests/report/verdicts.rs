//! Numbers and verdicts: over what they are taken, and where there are none.

use hnas_genome::SearchSpace;
use hnas_ledger::{Outcome, Trial};
use hnas_report::{Arm, Claim, Difference, Evidence, FinalRun, Page, Retraining, Seed};
use hnas_search::Fitness;

use crate::pages::{arm_of, best, few, page_with, run, with_errors};
use crate::reading::Report;
use crate::synthetic;

#[test]
fn means_and_spreads_are_over_seeds_where_there_are_several() {
    let trials = few();
    // Errors of 4 and 6, of 7 and of 9 %: seeds of 5, 7 and 9 %, whose standard deviation is 2 points.
    let mut arm = arm_of("a", &trials, vec![with_errors(&trials, &[4.0, 6.0])]);
    for (number, error) in [(2, 7.0), (3, 9.0)] {
        let study = format!("a/seed-{number}");
        let retrainings = vec![with_errors(&trials, &[error])];
        arm.seeds.push(Seed { seed: number, study, retrainings, ..arm.seeds[0].clone() });
    }
    let report = Report::of(&page_with(arm.clone()));
    assert_eq!(report.rows("#arms")[0][3..6], ["large", "7.00 ± 2.00 %n = 3 seeds, 4 trainings", "5.00 to 9.00 %"]);
    // One seed: over its trainings, whose standard deviation is the root of 2 points.
    arm.seeds.truncate(1);
    let report = Report::of(&page_with(arm));
    assert_eq!(report.rows("#arms")[0][3..6], ["large", "5.00 ± 1.41 %n = 2 trainings", "4.00 to 6.00 %"]);
}

/// A run at the paper's scale: arms `a` and `b` with these test errors in %, one a seed; the verdicts on `a`'s error, said to
/// be 4 +- 0.5 %, and on `a` being better than `b`.
fn verdicts(a: &[f64], b: &[f64], change: impl Fn(&mut Page)) -> (String, String) {
    let trials = few();
    let arm = |name: &str, errors: &[f64]| {
        let seed = |(number, error): (u64, &f64)| Seed {
            seed: number,
            study: format!("{name}/seed-{number}"),
            ..arm_of(name, &trials, vec![with_errors(&trials, &[*error])]).seeds[0].clone()
        };
        Arm { name: name.to_owned(), seeds: (1..).zip(errors).map(seed).collect(), ..Arm::default() }
    };
    let claim =
        |evidence| Claim { what: "c".to_owned(), published: "4.0 +- 0.5".to_owned(), source: String::new(), evidence };
    let own = || "a".to_owned();
    let model = || "large".to_owned();
    let mut page = Page {
        arms: vec![arm("a", a), arm("b", b)],
        claims: vec![
            claim(Evidence::TestError { arm: own(), model: model() }),
            claim(Evidence::LowerTestError { arm: own(), than: "b".to_owned(), model: model() }),
        ],
        ..Page::default()
    };
    change(&mut page);
    let json = Report::of(&page).json;
    let verdict = |place: usize| json["scorecard"][place]["verdict"].as_str().unwrap().to_owned();
    (verdict(0), verdict(1))
}

#[test]
fn a_claim_is_judged_only_where_the_run_can_judge_it() {
    let check = |a: &[f64], b: &[f64], change: fn(&mut Page), error: &str, order: &str| {
        assert_eq!(verdicts(a, b, change), (error.to_owned(), order.to_owned()), "{a:?} {b:?}");
    };
    let as_is = |_: &mut Page| {};
    let (yes, no, open) = ("reproduced", "not reproduced", "not tested");
    check(&[3.9, 4.0, 4.2], &[5.0, 5.1, 5.2], as_is, yes, yes);
    check(&[3.9, 4.0, 4.2], &[4.0, 4.1, 4.2], as_is, yes, no);
    check(&[4.8, 4.9, 5.0], &[6.0, 6.1, 6.2], as_is, no, yes);
    check(&[2.8, 2.9, 3.0], &[2.0, 2.1, 2.2], as_is, no, no);
    // Results that would do, on too few seeds, at another scale, and half way.
    check(&[4.0], &[5.0, 5.1, 5.2], as_is, open, open);
    check(&[3.9, 4.0], &[5.0, 5.1, 5.2], as_is, open, open);
    check(&[3.9, 4.0, 4.2], &[5.0, 5.1], as_is, yes, open);
    let scaled_down: fn(&mut Page) = |page| {
        page.differences.push(Difference { what: "steps".to_owned(), paper: "2".to_owned(), here: "1".to_owned() });
    };
    let not_here = "not tested at this scale";
    check(&[3.9, 4.0, 4.2], &[5.0, 5.1, 5.2], scaled_down, not_here, not_here);
    check(&[4.8, 4.9, 5.0], &[4.0, 4.1, 4.2], scaled_down, not_here, not_here);
    check(&[3.9, 4.0, 4.2], &[5.0, 5.1, 5.2], |page| page.arms[0].seeds[1].planned = 7, open, open);
    check(&[3.9, 4.0, 4.2], &[5.0, 5.1, 5.2], |page| page.arms[1].seeds[1].retrainings[0].planned = 2, yes, open);
    check(&[3.9, 4.0, 4.2], &[5.0, 5.1, 5.2], |page| page.arms[1].seeds[2].retrainings.clear(), yes, open);
    // A second training of one winner failed: what is left is a choice.
    let failed: fn(&mut Page) = |page| {
        let retraining = &mut page.arms[1].seeds[2].retrainings[0];
        retraining.planned = 2;
        retraining.runs.push(FinalRun { failure: Some("out of memory".to_owned()), ..FinalRun::default() });
    };
    check(&[3.9, 4.0, 4.2], &[5.0, 5.1, 5.2], failed, yes, open);
    check(&[3.9, 4.0, 4.2], &[5.0, 5.1, 5.2], |page| page.arms[1].seeds.clear(), yes, open);
    check(&[3.9, 4.0, 4.2], &[5.0, 5.1, 5.2], |page| page.claims[0].published = "low".to_owned(), open, yes);
}

#[test]
fn a_top_5_error_is_judged_by_itself() {
    let trials = few();
    let with = |top_5: Option<f64>| {
        let seed = |number: u64| {
            let mut retraining = with_errors(&trials, &[20.0]);
            retraining.runs[0].top_5_accuracy = top_5.map(|top_5| top_5 + 0.001 * number as f64);
            let study = format!("a/seed-{number}");
            Seed { seed: number, study, ..arm_of("a", &trials, vec![retraining]).seeds[0].clone() }
        };
        let arm = Arm { name: "a".to_owned(), seeds: (1..=3).map(seed).collect(), ..Arm::default() };
        let evidence = Evidence::Top5Error { arm: "a".to_owned(), model: "large".to_owned() };
        let claim = Claim { what: "c".to_owned(), published: "5.2".to_owned(), source: String::new(), evidence };
        let json = Report::of(&Page { arms: vec![arm], claims: vec![claim], ..Page::default() }).json;
        json["scorecard"][0]["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!([Some(0.946), Some(0.94), None].map(with), ["reproduced", "not reproduced", "not tested"]);
}

#[test]
fn a_run_at_another_scale_never_claims_to_reproduce() {
    let report = Report::of(&synthetic::page(60));
    let verdicts = report.texts("#scorecard .verdict");
    assert_eq!(verdicts.len(), synthetic::page(60).claims.len());
    assert!(verdicts.iter().all(|verdict| verdict.starts_with("not tested")), "{verdicts:?}");
    assert!(
        report.texts("#scorecard p")[0].contains(" 0 reproduced, 0 not reproduced"),
        "{:?}",
        report.texts("#scorecard p")
    );
    assert_eq!(report.all("#published .caution").len(), 1);
    let at_full_scale = Page { differences: Vec::new(), ..synthetic::page(30) };
    assert_eq!(Report::of(&at_full_scale).all("#published .caution").len(), 0);
}

#[test]
fn arms_that_share_a_search_are_drawn_once_and_share_what_was_retrained() {
    let whole = Arm { name: "whole".to_owned(), ..arm_of("s", &synthetic_evolution(), Vec::new()) };
    let trials = &whole.seeds[0].trials;
    let large = |trial: &Trial, accuracy: f64| Retraining {
        study: format!("s/seed-1/trial-{}", trial.proposal.id),
        trial: trial.proposal.id,
        model: "large".to_owned(),
        parameters: 1,
        planned: 1,
        runs: vec![run(accuracy)],
    };
    // Three arms over one search: its first trial, its first ten, and all; each retrained its own winner.
    let part = |name: &str, trials: &[Trial], accuracy: f64| Arm {
        name: name.to_owned(),
        ..arm_of("s", trials, vec![large(best(trials), accuracy)])
    };
    let page = Page {
        arms: vec![part("one", &trials[..1], 0.90), part("ten", &trials[..10], 0.92), part("all", trials, 0.93)],
        ..Page::default()
    };
    let report = Report::of(&page);
    let (_, panel) = report.figures.iter().find(|(name, _)| name == "figure-3-best.svg").unwrap();
    assert!(panel.contains(">all<") && !panel.contains(">ten<") && !panel.contains(">one<"), "{panel}");
    // The only search that is drawn has the first colour, though its arm is the third.
    assert!(panel.contains("i1\"") && !panel.contains("i3\""), "{panel}");
    let (_, figure) = report.figures.iter().find(|(name, _)| name == "figure-4-3.svg").unwrap();
    // Three genotypes, by the small and by the large model; their gains in points.
    assert_eq!(figure.matches("<title>all, seed 1, trial ").count(), 6, "{figure}");
    assert!(figure.contains(": 0.00<") && figure.contains(": +2.00<") && figure.contains(": +3.00<"), "{figure}");
    let correlation = &report.json["correlations"][0];
    assert_eq!((correlation["n"].as_u64(), correlation["spearman_rho"]["value"].as_f64()), (Some(3), Some(1.0)));
    assert_eq!(correlation["kendall_tau_b"]["value"].as_f64(), Some(1.0));
}

/// Forty trials whose best of the first, of the first ten and of all are three trials, the first one of them scored.
fn synthetic_evolution() -> Vec<Trial> {
    let mut trials =
        synthetic::search(&SearchSpace::flat(), &synthetic::Plan { trials: 40, initial: 8, limit: u64::MAX }, 3);
    for (place, fitness) in [(0, 0.5), (7, 0.98), (30, 0.99)] {
        let fitness = Fitness::new(fitness).unwrap();
        trials[place].outcome = Outcome::Scored { fitness, runs: Vec::new() };
    }
    trials
}
