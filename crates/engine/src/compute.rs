//! Loss, gradients and logits of a network whose parameters are tensors.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::batches::Batch;
#[cfg(feature = "cpu")]
use crate::cpu::{Executor, Layers};
#[cfg(feature = "cpu")]
use crate::memory;
use crate::memory::Grant;
use crate::network::Network;
use crate::parameters::BatchStatistics;
use crate::plain;
use crate::way::HostWay;

/// How a network is computed.
#[derive(Debug)]
pub(crate) enum Compute {
    /// By its program, in memory that was granted.
    #[cfg(feature = "cpu")]
    Program(Box<Executor>, #[allow(dead_code, reason = "held")] Grant),
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
    /// For trainings with batches of up to `batch` images, in memory that `ask` grants.
    pub(crate) fn for_training(way: HostWay, batch: usize, network: &Network, ask: fn(u64) -> Grant) -> Compute {
        match way {
            #[cfg(feature = "cpu")]
            HostWay::Program(program) => {
                let grant = ask(program.training_bytes(batch));
                Compute::Program(Box::new(Executor::for_training(program, batch, network.epsilon())), grant)
            }
            HostWay::Tensors => {
                let _ = (batch, network, ask);
                Compute::Tensors
            }
        }
    }

    /// For evaluations of up to `batch` images at once. Waits for memory that other computations of this process have, and
    /// unwinds as out of memory if there is too little.
    pub(crate) fn for_evaluation(way: HostWay, batch: usize, network: &Network) -> Compute {
        match way {
            #[cfg(feature = "cpu")]
            HostWay::Program(program) => {
                let values = program.evaluation_storage().values_per_image().saturating_mul(batch);
                let grant = memory::wait_for((values as u64).saturating_mul(4));
                Compute::Program(Box::new(Executor::for_evaluation(program, batch, network.epsilon())), grant)
            }
            HostWay::Tensors => {
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
            Compute::Program(executor, _) => {
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
            Compute::Program(executor, _) => {
                let logits = executor.logits(&images, shape[0], &Layers::of(&network.parameters));
                let classes = logits.len() / shape[0];
                Tensor::from_data(TensorData::new(logits, [shape[0], classes]), device)
            }
            Compute::Tensors => network.forward_eval(Tensor::from_data(TensorData::new(images, shape), device)),
        }
    }
}
