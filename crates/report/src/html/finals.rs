//! The section of the final runs: winners trained as large models.

use maud::{Markup, html};

use super::{figure, table, text};
use crate::figures::Figure;
use crate::format::{MISSING, duration, percent, quantity};
use crate::summary::Summary;

/// One row a final run of any arm, and a figure when any has a result.
pub(super) fn section(summaries: &[Summary], drawn: Option<&Figure>) -> Markup {
    let runs = summaries.iter().flat_map(|summary| summary.arm.finals.iter().map(move |run| (summary, run)));
    let rows: Vec<Vec<Markup>> = runs
        .map(|(summary, run)| {
            let accuracy = run.test_accuracy.filter(|accuracy| accuracy.is_finite());
            let outcome = match (&run.failure, accuracy) {
                (Some(reason), _) => format!("failed: {reason}"),
                (None, Some(_)) => "finished".to_owned(),
                (None, None) => "no result".to_owned(),
            };
            let shown = |number: Option<f64>| number.map_or_else(|| MISSING.to_owned(), percent);
            vec![
                text(&summary.arm.name),
                text(run.seed.to_string()),
                text(shown(accuracy)),
                text(shown(accuracy.map(|accuracy| 1.0 - accuracy))),
                text(quantity(run.parameters as f64)),
                text(duration(run.seconds)),
                text(outcome),
            ]
        })
        .collect();
    html! {
        section id="finals" {
            h2 { "Final runs" }
            @if rows.is_empty() {
                p { "No winner was trained as a large model." }
            } @else {
                p { "Each winner trained as a large model and measured on the test images, which the search never saw." }
                @if let Some(drawn) = drawn { (figure(drawn)) }
                (table(
                    &["arm", "seed", "test accuracy", "test error", "parameters", "time", "outcome"],
                    &[false, true, true, true, true, true, false],
                    rows,
                ))
            }
        }
    }
}
