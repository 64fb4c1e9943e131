//! Hierarchical genotypes (Liu et al., ICLR 2018, section 2): search spaces, motifs, mutation and sampling.
//!
//! A genotype is motifs made of motifs made of primitive operations. This crate knows no tensors, files or clocks.
//!
//! ```
//! use hnas_genome::{Genotype, MutationRule, SearchSpace};
//! use rand::{SeedableRng, rngs::ChaCha8Rng};
//!
//! // The paper's random genotype: a chain of identities, mutated 1000 times.
//! let space = SearchSpace::hierarchical();
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let parent = Genotype::random(&space, 1000, &mut rng).genotype;
//!
//! let child = parent.mutate(MutationRule::MustChange, &mut rng);
//! assert_ne!(child.genotype, parent);
//! if let Some(mutation) = &child.mutation {
//!     println!("{}", mutation.describe(&space)); // level 2, motif 3: 1->4 Identity becomes Separable3x3
//! }
//!
//! // Genotypes print as RON, and are read with every invariant checked.
//! println!("{}", child.genotype);
//! assert_eq!(Genotype::from_ron(&child.genotype.to_ron())?, child.genotype);
//! # Ok::<(), hnas_genome::GenotypeError>(())
//! ```
//!
//! Levels, motifs and nodes are numbered from where the paper numbers them in all text: level 1 is the primitives, the
//! first motif is 1, the source of a motif is node 1. In code, operations and motifs are indices and count from 0.

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
