//! The sections about the run as a whole: differences, scorecard, published numbers, facts.

use maud::{Markup, html};

use super::{anchor, table, text};
use crate::Page;
use crate::format::{MISSING, count, duration, percent, points, printed, quantity, spread, whole};
use crate::statistics::Sample;
use crate::summary::Summary;

/// Every number that differs from the paper's.
pub(super) fn differences(page: &Page) -> Markup {
    let rows = page.differences.iter().map(|found| [&found.what, &found.paper, &found.here].map(text).to_vec());
    html! {
        section id="differences" {
            h2 { "Differences from the paper" }
            @if page.differences.is_empty() {
                p { "No number of this run is known to differ from the paper's." }
            } @else {
                p {
                    "This run differs from the paper in "
                    (count(page.differences.len() as u64, "number", "numbers"))
                    ". Its results can be compared with each other, and with the paper's only as far as these allow."
                }
                (table(&["what", "paper", "here"], &[], rows.collect()))
            }
        }
    }
}

/// One row an arm.
pub(super) fn scorecard(page: &Page, summaries: &[Summary]) -> Markup {
    let head = [
        "arm",
        "evaluations",
        "best fitness",
        "median",
        "test accuracy",
        "test error",
        "error in the paper",
        "parameters",
        "time",
    ];
    let row = |(number, summary): (usize, &Summary)| {
        let time = match summary.final_seconds > 0.0 {
            true => format!("{} + {}", duration(summary.search_seconds), duration(summary.final_seconds)),
            false => duration(summary.search_seconds),
        };
        vec![
            html! { a href={ "#" (anchor(number)) } { (summary.arm.name) } },
            text(whole(summary.counts.evaluations)),
            text(optional(summary.best.map(|(_, fitness)| fitness), percent)),
            text(optional(summary.median, percent)),
            with_n(summary.test, |test| spread(test.mean, test.deviation)),
            with_n(summary.test, |test| spread(1.0 - test.mean, test.deviation)),
            text(published_error(summary)),
            text(parameters(summary)),
            text(time),
        ]
    };
    html! {
        section id="scorecard" {
            h2 { "Scorecard" }
            @if summaries.is_empty() {
                p { "This run has no arms yet." }
            } @else {
                (table(&head, &[false, true, true, true, true, true, true, true, true], (1..).zip(summaries).map(row).collect()))
                p class="note" {
                    "Fitness is accuracy on the validation images, of the small model. Test accuracy and error are those of the \
                     large model: mean ± standard deviation over n trainings. Parameters are trainable ones: of the small model of \
                     the best trial, then of the large model. Time is summed over all workers: of the search, then of the final runs."
                    @if !page.differences.is_empty() {
                        " The paper's errors belong to the paper's scale, not to this one."
                    }
                }
            }
        }
    }
}

/// The paper's error beside the one obtained, arm by arm, then all other published numbers.
pub(super) fn published(page: &Page, summaries: &[Summary]) -> Markup {
    let comparable = summaries.iter().filter(|summary| summary.arm.published_error.is_some());
    let rows: Vec<Vec<Markup>> = comparable
        .map(|summary| {
            let error = summary.test.map(|test| 1.0 - test.mean);
            let paper = summary.arm.published_error.as_deref().and_then(leading_number).map(|percent| percent / 100.0);
            let difference = error.zip(paper).map(|(error, paper)| error - paper);
            vec![
                text(&summary.arm.name),
                text(published_error(summary)),
                with_n(summary.test, |test| spread(1.0 - test.mean, test.deviation)),
                text(optional(difference, points)),
            ]
        })
        .collect();
    let others = page.published.iter().map(|number| {
        let value = printed(&number.value);
        vec![text(&number.what), text(value), text(&number.source)]
    });
    html! {
        section id="published" {
            h2 { "Published numbers beside the ones obtained" }
            @if !page.differences.is_empty() {
                p class="caution" {
                    "This run is not at the paper's scale (" (page.scale) "): a difference between its numbers and published \
                     ones says nothing about either."
                }
            }
            @if !rows.is_empty() {
                (table(&["arm", "test error in the paper", "test error here", "difference in points"], &[false, true, true, true], rows))
            }
            @if !page.published.is_empty() {
                (table(&["what", "published", "source"], &[false, true, false], others.collect()))
            }
            @if page.published.is_empty() && summaries.iter().all(|summary| summary.arm.published_error.is_none()) {
                p { "No published numbers are listed for this run." }
            }
        }
    }
}

/// What one needs to run it again.
pub(super) fn facts(page: &Page) -> Markup {
    html! {
        section id="facts" {
            h2 { "Facts" }
            @if page.facts.is_empty() {
                p { "Nothing was noted about this run." }
            } @else {
                dl { @for (name, value) in &page.facts { dt { (name) } dd { (value) } } }
            }
        }
    }
}

fn optional(number: Option<f64>, show: impl Fn(f64) -> String) -> String {
    number.map_or_else(|| MISSING.to_owned(), show)
}

/// Mean and spread with the number of trainings behind them.
fn with_n(sample: Option<Sample>, show: impl Fn(Sample) -> String) -> Markup {
    match sample {
        Some(sample) => html! { (show(sample)) " " span class="n" { "n = " (sample.n) } },
        None => text(MISSING),
    }
}

fn published_error(summary: &Summary) -> String {
    match summary.arm.published_error.as_deref().map(printed) {
        Some(error) if error.contains('%') => error,
        Some(error) => format!("{error} %"),
        None => MISSING.to_owned(),
    }
}

fn parameters(summary: &Summary) -> String {
    let small = summary.best.map(|(trial, _)| quantity(trial.proposal.parameters as f64));
    let large = summary.final_parameters.map(|parameters| quantity(parameters as f64));
    match (small, large) {
        (Some(small), Some(large)) => format!("{small}, {large}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => MISSING.to_owned(),
    }
}

/// The number that a text such as `3.75 +- 0.12` begins with.
fn leading_number(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::leading_number;

    #[test]
    fn a_published_error_begins_with_its_number() {
        let found = ["3.75 +- 0.12", " 4.0 %", "about 4", "", "3.91±0.15"].map(leading_number);
        assert_eq!(found, [Some(3.75), Some(4.0), None, None, Some(3.91)]);
    }
}
