//! A device with its queue: memory goes to it and comes from it here, and here kernels are spread over its units.

use std::fmt;

use cubecl::Device;
use cubecl::device::DeviceUnavailable;
use cubecl::prelude::{Client, CubeCount, CubeDim, CubeElement};
use cubecl::server::ServerError;

use crate::buffer::Buffer;

/// Units that work together on a device, if a kernel does not need another number.
pub(crate) const UNITS: usize = 256;

/// Kernels for work that is one unit an element run with this.
pub(crate) const GROUP: CubeDim = CubeDim::new_1d(UNITS as u32);

/// A device and the queue of what it is to do.
#[derive(Clone)]
pub struct Machine {
    client: Client,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({})", self.client.name())
    }
}

impl Machine {
    /// On a device of CubeCL, which a program may share with other users of CubeCL.
    ///
    /// Panics when the device belongs to a runtime that is not built in.
    pub fn new(device: &Device) -> Machine {
        Machine { client: device.client() }
    }

    /// On the CUDA device of that number.
    #[cfg(feature = "cuda")]
    pub fn cuda(index: usize) -> Result<Machine, DeviceUnavailable> {
        Ok(Machine::new(&Device::cuda(index)?))
    }

    /// On the best Vulkan device there is; a software device counts.
    #[cfg(feature = "vulkan")]
    pub fn vulkan() -> Result<Machine, DeviceUnavailable> {
        Ok(Machine::new(&Device::vulkan(cubecl::device::WgpuDeviceKind::default())?))
    }

    /// Puts values into new memory.
    pub fn upload<T: CubeElement>(&self, values: &[T]) -> Buffer<T> {
        Buffer::new(self.client.create_from_slice(T::as_bytes(values)), values.len())
    }

    /// New memory that holds anything until it is written.
    pub fn room<T: CubeElement>(&self, len: usize) -> Buffer<T> {
        Buffer::new(self.client.empty(len * size_of::<T>()), len)
    }

    /// Puts values into a buffer, after everything that was asked for before.
    ///
    /// Panics when there are more or fewer values than the buffer holds.
    pub fn write<T: CubeElement>(&self, buffer: &Buffer<T>, values: &[T]) {
        assert!(values.len() == buffer.len(), "{} values for a buffer of {}", values.len(), buffer.len());
        self.client.write(buffer.handle(), cubecl::bytes::Bytes::from_bytes_vec(T::as_bytes(values).to_vec()));
    }

    /// Waits until everything that was asked for is done, and gives the values of a buffer.
    ///
    /// Fails when something went wrong on the device that this buffer depends on.
    pub fn download<T: CubeElement>(&self, buffer: &Buffer<T>) -> Result<Vec<T>, ServerError> {
        Ok(T::from_bytes(&self.client.read_one(buffer.handle().clone())?).to_vec())
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Groups of [`GROUP`] for so many units.
    pub(crate) fn groups(&self, units: usize) -> CubeCount {
        cubecl::calculate_cube_count_elemwise(&self.client, units, GROUP)
    }
}
