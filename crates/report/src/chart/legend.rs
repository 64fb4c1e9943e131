//! The legend above the plot, in as many lines as its entries need.

use maud::{Markup, html};

use super::draw::px;
use super::marks::marker;
use super::{Chart, Mark, style};

/// Height of a line of the legend.
pub(super) const LINE: f64 = 20.0;
/// Width of a sample and the space after it; of a letter, about; after an entry.
const SAMPLE: f64 = 34.0;
const LETTER: f64 = 7.6;
const GAP: f64 = 12.0;
const LEFT: f64 = 14.0;

/// One entry of the legend and the line it stands in.
pub(super) struct Item {
    pub(super) line: usize,
    pub(super) markup: Markup,
}

/// The entries of all series with a name; `top` is where the legend begins.
pub(super) fn legend(chart: &Chart, width: f64, top: f64) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut x, mut line) = (LEFT, 0);
    for series in chart.series.iter().filter(|series| !series.name.is_empty()) {
        let name = shortened(&series.name, ((width - LEFT - SAMPLE) / LETTER) as usize);
        let wide = SAMPLE + LETTER * name.chars().count() as f64 + GAP;
        if x > LEFT && x + wide - GAP > width {
            (x, line) = (LEFT, line + 1);
        }
        let y = top + line as f64 * LINE + 8.0;
        let ink = style::ink(series.look);
        let marker = marker(series.look, x + 13.0, y - 4.0, 3.6, "");
        let sample = match series.mark {
            Mark::Dots => marker,
            Mark::Line | Mark::Linked | Mark::Steps => html! {
                path class={ "line " (ink) } stroke-dasharray=[style::dashes(series.look)]
                    d=(format!("M{x:.1} {:.1}h26", y - 4.0)) {}
                (marker)
            },
            Mark::Ticks => html! { path class={ "ticks " (ink) } d=(format!("M{:.1} {y:.1}v-9", x + 13.0)) {} },
            Mark::Bars => html! { path class={ "bars " (ink) } d=(format!("M{:.1} {:.1}h20", x + 3.0, y - 4.0)) {} },
        };
        items.push(Item { line, markup: html! { (sample) text x=(px(x + SAMPLE)) y=(px(y)) { (name) } } });
        x += wide;
    }
    items
}

/// A name of at most so many letters.
fn shortened(name: &str, letters: usize) -> String {
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    name.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}
