//! How an operation looks in every drawing: its label, its colours on light and on dark ground, its stroke.
//!
//! Colours alone never carry the meaning: every edge has its label, and strokes differ too (convolutions solid, pools
//! dashed, identity dotted, motifs thick), so that a grey print can be read.

use hnas_genome::{Genotype, Primitive};

/// The look of one operation.
pub(super) struct Ink {
    /// CSS class, unique among all operations of a drawing.
    pub(super) class: String,
    /// Short label on an edge.
    pub(super) label: String,
    /// What the legend says.
    pub(super) meaning: String,
    /// Colour on white, with a contrast of at least 4.5.
    pub(super) light: &'static str,
    /// Colour on the dark ground, with a contrast of at least 4.5.
    pub(super) dark: &'static str,
    /// Width of the stroke in pixels.
    pub(super) stroke: f64,
    /// SVG dash pattern; empty for a solid line.
    pub(super) dashes: &'static str,
}

/// Colours of motifs by their number; they start again after the last.
const MOTIFS: [(&str, &str); 8] = [
    ("#9f1239", "#fb7b90"),
    ("#0e7490", "#3cc4d8"),
    ("#8a5a05", "#e5b93b"),
    ("#6d28d9", "#b8a2ff"),
    ("#15803d", "#5fd185"),
    ("#c2410c", "#ff9a62"),
    ("#1e40af", "#8fb0ff"),
    ("#86198f", "#ee97f6"),
];

/// The look of operation `op` on an edge of `level`: a primitive at level 2, a motif above.
pub(super) fn operation(genotype: &Genotype, level: usize, op: usize) -> Ink {
    match level {
        2 => primitive(genotype.space().primitives()[op]),
        _ => motif(level - 1, op),
    }
}

/// The look of motif `index` (from 0) of `level`.
pub(super) fn motif(level: usize, index: usize) -> Ink {
    let (light, dark) = MOTIFS[index % MOTIFS.len()];
    Ink {
        class: format!("m{level}-{}", index + 1),
        label: format!("motif {}", index + 1),
        meaning: format!("level-{level} motif {}", index + 1),
        light,
        dark,
        stroke: 2.4,
        dashes: "",
    }
}

/// The looks of all primitives of the search space, in its order.
pub(super) fn primitives(genotype: &Genotype) -> Vec<Ink> {
    genotype.space().primitives().iter().map(|&op| primitive(op)).collect()
}

fn primitive(primitive: Primitive) -> Ink {
    let (label, light, dark, dashes) = match primitive {
        Primitive::Conv1x1 => ("1×1", "#2563eb", "#79a8ff", ""),
        Primitive::Depthwise3x3 => ("dw", "#b45309", "#f5a54a", ""),
        Primitive::Separable3x3 => ("sep", "#047857", "#3fcf9b", ""),
        Primitive::MaxPool3x3 => ("max", "#be185d", "#ff85b5", "7 3"),
        Primitive::AvgPool3x3 => ("avg", "#7e22ce", "#c79bff", "7 3"),
        Primitive::Identity => ("id", "#5b6472", "#a3adba", "2 3"),
        Primitive::Conv3x3 => ("3×3", "#1e3a8a", "#a9bcff", ""),
    };
    Ink {
        class: format!("p-{}", primitive.name().to_lowercase()),
        label: label.to_owned(),
        meaning: meaning(primitive).to_owned(),
        light,
        dark,
        stroke: 1.7,
        dashes,
    }
}

/// The primitive in words.
pub(super) fn meaning(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Conv1x1 => "1×1 convolution",
        Primitive::Depthwise3x3 => "3×3 depthwise convolution",
        Primitive::Separable3x3 => "3×3 separable convolution",
        Primitive::MaxPool3x3 => "3×3 max pooling",
        Primitive::AvgPool3x3 => "3×3 average pooling",
        Primitive::Identity => "identity",
        Primitive::Conv3x3 => "3×3 convolution",
    }
}
