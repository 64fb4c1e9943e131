//! A stand-in for CubeCL's CUDA runtime where there is no CUDA.
//!
//! Its one device runs kernels on Vulkan. Before it runs one for the first time it has CubeCL translate it to CUDA C++,
//! as the real runtime does with its feature `cpp`, and leaves the source in the folder that `KERNELS` in the environment
//! names: `NAME.sm_80.cu` and so on. Where CubeCL cannot, and where a launch breaks what CubeCL promises to the compilers,
//! it leaves `NAME.error` with the reason, and the kernel does not run.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use cubecl_common::bytes::Bytes;
use cubecl_common::device::{Device, DeviceId, DeviceService};
use cubecl_common::profile::ProfileDuration;
use cubecl_core::device::ServerUtilitiesHandle;
use cubecl_core::ir::TargetProperties;
use cubecl_core::zspace::{Shape, Strides};
use cubecl_cpp::ComputeKernel;
use cubecl_cpp::shared::{CompilationOptions, CppCompiler, CppSupportedFeatures};
use cubecl_cpp::target::Cuda;
use cubecl_environment::future::DynFut;
use cubecl_environment::stream::StreamId;
use cubecl_server::compiler::{CompilationError, Compiler};
use cubecl_server::dry_run::LaunchMode;
use cubecl_server::id::KernelId;
use cubecl_server::kernel::{BufferIOAttr, CubeKernel, define_kernel};
use cubecl_server::logging::ServerLogger;
use cubecl_server::memory_management::{ManagedMemoryHandle, MemoryAllocationMode, StreamMemoryReport};
use cubecl_server::runtime::Runtime;
use cubecl_server::server::{
    BufferBinding, CopyDescriptor, CubeCount, KernelArguments, ProfileError, ProfilingToken, Server,
    ServerCommunication, ServerError, ServerStorage, ServerUtilities,
};
use cubecl_server::storage::ManagedResource;
use cubecl_wgpu::{
    AutoCompiler, WgpuBackend, WgpuDevice, WgpuDeviceKind, WgpuResource, WgpuRuntime, WgpuServer, WgpuStorage,
};

pub use cubecl_server::device::CudaDevice;

/// Architectures that kernels are translated for.
const ARCHITECTURES: [u32; 2] = [80, 90];

/// In the place of the one of the same name.
#[derive(Clone, Debug)]
pub struct CudaRuntime;

/// A Vulkan device that keeps the CUDA C++ of what it runs.
#[derive(Debug)]
pub struct CudaServer {
    vulkan: WgpuServer<AutoCompiler>,
    folder: PathBuf,
    /// What kernels do with each of their buffers; `None` for one that could not be translated.
    translated: HashMap<KernelId, Option<Vec<BufferIOAttr>>>,
}

fn vulkan() -> DeviceId {
    WgpuDevice::new(WgpuDeviceKind::DefaultDevice).on(WgpuBackend::Vulkan).to_id()
}

/// What the real runtime finds on a device of an architecture, as far as it has a part in the translation.
fn options(architecture: u32) -> CompilationOptions {
    CompilationOptions {
        warp_size: 32,
        supports_features: CppSupportedFeatures {
            grid_constants: architecture >= 70,
            clusters: architecture >= 90,
            fast_math: true,
            fast_tanh: architecture >= 75,
            elect_sync: architecture >= 90,
            dp4a: architecture >= 61,
        },
        amd_wmma: None,
    }
}

fn translate(kernel: &dyn CubeKernel, architecture: u32) -> Result<ComputeKernel, CompilationError> {
    CppCompiler::<Cuda>::default().compile(define_kernel(kernel)?, &options(architecture))
}

/// Whether a buffer that a kernel writes is another of its buffers too, in whole or in part. CubeCL says to compilers for
/// CUDA that none is; on Vulkan it says nothing.
fn overlap(arguments: &KernelArguments, uses: &[BufferIOAttr]) -> bool {
    let buffers: Vec<_> = arguments.buffers().zip(uses).collect();
    let place = |buffer: &BufferBinding| {
        let start = buffer.offset_start.unwrap_or(0);
        start..start + buffer.size_in_used()
    };
    buffers.iter().enumerate().any(|(at, (one, first))| {
        buffers[at + 1..].iter().any(|(other, second)| {
            let (here, there) = (place(one), place(other));
            (first.is_writable() || second.is_writable())
                && one.memory.id() == other.memory.id()
                && here.start.max(there.start) < here.end.min(there.end)
        })
    })
}

impl CudaServer {
    fn keep(&self, kernel: &dyn CubeKernel, end: &str, text: &str) {
        let path = kernel.name().split('<').next().unwrap_or_default();
        let name = kernel.id().entrypoint_name(path.rsplit("::").next().unwrap_or_default());
        let file = self.folder.join(format!("{name}.{end}"));
        fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// Leaves the sources of a kernel in the folder; what it does with each of its buffers.
    fn translate(&self, kernel: &dyn CubeKernel) -> Option<Vec<BufferIOAttr>> {
        let mut uses = None;
        for architecture in ARCHITECTURES {
            match translate(kernel, architecture) {
                Ok(translated) => {
                    self.keep(kernel, &format!("sm_{architecture}.cu"), &translated.source);
                    uses = Some(translated.io);
                }
                Err(error) => {
                    self.keep(kernel, "error", &format!("{} for sm_{architecture}: {error}\n", kernel.name()));
                    return None;
                }
            }
        }
        uses
    }
}

impl Runtime for CudaRuntime {
    type Server = CudaServer;
    type Device = CudaDevice;

