//! The loops of the fused operations: plain slices in, plain slices out.
//!
//! They know no tensor library. Feature maps are `[batch, channels, height, width]` without gaps. Work is cut into
//! chunks of whole images by the batch alone and sums over the batch are taken chunk by chunk in order, so that results
//! are the same bits for any number of threads.

pub(crate) mod batch_norm;
pub(crate) mod chunks;
pub(crate) mod columns;
pub(crate) mod depthwise;
pub(crate) mod padded;
pub(crate) mod pointwise;
pub(crate) mod pool;
pub(crate) mod rows;
pub(crate) mod vectorised;
