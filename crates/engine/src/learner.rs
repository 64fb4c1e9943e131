//! A network in training, wherever its parameters are.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

#[cfg(feature = "gpu")]
use crate::batches::Cut;
use crate::batches::{Batch, cut, whole};
use crate::compute::{Compute, Computed};
use crate::device::EngineDevice;
use crate::error::EngineError;
use crate::failure::Failure;
#[cfg(feature = "gpu")]
use crate::gpu;
use crate::memory::{self, Grant};
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::optimizer::Optimizer;
use crate::parameters::Parameters;
use crate::recipe::Recipe;
use crate::source::{Source, Supply};
use crate::way::{HostWay, Way};

/// A network with everything that a training changes.
pub(crate) enum Learner {
    Host(Box<HostLearner>),
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::Learner>),
}

impl Learner {
    /// A network at rest, on a CPU in memory that `ask` grants. Fails, or unwinds as out of memory, when there is too little.
    pub(crate) fn new(
        way: Way,
        network: Network,
        recipe: &Recipe,
        device: &EngineDevice,
        ask: fn(u64) -> Grant,
    ) -> Result<Learner, Failure> {
        Ok(match way {
            Way::Host(way) => Learner::Host(Box::new(HostLearner::new(way, network, recipe, device, ask))),
            #[cfg(feature = "gpu")]
            Way::Gpu(machine, program) => Learner::Gpu(Box::new(gpu::Learner::new(machine, program, network, recipe)?)),
        })
    }
}

/// A learner with the images that it is trained on.
pub(crate) struct Training<'a> {
    learner: Learner,
    source: Source<'a>,
    normalizer: &'a Normalizer,
    crop: usize,
    /// Images in memory, on the device, from the first step on.
    #[cfg(feature = "gpu")]
    on_device: Option<gpu::Images>,
}

impl<'a> Training<'a> {
    /// A network at rest. Waits for memory that other computations of this process have; fails, or unwinds as out of memory,
    /// when there is too little.
    pub(crate) fn new(
        way: Way,
        network: Network,
        recipe: &Recipe,
        device: &EngineDevice,
        (source, normalizer): (Source<'a>, &'a Normalizer),
    ) -> Result<Training<'a>, Failure> {
        Ok(Training {
            learner: Learner::new(way, network, recipe, device, memory::wait_for)?,
            source,
            normalizer,
            crop: recipe.crop(),
            #[cfg(feature = "gpu")]
            on_device: None,
        })
    }

    /// One update of the weights and of the running statistics, by the next batch.
    pub(crate) fn step(&mut self, rate: f64) -> Result<(), EngineError> {
        let normalizer = self.normalizer;
        match &mut self.source {
            Source::Memory { data, draws } => match &mut self.learner {
                Learner::Host(learner) => {
                    learner.step(cut(data, normalizer, &draws.next(), (self.crop, self.crop)), rate);
                }
                #[cfg(feature = "gpu")]
                Learner::Gpu(learner) => {
                    let upload = || gpu::Images::upload(learner.machine(), data, normalizer);
                    let images = &*self.on_device.get_or_insert_with(upload);
                    learner.step(images, &draws.next(), rate);
                }
            },
            Source::Photographs(stream) => {
                let batch = stream.next()?.expect("a training has photographs without end");
                match &mut self.learner {
                    Learner::Host(learner) => learner.step(whole(&batch, normalizer, stream.shape), rate),
                    #[cfg(feature = "gpu")]
                    Learner::Gpu(learner) => {
                        let images = gpu::Images::of_batch(learner.machine(), &batch, stream.shape, normalizer);
                        let all: Vec<Cut> = (0..batch.labels.len()).map(Cut::whole).collect();
                        learner.step(&images, &all, rate);
                    }
                }
            }
        }
        Ok(())
    }

    /// How many steps may pass until their losses are read.
    ///
    /// On a GPU reading waits until the device has done all its work, and it is otherwise fed ahead. That costs the
    /// time in which the next kernel gets there, some ten microseconds, so a reading in sixteen steps costs nothing that
    /// can be measured, and a training that has failed, or is watched, is seen to. Photographs are a hundred times as large
    /// as small images, and so are the steps: of those one batch is sent ahead.
    pub(crate) fn steps_between_readings(&self) -> usize {
        let most = match &self.learner {
            Learner::Host(learner) => learner.steps_between_readings(),
            #[cfg(feature = "gpu")]
            Learner::Gpu(_) => gpu::LOSSES,
        };
        match &self.source {
            Source::Memory { .. } => most,
            Source::Photographs(_) => most.min(2),
        }
    }

    /// Waits for the losses that were not read yet, in the order of their steps.
    pub(crate) fn losses(&mut self) -> Result<Vec<f32>, Failure> {
        match &mut self.learner {
            Learner::Host(learner) => Ok(learner.losses()),
            #[cfg(feature = "gpu")]
            Learner::Gpu(learner) => learner.losses(),
        }
    }

    /// Waits for everything that the steps so far have changed: the network, and the velocities in the places of its
    /// parameters.
    pub(crate) fn state(&self) -> Result<(Network, Parameters), Failure> {
        Ok(match &self.learner {
            Learner::Host(learner) => (learner.network.clone(), learner.optimizer.velocities().clone()),
            #[cfg(feature = "gpu")]
            Learner::Gpu(learner) => (learner.network()?, learner.velocities()?),
        })
    }

    /// Goes on with these velocities.
    pub(crate) fn set_velocities(&mut self, velocities: Parameters) {
        match &mut self.learner {
            Learner::Host(learner) => learner.optimizer.set_velocities(velocities),
            #[cfg(feature = "gpu")]
            Learner::Gpu(learner) => learner.set_velocities(&velocities),
        }
    }

    /// How photographs came; `None` where images are in memory.
    pub(crate) fn supply(&self) -> Option<Supply> {
        match &self.source {
            Source::Memory { .. } => None,
            Source::Photographs(stream) => Some(stream.supply()),
        }
    }

    /// The network as it is now.
    pub(crate) fn into_network(self) -> Result<Network, Failure> {
        match self.learner {
            Learner::Host(learner) => Ok(learner.network),
            #[cfg(feature = "gpu")]
            Learner::Gpu(learner) => learner.network(),
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
    fn new(
        way: HostWay,
        network: Network,
        recipe: &Recipe,
        device: &EngineDevice,
        ask: fn(u64) -> Grant,
    ) -> HostLearner {
        HostLearner {
            compute: Compute::for_training(way, recipe.batch(), &network, ask),
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
        self.optimizer.step(rate, &mut self.network.parameters, gradients);
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
