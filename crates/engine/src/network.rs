//! A graph as burn computes it: its nodes in topological order, each by an operation of [`plain`].
//!
//! This is how every backend can run a network, and what the programs of [`cpu`](crate::cpu) and [`gpu`](crate::gpu) are tested
//! against.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use hnas_compiler::{Graph, Node, Op, SeparableInner};
use rand::rngs::ChaCha8Rng;

use crate::initializer::Initializer;
use crate::parameters::{BatchStatistics, Convolution, Linear, Norm, Parameters};
use crate::plain;
use crate::schedule::{Schedule, Work};

/// A network with its weights.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    schedule: Schedule,
    pub(crate) parameters: Parameters,
    epsilon: f64,
}

impl Network {
    /// The network of `graph`, its first weights drawn from `rng` in the order of the nodes.
    pub(crate) fn new(
        graph: &Graph,
        initializer: Initializer,
        epsilon: f64,
        device: &Device,
        rng: &mut ChaCha8Rng,
    ) -> Network {
        let mut parameters = Parameters::none();
        let mut layers = Layers { parameters: &mut parameters, initializer, device, rng };
        let work = graph.iter().map(|(id, node)| layers.add(graph, &format!("node{}", id.index()), node)).collect();
        Network { schedule: Schedule::new(graph, work), parameters, epsilon }
    }

    /// Logits `[batch, classes]` of `images` `[batch, channels, height, width]`, normalised by the batch's own
    /// statistics, which come along.
    pub(crate) fn forward_train(&self, images: Tensor<4>) -> (Tensor<2>, Vec<BatchStatistics>) {
        let mut statistics = Vec::with_capacity(self.parameters.convolutions.len());
        let logits = self.forward(images, &mut |convolution, map, relu| {
            let Some(norm) = &self.parameters.convolutions[convolution].norm else { return map };
            let (gamma, beta) = (norm.gamma.val(), norm.beta.val());
            let (map, mean, variance) = plain::batch_norm_train(map, gamma, beta, self.epsilon, relu);
            statistics.push(BatchStatistics { convolution, mean, variance });
            map
        });
        (logits, statistics)
    }

    /// Logits `[batch, classes]` of `images` `[batch, channels, height, width]`, normalised by the running statistics.
    pub(crate) fn forward_eval(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward(images, &mut |convolution, map, relu| {
            let Some(norm) = &self.parameters.convolutions[convolution].norm else { return map };
            let Norm { gamma, beta, mean, variance } = norm;
            plain::batch_norm_eval(map, [gamma, beta, mean, variance].map(Param::val), self.epsilon, relu)
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

    /// Runs the schedule; `normalize` gets a convolution, its output, and whether a ReLU follows.
    fn forward(&self, images: Tensor<4>, normalize: &mut dyn FnMut(usize, Tensor<4>, bool) -> Tensor<4>) -> Tensor<2> {
        let weight = |convolution: usize| self.parameters.convolutions[convolution].weight.val();
        let logits = self.schedule.run(images, |work, mut inputs| {
            let mut only = || inputs.swap_remove(0);
            match *work {
                Work::Input => unreachable!("the schedule gives the input itself"),
                Work::Conv { convolution, stride } => {
                    normalize(convolution, plain::conv(only(), weight(convolution), stride), true)
                }
                Work::Depthwise { convolution, stride } => {
                    normalize(convolution, plain::depthwise(only(), weight(convolution), stride), true)
                }
                Work::Separable { depthwise: first, pointwise: second, stride, relu_between } => {
                    let between = plain::depthwise(only(), weight(first), stride);
                    let between = normalize(first, between, relu_between);
                    normalize(second, plain::conv(between, weight(second), 1), true)
                }
                Work::MaxPool => plain::max_pool(only()),
                Work::AvgPool => plain::avg_pool(only()),
                Work::Identity => only(),
                Work::Concat => plain::concat(inputs),
                Work::Sum => plain::sum(inputs),
                Work::GlobalAvgPool => as_map(plain::global_avg_pool(only())),
                Work::Linear { linear } => {
                    let Linear { weight, bias, .. } = &self.parameters.linears[linear];
                    as_map(plain::linear(as_vector(only()), weight.val(), bias.val()))
                }
            }
        });
        as_vector(logits)
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
                Work::Conv { convolution, stride }
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
