//! Hierarchical genotypes (Liu et al., ICLR 2018, section 2): search spaces, motifs, mutation and sampling.
//!
//! A genotype is motifs made of motifs made of primitive operations. This crate knows no tensors, files or clocks.

mod genotype;
mod liveness;
mod motif;
mod mutation;
mod primitive;
mod sampling;
mod space;
mod text;

pub use genotype::{Genotype, GenotypeError};
pub use motif::{Edge, Motif, MotifError};
pub use mutation::{Mutation, MutationRule};
pub use primitive::Primitive;
pub use sampling::Sampled;
pub use space::{Level, Merge, SearchSpace, SpaceError};
