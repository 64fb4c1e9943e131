//! Drawings: a genotype level by level as SVG and as DOT, the model around a cell as SVG.

mod arcs;
mod dot;
mod ink;
mod model;
mod panel;
mod svg;
mod words;

pub use dot::genotype_dot;
pub use model::model_svg;
pub use svg::genotype_svg;
