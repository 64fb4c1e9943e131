//! One motif in a frame: heading, nodes, edges. Which motifs a drawing shows, and how often the cell contains each.

use std::fmt::Write;

use hnas_genome::{Edge, Genotype};

use super::arcs::{self, Layout, NODE_HEIGHT};
use super::ink::{self, Ink};
use super::words::{escape, text_width};

/// Size of headings, notes and labels in pixels; the style sheet says the same.
const HEADING: f64 = 14.0;
pub(super) const NOTE: f64 = 11.5;
const LABEL: f64 = 11.0;
/// Space between frame and content, and height of the heading with its note.
const PADDING: f64 = 16.0;
const HEAD: f64 = 46.0;

/// A motif ready to be drawn.
pub(super) struct Panel {
    level: usize,
    index: usize,
    heading: String,
    note: String,
    is_cell: bool,
    layout: Layout,
    live: Vec<Edge>,
}

impl Panel {
    /// Size of the frame in pixels.
    pub(super) fn size(&self) -> (f64, f64) {
        let chip = if self.is_cell { 0.0 } else { 20.0 };
        let words = (text_width(&self.heading, HEADING) * 1.1 + chip).max(text_width(&self.note, NOTE));
        (self.layout.width.max(words) + 2.0 * PADDING, HEAD + self.layout.height + 2.0 * PADDING)
    }

    /// The look of edges that carry this motif.
    pub(super) fn ink(&self) -> Ink {
        ink::motif(self.level, self.index)
    }

    /// The operations on its edges.
    pub(super) fn operations<'a>(&'a self, genotype: &'a Genotype) -> impl Iterator<Item = Ink> + 'a {
        self.layout.arrows.iter().map(|arrow| ink::operation(genotype, self.level, arrow.edge.op))
    }

    /// Is an edge drawn that is on no path from source to sink?
    pub(super) fn has_dead_edges(&self) -> bool {
        self.live.len() < self.layout.arrows.len()
    }

