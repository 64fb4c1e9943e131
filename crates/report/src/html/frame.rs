//! The page around everything: head, style sheet, order of the sections.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{anchor, arm, compared, overview, scorecard, text};
use crate::Page;
use crate::correlations::Correlation;
use crate::figures::Figures;
use crate::summary::Summary;
use crate::verdict::Judged;

const STYLE: &str = include_str!("style.css");

/// The text of `report.html`.
pub(crate) fn report_html(
    page: &Page,
    summaries: &[Summary],
    judged: &[Judged],
    correlations: &[Correlation],
    figures: &Figures,
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
                }
                main {
                    (overview::differences(page))
                    (scorecard::section(page, judged))
                    (contents(summaries))
                    (compared::results(summaries))
                    (compared::paper_figures(figures))
                    (compared::small_and_large(figures, correlations))
                    @for (number, (summary, figures)) in (1..).zip(summaries.iter().zip(&figures.arms)) {
                        (arm::section(number, summary, figures))
                    }
                    (compared::finals(summaries, figures))
                    (overview::published(page))
                    (overview::facts(page))
                }
                footer { p { "All numbers of this page are in " code { "results.json" } ", its figures and their queries in " code { "figures/" } " beside it." } }
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
                (link("arms", "Arms"))
                (link("figure-3", "Figure 3"))
                (link("figure-4", "Figure 4"))
                (link("small-and-large", "Small and large"))
                @for (number, summary) in (1..).zip(summaries) { (link(&anchor(number), &summary.arm.name)) }
                (link("finals", "Final runs"))
                (link("published", "Published numbers"))
                (link("facts", "Facts"))
            }
        }
    }
}
