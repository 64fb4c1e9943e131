//! A network that is evaluated on a device.

use hnas_compiler::{MapId, Program};
use hnas_data::{Batch, View};
use hnas_gpu::copy::copy;
use hnas_gpu::{Machine, Map, pitch};

use super::{Executor, Images, failure};
use crate::batches::Cut;
use crate::failure::Failure;
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::values::Values;

/// A network with the images in memory that it is evaluated on, if it is, and the logits that were not read yet.
#[derive(Debug)]
pub(crate) struct Evaluator {
    executor: Executor,
    images: Option<Images>,
    unread: Vec<Map>,
}

impl Evaluator {
    /// Takes a network to the device. Fails when the device has too little memory.
    pub(crate) fn new(
        machine: Machine,
        program: Program,
        batch: usize,
        network: &Network,
    ) -> Result<Evaluator, Failure> {
        let values = Values::of(&network.parameters);
        let executor = Executor::for_evaluation(machine, program, batch, network.epsilon(), &values)?;
        Ok(Evaluator { executor, images: None, unread: Vec::new() })
    }

    /// Computes the logits of the whole images `from..to`; the first time, all of `data` goes to the device. Nothing is
    /// waited for.
    pub(crate) fn compute(&mut self, data: &View, normalizer: &Normalizer, from: usize, to: usize) {
        let images = self.images.take();
        let images = images.unwrap_or_else(|| Images::upload(&self.executor.machine, data, normalizer));
        self.compute_of(&images, from, to);
        self.images = Some(images);
    }

    /// Computes the logits of a batch of photographs of `shape`. Nothing is waited for.
    pub(crate) fn compute_batch(&mut self, batch: &Batch, shape: (usize, usize, usize), normalizer: &Normalizer) {
        let images = Images::of_batch(&self.executor.machine, batch, shape, normalizer);
        self.compute_of(&images, 0, batch.labels.len());
    }

    fn compute_of(&mut self, images: &Images, from: usize, to: usize) {
        let Executor { machine, program, memory, .. } = &mut self.executor;
        memory.begin(to - from);
        let shape = program.maps()[MapId::IMAGES.index()].shape;
        let whole: Vec<Cut> = (from..to).map(Cut::whole).collect();
        images.cut(machine, &whole, (shape.height, shape.width), &memory.value(MapId::IMAGES));
        self.executor.forward();
        self.keep();
    }

    /// Waits for the logits of all images that were not read yet, `[images, classes]`.
    pub(crate) fn read(&mut self) -> Result<Vec<f32>, Failure> {
        let classes = self.executor.channels(self.executor.program.output());
        let read = Map::download_all(&self.executor.machine, &self.unread).map_err(|error| failure(&error))?;
        self.unread.clear();
        Ok(read
            .iter()
            .flat_map(|batch| batch.chunks_exact(pitch(classes)))
            .flat_map(|row| &row[..classes])
            .copied()
            .collect())
    }

    /// Copies the logits: the next batch is computed in the same memory.
    fn keep(&mut self) {
        let Executor { machine, program, memory, .. } = &self.executor;
        let logits = memory.value(program.output());
        let kept = Map::room(machine, logits.precision(), logits.pixels(), logits.channels());
        copy(machine, &logits, &kept);
        self.unread.push(kept);
    }
}
