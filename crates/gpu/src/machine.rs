//! A device with its queue: memory goes to it and comes from it here, and here kernels are spread over its units.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cubecl::Device;
#[cfg(feature = "cuda")]
use cubecl::device::DeviceUnavailable;
#[cfg(feature = "vulkan")]
use cubecl::device::{WgpuBackend, WgpuDevice, WgpuDeviceKind};
use cubecl::prelude::{Client, CubeCount, CubeDim, CubeElement};
use cubecl::server::ServerError;

use crate::buffer::Buffer;

/// Units that work together on a device, if a kernel does not need another number.
pub(crate) const UNITS: usize = 256;

/// Kernels for work that is one unit an element run with this.
pub(crate) const GROUP: CubeDim = CubeDim::new_1d(UNITS as u32);

/// A device and the queue of what it is to do. A clone is the same device; each thread has a queue of its own there.
#[derive(Clone)]
pub struct Machine {
    client: Client,
    /// How often it was waited for.
    waits: Arc<AtomicUsize>,
    kind: Kind,
}

/// What is known of a device beside its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    #[cfg(feature = "cuda")]
    Cuda,
    #[cfg(feature = "vulkan")]
    Vulkan { software: bool },
}

/// More memory in one piece than a device ever gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// What was asked for.
    pub bytes: u64,
    /// What there can be.
    pub most: u64,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooLarge { bytes, most } = self;
        write!(f, "{bytes} bytes in one piece are more than the {most} that the device gives")
    }
}

impl std::error::Error for TooLarge {}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({})", self.client.name())
    }
}

impl Machine {
    fn new(device: &Device, kind: Kind) -> Machine {
        Machine { client: device.client(), waits: Arc::default(), kind }
    }

    /// On the CUDA device of that number.
    #[cfg(feature = "cuda")]
    pub fn cuda(index: usize) -> Result<Machine, DeviceUnavailable> {
        Ok(Machine::new(&Device::cuda(index)?, Kind::Cuda))
    }

    /// On the Vulkan device of that number, of [`vulkan_devices`].
    ///
    /// Panics when there are fewer.
    #[cfg(feature = "vulkan")]
    pub fn vulkan(index: usize) -> Machine {
        let found = enumerate_vulkan();
        let device = found.get(index).unwrap_or_else(|| panic!("Vulkan device {index} of {}", found.len()));
        let software = matches!(device, Device::Wgpu(WgpuDevice { kind: WgpuDeviceKind::Cpu, .. }));
        Machine::new(device, Kind::Vulkan { software })
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

    /// New memory that holds anything until it is written, taken from the device for itself and given back to it when no
    /// buffer on it is left: for what is large.
    ///
    /// Fails when the device never gives so much at once. Whether it has so much now is known when it is
    /// [waited](Machine::wait) for.
    pub fn room_of_its_own<T: CubeElement>(&self, len: usize) -> Result<Buffer<T>, TooLarge> {
        let bytes = len as u64 * size_of::<T>() as u64;
        if let Some(most) = self.most_at_once().filter(|&most| most < bytes) {
            return Err(TooLarge { bytes, most });
        }
        Ok(self.client.memory_dedicated_allocation(len, |len| self.room(len)))
    }

    /// Bytes that the device has in all, if its driver says.
    pub fn memory(&self) -> Option<u64> {
        self.client.properties().memory.max_memory()
    }

    /// Whether it is a device in software, on the processor of the host: its times mean nothing.
    pub fn is_software(&self) -> bool {
        match self.kind {
            #[cfg(feature = "cuda")]
            Kind::Cuda => false,
            #[cfg(feature = "vulkan")]
            Kind::Vulkan { software } => software,
        }
    }

    /// Bytes that it gives in one piece at most.
    fn most_at_once(&self) -> Option<u64> {
        match self.kind {
            #[cfg(feature = "cuda")]
            Kind::Cuda => self.memory(),
            // What a kernel may see of a buffer; the buffer itself may be larger, as large as every driver allows.
            #[cfg(feature = "vulkan")]
            Kind::Vulkan { .. } => Some(self.client.properties().memory.max_page_size.max(i32::MAX as u64)),
        }
    }

    /// Waits until everything that was asked for is done, and gives the values of a buffer.
    ///
    /// Fails when something went wrong on the device that this buffer depends on.
    pub fn download<T: CubeElement>(&self, buffer: &Buffer<T>) -> Result<Vec<T>, ServerError> {
        Ok(self.download_all(std::slice::from_ref(buffer))?.remove(0))
    }

    /// The same of several buffers, for one wait.
    pub fn download_all<T: CubeElement>(&self, buffers: &[Buffer<T>]) -> Result<Vec<Vec<T>>, ServerError> {
        self.waits.fetch_add(1, Ordering::Relaxed);
        let read = self.client.read(buffers.iter().map(|buffer| buffer.handle().clone()).collect())?;
        Ok(read.iter().map(|bytes| T::from_bytes(bytes).to_vec()).collect())
    }

    /// Waits until everything that was asked for is done.
    ///
    /// Fails when something went wrong on the device that this buffer depends on: when there was no memory for it.
    pub fn wait<T: CubeElement>(&self, buffer: &Buffer<T>) -> Result<(), ServerError> {
        self.waits.fetch_add(1, Ordering::Relaxed);
        cubecl::future::block_on(self.client.sync_buffers([buffer.handle()]))
    }

    /// How often this machine was waited for by now, over all its clones: every other call returns at once.
    pub fn waits(&self) -> usize {
        self.waits.load(Ordering::Relaxed)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Groups of [`GROUP`] for so many units.
    pub(crate) fn groups(&self, units: usize) -> CubeCount {
        cubecl::calculate_cube_count_elemwise(&self.client, units, GROUP)
    }
}

/// How many Vulkan devices there are. Those in hardware come first; a software device counts.
#[cfg(feature = "vulkan")]
pub fn vulkan_devices() -> usize {
    enumerate_vulkan().len()
}

#[cfg(feature = "vulkan")]
fn enumerate_vulkan() -> Vec<Device> {
    let kinds = [
        WgpuDeviceKind::DiscreteGpu(0),
        WgpuDeviceKind::IntegratedGpu(0),
        WgpuDeviceKind::VirtualGpu(0),
        WgpuDeviceKind::Other(0),
        WgpuDeviceKind::Cpu,
    ];
    let of_kind = |kind| Device::enumerate(Device::Wgpu(WgpuDevice::new(kind).on(WgpuBackend::Vulkan)).to_id());
    kinds.into_iter().flat_map(of_kind).map(Device::from_id).collect()
}
