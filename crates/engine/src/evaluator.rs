//! A network that is evaluated on images, wherever its parameters are.

use burn::tensor::{Device, Tensor};
use hnas_data::{Batch as Photographs, View};

use crate::batches::{Batch, Cut, cut, whole};
use crate::compute::Compute;
use crate::device::EngineDevice;
use crate::failure::Failure;
#[cfg(feature = "gpu")]
use crate::gpu;
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::way::Way;

/// A network, and the logits that were not read yet.
pub(crate) enum Evaluator<'a> {
    Host(HostEvaluator<'a>),
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::Evaluator>),
}

/// A network whose parameters are tensors.
pub(crate) struct HostEvaluator<'a> {
    network: &'a Network,
    compute: Compute,
    device: &'a Device,
    unread: Vec<Tensor<2>>,
}

impl<'a> Evaluator<'a> {
    /// For up to `batch` images at once. The network has no autodiff. Fails, or unwinds as out of memory, when there is
    /// too little.
    pub(crate) fn new(
        way: Way,
        batch: usize,
        network: &'a Network,
        device: &'a EngineDevice,
    ) -> Result<Evaluator<'a>, Failure> {
        Ok(match way {
            Way::Host(way) => {
                let compute = Compute::for_evaluation(way, batch, network);
                let (device, unread) = (device.plain(), Vec::new());
                Evaluator::Host(HostEvaluator { network, compute, device, unread })
            }
            #[cfg(feature = "gpu")]
            Way::Gpu(machine, program) => {
                Evaluator::Gpu(Box::new(gpu::Evaluator::new(machine, program, batch, network)?))
            }
        })
    }

    /// Computes the logits of the whole images `from..to` of `data`, the same at each call; on a GPU nothing is waited for.
    pub(crate) fn compute(&mut self, data: &View, normalizer: &Normalizer, from: usize, to: usize) {
        match self {
            Evaluator::Host(host) => {
                let (_, height, width) = data.shape();
                let all: Vec<Cut> = (from..to).map(Cut::whole).collect();
                host.logits(cut(data, normalizer, &all, (height, width)));
            }
            #[cfg(feature = "gpu")]
            Evaluator::Gpu(evaluator) => evaluator.compute(data, normalizer, from, to),
        }
    }

    /// Computes the logits of photographs of `shape`; on a GPU nothing is waited for.
    pub(crate) fn compute_batch(&mut self, batch: &Photographs, shape: (usize, usize, usize), normalizer: &Normalizer) {
        match self {
            Evaluator::Host(host) => host.logits(whole(batch, normalizer, shape)),
            #[cfg(feature = "gpu")]
            Evaluator::Gpu(evaluator) => evaluator.compute_batch(batch, shape, normalizer),
        }
    }

    /// Waits for the logits of all images that were not read yet, `[images, classes]`.
    pub(crate) fn read(&mut self) -> Result<Vec<f32>, Failure> {
        match self {
            Evaluator::Host(HostEvaluator { unread, .. }) if unread.is_empty() => Ok(Vec::new()),
            Evaluator::Host(HostEvaluator { unread, .. }) => {
                Ok(Tensor::cat(std::mem::take(unread), 0).into_data().iter::<f32>().collect())
            }
            #[cfg(feature = "gpu")]
            Evaluator::Gpu(evaluator) => evaluator.read(),
        }
    }
}

impl HostEvaluator<'_> {
    fn logits(&mut self, batch: Batch) {
        self.unread.push(self.compute.logits(self.network, batch, self.device));
    }
}
