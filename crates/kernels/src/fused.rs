//! Operations of our own for burn's CPU backend, which has neither convolution gradients nor batch normalisation of its
//! own: the loops of [`crate::loops`], put on burn's autodiff tape.
//!
//! Each function takes its tensors by [`Argument`] and equals its namesake in [`crate::plain`].

mod convolution;
mod normalisation;
mod pool;
mod tape;

pub(crate) use convolution::{conv, conv_joined, depthwise};
pub(crate) use normalisation::{batch_norm_eval, batch_norm_train};
pub(crate) use pool::{avg_pool, max_pool};
pub(crate) use tape::is_here;
