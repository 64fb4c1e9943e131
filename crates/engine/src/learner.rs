//! A network in training, wherever its parameters are.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use hnas_data::View;

use crate::batches::{Batch, Cut, cut};
use crate::compute::{Compute, Computed};
use crate::device::EngineDevice;
use crate::failure::Failure;
#[cfg(feature = "gpu")]
use crate::gpu;
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::optimizer::Optimizer;
use crate::parameters::Parameters;
use crate::recipe::Recipe;
use crate::way::{HostWay, Way};

/// A network with everything that a training changes.
pub(crate) enum Learner {
    Host(Box<HostLearner>),
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::Learner>),
}

impl Learner {
    /// A network at rest. Fails, or unwinds as out of memory, when there is too little.
    pub(crate) fn new(way: Way, network: Network, recipe: &Recipe, device: &EngineDevice) -> Result<Learner, Failure> {
        Ok(match way {
            Way::Host(way) => Learner::Host(Box::new(HostLearner::new(way, network, recipe, device))),
            #[cfg(feature = "gpu")]
            Way::Gpu(machine, program) => Learner::Gpu(Box::new(gpu::Learner::new(machine, program, network, recipe)?)),
        })
    }
}

/// A learner with the images that it is trained on, where it wants them.
pub(crate) enum Training<'a> {
    Host {
        learner: Box<HostLearner>,
        data: &'a View,
        normalizer: &'a Normalizer,
        crop: usize,
    },
    #[cfg(feature = "gpu")]
    Gpu {
        learner: Box<gpu::Learner>,
        images: Box<gpu::Images>,
    },
}

impl<'a> Training<'a> {
    /// A network at rest. Fails, or unwinds as out of memory, when there is too little.
    pub(crate) fn new(
        way: Way,
        network: Network,
        recipe: &Recipe,
        device: &EngineDevice,
        (data, normalizer): (&'a View, &'a Normalizer),
    ) -> Result<Training<'a>, Failure> {
        Ok(match Learner::new(way, network, recipe, device)? {
            Learner::Host(learner) => Training::Host { learner, data, normalizer, crop: recipe.crop() },
            #[cfg(feature = "gpu")]
            Learner::Gpu(learner) => {
                let images = Box::new(gpu::Images::upload(learner.machine(), data, normalizer));
                Training::Gpu { learner, images }
            }
        })
    }

    /// One update of the weights and of the running statistics.
    pub(crate) fn step(&mut self, cuts: &[Cut], rate: f64) {
        match self {
            Training::Host { learner, data, normalizer, crop } => {
                learner.step(cut(data, normalizer, cuts, (*crop, *crop)), rate);
            }
            #[cfg(feature = "gpu")]
            Training::Gpu { learner, images } => learner.step(images, cuts, rate),
        }
    }

    /// How many steps may pass until their losses are read.
    ///
    /// On a GPU reading waits until the device has done all its work, and it is otherwise fed ahead. That costs the
    /// time in which the next kernel gets there, some ten microseconds, so a reading in sixteen steps costs nothing that
    /// can be measured, and a training that has failed, or is watched, is seen to.
    pub(crate) fn steps_between_readings(&self) -> usize {
        match self {
            Training::Host { learner, .. } => learner.steps_between_readings(),
            #[cfg(feature = "gpu")]
            Training::Gpu { .. } => gpu::LOSSES,
        }
    }

    /// Waits for the losses that were not read yet, in the order of their steps.
    pub(crate) fn losses(&mut self) -> Result<Vec<f32>, Failure> {
        match self {
            Training::Host { learner, .. } => Ok(learner.losses()),
            #[cfg(feature = "gpu")]
            Training::Gpu { learner, .. } => learner.losses(),
        }
    }

    /// The network as it is now.
    pub(crate) fn into_network(self) -> Result<Network, Failure> {
        match self {
            Training::Host { learner, .. } => Ok(learner.network),
            #[cfg(feature = "gpu")]
            Training::Gpu { learner, .. } => learner.network(),
        }
    }
}

/// A network whose parameters are tensors.
pub(crate) struct HostLearner {
    pub(crate) network: Network,
    compute: Compute,
    optimizer: Optimizer,
    device: Device,
    statistics_momentum: f64,
    /// Losses that were not read yet; on a GPU they may not be computed yet.
    unread: Vec<Tensor<1>>,
    steps_between_readings: usize,
}

impl HostLearner {
    fn new(way: HostWay, network: Network, recipe: &Recipe, device: &EngineDevice) -> HostLearner {
        HostLearner {
            compute: Compute::for_training(way, recipe.batch(), &network),
            optimizer: Optimizer::new(recipe, &network.parameters),
            device: device.autodiff(),
            statistics_momentum: recipe.batch_norm_momentum(),
            unread: Vec::new(),
            steps_between_readings: if device.is_cpu() { 1 } else { 16 },
            network,
        }
    }

    /// One update by a batch.
    pub(crate) fn step(&mut self, batch: Batch, rate: f64) {
        let Computed { loss, gradients, statistics } = self.compute.gradients(&self.network, batch, &self.device);
        // Moved out and back, so that the optimiser owns the only copy and may write in place.
        let parameters = std::mem::replace(&mut self.network.parameters, Parameters::none());
        self.network.parameters = self.optimizer.step(rate, parameters, gradients);
        self.network.parameters.update_statistics(statistics, self.statistics_momentum);
        self.unread.push(loss);
    }

    /// Loss and gradients of a batch.
    pub(crate) fn gradients(&mut self, batch: Batch) -> (f32, GradientsParams) {
        let Computed { loss, gradients, statistics: _ } = self.compute.gradients(&self.network, batch, &self.device);
        (loss.into_scalar(), gradients)
    }

    /// The logits `[batch, classes]` of a batch by the running statistics.
    pub(crate) fn logits(&mut self, batch: Batch) -> Vec<f32> {
        let logits = self.compute.logits(&self.network, batch, &self.device);
        logits.into_data().iter::<f32>().collect()
    }

    /// Waits for the losses that were not read yet.
    pub(crate) fn losses(&mut self) -> Vec<f32> {
        if self.unread.is_empty() {
            return Vec::new();
        }
        Tensor::cat(std::mem::take(&mut self.unread), 0).into_data().iter::<f32>().collect()
    }

    fn steps_between_readings(&self) -> usize {
        self.steps_between_readings
    }
}
