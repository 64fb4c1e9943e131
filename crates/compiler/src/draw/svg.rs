//! A genotype as one SVG: the cell above, every used motif below, level by level, then a legend.
//!
//! The drawing stands alone: no scripts, no fonts, no ids (so several can stand in one HTML page), colours for light and
//! dark ground in its own style sheet, plain classes instead of variables because many renderers know no variables.

use std::collections::BTreeMap;
use std::fmt::Write;

use hnas_genome::{Genotype, Merge};

use super::ink::{self, Ink};
use super::panel::{self, NOTE, Panel};
use super::words::{escape, text_width};

/// Space around everything and between frames, in pixels.
const MARGIN: f64 = 8.0;
const GUTTER: f64 = 14.0;
/// A row of frames goes on in a new line after this many pixels.
const WIDE: f64 = 1000.0;
/// Size of the legend's letters and height of its lines.
const LEGEND: f64 = 12.0;
const LEGEND_LINE: f64 = 21.0;

const STYLE: &str = "\
.hnas-cell{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
.hnas-cell .ground{fill:#ffffff}
.hnas-cell .frame{fill:#f8fafc;stroke:#d5dbe3}
.hnas-cell .heading{font-size:14px;font-weight:600;fill:#17202c}
.hnas-cell .note{font-size:11.5px;fill:#566171}
.hnas-cell .legend{font-size:12px;fill:#323d4b}
.hnas-cell .edge path,.hnas-cell .swatch{fill:none}
.hnas-cell .edge polygon{stroke:none}
.hnas-cell .plate{fill:#f8fafc}
.hnas-cell text.edge{font-size:11px;font-weight:600;text-anchor:middle}
.hnas-cell g.dead{opacity:.4}
.hnas-cell text.dead{fill-opacity:.55}
.hnas-cell .node rect{fill:#ffffff;stroke:#394454;stroke-width:1.5}
.hnas-cell .node text{font-size:12px;font-weight:600;text-anchor:middle;fill:#17202c}
.hnas-cell .end rect{fill:#394454}
.hnas-cell .end text{fill:#ffffff}
.hnas-cell .node.dead rect{stroke-dasharray:3 3}
";

const DARK: &str = "\
.hnas-cell .ground{fill:#12161c}
.hnas-cell .frame{fill:#1a2029;stroke:#343e4b}
.hnas-cell .heading{fill:#eef2f6}
.hnas-cell .note{fill:#a7b1bd}
.hnas-cell .legend{fill:#ccd4dd}
.hnas-cell .plate{fill:#1a2029}
.hnas-cell .node rect{fill:#12161c;stroke:#c3ccd6}
.hnas-cell .node text{fill:#eef2f6}
.hnas-cell .end rect{fill:#c3ccd6}
.hnas-cell .end text{fill:#12161c}
";

/// The genotype as SVG: the cell and each used motif in a frame of its own, nodes numbered as in the paper, edges coloured
/// and labelled by operation, a legend, and a line that names the unused motifs.
///
/// An edge on no path from source to sink is faded. The text is a function of the genotype alone.
pub fn genotype_svg(genotype: &Genotype) -> String {
    let rows = panel::rows(genotype);
    let grids: Vec<Grid> = rows.iter().map(|row| Grid::of(row)).collect();
    let notes = notes(genotype, &rows);
    let words = notes.iter().map(|note| text_width(note, NOTE));
    let width = grids.iter().map(Grid::width).chain(words).fold(440.0, f64::max);
    let mut inks = BTreeMap::new();
    let mut body = String::new();
    let mut y = MARGIN;
    for (row, grid) in rows.iter().zip(&grids) {
        // A row of one, the cell's above all, takes the whole width.
        let frame = if row.len() == 1 { (width, grid.frame.1) } else { grid.frame };
        for line in row.chunks(grid.columns) {
            for (column, panel) in line.iter().enumerate() {
                let x = MARGIN + column as f64 * (frame.0 + GUTTER);
                panel.draw(&mut body, genotype, (x, y), frame);
                inks.extend(panel.operations(genotype).map(|ink| (ink.class.clone(), ink)));
            }
            y += frame.1 + GUTTER;
        }
    }
    // A motif's heading carries its colour even where only dead edges, or none, of a drawn motif carry the motif.
    inks.extend(rows.iter().flatten().map(Panel::ink).map(|ink| (ink.class.clone(), ink)));
    y = draw_legend(&mut body, &ink::primitives(genotype), &inks, width, y + 4.0);
    y = draw_notes(&mut body, &notes, y);
    let (width, height) = (width + 2.0 * MARGIN, y + MARGIN - LEGEND);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hnas-cell\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"A cell drawn at all its levels\">\n\
         <style>\n{}</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n{body}</svg>\n",
        style(inks.values())
    )
}

/// How the frames of one level are set: all of one size, so many in a line.
struct Grid {
    frame: (f64, f64),
    columns: usize,
}

impl Grid {
    fn of(row: &[Panel]) -> Grid {
        let largest = |(width, height): (f64, f64), (w, h)| (width.max(w), height.max(h));
        let frame = row.iter().map(Panel::size).fold((0.0, 0.0), largest);
        let fit = ((WIDE + GUTTER) / (frame.0 + GUTTER)) as usize;
        // As few lines as possible, then as even as possible: four frames where three fit become two and two.
        let lines = row.len().div_ceil(fit.max(1)).max(1);
        Grid { frame, columns: row.len().div_ceil(lines).max(1) }
    }

    fn width(&self) -> f64 {
        self.columns as f64 * (self.frame.0 + GUTTER) - GUTTER
    }
}

/// The style sheet: fixed rules, then those of the operations that occur.
fn style<'a>(inks: impl Iterator<Item = &'a Ink>) -> String {
    let (mut light, mut dark) = (STYLE.to_owned(), DARK.to_owned());
    for ink in inks {
        let Ink { class, stroke, dashes, .. } = ink;
        for (sheet, colour) in [(&mut light, ink.light), (&mut dark, ink.dark)] {
            let _ = writeln!(
                sheet,
                ".hnas-cell .{class} path,.hnas-cell .swatch.{class}{{stroke:{colour}}}\n\
                 .hnas-cell .{class} polygon,.hnas-cell text.{class},.hnas-cell .fill.{class}{{fill:{colour}}}"
            );
        }
        let dashes = if dashes.is_empty() { String::new() } else { format!(";stroke-dasharray:{dashes}") };
        let _ = writeln!(light, ".hnas-cell .{class} path,.hnas-cell .swatch.{class}{{stroke-width:{stroke}{dashes}}}");
    }
    format!("{light}@media screen and (prefers-color-scheme:dark){{\n{dark}}}\n")
}

/// One swatch and its words for each primitive that occurs, as many in a line as fit. Returns where to go on.
fn draw_legend(svg: &mut String, legend: &[Ink], inks: &BTreeMap<String, Ink>, width: f64, mut y: f64) -> f64 {
    let mut x = MARGIN;
    y += LEGEND;
    for ink in legend.iter().filter(|ink| inks.contains_key(&ink.class)) {
        let words = format!("{}: {}", ink.label, ink.meaning);
        let item = 36.0 + text_width(&words, LEGEND) + 14.0;
        if x > MARGIN && x + item > width {
            (x, y) = (MARGIN, y + LEGEND_LINE);
        }
        let _ = writeln!(
            svg,
            "<path class=\"swatch {}\" d=\"M{x:.1} {:.1}h28\"/><text class=\"legend\" x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
            ink.class,
            y - 4.0,
            x + 36.0,
            escape(&words)
        );
        x += item;
    }
    y + LEGEND_LINE
}

fn draw_notes(svg: &mut String, notes: &[String], mut y: f64) -> f64 {
    for note in notes {
        let _ = writeln!(svg, r#"<text class="note" x="{MARGIN:.1}" y="{y:.1}">{}</text>"#, escape(note));
        y += LEGEND_LINE;
    }
    y
}

/// The lines under the legend.
fn notes(genotype: &Genotype, rows: &[Vec<Panel>]) -> Vec<String> {
    let merge = match genotype.space().merge() {
        Merge::Concat => "concatenates",
        Merge::Sum => "sums",
    };
    let mut notes = vec![format!("Filled nodes are source and sink. A node {merge} what comes in.")];
    if rows.len() > 1 {
        notes.push("A thick edge is a motif, in the colour of its heading.".to_owned());
    }
    for (level, sizes) in (2..).zip(genotype.space().levels()) {
        if let Some(primitive) = sizes.followed_by {
            notes.push(format!("Every motif of level {level} is followed by a {}.", ink::meaning(primitive)));
        }
    }
    if rows.iter().flatten().any(Panel::has_dead_edges) {
        notes.push("Faded edges lie on no path from source to sink and are no part of the network.".to_owned());
    }
    let unused: Vec<String> = (2..)
        .zip(genotype.used_motifs())
        .filter_map(|(level, used)| {
            let missing = (1..).zip(used).filter(|(_, used)| !used);
            let numbers: Vec<String> = missing.map(|(number, _)| number.to_string()).collect();
            (!numbers.is_empty()).then(|| format!("level {level}: {}", numbers.join(", ")))
        })
        .collect();
    if !unused.is_empty() {
        notes.push(format!("Motifs that the cell does not use: {}.", unused.join("; ")));
    }
    notes
}
