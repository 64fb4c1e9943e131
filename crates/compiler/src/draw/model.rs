//! The model around a cell as one SVG: a column of boxes, each with the size of what it gives.

use std::fmt::Write;

use hnas_genome::{Genotype, Level, Merge, Primitive, SearchSpace};

use super::words::{escape, text_width};
use crate::{AssembleError, Op, Shape, Skeleton, assemble};

/// Sizes in pixels: of a box, of the space between two, around everything, and of letters.
const BOX: (f64, f64) = (232.0, 28.0);
const GAP: f64 = 14.0;
const MARGIN: f64 = 16.0;
const LETTERS: f64 = 12.5;

const STYLE: &str = "\
.hnas-model{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
.hnas-model .ground{fill:#ffffff}
.hnas-model text{font-size:12.5px;fill:#17202c}
.hnas-model .title{font-size:14px;font-weight:600}
.hnas-model .size{fill:#566171}
.hnas-model rect.layer{fill:#f8fafc;stroke:#8792a0}
.hnas-model rect.cell{fill:#1d5fd1;stroke:#1d5fd1}
.hnas-model text.cell{fill:#ffffff;font-weight:600}
.hnas-model .flow{stroke:#394454;stroke-width:1.5;fill:none}
@media screen and (prefers-color-scheme:dark){
.hnas-model .ground{fill:#12161c}
.hnas-model text{fill:#eef2f6}
.hnas-model .size{fill:#a7b1bd}
.hnas-model rect.layer{fill:#1a2029;stroke:#7b8794}
.hnas-model .flow{stroke:#c3ccd6}
}
";

/// The model of `skeleton` for images of shape `input`, from the image above to the classes below, each box with the
/// resolution and channels of its output; a cell's channels are its nominal width, since how many it gives depends on the
/// cell. It is drawn from a network that the skeleton was assembled to, so it shows what is built.
///
/// # Errors
/// When the skeleton does not go with the images.
pub fn model_svg(title: &str, skeleton: &Skeleton, input: Shape) -> Result<String, AssembleError> {
    let graph = assemble(&placeholder(), skeleton, input)?;
    let image = format!("{}×{}×{}", input.height, input.width, input.channels);
    let mut body = String::new();
    let size = graph.nodes().iter().map(|node| text_width(&shown(node.shape), LETTERS)).fold(0.0, f64::max);
    let width = (2.0 * MARGIN + BOX.0 + 12.0 + size).max(2.0 * MARGIN + text_width(title, 14.0) * 1.05);
    let mut y = MARGIN + 14.0;
    // Writing to a String cannot fail, so the results of write! are dropped here and below.
    let _ = writeln!(body, r#"<text class="title" x="{MARGIN}" y="{y:.0}">{}</text>"#, escape(title));
    y += 12.0;
    for node in graph.nodes() {
        let (class, words) = match node.op {
            Op::Input => ("layer", format!("image {image}")),
            // The placeholder's only edge: the cell.
            Op::Identity => ("cell", format!("cell, c = {}", node.shape.channels)),
            Op::Conv { kernel, stride, channels } => {
                ("layer", format!("{kernel}×{kernel} convolution, stride {stride}, {channels}"))
            }
            Op::Separable { stride, channels, .. } => ("layer", format!("3×3 separable, stride {stride}, {channels}")),
            Op::GlobalAvgPool => ("layer", "global average pooling".to_owned()),
            Op::Linear { classes } => ("layer", format!("linear, softmax over {classes}")),
            Op::Depthwise { .. } | Op::MaxPool | Op::AvgPool | Op::Concat | Op::Sum => continue,
        };
        let (x, middle) = (MARGIN, MARGIN + BOX.0 / 2.0);
        if !matches!(node.op, Op::Input) {
            let _ = writeln!(body, r#"<path class="flow" d="M{middle:.1} {:.1}v{GAP}"/>"#, y - GAP);
        }
        let _ = writeln!(
            body,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{}" height="{}" rx="6"/><text class="{class}" x="{middle:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            BOX.0,
            BOX.1,
            y + 18.5,
            escape(&words)
        );
        let _ = writeln!(
            body,
            r#"<text class="size" x="{:.1}" y="{:.1}">{}</text>"#,
            x + BOX.0 + 12.0,
            y + 18.5,
            shown(node.shape)
        );
        y += BOX.1 + GAP;
    }
    let height = y - GAP + MARGIN;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hnas-model\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{}\">\n<style>\n{STYLE}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n{body}</svg>\n",
        escape(title)
    ))
}

fn shown(shape: Shape) -> String {
    format!("{}×{}×{}", shape.height, shape.width, shape.channels)
}

/// A cell that is one identity from its source to its sink, so that it stands in the network as one node.
fn placeholder() -> Genotype {
    let level = Level { motifs: 1, nodes: 2, followed_by: None };
    let space = SearchSpace::new(vec![Primitive::Identity, Primitive::Conv1x1], vec![level], Merge::Concat);
    Genotype::identity_chain(&space.expect("two primitives on one edge are a search space"))
}