    /// Draws it with its frame's left upper corner at (`x`, `y`) and the frame of the size given.
    pub(super) fn draw(&self, svg: &mut String, genotype: &Genotype, (x, y): (f64, f64), (width, height): (f64, f64)) {
        // Writing to a String cannot fail, so the results of write! are dropped here and below.
        let _ = writeln!(svg, r#"<g transform="translate({x:.1} {y:.1})">"#);
        let _ =
            writeln!(svg, r#"<rect class="frame" x="0.5" y="0.5" width="{width:.1}" height="{height:.1}" rx="10"/>"#);
        let mut left = PADDING;
        if !self.is_cell {
            let class = self.ink().class;
            let _ = writeln!(svg, r#"<circle class="fill {class}" cx="{:.1}" cy="24" r="6"/>"#, left + 6.0);
            left += 20.0;
        }
        let _ = writeln!(svg, r#"<text class="heading" x="{left:.1}" y="29">{}</text>"#, escape(&self.heading));
        let _ = writeln!(svg, r#"<text class="note" x="{PADDING:.1}" y="48">{}</text>"#, escape(&self.note));

        let free = (width - 2.0 * PADDING - self.layout.width) / 2.0;
        let drop = (height - HEAD - 2.0 * PADDING - self.layout.height) / 2.0;
        let _ = writeln!(svg, r#"<g transform="translate({:.1} {:.1})">"#, PADDING + free, HEAD + PADDING + drop);
        self.draw_edges(svg, genotype);
        self.draw_nodes(svg);
        svg.push_str("</g>\n</g>\n");
    }

    /// All lines first, then all labels, so that no line runs over a label.
    fn draw_edges(&self, svg: &mut String, genotype: &Genotype) {
        let fate = |edge: &Edge| if self.live.contains(edge) { "edge" } else { "edge dead" };
        for arrow in &self.layout.arrows {
            let Edge { from, to, op } = arrow.edge;
            let class = ink::operation(genotype, self.level, op).class;
            let [(ax, ay), (bx, by), (cx, cy)] = arrow.head;
            let _ = writeln!(
                svg,
                "<g class=\"{} {class}\"><title>{from}→{to} {}</title><path d=\"{}\"/>\
                 <polygon points=\"{ax:.1},{ay:.1} {bx:.1},{by:.1} {cx:.1},{cy:.1}\"/></g>",
                fate(&arrow.edge),
                escape(&genotype.operation_name(self.level, op)),
                arrow.line
            );
        }
        for arrow in &self.layout.arrows {
            let ink = ink::operation(genotype, self.level, arrow.edge.op);
            let (x, y) = arrow.label;
            let plate = label_width(&ink.label) + 4.0;
            let _ = writeln!(
                svg,
                "<rect class=\"plate\" x=\"{:.1}\" y=\"{:.1}\" width=\"{plate:.1}\" height=\"14\" rx=\"4\"/>\
                 <text class=\"{} {}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                x - plate / 2.0,
                y - 7.0,
                fate(&arrow.edge),
                ink.class,
                y + LABEL * 0.35,
                escape(&ink.label)
            );
        }
    }

    fn draw_nodes(&self, svg: &mut String) {
        let (axis, nodes) = (self.layout.axis, &self.layout.nodes);
        for (number, (centre, width)) in (1..).zip(nodes) {
            let on_path = self.live.iter().any(|edge| edge.from == number || edge.to == number);
            let kind = match (number == 1 || number == nodes.len(), on_path) {
                (true, _) => "node end",
                (false, true) => "node",
                (false, false) => "node dead",
            };
            let _ = writeln!(
                svg,
                "<g class=\"{kind}\"><rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{NODE_HEIGHT}\" rx=\"{}\"/>\
                 <text x=\"{centre:.1}\" y=\"{:.1}\">{number}</text></g>",
                centre - width / 2.0,
                axis - NODE_HEIGHT / 2.0,
                NODE_HEIGHT / 2.0,
                axis + 4.3
            );
        }
    }
}

/// Labels are bold, so wider than other text of their size.
fn label_width(label: &str) -> f64 {
    text_width(label, LABEL) * 1.1
}

/// The used motifs, one row a level, the cell first.
pub(super) fn rows(genotype: &Genotype) -> Vec<Vec<Panel>> {
    let copies = copies(genotype);
    let top = genotype.space().top();
    let row = |level: usize| {
        let used = (0..genotype.motifs(level).len()).filter(|&index| copies[level - 2][index] > 0);
        used.map(|index| panel(genotype, level, index, copies[level - 2][index])).collect()
    };
    (2..=top).rev().map(row).collect()
}

fn panel(genotype: &Genotype, level: usize, index: usize, copies: u64) -> Panel {
    let motif = genotype.motif(level, index);
    let is_cell = level == genotype.space().top();
    let live = genotype.live_edges(level, index);
    let heading = if is_cell { "Cell".to_owned() } else { format!("Motif {}", index + 1) };
    let mut note = format!("level {level}");
    if !is_cell {
        let _ = write!(note, ", {copies} {} in the cell", if copies == 1 { "copy" } else { "copies" });
    }
    let layout = arcs::lay_out(motif, |op| label_width(&ink::operation(genotype, level, op).label));
    Panel { level, index, heading, note, is_cell, layout, live }
}

/// How many copies of each motif the network's cell contains, `[level - 2][motif]`; only live edges count. A motif that
/// more than 2^64 - 1 paths lead to counts as 2^64 - 1.
fn copies(genotype: &Genotype) -> Vec<Vec<u64>> {
    let top = genotype.space().top();
    let mut copies: Vec<Vec<u64>> = (2..=top).map(|level| vec![0; genotype.motifs(level).len()]).collect();
    copies[top - 2][0] = 1;
    for level in (3..=top).rev() {
        for index in 0..genotype.motifs(level).len() {
            let here = copies[level - 2][index];
            if here > 0 {
                for edge in genotype.live_edges(level, index) {
                    let below = &mut copies[level - 3][edge.op];
                    *below = below.saturating_add(here);
                }
            }
        }
    }
    copies
}
