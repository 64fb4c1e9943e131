//! A graph as burn computes it: its nodes in topological order, each as one call of `hnas-kernels`.
//!
//! This file is the one seam between graphs and tensors: whatever is computed is computed by a kernel.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use hnas_compiler::{Graph, Node, Op, SeparableInner};
use hnas_kernels as kernels;
use rand::rngs::ChaCha8Rng;

use crate::device::DeviceKind;
use crate::initializer::Initializer;
use crate::parameters::{BatchStatistics, Convolution, Linear, Norm, Parameters};
use crate::parts::Parts;
use crate::schedule::{Schedule, Work};

/// A network with its weights.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    schedule: Schedule,
    pub(crate) parameters: Parameters,
    epsilon: f64,
    /// Whether a concatenation stays in pieces, see [`parts`](crate::parts). On a GPU, where a call costs more than a
    /// copy, it does not.
    in_pieces: bool,
}

impl Network {
    /// The network of `graph`, its first weights drawn from `rng` in the order of the nodes.
    pub(crate) fn new(
        graph: &Graph,
        initializer: Initializer,
        epsilon: f64,
        (kind, device): (DeviceKind, &Device),
        rng: &mut ChaCha8Rng,
    ) -> Network {
        let mut parameters = Parameters::none();
        let mut layers = Layers { parameters: &mut parameters, initializer, device, rng };
        let work = graph.iter().map(|(id, node)| layers.add(graph, &format!("node{}", id.index()), node)).collect();
        let in_pieces = match kind {
            DeviceKind::Cpu => true,
            DeviceKind::Cuda { .. } => false,
        };
        Network { schedule: Schedule::new(graph, work), parameters, epsilon, in_pieces }
    }

    /// Logits `[batch, classes]` of `images` `[batch, channels, height, width]`, normalised by the batch's own
    /// statistics, which come along.
    pub(crate) fn forward_train(&self, images: Tensor<4>) -> (Tensor<2>, Vec<BatchStatistics>) {
        let mut statistics = Vec::with_capacity(self.parameters.convolutions.len());
        let logits = self.forward(images, &mut |convolution, map, relu| {
            let Some(norm) = &self.parameters.convolutions[convolution].norm else { return map };
            let (mut means, mut variances) = (Vec::new(), Vec::new());
            let map = map.map_channels(|x, channels| {
                let (gamma, beta) = (channels.of(norm.gamma.val()), channels.of(norm.beta.val()));
                let (y, mean, variance) = kernels::batch_norm_train(x, gamma, beta, self.epsilon, relu);
                means.push(mean);
                variances.push(variance);
                y
            });
            let [mean, variance] = [means, variances].map(|pieces| Tensor::cat(pieces, 0));
            statistics.push(BatchStatistics { convolution, mean, variance });
            map
        });
        (logits, statistics)
    }

    /// Logits `[batch, classes]` of `images` `[batch, channels, height, width]`, normalised by the running statistics.
    pub(crate) fn forward_eval(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward(images, &mut |convolution, map, relu| {
            let Some(norm) = &self.parameters.convolutions[convolution].norm else { return map };
            map.map_channels(|x, channels| {
                let of = |parameter: &Param<Tensor<1>>| channels.of(parameter.val());
                let Norm { gamma, beta, mean, variance } = norm;
                kernels::batch_norm_eval(x, of(gamma), of(beta), of(mean), of(variance), self.epsilon, relu)
            })
        })
    }

    /// Added to the variance in batch normalisation.
    pub(crate) fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// The same weights, without autodiff.
    pub(crate) fn without_autodiff(&self) -> Network {
        Network { parameters: self.parameters.valid(), ..self.clone() }
    }

    /// The same network as it is computed on a GPU: concatenations are copied.
    #[cfg(test)]
    pub(crate) fn concatenating(self) -> Network {
        Network { in_pieces: false, ..self }
    }

