//! Small honest charts as SVG that follow light and dark mode: points, lines and steps over two linear axes.
//!
//! Written here since the charting libraries we know write fixed colours and sizes into each element, which neither
//! dark mode nor a style sheet can change. Axes show where they begin and end, no point is left out or moved, and what
//! has no value is said to be missing.

mod axis;
mod draw;
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
    /// Width and height in pixels; text does not grow with them.
    pub(crate) size: (f64, f64),
}

/// One axis.
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) unit: Unit,
    /// Numbers that it must show whatever the series.
    pub(crate) at_least: Vec<f64>,
}

/// What is drawn in one colour.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) mark: Mark,
    /// Index of the colour.
    pub(crate) ink: usize,
    /// Index of the dash pattern of its line; 0 is solid.
    pub(crate) pattern: usize,
    /// Those that are not finite are left out.
    pub(crate) points: Vec<Point>,
}

/// One datum.
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Shown when pointed at.
    pub(crate) note: String,
}

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A dot for each point.
    Dots,
    /// A horizontal line from each point to the next one's x, then up or down to it; a dot when there is only one.
    Steps,
    /// A stroke at the lower border for each x, whatever y: something happened there that has no value.
    Ticks,
    /// A small horizontal bar for each point: a mean.
    Bars,
}