    fn can_read_tensor(shape: &Shape, strides: &Strides) -> bool {
        WgpuRuntime::<AutoCompiler>::can_read_tensor(shape, strides)
    }

    fn target_properties() -> TargetProperties {
        WgpuRuntime::<AutoCompiler>::target_properties()
    }

    fn enumerate_devices(_: u16) -> Vec<DeviceId> {
        let found = !WgpuRuntime::<AutoCompiler>::enumerate_devices_like(vulkan()).is_empty();
        found.then(|| CudaDevice::new(0).to_id()).into_iter().collect()
    }
}

impl DeviceService for CudaServer {
    fn init(_: DeviceId) -> CudaServer {
        let folder = PathBuf::from(env::var_os("KERNELS").expect("KERNELS names a folder for the sources"));
        CudaServer { vulkan: WgpuServer::init(vulkan()), folder, translated: HashMap::new() }
    }

    fn utilities(&self) -> ServerUtilitiesHandle {
        DeviceService::utilities(&self.vulkan)
    }
}

impl ServerCommunication for CudaServer {}

impl Server for CudaServer {
    unsafe fn launch(
        &mut self,
        kernel: Box<dyn CubeKernel>,
        count: CubeCount,
        arguments: KernelArguments,
        stream: StreamId,
        mode: LaunchMode,
    ) {
        if !self.translated.contains_key(&kernel.id()) {
            let uses = self.translate(&*kernel);
            self.translated.insert(kernel.id(), uses);
        }
        let Some(uses) = &self.translated[&kernel.id()] else { return };
        if overlap(&arguments, uses) {
            self.keep(
                &*kernel,
                "error",
                &format!("{}: a buffer that it writes is another of its too\n", kernel.name()),
            );
            return;
        }
        // SAFETY: what the caller of this promises.
        unsafe { self.vulkan.launch(kernel, count, arguments, stream, mode) }
    }

    fn initialize_memory(
        &mut self,
        memory: ManagedMemoryHandle,
        size: u64,
        stream: StreamId,
    ) -> Result<(), ServerError> {
        self.vulkan.initialize_memory(memory, size, stream)
    }

    fn staging(&mut self, sizes: &[usize], stream: StreamId) -> Result<Vec<Bytes>, ServerError> {
        self.vulkan.staging(sizes, stream)
    }

    fn logger(&self) -> Arc<ServerLogger> {
        self.vulkan.logger()
    }

    fn utilities(&self) -> Arc<ServerUtilities> {
        Server::utilities(&self.vulkan)
    }

    fn read(&mut self, from: Vec<CopyDescriptor>, stream: StreamId) -> DynFut<Result<Vec<Bytes>, ServerError>> {
        self.vulkan.read(from, stream)
    }

    fn write(&mut self, to: Vec<(CopyDescriptor, Bytes)>, stream: StreamId) {
        self.vulkan.write(to, stream)
    }

    fn sync(&mut self, buffers: Vec<BufferBinding>, stream: StreamId) -> DynFut<Result<(), ServerError>> {
        self.vulkan.sync(buffers, stream)
    }

    fn check(&mut self, buffers: Vec<BufferBinding>, stream: StreamId) -> Result<(), ServerError> {
        self.vulkan.check(buffers, stream)
    }

    fn flush(&mut self, stream: StreamId) -> Result<(), ServerError> {
        self.vulkan.flush(stream)
    }

    fn memory_report(&mut self, stream: StreamId) -> Option<StreamMemoryReport> {
        self.vulkan.memory_report(stream)
    }

    fn stream_ids(&self) -> Vec<StreamId> {
        self.vulkan.stream_ids()
    }

    fn memory_cleanup(&mut self, stream: StreamId) -> Result<(), ServerError> {
        self.vulkan.memory_cleanup(stream)
    }

    fn start_profile(&mut self, stream: StreamId) -> Result<ProfilingToken, ServerError> {
        self.vulkan.start_profile(stream)
    }

    fn end_profile(&mut self, stream: StreamId, token: ProfilingToken) -> Result<ProfileDuration, ProfileError> {
        self.vulkan.end_profile(stream, token)
    }

    fn allocation_mode(&mut self, mode: MemoryAllocationMode, stream: StreamId) {
        self.vulkan.allocation_mode(mode, stream)
    }
}

impl ServerStorage for CudaServer {
    type Storage = WgpuStorage;

    fn get_resource(
        &mut self,
        buffer: BufferBinding,
        stream: StreamId,
    ) -> Result<ManagedResource<WgpuResource>, ServerError> {
        self.vulkan.get_resource(buffer, stream)
    }
}
