//! Every operation, forward and backward, equals its definition in 64-bit floats, on every kind of processor.
//!
//! What an operation writes lies in a buffer of values that are not numbers before, and each comparison checks that the
//! channels which fill up a pixel's last block are zero.

mod block;
mod chunks;
mod conv;
mod depthwise;
mod head;
mod naive;
mod norm;
mod pointwise;
mod pool;
mod processors;
mod sum;
