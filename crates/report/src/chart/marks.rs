//! How a series is drawn: markers, lines, bands.

use std::fmt::Write;

use maud::{Markup, html};

use super::draw::{Plot, is_finite, px};
use super::{Mark, Point, Series, style};

/// From this many dots on a series is one path without notes: thousands of elements would make a page slow and large.
const MANY: usize = 600;
/// From this many dots on they are smaller.
const SEVERAL: usize = 100;
/// Markers of a line, to know it by.
const MARKERS: usize = 5;

pub(super) fn draw(series: &Series, plot: &Plot) -> Markup {
    let points: Vec<&Point> = series.points.iter().filter(|point| is_finite(point)).collect();
    let ink = style::ink(series.look);
    let path = |part: &dyn Fn(&Point) -> String| points.iter().fold(String::new(), |all, point| all + &part(point));
    let size = if series.mark == Mark::Dots && points.len() > SEVERAL { 2.4 } else { 3.6 };
    let marker = |point: &Point| marker(series.look, plot.x(point.x), plot.y(point.y), size, &point.note);
    let line =
        |data: String| html! { path class={ "line " (ink) } stroke-dasharray=[style::dashes(series.look)] d=(data) {} };
    match series.mark {
        Mark::Dots if points.len() > MANY => {
            let data = path(&|point| format!("M{:.1} {:.1}h0", plot.x(point.x), plot.y(point.y)));
            html! { path class={ "many " (ink) } d=(data) {} }
        }
        Mark::Dots => html! {
            (ranges(series, &points, plot))
            @for point in points { (marker(point)) }
        },
        Mark::Linked => html! {
            (ranges(series, &points, plot))
            (line(outline(&points, plot, false, |point| point.y)))
            @for point in points { (marker(point)) }
        },
        Mark::Line | Mark::Steps => {
            let stepped = series.mark == Mark::Steps;
            html! {
                (band(&ink, &points, plot, stepped))
                (line(outline(&points, plot, stepped, |point| point.y)))
                @for point in known_by(series.look, &points) { (marker(point)) }
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

/// A few points to put a marker on, at other places for each look, so that lines that lie on one another show theirs.
fn known_by<'a>(look: usize, points: &[&'a Point]) -> Vec<&'a Point> {
    let every = points.len().div_ceil(MARKERS).max(1);
    points.iter().skip(look % every).step_by(every).copied().collect()
}

/// The line through all points.
fn outline(points: &[&Point], plot: &Plot, stepped: bool, y: impl Fn(&Point) -> f64) -> String {
    let mut data = String::new();
    for (place, point) in points.iter().enumerate() {
        let (x, y) = (plot.x(point.x), plot.y(y(point)));
        // Writing to a String cannot fail.
        let _ = match (place, stepped) {
            (0, _) => write!(data, "M{x:.1} {y:.1}"),
            (_, true) => write!(data, "H{x:.1}V{y:.1}"),
            (_, false) => write!(data, "L{x:.1} {y:.1}"),
        };
    }
    data
}

/// The area between the ends of the points' ranges.
fn band(ink: &str, points: &[&Point], plot: &Plot, stepped: bool) -> Markup {
    let low = |point: &Point| point.range.map_or(point.y, |(low, _)| low);
    let high = |point: &Point| point.range.map_or(point.y, |(_, high)| high);
    if points.iter().all(|point| point.range.is_none()) {
        return html! {};
    }
    let mut data = outline(points, plot, stepped, high);
    for (place, point) in points.iter().enumerate().rev() {
        let (x, y) = (plot.x(point.x), plot.y(low(point)));
        let _ = match (points.get(place + 1), stepped) {
            // Backwards along steps: first up or down at the later x, then left.
            (Some(_), true) => write!(data, "V{y:.1}H{x:.1}"),
            (None, true) => write!(data, "V{y:.1}"),
            (_, false) => write!(data, "L{x:.1} {y:.1}"),
        };
    }
    html! { path class={ "band " (ink) } d={ (data) "Z" } {} }
}

/// A vertical stroke from end to end of each point's range.
fn ranges(series: &Series, points: &[&Point], plot: &Plot) -> Markup {
    let stroke = |point: &&Point| {
        let (low, high) = point.range.filter(|(low, high)| low.is_finite() && high.is_finite())?;
        let x = plot.x(point.x);
        Some(format!("M{x:.1} {:.1}V{:.1}", plot.y(low), plot.y(high)))
    };
    let data: String = points.iter().filter_map(stroke).collect();
    html! { @if !data.is_empty() { path class={ "range " (style::ink(series.look)) } d=(data) {} } }
}

/// A marker around a place; its shape goes with the look.
pub(super) fn marker(look: usize, x: f64, y: f64, r: f64, note: &str) -> Markup {
    let class = format!("dot {}", style::ink(look));
    let title = html! { @if !note.is_empty() { title { (note) } } };
    let corners: &[(f64, f64)] = match look % 8 {
        0 => return html! { circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(r)) { (title) } },
        1 => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        2 => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
        3 => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        4 => &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
        5 => &[
            (-0.4, -1.2),
            (0.4, -1.2),
            (0.4, -0.4),
            (1.2, -0.4),
            (1.2, 0.4),
            (0.4, 0.4),
            (0.4, 1.2),
            (-0.4, 1.2),
            (-0.4, 0.4),
            (-1.2, 0.4),
            (-1.2, -0.4),
            (-0.4, -0.4),
        ],
        6 => &[(-1.1, -1.1), (1.1, -1.1), (-1.1, 1.1), (1.1, 1.1)],
        _ => &[(-1.2, 0.0), (-0.6, -1.1), (0.6, -1.1), (1.2, 0.0), (0.6, 1.1), (-0.6, 1.1)],
    };
    let mut data = String::new();
    for (place, (dx, dy)) in corners.iter().enumerate() {
        let _ = write!(data, "{}{:.1} {:.1}", if place == 0 { 'M' } else { 'L' }, x + r * dx, y + r * dy);
    }
    html! { path class=(class) d={ (data) "Z" } { (title) } }
}
