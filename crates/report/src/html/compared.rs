//! The sections that compare arms: results, budgets, Figures 3 and 4, small models beside large ones, final runs.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::{anchor, cards, figures, table, text};
use crate::bootstrap::Interval;
use crate::correlations::Correlation;
use crate::figures::Figures;
use crate::format::{MISSING, correlation, count, duration, percent, printed, quantity, range, share, spread, whole};
use crate::summary::{Summary, Test};

/// More final runs than this are folded.
const MANY: usize = 20;

/// One row an arm and model: what came out beside what was published.
pub(super) fn results(summaries: &[Summary]) -> Markup {
    let head =
        ["arm", "seeds", "best fitness", "model", "test error", "95 % interval", "error in the paper", "parameters"];
    let mut rows = Vec::new();
    for (number, summary) in (1..).zip(summaries) {
        let tests: Vec<Option<&Test>> = match &summary.tests[..] {
            [] => vec![None],
            tests => tests.iter().map(Some).collect(),
        };
        for (place, test) in tests.into_iter().enumerate() {
            let begun = summary.seeds.iter().filter(|seed| seed.counts.evaluations > 0).count() as u64;
            let best = summary.best_fitness();
            rows.push(vec![
                html! { a href={ "#" (anchor(number)) } { (summary.arm.name) } },
                text(if begun == summary.seeds.len() as u64 {
                    whole(begun)
                } else {
                    format!("{begun} of {}", summary.seeds.len())
                }),
                text(best.map_or_else(|| MISSING.to_owned(), |best| spread(best.mean, best.deviation))),
                text(test.map_or(MISSING, |test| test.model)),
                test.map_or_else(|| text(MISSING), error),
                text(test.and_then(|test| test.accuracy.interval).map_or_else(|| MISSING.to_owned(), of_errors)),
                // Published for one model; the first one's.
                text(if place == 0 { published(summary) } else { MISSING.to_owned() }),
                text(parameters(summary, test)),
            ]);
        }
    }
    html! {
        section id="arms" {
            h2 { "Arms" }
            @if summaries.is_empty() {
                p { "This run has no arms yet." }
            } @else {
                (cards(table(&head, &[false, true, true, false, true, true, true, true], rows)))
                p class="note" {
                    "Fitness is accuracy on the validation images, of the small model: mean ± standard deviation over seeds of the best \
                     of each. Test error is that of the winners in a larger model: mean ± standard deviation over n. Parameters are \
                     trainable ones, of the best winner's small model and of the large model."
                }
                (budgets(summaries))
            }
        }
    }
}

/// What each arm was given.
fn budgets(summaries: &[Summary]) -> Markup {
    let row = |summary: &Summary| {
        let counts = &summary.counts;
        let planned: u64 = summary.seeds.iter().map(|seed| seed.seed.planned).sum();
        let time = match summary.final_seconds > 0.0 {
            true => format!("{} + {}", duration(counts.seconds), duration(summary.final_seconds)),
            false => duration(counts.seconds),
        };
        vec![
            text(&summary.arm.name),
            text(each(summary.seeds.iter().map(|seed| seed.counts.evaluations))),
            text(whole(counts.evaluations)),
            text(if counts.evaluations >= planned { "all".to_owned() } else { share(counts.evaluations, planned) }),
            text(whole(counts.trained)),
            text(whole(counts.trainings)),
            text(time),
        ]
    };
    html! {
        h3 { "Budgets" }
        p { (budget_words(summaries)) }
        (table(
            &["arm", "evaluations a seed", "evaluations", "of those planned", "trained", "trainings", "time"],
            &[false, true, true, true, true, true, true],
            summaries.iter().map(row).collect(),
        ))
        p class="note" {
            "An evaluation is one trial, whether it was trained, refused or given a fitness known before; a training is one run of a \
             network. Time is summed over all workers: of the search, then of the retrainings. Arms that share a search each count it."
        }
    }
}

/// Whether the arms had the same number of evaluations for each seed.
fn budget_words(summaries: &[Summary]) -> String {
    let planned: BTreeSet<u64> =
        summaries.iter().flat_map(|summary| &summary.seeds).map(|seed| seed.seed.planned).collect();
    let numbers: BTreeSet<usize> = summaries.iter().map(|summary| summary.seeds.len()).collect();
    let evaluations = match (planned.first(), planned.last()) {
        (Some(one), Some(other)) if one == other => {
            format!("Equal budgets: every arm has {} a seed", count(*one, "evaluation", "evaluations"))
        }
        (Some(least), Some(most)) => {
            format!(
                "Budgets differ: arms have {} to {} evaluations a seed, so compare those with the same",
                whole(*least),
                whole(*most)
            )
        }
        _ => "No arm has a search yet".to_owned(),
    };
    let seeds = if numbers.len() > 1 { ", and they have different numbers of seeds" } else { "" };
    format!("{evaluations}{seeds}.")
}

/// `200`, or `180 to 200`.
fn each(numbers: impl Iterator<Item = u64>) -> String {
    let numbers: BTreeSet<u64> = numbers.collect();
    match (numbers.first(), numbers.last()) {
        (Some(one), Some(other)) if one == other => whole(*one),
        (Some(least), Some(most)) => format!("{} to {}", whole(*least), whole(*most)),
        _ => MISSING.to_owned(),
    }
}

/// Figures 3 and 4.
pub(super) fn paper_figures(drawn: &Figures) -> Markup {
    html! {
        section id="figure-3" {
            h2 { "Figure 3: the course of the searches" }
            @if drawn.figure3.is_empty() {
                p { "No search of more than one trial has begun." }
            } @else {
                (figures(&drawn.figure3))
                p class="note" { "Arms that are the first trials of another one's search are not drawn again, nor are those of a single trial. Axes need not begin at zero." }
            }
        }
        section id="figure-4" {
            h2 { "Figure 4: accuracy gained, small and large model" }
            @if drawn.figure4.is_empty() {
                p { "No search has both its first genotype and another one trained as a large model." }
            } @else {
                (figures(&drawn.figure4))
            }
        }
    }
}

