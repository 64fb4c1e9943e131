//! `report.html`: one file that needs no other, without scripts, for screens of any width and for paper.

mod arm;
mod compared;
mod frame;
mod overview;
mod scorecard;

pub(crate) use frame::report_html;

use maud::{Markup, PreEscaped, html};

use crate::figures::Figure;

/// A table that can be moved sideways where it does not fit. `numeric` tells which columns hold numbers.
fn table(head: &[&str], numeric: &[bool], rows: Vec<Vec<Markup>>) -> Markup {
    let class = |column: usize| numeric.get(column).copied().unwrap_or(false).then_some("number");
    html! {
        div class="scroll" tabindex="0" {
            table {
                thead {
                    tr { @for (column, title) in head.iter().enumerate() { th scope="col" class=[class(column)] { (title) } } }
                }
                tbody {
                    @for row in rows {
                        tr { @for (column, cell) in row.into_iter().enumerate() {
                            td class=[class(column)] data-column=[head.get(column)] { (cell) }
                        } }
                    }
                }
            }
        }
    }
}

/// A table whose rows become cards on a narrow screen, so that no column hides.
fn cards(table: Markup) -> Markup {
    html! { div class="cards" { (table) } }
}

/// Text as a cell.
fn text(words: impl AsRef<str>) -> Markup {
    html! { (words.as_ref()) }
}

/// The id of an arm's section.
fn anchor(number: usize) -> String {
    format!("arm-{number}")
}

/// A figure with its caption and the query behind it.
fn figure(figure: &Figure) -> Markup {
    html! {
        figure {
            (PreEscaped(&figure.svg))
            figcaption { (figure.caption) (query(&figure.sql)) }
        }
    }
}

/// Figures side by side where there is room.
fn figures<'a>(all: impl IntoIterator<Item = &'a Figure>) -> Markup {
    html! { div class="figures" { @for one in all { (figure(one)) } } }
}

/// A query over the ledger, folded.
fn query(sql: &str) -> Markup {
    html! { details class="sql" { summary { "SQL" } pre { (sql) } } }
}
