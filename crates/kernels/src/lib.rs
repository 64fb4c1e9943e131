//! Fused operations of convolutional networks on a CPU: forward and backward, over plain slices.
//!
//! Feature maps are `[batch, height, width, channels]` in [`Block`]s of 16 channels, 32-bit floats. A map holds what a
//! convolution gave; its batch normalisation and ReLU are an [`Activation`], applied by whatever [reads](Reading) the
//! map, and undone by whatever reads its gradient ([`Slope`]). So no normalised copy is made, forward or backward.
//!
//! Every function works on whole images, of which a batch may be cut into [`chunks`]; what it adds up over pixels it adds
//! up in a fixed order. The caller owns all memory and the order of the calls.
//!
//! Loops use the widest registers of the processor. The environment variable `HNAS_SIMD` holds them to less: `avx2` where
//! there is AVX-512 (run on an emulated processor only, by `avx512.sh`), or `portable`, which rounds differently since it
//! does without fused multiply-add on x86. It is read once.
//!
//! This crate knows no networks and no tensor library.

#![allow(clippy::needless_range_loop, reason = "`part` counts parts of a block, in registers and in memory alike")]

mod block;
pub mod chunks;
pub mod conv;
pub mod depthwise;
pub mod head;
mod memory;
mod norm;
pub mod pointwise;
pub mod pool;
mod reading;
pub mod scratch;
mod simd;
pub mod sum;
mod window;

pub use block::{BLOCK, Block, blocks, pack, values, values_mut};
pub use memory::{give_freed_memory_back, keep_freed_memory, zeroed};
pub use norm::{Gathering, GradientSums, Moments, NormGradient, Sums, add_gradients};
pub use reading::{Activation, Coefficients, Reading, Slope};
pub use simd::{UnknownProcessor, check_processor};
