//! A chart as the text of one SVG.

use maud::{Markup, PreEscaped, html};

use super::axis::Scale;
use super::{Chart, Mark, Point, legend, marks, style};

/// Width of every chart in pixels, and height of its plot. Small enough to be read on a phone, where it is shrunk a little.
const WIDTH: f64 = 440.0;
const PLOT: f64 = 230.0;
/// Space for the title, and for the axis below; at the right border.
const ABOVE: f64 = 34.0;
const BELOW: f64 = 46.0;
const RIGHT: f64 = 24.0;

/// The part of the drawing inside the axes, and what lies where in it.
pub(super) struct Plot {
    left: f64,
    top: f64,
    right: f64,
    pub(super) bottom: f64,
    x: Scale,
    y: Scale,
}

impl Plot {
    pub(super) fn x(&self, number: f64) -> f64 {
        self.left + self.x.place(number) * (self.right - self.left)
    }

    pub(super) fn y(&self, number: f64) -> f64 {
        self.bottom - self.y.place(number) * (self.bottom - self.top)
    }
}

/// The chart as SVG. It stands alone and has no ids, so several can stand in one HTML page.
pub(crate) fn svg(chart: &Chart) -> String {
    let legend = legend::legend(chart, WIDTH, ABOVE);
    let lines = legend.iter().map(|item| item.line + 1).max().unwrap_or(0);
    let valued = || chart.series.iter().filter(|series| series.mark != Mark::Ticks);
    let xs = chart.series.iter().flat_map(|series| series.points.iter().map(|point| point.x));
    let shown = valued().flat_map(|series| series.points.iter().filter(|point| is_finite(point)));
    let ys = shown.flat_map(|point| {
        let (low, high) = point.range.unwrap_or((point.y, point.y));
        [low, point.y, high]
    });
    let (xs, ys) = (xs.chain(chart.x.at_least.iter().copied()), ys.chain(chart.y.at_least.iter().copied()));
    let y = Scale::of(ys, chart.y.unit, 5);
    let longest = y.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
    let top = ABOVE + lines as f64 * legend::LINE;
    let plot = Plot {
        left: 34.0 + 7.4 * longest as f64,
        top,
        right: WIDTH - RIGHT,
        bottom: top + PLOT,
        x: Scale::of(xs, chart.x.unit, 5),
        y,
    };
    let height = plot.bottom + BELOW;
    let empty = valued().all(|series| !series.points.iter().any(is_finite));
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" class="hnas-chart" width=(WIDTH) height=(height)
            viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(chart.title) {
            style { (PreEscaped(style::sheet())) }
            rect class="ground" width="100%" height="100%" {}
            text class="title" x="12" y="22" { (chart.title) }
            @for item in &legend { (item.markup) }
            (axes(chart, &plot))
            @for series in &chart.series { (marks::draw(series, &plot)) }
            @if empty {
                text x=(mid(plot.left, plot.right)) y=(mid(plot.top, plot.bottom)) text-anchor="middle" { "no values" }
            }
        }
    };
    markup.into_string()
}

pub(super) fn is_finite(point: &Point) -> bool {
    point.x.is_finite() && point.y.is_finite()
}

fn mid(a: f64, b: f64) -> String {
    px(f64::midpoint(a, b))
}

pub(super) fn px(length: f64) -> String {
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
