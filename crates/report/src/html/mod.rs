//! `report.html`: one file that needs no other, without scripts, for screens of any width and for paper.

mod arm;
mod finals;
mod frame;
mod overview;

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
                        tr { @for (column, cell) in row.into_iter().enumerate() { td class=[class(column)] { (cell) } } }
                    }
                }
            }
        }
    }
}

/// Text as a cell.
fn text(words: impl AsRef<str>) -> Markup {
    html! { (words.as_ref()) }
}

/// The id of an arm's section.
fn anchor(number: usize) -> String {
    format!("arm-{number}")
}

/// A figure with its caption.
fn figure(figure: &Figure) -> Markup {
    html! { figure { (PreEscaped(&figure.svg)) figcaption { (figure.caption) } } }
}
