//! The page around everything: head, style sheet, order of the sections.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{anchor, arm, figure, finals, overview, text};
use crate::Page;
use crate::figures::Figure;
use crate::summary::Summary;

const STYLE: &str = include_str!("style.css");

/// The text of `report.html`. `of_arms` holds the figures of each arm.
pub(crate) fn report_html(
    page: &Page,
    summaries: &[Summary],
    compared: &Figure,
    finals: Option<&Figure>,
    of_arms: &[Vec<Figure>],
) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (page.title) }
                    p class="scale" { strong { "Scale: " } (page.scale) }
                    (contents(summaries))
                }
                main {
                    (overview::differences(page))
                    (overview::scorecard(page, summaries))
                    @if !summaries.is_empty() {
                        section id="compared" { h2 { "Arms compared" } (figure(compared)) }
                    }
                    @for (number, (summary, figures)) in (1..).zip(summaries.iter().zip(of_arms)) {
                        (arm::section(number, summary, figures))
                    }
                    (finals::section(summaries, finals))
                    (overview::published(page, summaries))
                    (overview::facts(page))
                }
                footer { p { "All numbers of this page are in " code { "results.json" } ", its figures in " code { "figures/" } " beside it." } }
            }
        }
    };
    markup.into_string()
}

fn contents(summaries: &[Summary]) -> Markup {
    let link = |target: &str, words: &str| html! { li { a href={ "#" (target) } { (text(words)) } } };
    html! {
        nav aria-label="Contents" {
            ul {
                (link("differences", "Differences from the paper"))
                (link("scorecard", "Scorecard"))
                @if !summaries.is_empty() { (link("compared", "Arms compared")) }
                @for (number, summary) in (1..).zip(summaries) { (link(&anchor(number), &summary.arm.name)) }
                (link("finals", "Final runs"))
                (link("published", "Published numbers"))
                (link("facts", "Facts"))
            }
        }
    }
}
