//! A network that is evaluated on images, wherever its parameters are.

use burn::tensor::{Device, Tensor};
use hnas_data::View;

use crate::batches::{Cut, cut};
use crate::compute::Compute;
use crate::device::EngineDevice;
use crate::failure::Failure;
#[cfg(feature = "gpu")]
use crate::gpu;
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::way::Way;

/// A network with the images that it is evaluated on, and the logits that were not read yet.
pub(crate) enum Evaluator<'a> {
    Host(HostEvaluator<'a>),
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::Evaluator>),
}

/// A network whose parameters are tensors.
pub(crate) struct HostEvaluator<'a> {
    network: &'a Network,
    compute: Compute,
    data: &'a View,
    normalizer: &'a Normalizer,
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
        (data, normalizer): (&'a View, &'a Normalizer),
        device: &'a EngineDevice,
    ) -> Result<Evaluator<'a>, Failure> {
        Ok(match way {
            Way::Host(way) => {
                let compute = Compute::for_evaluation(way, batch, network);
                let (device, unread) = (device.plain(), Vec::new());
                Evaluator::Host(HostEvaluator { network, compute, data, normalizer, device, unread })
            }
            #[cfg(feature = "gpu")]
            Way::Gpu(machine, program) => {
                let images = (data, normalizer);
                Evaluator::Gpu(Box::new(gpu::Evaluator::new(machine, program, batch, network, images)?))
            }
        })
    }

    /// Computes the logits of the whole images `from..to`; on a GPU nothing is waited for.
    pub(crate) fn compute(&mut self, from: usize, to: usize) {
        match self {
            Evaluator::Host(host) => {
                let (_, height, width) = host.data.shape();
                let whole: Vec<Cut> = (from..to).map(Cut::whole).collect();
                let batch = cut(host.data, host.normalizer, &whole, (height, width));
                host.unread.push(host.compute.logits(host.network, batch, host.device));
            }
            #[cfg(feature = "gpu")]
            Evaluator::Gpu(evaluator) => evaluator.compute(from, to),
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
