//! A network in training on a device.

use hnas_compiler::{MapId, Program};
use hnas_gpu::sgd::Descent;
use hnas_gpu::{Buffer, Machine, head, pitch};

use super::{Executor, Images, failure};
use crate::batches::{Batch, Cut};
use crate::failure::Failure;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::recipe::{Recipe, WeightDecayOn};
use crate::values::Values;

/// Losses that are kept on the device until they are read.
pub(crate) const LOSSES: usize = 16;

/// Everything that a training changes, on the device.
#[derive(Debug)]
pub(crate) struct Learner {
    pub(super) executor: Executor,
    network: Network,
    descent: Descent,
    /// The decay of what shifts and scales.
    others: f32,
    statistics_momentum: f32,
    /// The learning rate of the last step, here and there.
    rate: (f32, Buffer<f32>),
    losses: Buffer<f32>,
    /// Losses that were not read yet.
    unread: usize,
}

impl Learner {
    /// Takes a network to the device, at rest. Fails when the device has too little memory.
    pub(crate) fn new(
        machine: Machine,
        program: Program,
        network: Network,
        recipe: &Recipe,
    ) -> Result<Learner, Failure> {
        let values = Values::of(&network.parameters);
        let (rate, losses) = ((0.0, machine.upload(&[0.0])), machine.room(LOSSES));
        let size = (recipe.batch(), recipe.precision().into());
        let executor = Executor::for_training(machine, program, size, network.epsilon(), &values)?;
        let decay = recipe.weight_decay() as f32;
        Ok(Learner {
            executor,
            network,
            descent: Descent { momentum: recipe.momentum() as f32, decay },
            others: match recipe.weight_decay_on() {
                WeightDecayOn::All => decay,
                WeightDecayOn::ConvolutionsAndLinear => 0.0,
            },
            statistics_momentum: recipe.batch_norm_momentum() as f32,
            rate,
            losses,
            unread: 0,
        })
    }

    /// The device.
    pub(crate) fn machine(&self) -> &Machine {
        &self.executor.machine
    }

    /// One update, by a batch cut out of images on the device. Nothing is waited for.
    pub(crate) fn step(&mut self, images: &Images, cuts: &[Cut], rate: f64) {
        let Executor { machine, program, memory, .. } = &mut self.executor;
        memory.begin(cuts.len());
        let shape = program.maps()[MapId::IMAGES.index()].shape;
        images.cut(machine, cuts, (shape.height, shape.width), &memory.value(MapId::IMAGES));
        self.update(&images.labels(cuts), rate);
    }

    /// One update, by a batch as it is.
    pub(crate) fn step_on(&mut self, batch: &Batch, rate: f64) {
        self.executor.load(&batch.images, batch.labels.len());
        self.update(&batch.labels, rate);
    }

    /// Loss, gradients and statistics of a batch as it is.
    pub(crate) fn gradients(&mut self, batch: &Batch) -> Result<(f32, Values), Failure> {
        self.executor.load(&batch.images, batch.labels.len());
        self.descend(&batch.labels);
        let loss = self.losses()?.pop().expect("a loss was just computed");
        // Of a layer that has no step nothing is read.
        let mut values = Values::of(&self.network.parameters).zeros();
        let Executor { machine, layers, .. } = &self.executor;
        layers.read_gradients(machine, &mut values).map_err(|error| failure(&error))?;
        Ok((loss, values))
    }

    /// The logits `[batch, classes]` of a batch as it is, by the running statistics.
    pub(crate) fn logits(&self, batch: &Batch) -> Result<Vec<f32>, Failure> {
        let Executor { machine, program, .. } = &self.executor;
        let (network, size) = (self.network()?, batch.labels.len());
        let (values, program) = (Values::of(&network.parameters), Program::clone(program));
        let mut executor = Executor::for_evaluation(machine.clone(), program, size, network.epsilon(), &values)?;
        executor.load(&batch.images, size);
        executor.forward();
        let output = executor.program.output();
        let rows = executor.memory.value(output).download(machine).map_err(|error| failure(&error))?;
        let classes = executor.channels(output);
        Ok(rows.chunks_exact(pitch(classes)).flat_map(|row| &row[..classes]).copied().collect())
    }

    /// Waits for the losses that were not read yet, in the order of their steps.
    pub(crate) fn losses(&mut self) -> Result<Vec<f32>, Failure> {
        let mut losses = self.executor.machine.download(&self.losses).map_err(|error| failure(&error))?;
        losses.truncate(std::mem::take(&mut self.unread));
        Ok(losses)
    }

    /// Waits for the parameters and running statistics; gives the network with them.
    pub(crate) fn network(&self) -> Result<Network, Failure> {
        let mut network = self.network.clone();
        let mut values = Values::of(&network.parameters);
        let Executor { machine, layers, .. } = &self.executor;
        layers.read(machine, &mut values).map_err(|error| failure(&error))?;
        values.write(&mut network.parameters);
        Ok(network)
    }

    /// Waits for the velocities; gives them in the place of the parameters.
    pub(crate) fn velocities(&self) -> Result<Parameters, Failure> {
        let mut velocities = self.network.parameters.zeros();
        let mut values = Values::of(&velocities);
        let Executor { machine, layers, .. } = &self.executor;
        layers.read_velocities(machine, &mut values).map_err(|error| failure(&error))?;
        values.write(&mut velocities);
        Ok(velocities)
    }

    /// Goes on with these velocities.
    pub(crate) fn set_velocities(&mut self, velocities: &Parameters) {
        let Executor { machine, layers, .. } = &self.executor;
        layers.set_velocities(machine, &Values::of(velocities));
    }

    fn update(&mut self, labels: &[u32], rate: f64) {
        self.descend(labels);
        let Executor { machine, layers, .. } = &self.executor;
        let (last, on_device) = &mut self.rate;
        if *last != rate as f32 {
            *last = rate as f32;
            machine.write(on_device, &[*last]);
        }
        layers.update(machine, self.descent, self.others, on_device, self.statistics_momentum);
    }

    /// Forward and backward pass of the batch in map 0.
    fn descend(&mut self, labels: &[u32]) {
        assert!(self.unread < LOSSES, "{LOSSES} losses were not read");
        self.executor.forward();
        let Executor { machine, program, memory, .. } = &self.executor;
        let output = program.output();
        let gradient = memory.gradient(output).expect("the gradient of the output is planned");
        let (logits, labels) = (memory.value(output), machine.upload(labels));
        head::cross_entropy(machine, &logits, &labels, &gradient, (&self.losses, self.unread));
        self.unread += 1;
        self.executor.backward();
    }
}
