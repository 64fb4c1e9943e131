//! Drawings: a genotype level by level as SVG and as DOT, a network graph as DOT.

mod arcs;
mod dot;
mod ink;
mod panel;
mod svg;
mod words;

pub use dot::genotype_dot;
pub use svg::genotype_svg;
