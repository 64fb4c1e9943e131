//! From genotype to verified network graph: assembly, passes, cost, canonical key, drawings.
//!
//! The crate knows no tensors, files or clocks: it says what is computed, not how.

mod draw;
mod graph;
mod op;
mod shape;
mod skeleton;

pub use draw::{genotype_dot, genotype_svg};
pub use graph::{Graph, GraphBuilder, GraphError, Node, NodeId};
pub use op::{MAX_CHANNELS, MAX_ELEMENTS, Op};
pub use shape::{Shape, ShapeError};
pub use skeleton::{AfterLastCell, Group, SeparableInner, Skeleton, SkeletonError, Stem};
