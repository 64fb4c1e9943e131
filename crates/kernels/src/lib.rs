//! Differentiable tensor operations of the searched networks, for each backend.
//!
//! Every function takes and gives burn tensors in the order `[batch, channels, height, width]`, 32-bit floats, and may
//! be differentiated with respect to each of its float arguments. The backend is the one the tensors live on.
//!
//! This crate knows no networks: `hnas-engine` decides which operation runs when.

pub mod plain;

pub use plain::{
    avg_pool, batch_norm_eval, batch_norm_train, concat, conv, cross_entropy, depthwise, global_avg_pool, linear,
    max_pool, sum,
};
