//! A chart as the text of one SVG.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use super::axis::Scale;
use super::{Chart, Mark, Point, Series, style};

/// From this many dots on a series is one path without notes: thousands of elements would make a page slow and large.
const MANY: usize = 600;
/// Space for the title, and for the axis below; at the right border.
const ABOVE: f64 = 34.0;
const BELOW: f64 = 46.0;
const RIGHT: f64 = 18.0;
/// Height of a line of the legend.
const LEGEND_LINE: f64 = 20.0;

/// The part of the drawing inside the axes, and what lies where in it.
struct Plot {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    x: Scale,
    y: Scale,
}

impl Plot {
    fn x(&self, number: f64) -> f64 {
        self.left + self.x.place(number) * (self.right - self.left)
    }

    fn y(&self, number: f64) -> f64 {
        self.bottom - self.y.place(number) * (self.bottom - self.top)
    }
}

/// The chart as SVG. It stands alone and has no ids, so several can stand in one HTML page.
pub(crate) fn svg(chart: &Chart) -> String {
    let (width, height) = chart.size;
    let legend = legend(chart, width);
    let lines = legend.iter().map(|item| item.line + 1).max().unwrap_or(0);
    let valued = || chart.series.iter().filter(|series| series.mark != Mark::Ticks);
    let xs = chart.series.iter().flat_map(|series| series.points.iter().map(|point| point.x));
    let ys = valued().flat_map(|series| series.points.iter().map(|point| point.y));
    let (xs, ys) = (xs.chain(chart.x.at_least.iter().copied()), ys.chain(chart.y.at_least.iter().copied()));
    let y = Scale::of(ys, chart.y.unit, 5);
    let longest = y.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
    let plot = Plot {
        left: 34.0 + 7.4 * longest as f64,
        top: ABOVE + lines as f64 * LEGEND_LINE,
        right: width - RIGHT,
        bottom: height - BELOW,
        x: Scale::of(xs, chart.x.unit, 6),
        y,
    };
    let empty = valued().all(|series| !series.points.iter().any(is_finite));
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" class="hnas-chart" width=(width) height=(height)
            viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(chart.title) {
            style { (PreEscaped(style::sheet())) }
            rect class="ground" width="100%" height="100%" {}
            text class="title" x="12" y="22" { (chart.title) }
            @for item in &legend { (item.markup) }
            (axes(chart, &plot))
            @for series in &chart.series { (draw(series, &plot)) }
            @if empty {
                text x=(mid(plot.left, plot.right)) y=(mid(plot.top, plot.bottom)) text-anchor="middle" { "no values" }
            }
        }
    };
    markup.into_string()
}

fn is_finite(point: &Point) -> bool {
    point.x.is_finite() && point.y.is_finite()
}

fn mid(a: f64, b: f64) -> String {
    px(f64::midpoint(a, b))
}

fn px(length: f64) -> String {
    format!("{length:.1}")
}

fn axes(chart: &Chart, plot: &Plot) -> Markup {
    html! {
        @for (at, label) in &plot.y.ticks {
            line class="grid" x1=(px(plot.left)) x2=(px(plot.right)) y1=(px(plot.y(*at))) y2=(px(plot.y(*at))) {}
            text x=(px(plot.left - 7.0)) y=(px(plot.y(*at) + 4.3)) text-anchor="end" { (label) }
        }
        @for (at, label) in &plot.x.ticks {
            line class="axis" x1=(px(plot.x(*at))) x2=(px(plot.x(*at))) y1=(px(plot.bottom)) y2=(px(plot.bottom + 4.0)) {}
            text x=(px(plot.x(*at))) y=(px(plot.bottom + 18.0)) text-anchor="middle" { (label) }
        }
        path class="axis" d=(format!("M{:.1} {:.1}V{:.1}H{:.1}", plot.left, plot.top, plot.bottom, plot.right)) {}
        text x=(mid(plot.left, plot.right)) y=(px(plot.bottom + 37.0)) text-anchor="middle" { (chart.x.label) }
        text transform=(format!("translate(17 {:.1}) rotate(-90)", f64::midpoint(plot.top, plot.bottom)))
            text-anchor="middle" { (chart.y.label) }
    }
}

