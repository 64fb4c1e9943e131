//! Small honest charts as SVG that follow light and dark mode: points, lines and steps over two linear axes.
//!
//! Written here since the charting libraries we know write fixed colours and sizes into each element, which neither
//! dark mode nor a style sheet can change. Axes show where they begin and end, no point is left out or moved, and what
//! has no value is said to be missing. Series differ in colour, dashes and shape of their markers, so that a print in
//! grey tells them apart.

mod axis;
mod draw;
mod legend;
mod marks;
mod style;

pub(crate) use axis::Unit;
pub(crate) use draw::svg;

/// A chart.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Drawn in this order, the last on top.
    pub(crate) series: Vec<Series>,
}

/// One axis.
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) unit: Unit,
    /// Numbers that it must show whatever the series.
    pub(crate) at_least: Vec<f64>,
}

/// What is drawn alike.
pub(crate) struct Series {
    /// Its name in the legend; it has no entry there when this is empty.
    pub(crate) name: String,
    pub(crate) mark: Mark,
    /// Index of its colour, dashes and shape, which go together.
    pub(crate) look: usize,
    /// Those that are not finite are left out.
    pub(crate) points: Vec<Point>,
}

/// One datum.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// From where to where it may lie: a band around a line, a bar through a dot.
    pub(crate) range: Option<(f64, f64)>,
    /// Shown when pointed at.
    pub(crate) note: String,
}

impl Point {
    /// A point with neither range nor note.
    pub(crate) fn new(x: f64, y: f64) -> Point {
        Point { x, y, range: None, note: String::new() }
    }
}

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A marker for each point.
    Dots,
    /// A line from point to point, with a marker here and there to know it by.
    Line,
    /// A line from point to point, with a marker for each.
    Linked,
    /// A horizontal line from each point to the next one's x, then up or down to it; a marker when there is only one.
    Steps,
    /// A stroke at the lower border for each x, whatever y: something happened there that has no value.
    Ticks,
    /// A small horizontal bar for each point: a mean.
    Bars,
}
