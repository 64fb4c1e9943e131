//! Differentiable tensor operations of the searched networks, for each backend.
//!
//! Every function takes and gives burn tensors in the order `[batch, channels, height, width]`, 32-bit floats, and may
//! be differentiated with respect to each of its float arguments. The backend is the one the tensors live on.
//!
//! On the CPU the operations are this crate's own (a training step takes a quarter of the time); elsewhere, and
//! everywhere with `HNAS_KERNELS=plain` in the environment, they are burn's. [`plain`] is that second formulation, open
//! to tests and benchmarks.
//!
//! This crate knows no networks: `hnas-engine` decides which operation runs when.

mod memory;
#[cfg(feature = "cpu")]
mod operations;
#[cfg(feature = "cpu")]
mod path;
pub mod plain;

#[cfg(feature = "cpu")]
mod fused;
#[cfg(feature = "cpu")]
mod loops;

pub use memory::keep_freed_memory;
#[cfg(feature = "cpu")]
pub use operations::{avg_pool, batch_norm_eval, batch_norm_train, conv, conv_joined, depthwise, max_pool};
#[cfg(not(feature = "cpu"))]
pub use plain::{avg_pool, batch_norm_eval, batch_norm_train, conv, conv_joined, depthwise, max_pool};
pub use plain::{concat, cross_entropy, global_avg_pool, linear, sum};
