//! Data sets: manifests, fetching, checking, decoding, splits.
//!
//! This crate knows no tensors: it hands out bytes (`[channels, height, width]` an image) and labels. Which images
//! a search may see is held by types, see [`TrainingImages`] and [`TestImages`].

mod images;
mod split;
mod statistics;
mod stratify;

pub use images::{Images, ImagesError, View};
pub use split::{Split, SplitError, Test, TestImages, Train, TrainingImages, Valid};
