//! A training step taken apart, for comparing this engine with others and for measuring it.

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use hnas_compiler::{Graph, Shape};

use crate::batches::Batch;
use crate::device::EngineDevice;
use crate::error::EngineError;
use crate::failure::{Failure, catching_out_of_memory};
use crate::learner::Learner;
use crate::memory;
use crate::parameters::{Convolution, Linear, Norm, Parameters};
use crate::phenotype::Phenotype;
use crate::recipe::Recipe;
use crate::way::Way;

/// A tensor of a network, as [`Trained::save`](crate::Trained::save) writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Its name in a file of weights, for example `node5.norm.weight`.
    pub name: String,
    /// Its sides in PyTorch's layout: `[out, in, k, k]`, `[channels]`, `[classes, features]`.
    pub shape: Vec<usize>,
    /// Its numbers, the last side running fastest.
    pub values: Vec<f32>,
}

/// A network in training whose batches come from outside, as they are: not cut, mirrored or normalised.
///
/// A step computes what a step of [`train`](crate::train) computes; what is read beside it takes time of its own.
pub struct Probe {
    learner: Learner,
    recipe: Recipe,
    input: Shape,
    steps: usize,
    /// Where gradients are put that are read.
    device: EngineDevice,
}

impl Probe {
    /// The network of an optimised graph with the weights that [`Phenotype::build`] draws, and an optimiser at rest. Its
    /// batches are of the recipe's size and of the graph's input; the recipe's crop does not matter.
    ///
    /// # Errors
    /// As [`Phenotype::build`].
    ///
    /// # Panics
    /// As all that follows: when the device has too little memory for the network.
    pub fn new(graph: &Graph, recipe: &Recipe, device: &EngineDevice, seed: u64) -> Result<Probe, EngineError> {
        let Phenotype { network, .. } = Phenotype::build_in(graph, recipe, device, seed, memory::ask)?;
        let input = graph.input_shape();
        let learner = {
            let way = Way::of(graph, input, device)?;
            // Whoever compares networks may hold others' memory: nobody waits here.
            there(catching_out_of_memory(|| Learner::new(way, network, recipe, device, memory::ask)))
        };
        Ok(Probe { learner, recipe: recipe.clone(), input, steps: 0, device: device.clone() })
    }

    /// Every trained tensor as it is now.
    pub fn weights(&self) -> Vec<NamedTensor> {
        match &self.learner {
            Learner::Host(learner) => trained(&learner.network.parameters, None),
            #[cfg(feature = "gpu")]
            Learner::Gpu(learner) => trained(&there(learner.network()).parameters, None),
        }
    }

    /// The loss of a batch, and the gradient of every trained tensor in the order of [`Probe::weights`], without the
    /// pull of weight decay. `images` are `[batch, channels, height, width]` of the graph's input, `labels` `[batch]`.
    ///
    /// # Panics
    /// When there are not as many numbers as the labels ask for, or more labels than the recipe's batch.
    pub fn loss_and_gradients(&mut self, images: &[f32], labels: &[u8]) -> (f32, Vec<NamedTensor>) {
        let batch = self.batch(images, labels);
        match &mut self.learner {
            Learner::Host(learner) => {
                let (loss, gradients) = learner.gradients(batch);
                (loss, trained(&learner.network.parameters, Some(&gradients)))
            }
            #[cfg(feature = "gpu")]
            Learner::Gpu(learner) => {
                let (loss, values) = there(learner.gradients(&batch));
                let parameters = &there(learner.network()).parameters;
                let (gradients, _) = values.into_tensors(parameters, self.device.plain());
                (loss, trained(parameters, Some(&gradients)))
            }
        }
    }

    /// One update of the weights and of the running statistics, at the recipe's learning rate for this step; gives the
    /// loss before it. Shapes as for [`Probe::loss_and_gradients`].
    ///
    /// # Panics
    /// When there are not as many numbers as the labels ask for, or more labels than the recipe's batch.
    pub fn step(&mut self, images: &[f32], labels: &[u8]) -> f32 {
        let batch = self.batch(images, labels);
        self.steps += 1;
        let rate = self.recipe.learning_rate_at(self.steps);
        let losses = match &mut self.learner {
            Learner::Host(learner) => {
                learner.step(batch, rate);
                learner.losses()
            }
            #[cfg(feature = "gpu")]
            Learner::Gpu(learner) => {
                learner.step_on(&batch, rate);
                there(learner.losses())
            }
        };
        losses[0]
    }

    /// The logits `[batch, classes]` of images `[batch, channels, height, width]`, normalised by the running statistics.
    ///
    /// # Panics
    /// When the images are not whole, or more than the recipe's batch.
    pub fn logits(&mut self, images: &[f32]) -> Vec<f32> {
        let batch = self.batch(images, &vec![0; images.len() / self.input.elements()]);
        match &mut self.learner {
            Learner::Host(learner) => learner.logits(batch),
            #[cfg(feature = "gpu")]
            Learner::Gpu(learner) => there(learner.logits(&batch)),
        }
    }

    fn batch(&self, images: &[f32], labels: &[u8]) -> Batch {
        let Shape { channels, height, width } = self.input;
        assert_eq!(images.len(), labels.len() * channels * height * width, "one image of {} a label", self.input);
        let shape = [labels.len(), channels, height, width];
        Batch { images: images.to_vec(), labels: labels.iter().map(|&label| label.into()).collect(), shape }
    }
}

/// What a device gave; there is no outcome to hand on where a step is taken apart.
fn there<T>(result: Result<T, Failure>) -> T {
    result.unwrap_or_else(|failure| panic!("{failure}"))
}

/// Every trained tensor, or its gradient.
fn trained(parameters: &Parameters, gradients: Option<&GradientsParams>) -> Vec<NamedTensor> {
    let Parameters { convolutions, linears } = parameters;
    let mut tensors = Vec::new();
    for Convolution { name, weight, norm } in convolutions {
        tensors.push(named(format!("{name}.weight"), weight, gradients));
        if let Some(Norm { gamma, beta, mean: _, variance: _ }) = norm {
            tensors.push(named(format!("{name}.norm.weight"), gamma, gradients));
            tensors.push(named(format!("{name}.norm.bias"), beta, gradients));
        }
    }
    for Linear { name, weight, bias } in linears {
        tensors.push(transposed(named(format!("{name}.weight"), weight, gradients)));
        tensors.push(named(format!("{name}.bias"), bias, gradients));
    }
    tensors
}

fn named<const D: usize>(name: String, param: &Param<Tensor<D>>, gradients: Option<&GradientsParams>) -> NamedTensor {
    let data = match gradients {
        None => param.val().into_data(),
        Some(gradients) => gradients.get::<D>(param.id).expect("each parameter is on the way to the loss").into_data(),
    };
    NamedTensor { name, shape: param.dims().to_vec(), values: data.iter::<f32>().collect() }
}

/// `[in, out]` as `[out, in]`.
fn transposed(NamedTensor { name, shape, values }: NamedTensor) -> NamedTensor {
    let (inputs, outputs) = (shape[0], shape[1]);
    let number = |output: usize| values.iter().skip(output).step_by(outputs).copied();
    NamedTensor { name, shape: vec![outputs, inputs], values: (0..outputs).flat_map(number).collect() }
}
