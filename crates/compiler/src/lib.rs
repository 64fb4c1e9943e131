//! From genotype to verified network graph: assembly, passes, cost, canonical key, drawings.
//!
//! The crate knows no tensors, files or clocks: it says what is computed, not how.

mod assemble;
mod cost;
mod draw;
mod graph;
mod key;
mod op;
mod optimize;
mod parse;
mod passes;
mod print;
mod program;
mod shape;
mod skeleton;
mod verify;

pub use assemble::{AssembleError, MAX_GRAPH_NODES, assemble};
pub use cost::{Cost, NodeCost, cost};
pub use draw::{genotype_dot, genotype_svg, model_svg};
pub use graph::{Graph, GraphBuilder, GraphError, Node, NodeId};
pub use key::{NetworkKey, NetworkKeyError};
pub use op::{MAX_CHANNELS, MAX_ELEMENTS, Op};
pub use optimize::optimize;
pub use parse::{ParseError, Problem};
pub use program::{
    CHANNEL_BLOCK, LowerError, Map, MapId, Normalization, PIECES, Product, Program, Step, Storage, Work,
};
pub use shape::{Shape, ShapeError};
pub use skeleton::{AfterLastCell, Group, SeparableInner, Skeleton, SkeletonError, Stem};
pub use verify::{VerifyError, verify, verify_optimized};
