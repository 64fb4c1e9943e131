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
use crate::error::EngineError;
#[cfg(feature = "cpu")]
use crate::executor::{Executor, Layers};
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

impl Compute {
    /// For trainings with batches of up to `batch` images of `shape`.
    pub(crate) fn for_training(
        graph: &Graph,
        shape: Shape,
        batch: usize,
        network: &Network,
        kind: DeviceKind,
    ) -> Result<Compute, EngineError> {
        #[cfg(feature = "cpu")]
        if has_program(kind) {
            let executor = Executor::for_training(Program::lower(graph, shape)?, batch, network.epsilon());
            return Ok(Compute::Program(Box::new(executor)));
        }
        let _ = (graph, shape, batch, network, kind);
        Ok(Compute::Tensors)
    }

    /// For evaluations of up to `batch` images of `shape` at once.
    pub(crate) fn for_evaluation(
        graph: &Graph,
        shape: Shape,
        batch: usize,
        network: &Network,
        kind: DeviceKind,
    ) -> Result<Compute, EngineError> {
        #[cfg(feature = "cpu")]
        if has_program(kind) {
            let executor = Executor::for_evaluation(Program::lower(graph, shape)?, batch, network.epsilon());
            return Ok(Compute::Program(Box::new(executor)));
        }
        let _ = (graph, shape, batch, network, kind);
        Ok(Compute::Tensors)
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
    static PLAIN: std::sync::LazyLock<bool> =
        std::sync::LazyLock::new(|| std::env::var_os("HNAS_KERNELS").is_some_and(|way| way == "plain"));
    kind == DeviceKind::Cpu && !*PLAIN
}
