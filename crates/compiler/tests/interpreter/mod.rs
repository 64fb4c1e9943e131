//! A plain interpreter of network graphs for one image, which knows no tensor library: the referee of the passes.
//!
//! It computes with dual numbers: every parameter and every pixel moves along one random direction, and the derivative of
//! each output along it comes out with the output. Two networks whose derivatives agree along a random direction have the
//! same gradients, but for a set of directions of measure zero. Batch normalisation is its scale and shift: no pass looks
//! inside a node that has parameters.

mod dual;
mod map;

use hnas_compiler::{Graph, Node, Op, SeparableInner};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

pub(crate) use dual::Dual;
use map::Map;

/// Logits of one random image, with their derivatives. Image and parameters depend on `seed` and on the numbers of the
/// parameter sets alone, so graphs whose nodes own the same sets compute with the same parameters.
pub(crate) fn run(graph: &Graph, seed: u64) -> Vec<Dual> {
    let mut values: Vec<Map> = Vec::new();
    for node in graph.nodes() {
        let inputs: Vec<&Map> = node.inputs.iter().map(|input| &values[input.index()]).collect();
        let value = evaluate(node, &inputs, &mut Parameters::new(seed, node.param));
        assert_eq!(value.shape(), node.shape, "{} gives what the graph says", node.op);
        values.push(value);
    }
    values.swap_remove(graph.output().index()).into_values()
}

/// The stream of numbers that belongs to one parameter set, or to the image.
struct Parameters(ChaCha8Rng);

impl Parameters {
    fn new(seed: u64, set: Option<u32>) -> Parameters {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(set.map_or(0, |set| u64::from(set) + 1));
        Parameters(rng)
    }

    /// One number of size at most `scale`, and its part of the direction.
    fn next(&mut self, scale: f64) -> Dual {
        let (value, slope) = (self.0.random_range(-1.0..1.0), self.0.random_range(-1.0..1.0));
        Dual { value: value * scale, slope: slope * scale }
    }
}

fn evaluate(node: &Node, inputs: &[&Map], parameters: &mut Parameters) -> Map {
    match (node.op, inputs) {
        (Op::Input, []) => Map::from_fn(node.shape, |_, _, _| parameters.next(1.0)),
        (Op::Conv { kernel, stride, channels }, [x]) => {
            normalized(&convolution(x, kernel, stride, channels, parameters), parameters).map(Dual::relu)
        }
        (Op::Depthwise { stride }, [x]) => normalized(&depthwise(x, stride, parameters), parameters).map(Dual::relu),
        (Op::Separable { stride, channels, inner }, [x]) => {
            let middle = depthwise(x, stride, parameters);
            let middle = match inner {
                SeparableInner::Nothing => middle,
                SeparableInner::BatchNorm => normalized(&middle, parameters),
                SeparableInner::BatchNormRelu => normalized(&middle, parameters).map(Dual::relu),
            };
            normalized(&convolution(&middle, 1, 1, channels, parameters), parameters).map(Dual::relu)
        }
        (Op::MaxPool, [x]) => Map::from_fn(node.shape, |c, y, column| {
            x.window(c, y, column).into_iter().reduce(Dual::max).expect("a window has a pixel")
        }),
        (Op::AvgPool, [x]) => Map::from_fn(node.shape, |c, y, column| Dual::mean(&x.window(c, y, column))),
        (Op::Identity, [x]) => (*x).clone(),
        (Op::Concat, _) => Map::concatenated(inputs),
        (Op::Sum, [first, rest @ ..]) => rest.iter().fold((*first).clone(), |sum, x| {
            Map::from_fn(node.shape, |c, y, column| sum.at(c, y, column).plus(x.at(c, y, column)))
        }),
        (Op::GlobalAvgPool, [x]) => Map::from_fn(node.shape, |c, _, _| Dual::mean(x.channel(c))),
        (Op::Linear { classes }, [x]) => {
            let logits = convolution(x, 1, 1, classes, parameters);
            let bias: Vec<Dual> = (0..classes).map(|_| parameters.next(1.0)).collect();
            Map::from_fn(node.shape, |c, _, _| logits.at(c, 0, 0).plus(bias[c]))
        }
        (op, _) => panic!("{op} with {} inputs", inputs.len()),
    }
}

fn convolution(x: &Map, kernel: usize, stride: usize, channels: usize, parameters: &mut Parameters) -> Map {
    let incoming = x.shape().channels;
    let window = kernel * kernel * incoming;
    let scale = 2.0 / (window as f64).sqrt();
    let weights: Vec<Dual> = (0..channels * window).map(|_| parameters.next(scale)).collect();
    Map::from_fn(x.strided(stride, channels), |out, y, column| {
        let weights = weights[out * window..][..window].chunks(kernel * kernel);
        weights.enumerate().fold(Dual::ZERO, |sum, (c, weights)| {
            sum.plus(x.correlate(c, y * stride, column * stride, kernel, weights))
        })
    })
}

fn depthwise(x: &Map, stride: usize, parameters: &mut Parameters) -> Map {
    let weights: Vec<Dual> = (0..9 * x.shape().channels).map(|_| parameters.next(1.0)).collect();
    Map::from_fn(x.strided(stride, x.shape().channels), |c, y, column| {
        x.correlate(c, y * stride, column * stride, 3, &weights[9 * c..][..9])
    })
}

/// Scale and shift of each channel.
fn normalized(x: &Map, parameters: &mut Parameters) -> Map {
    let channels: Vec<(Dual, Dual)> =
        (0..x.shape().channels).map(|_| (Dual::ONE.plus(parameters.next(0.5)), parameters.next(0.5))).collect();
    Map::from_fn(x.shape(), |c, y, column| x.at(c, y, column).times(channels[c].0).plus(channels[c].1))
}
