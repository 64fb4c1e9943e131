//! The sections about the run as a whole: differences, published numbers, facts.

use maud::{Markup, html};

use super::{table, text};
use crate::Page;
use crate::format::{count, printed};

/// More differences than this are folded: the scorecard is to be seen at once.
const MANY: usize = 6;

/// Every number that differs from the paper's.
pub(super) fn differences(page: &Page) -> Markup {
    let rows = page.differences.iter().map(|found| [&found.what, &found.paper, &found.here].map(text).to_vec());
    let table = table(&["what", "paper", "here"], &[], rows.collect());
    html! {
        section id="differences" {
            @if page.differences.is_empty() {
                p { "No number of this run is known to differ from the paper's." }
            } @else {
                p {
                    "This run differs from the paper in " strong { (count(page.differences.len() as u64, "number", "numbers")) }
                    ". Its results can be compared with each other, and with the paper's only as far as these allow."
                }
                @if page.differences.len() > MANY {
                    details { summary { "All numbers that differ" } (table) }
                } @else { (table) }
            }
        }
    }
}

/// Published numbers, ours not among them.
pub(super) fn published(page: &Page) -> Markup {
    let row = |number: &crate::Published| vec![text(&number.what), text(printed(&number.value)), text(&number.source)];
    html! {
        section id="published" {
            h2 { "Other published numbers" }
            @if page.published.is_empty() {
                p { "None are listed for this run." }
            } @else {
                @if !page.differences.is_empty() {
                    p class="caution" {
                        "This run is not at the paper's scale (" (page.scale) "): a difference between its numbers and published \
                         ones says nothing about either."
                    }
                }
                (table(&["what", "published", "source"], &[false, true, false], page.published.iter().map(row).collect()))
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