    /// Runs the schedule; `normalize` gets a convolution, its output, and whether a ReLU follows.
    fn forward(&self, images: Tensor<4>, normalize: &mut dyn FnMut(usize, Parts, bool) -> Parts) -> Tensor<2> {
        let weight = |convolution: usize| self.parameters.convolutions[convolution].weight.val();
        let depthwise = |convolution: usize, map: Parts, stride| {
            map.map_channels(|x, channels| kernels::depthwise(x, channels.of(weight(convolution)), stride))
        };
        let joined =
            |convolution: usize, map: Parts| Parts::one(kernels::conv_joined(map.into_pieces(), weight(convolution)));
        let logits = self.schedule.run(images, |work, mut inputs| {
            let mut only = || inputs.swap_remove(0);
            match *work {
                Work::Input => unreachable!("the schedule gives the input itself"),
                Work::Conv { convolution, stride: 1, pointwise: true } => {
                    normalize(convolution, joined(convolution, only()), true)
                }
                Work::Conv { convolution, stride, pointwise: _ } => {
                    let map = kernels::conv(only().whole(), weight(convolution), stride);
                    normalize(convolution, Parts::one(map), true)
                }
                Work::Depthwise { convolution, stride } => {
                    normalize(convolution, depthwise(convolution, only(), stride), true)
                }
                Work::Separable { depthwise: first, pointwise: second, stride, relu_between } => {
                    let between = normalize(first, depthwise(first, only(), stride), relu_between);
                    normalize(second, joined(second, between), true)
                }
                Work::MaxPool => only().map(kernels::max_pool),
                Work::AvgPool => only().map(kernels::avg_pool),
                Work::Identity => only(),
                Work::Concat if self.in_pieces => Parts::join(inputs),
                Work::Concat => Parts::one(Parts::join(inputs).whole()),
                Work::Sum => Parts::one(kernels::sum(inputs.into_iter().map(Parts::whole).collect())),
                Work::GlobalAvgPool => only().map(|x| as_map(kernels::global_avg_pool(x))),
                Work::Linear { linear } => {
                    let Linear { weight, bias, .. } = &self.parameters.linears[linear];
                    Parts::one(as_map(kernels::linear(as_vector(only().whole()), weight.val(), bias.val())))
                }
            }
        });
        as_vector(logits.whole())
    }
}

/// `[batch, features]` as a feature map of 1x1 pixels.
fn as_map(vector: Tensor<2>) -> Tensor<4> {
    let [batch, features] = vector.dims();
    vector.reshape([batch, features, 1, 1])
}

/// A feature map of 1x1 pixels as `[batch, features]`.
fn as_vector(map: Tensor<4>) -> Tensor<2> {
    let [batch, features, height, width] = map.dims();
    map.reshape([batch, features * height * width])
}

/// Makes the layers of a graph, node by node.
struct Layers<'a> {
    parameters: &'a mut Parameters,
    initializer: Initializer,
    device: &'a Device,
    rng: &'a mut ChaCha8Rng,
}

impl Layers<'_> {
    /// Makes the layers of a node, and says what is to be done with them.
    fn add(&mut self, graph: &Graph, name: &str, node: &Node) -> Work {
        let channels = || graph.node(node.inputs[0]).shape.channels;
        match node.op {
            Op::Input => Work::Input,
            Op::Conv { kernel, stride, channels: out } => {
                let convolution = self.convolution(name.to_owned(), [out, channels(), kernel, kernel], true);
                Work::Conv { convolution, stride, pointwise: kernel == 1 }
            }
            Op::Depthwise { stride } => {
                let convolution = self.convolution(name.to_owned(), [channels(), 1, 3, 3], true);
                Work::Depthwise { convolution, stride }
            }
            Op::Separable { stride, channels: out, inner } => {
                let (normalized, relu_between) = match inner {
                    SeparableInner::Nothing => (false, false),
                    SeparableInner::BatchNorm => (true, false),
                    SeparableInner::BatchNormRelu => (true, true),
                };
                let depthwise = self.convolution(format!("{name}.depthwise"), [channels(), 1, 3, 3], normalized);
                let pointwise = self.convolution(format!("{name}.pointwise"), [out, channels(), 1, 1], true);
                Work::Separable { depthwise, pointwise, stride, relu_between }
            }
            Op::MaxPool => Work::MaxPool,
            Op::AvgPool => Work::AvgPool,
            Op::Identity => Work::Identity,
            Op::Concat => Work::Concat,
            Op::Sum => Work::Sum,
            Op::GlobalAvgPool => Work::GlobalAvgPool,
            Op::Linear { classes } => {
                let Layers { parameters, initializer, device, rng } = self;
                let linear = Linear::new(name.to_owned(), [channels(), classes], *initializer, device, rng);
                parameters.linears.push(linear);
                Work::Linear { linear: parameters.linears.len() - 1 }
            }
        }
    }

    fn convolution(&mut self, name: String, shape: [usize; 4], normalized: bool) -> usize {
        let Layers { parameters, initializer, device, rng } = self;
        parameters.convolutions.push(Convolution::new(name, shape, normalized, *initializer, device, rng));
        parameters.convolutions.len() - 1
    }
}