/// How well the small model ranks genotypes for the larger ones.
pub(super) fn small_and_large(drawn: &Figures, correlations: &[Correlation]) -> Markup {
    let shown = |found: Option<(f64, Option<Interval>)>| match found {
        Some((value, interval)) => html! {
            (correlation(value))
            @if let Some(Interval { low, high }) = interval { br; span class="n" { (correlation(low)) " to " (correlation(high)) } }
        },
        None => text(MISSING),
    };
    let row =
        |one: &Correlation| vec![text(one.model), text(one.n.to_string()), shown(one.spearman), shown(one.kendall)];
    html! {
        section id="small-and-large" {
            h2 { "Does the small model rank as the large one does?" }
            @if correlations.is_empty() {
                p { "No genotype has both a fitness and a test accuracy." }
            } @else {
                (table(
                    &["model", "genotypes n", "Spearman's rho", "Kendall's tau-b"],
                    &[false, true, true, true],
                    correlations.iter().map(row).collect(),
                ))
                p class="note" {
                    "Rank correlations between fitness in the search and mean test accuracy in the larger model, over all genotypes that have \
                     both, each search's counted once, with 95 % bootstrap intervals over genotypes. Fewer than three have none. Those that \
                     were retrained are mostly winners, which lie close together: among all genotypes the correlation may be another."
                }
                (figures(&drawn.small_and_large))
            }
        }
    }
}

/// Every final run, and the errors of the winners.
pub(super) fn finals(summaries: &[Summary], drawn: &Figures) -> Markup {
    let mut rows = Vec::new();
    for summary in summaries {
        for seed in &summary.seeds {
            let winner = seed.winner.map(|trial| trial.proposal.id);
            for retraining in &seed.seed.retrainings {
                for run in &retraining.runs {
                    let accuracy = run.test_accuracy.filter(|accuracy| accuracy.is_finite());
                    let outcome = match (&run.failure, accuracy) {
                        (Some(reason), _) => format!("failed: {reason}"),
                        (None, Some(_)) => "finished".to_owned(),
                        (None, None) => "no result".to_owned(),
                    };
                    let shown = |number: Option<f64>| number.map_or_else(|| MISSING.to_owned(), percent);
                    rows.push(vec![
                        text(&summary.arm.name),
                        text(seed.seed.seed.to_string()),
                        html! { (retraining.trial) @if winner == Some(retraining.trial) { " " span class="tag" { "winner" } } },
                        text(&retraining.model),
                        text(run.seed.map_or_else(|| MISSING.to_owned(), |seed| seed.to_string())),
                        text(shown(accuracy)),
                        text(shown(accuracy.map(|accuracy| 1.0 - accuracy)) + &of_top_5(run.top_5_accuracy)),
                        text(quantity(retraining.parameters as f64)),
                        text(duration(run.seconds)),
                        text(outcome),
                    ]);
                }
            }
        }
    }
    let head =
        ["arm", "seed", "trial", "model", "training", "test accuracy", "test error", "parameters", "time", "outcome"];
    let all = table(&head, &[false, true, true, false, true, true, true, true, true, false], rows.clone());
    html! {
        section id="finals" {
            h2 { "Final runs" }
            @if rows.is_empty() {
                p { "No genotype was trained as a large model." }
            } @else {
                p { "Genotypes trained as large models and measured on the test images, which no search saw." }
                (figures(&drawn.finals))
                @if rows.len() > MANY { details { summary { "All " (rows.len()) " trainings" } (all) } } @else { (all) }
            }
        }
    }
}

/// Mean and spread with the numbers of seeds and trainings behind them.
fn error(test: &Test) -> Markup {
    let runs = count(test.runs as u64, "training", "trainings");
    html! {
        (spread(1.0 - test.accuracy.mean, test.accuracy.deviation))
        @if let Some(top_5) = &test.top_5 { br; "top-5: " (spread(1.0 - top_5.mean, top_5.deviation)) }
        br; span class="n" {
            "n = " (test.accuracy.units.len())
            @if test.seeds > 1 { " seeds, " (runs) } @else { " " (if test.runs == 1 { "training" } else { "trainings" }) }
        }
    }
}

/// The top-5 error behind the top-1 error, where there is one.
fn of_top_5(accuracy: Option<f64>) -> String {
    let error = accuracy.filter(|accuracy| accuracy.is_finite()).map(|accuracy| percent(1.0 - accuracy));
    error.map_or_else(String::new, |error| format!(", top-5: {error}"))
}

fn of_errors(interval: Interval) -> String {
    let errors = interval.complement(1.0);
    range(errors.low, errors.high)
}

fn published(summary: &Summary) -> String {
    match summary.arm.published_error.as_deref().map(printed) {
        Some(error) if error.contains('%') => error,
        Some(error) => format!("{error} %"),
        None => MISSING.to_owned(),
    }
}

fn parameters(summary: &Summary, test: Option<&Test>) -> String {
    let small =
        summary.best_seed().and_then(|seed| seed.winner).map(|trial| quantity(trial.proposal.parameters as f64));
    let large = test.map(|test| {
        let (least, most) = test.parameters;
        let (least, most) = (quantity(least as f64), quantity(most as f64));
        if least == most { least } else { format!("{least} to {most}") }
    });
    match (small, large) {
        (Some(small), Some(large)) => format!("{small}, {large}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => MISSING.to_owned(),
    }
}
