//! Fused operations of convolutional networks on a GPU: forward and backward, over buffers on the device.
//!
//! They are the operations of `hnas-kernels`, and mean the same. Feature maps are `[batch, height, width, channels]` with
//! channels padded to a multiple of [`BLOCK`] with zeros. A [`Map`] lies in memory as 32-bit floats or as the upper halves
//! of such ([`Precision`]); everything else is 32-bit floats, and so is what is computed. It holds what a convolution gave;
//! its batch normalisation and ReLU are an [`Activation`], applied by whatever [reads](Reading) the map, and undone by
//! whatever reads its gradient ([`Slope`]).
//!
//! A value is rounded to its map's precision when an operation writes it. An operation that adds to a map rounds the sum
//! again; so does one of more inputs than a launch of its kernel reads.
//!
//! Every operation is put into the device's queue and returns at once: none waits for the device, and none reads
//! anything back. Operations run in the order of their calls. What changes from step to step (learning rate, crops,
//! labels) is read from buffers, so the calls of a step are the same for every step. Sums over pixels and images are
//! taken in two stages, in an order that follows from the shapes alone, so that results do not depend on how the device
//! schedules its work.
//!
//! The kernels are written in CubeCL, which compiles them at first use for the device it finds: CUDA with the feature
//! `cuda`, Vulkan and what else wgpu speaks with the feature `vulkan`. Without either feature this crate is empty, and a
//! build of the workspace does not touch CubeCL.
//!
//! This crate knows no networks and no tensor library.
#![cfg(any(feature = "cuda", feature = "vulkan"))]

mod buffer;
mod machine;
mod map;
mod reading;
mod stored;
mod sums;

pub mod augmentation;
pub mod conv;
pub mod copy;
pub mod depthwise;
pub mod head;
pub mod norm;
pub mod norm_gradient;
pub mod pool;
pub mod sgd;
pub mod sum;

pub use buffer::{Buffer, PART};
pub use cubecl::device::DeviceUnavailable;
pub use cubecl::prelude::CubeElement;
pub use cubecl::server::ServerError;
#[cfg(feature = "vulkan")]
pub use machine::vulkan_devices;
pub use machine::{Machine, TooLarge};
pub use map::{Map, Precision};
pub use reading::{Activation, Coefficients, Reading, Slope, Target};

/// Channels of a map in memory are padded to a multiple of this with zeros.
pub const BLOCK: usize = 16;

/// Channels in memory of a map of so many channels.
pub fn pitch(channels: usize) -> usize {
    channels.next_multiple_of(BLOCK)
}
