//! Which way a network is computed: by its program on the CPU and on GPUs, or by the tensor library.
//!
//! `HNAS_KERNELS=plain` in the environment chooses the tensor library.

use hnas_compiler::{Graph, Program, Shape};
#[cfg(feature = "gpu")]
use hnas_gpu::Machine;

use crate::device::{EngineDevice, Kind};
use crate::environment;
use crate::error::EngineError;

/// Which way a network is to be computed.
#[derive(Debug)]
pub(crate) enum Way {
    /// By this program on a GPU, where everything stays.
    #[cfg(feature = "gpu")]
    Gpu(Machine, Program),
    /// With the tensor library's parameters and optimiser.
    Host(HostWay),
}

/// How loss and gradients come about where the parameters are tensors.
#[derive(Debug)]
pub(crate) enum HostWay {
    /// By this program.
    #[cfg(feature = "cpu")]
    Program(Program),
    /// Node by node.
    Tensors,
}

impl Way {
    /// For images of `shape` on such a device.
    pub(crate) fn of(graph: &Graph, shape: Shape, device: &EngineDevice) -> Result<Way, EngineError> {
        if environment::asks_for_plain() {
            return Ok(Way::Host(HostWay::Tensors));
        }
        let program = Program::lower(graph, shape)?;
        Ok(match device.kind() {
            #[cfg(feature = "cpu")]
            Kind::Cpu => Way::Host(HostWay::Program(program)),
            #[cfg(feature = "gpu")]
            Kind::Gpu(machine) => Way::Gpu(machine.clone(), program),
        })
    }
}