fn draw(series: &Series, plot: &Plot) -> Markup {
    let points: Vec<&Point> = series.points.iter().filter(|point| is_finite(point)).collect();
    let ink = style::ink(series.ink);
    // Writing to a String cannot fail.
    let path = |start: &dyn Fn(&Point) -> String| points.iter().fold(String::new(), |all, point| all + &start(point));
    match series.mark {
        Mark::Dots if points.len() > MANY => {
            let data = path(&|point| format!("M{:.1} {:.1}h0", plot.x(point.x), plot.y(point.y)));
            html! { path class={ "many " (ink) } d=(data) {} }
        }
        Mark::Dots => html! {
            @for point in points {
                circle class={ "dot " (ink) } cx=(px(plot.x(point.x))) cy=(px(plot.y(point.y))) r="3.4" {
                    title { (point.note) }
                }
            }
        },
        Mark::Steps => {
            let mut data = String::new();
            for (place, point) in points.iter().enumerate() {
                let _ = match place {
                    0 => write!(data, "M{:.1} {:.1}", plot.x(point.x), plot.y(point.y)),
                    _ => write!(data, "H{:.1}V{:.1}", plot.x(point.x), plot.y(point.y)),
                };
            }
            html! {
                path class={ "steps " (ink) } stroke-dasharray=[dash(series)] d=(data) {}
                @if let [point] = points[..] {
                    circle class={ "dot " (ink) } cx=(px(plot.x(point.x))) cy=(px(plot.y(point.y))) r="4" {}
                }
            }
        }
        Mark::Ticks => {
            let data = path(&|point| format!("M{:.1} {:.1}v-9", plot.x(point.x), plot.bottom));
            html! { path class={ "ticks " (ink) } d=(data) {} }
        }
        Mark::Bars => {
            let data = path(&|point| format!("M{:.1} {:.1}h24", plot.x(point.x) - 12.0, plot.y(point.y)));
            html! { path class={ "bars " (ink) } d=(data) {} }
        }
    }
}

fn dash(series: &Series) -> Option<&'static str> {
    Some(style::dashes(series.pattern)).filter(|dashes| !dashes.is_empty())
}

/// One entry of the legend and the line it stands in.
struct Item {
    line: usize,
    markup: Markup,
}

/// The legend above the plot, in as many lines as its entries need; none for a single nameless series.
fn legend(chart: &Chart, width: f64) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut x, mut line) = (14.0, 0);
    for series in chart.series.iter().filter(|series| !series.name.is_empty()) {
        let name = shortened(&series.name);
        let wide = 34.0 + 7.0 * name.chars().count() as f64 + 14.0;
        if x > 14.0 && x + wide > width {
            (x, line) = (14.0, line + 1);
        }
        let y = ABOVE + line as f64 * LEGEND_LINE + 8.0;
        let ink = style::ink(series.ink);
        let swatch = match series.mark {
            Mark::Dots => html! { circle class={ "dot " (ink) } cx=(px(x + 13.0)) cy=(px(y - 4.0)) r="4" {} },
            Mark::Steps => html! {
                path class={ "steps " (ink) } stroke-dasharray=[dash(series)] d=(format!("M{x:.1} {:.1}h26", y - 4.0)) {}
            },
            Mark::Ticks => html! { path class={ "ticks " (ink) } d=(format!("M{:.1} {y:.1}v-9", x + 13.0)) {} },
            Mark::Bars => html! { path class={ "bars " (ink) } d=(format!("M{:.1} {:.1}h20", x + 3.0, y - 4.0)) {} },
        };
        items.push(Item { line, markup: html! { (swatch) text x=(px(x + 34.0)) y=(px(y)) { (name) } } });
        x += wide;
    }
    items
}

/// A name that fits into one line of a legend.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(58) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
