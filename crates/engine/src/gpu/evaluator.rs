//! A network that is evaluated on a device.

use hnas_compiler::{MapId, Program};
use hnas_data::View;
use hnas_gpu::copy::copy;
use hnas_gpu::{Machine, Map, pitch};

use super::{Executor, Images, failure};
use crate::batches::Cut;
use crate::failure::Failure;
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::values::Values;

/// A network with its images, and the logits that were not read yet.
#[derive(Debug)]
pub(crate) struct Evaluator {
    executor: Executor,
    images: Images,
    unread: Vec<Map>,
}

impl Evaluator {
    /// Takes a network and all of `data` to the device. Fails when the device has too little memory.
    pub(crate) fn new(
        machine: Machine,
        program: Program,
        batch: usize,
        network: &Network,
        (data, normalizer): (&View, &Normalizer),
    ) -> Result<Evaluator, Failure> {
        let images = Images::upload(&machine, data, normalizer);
        let values = Values::of(&network.parameters);
        let executor = Executor::for_evaluation(machine, program, batch, network.epsilon(), &values)?;
        Ok(Evaluator { executor, images, unread: Vec::new() })
    }

    /// Computes the logits of the whole images `from..to`. Nothing is waited for.
    pub(crate) fn compute(&mut self, from: usize, to: usize) {
        let Executor { machine, program, memory, .. } = &mut self.executor;
        memory.begin(to - from);
        let shape = program.maps()[MapId::IMAGES.index()].shape;
        let whole: Vec<Cut> = (from..to).map(Cut::whole).collect();
        self.images.cut(machine, &whole, (shape.height, shape.width), &memory.value(MapId::IMAGES));
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
