//! Which way a network is computed: by its program on the CPU, by the tensor library elsewhere.
//!
//! `HNAS_KERNELS=plain` in the environment chooses the tensor library everywhere.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
#[cfg(feature = "cpu")]
use hnas_compiler::Program;
use hnas_compiler::{Graph, Shape};

use crate::batches::Batch;
use crate::device::DeviceKind;
#[cfg(feature = "cpu")]
use crate::environment;
use crate::error::EngineError;
#[cfg(feature = "cpu")]
use crate::executor::{Executor, Layers};
#[cfg(feature = "cpu")]
use crate::memory;
use crate::network::Network;
use crate::parameters::BatchStatistics;
use crate::plain;

/// How a network is computed.
#[derive(Debug)]
pub(crate) enum Compute {
    /// By its program.
    #[cfg(feature = "cpu")]
    Program(Box<Executor>),
    /// Node by node.
    Tensors,
}

/// What one batch gives.
pub(crate) struct Computed {
    /// The mean cross-entropy, one number; on a GPU it may not be computed yet.
    pub(crate) loss: Tensor<1>,
    pub(crate) gradients: GradientsParams,
    pub(crate) statistics: Vec<BatchStatistics>,
}

/// Which way a network is to be computed.
#[derive(Debug)]
pub(crate) enum Way {
    /// By this program.
    #[cfg(feature = "cpu")]
    Program(Program),
    /// Node by node.
    Tensors,
}

impl Way {
    /// For images of `shape` on such a device.
    pub(crate) fn of(graph: &Graph, shape: Shape, kind: DeviceKind) -> Result<Way, EngineError> {
        #[cfg(feature = "cpu")]
        if has_program(kind) {
            return Ok(Way::Program(Program::lower(graph, shape)?));
        }
        let _ = (graph, shape, kind);
        Ok(Way::Tensors)
    }
}

impl Compute {
    /// For trainings with batches of up to `batch` images. Unwinds as out of memory if there is too little.
    pub(crate) fn for_training(way: Way, batch: usize, network: &Network) -> Compute {
        match way {
            #[cfg(feature = "cpu")]
            Way::Program(program) => {
                memory::expect(program.training_bytes(batch));
                Compute::Program(Box::new(Executor::for_training(program, batch, network.epsilon())))
            }
            Way::Tensors => {
                let _ = (batch, network);
                Compute::Tensors
            }
        }
    }

    /// For evaluations of up to `batch` images at once. Unwinds as out of memory if there is too little.
    pub(crate) fn for_evaluation(way: Way, batch: usize, network: &Network) -> Compute {
        match way {
            #[cfg(feature = "cpu")]
            Way::Program(program) => {
                memory::expect(4 * (program.evaluation_storage().values_per_image() * batch) as u64);
                Compute::Program(Box::new(Executor::for_evaluation(program, batch, network.epsilon())))
            }
            Way::Tensors => {
                let _ = (batch, network);
                Compute::Tensors
            }
        }
    }

    /// Loss, gradients and statistics of a batch, on `device`, the network's own.
    pub(crate) fn gradients(&mut self, network: &Network, batch: Batch, device: &Device) -> Computed {
        let Batch { images, labels, shape } = batch;
        match self {
            #[cfg(feature = "cpu")]
            Compute::Program(executor) => {
                let layers = Layers::of(&network.parameters);
                let plain = device.clone().without_autodiff();
                let (loss, gradients) = executor.gradients(&images, &labels, &layers);
                let (gradients, statistics) = gradients.into_tensors(&network.parameters, &plain);
                Computed { loss: Tensor::from_data(TensorData::new(vec![loss], [1]), &plain), gradients, statistics }
            }
            Compute::Tensors => {
                let labels: Vec<i64> = labels.into_iter().map(i64::from).collect();
                let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [shape[0]]), device);
                let images = Tensor::<4>::from_data(TensorData::new(images, shape), device);
                let (logits, statistics) = network.forward_train(images);
                let loss = plain::cross_entropy(logits, labels);
                let gradients = GradientsParams::from_grads(loss.backward(), &network.parameters);
                Computed { loss: loss.without_autodiff(), gradients, statistics }
            }
        }
    }

    /// The logits `[batch, classes]` of a batch by the running statistics, on `device`, the network's own.
    pub(crate) fn logits(&mut self, network: &Network, batch: Batch, device: &Device) -> Tensor<2> {
        let Batch { images, labels: _, shape } = batch;
        match self {
            #[cfg(feature = "cpu")]
            Compute::Program(executor) => {
                let logits = executor.logits(&images, shape[0], &Layers::of(&network.parameters));
                let classes = logits.len() / shape[0];
                Tensor::from_data(TensorData::new(logits, [shape[0], classes]), device)
            }
            Compute::Tensors => network.forward_eval(Tensor::from_data(TensorData::new(images, shape), device)),
        }
    }
}

/// Whether networks are computed by their programs on such a device.
#[cfg(feature = "cpu")]
fn has_program(kind: DeviceKind) -> bool {
    kind == DeviceKind::Cpu && !environment::asks_for_plain()
}
