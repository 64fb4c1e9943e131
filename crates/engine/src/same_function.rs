//! Invariant C4, tested: optimised and plain graphs are the same function of images and parameters, and so are their
//! gradients; and so is their program.

use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Gradients, Int, Tensor, TensorData};
use hnas_compiler::{AfterLastCell, Graph, Group, Program, SeparableInner, Shape, Skeleton, Stem, assemble, optimize};
use hnas_genome::{Genotype, SearchSpace};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use crate::cpu::{Executor, Layers};
use crate::device::{DeviceChoice, open_device};
use crate::initializer::Initializer;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::plain;
use crate::random::{Stream, normal, stream};
use crate::values::Values;

pub(crate) const SIDE: usize = 8;
pub(crate) const CLASSES: usize = 3;
pub(crate) const IMAGES: usize = 4;

/// Largest difference between two correct computations in 32 bits, relative to the largest number. The passes keep the
/// order of channels and the kernels that of their sums, so the logits are equal to the last bit today; gradients are
/// summed up over readers in another order and differ by 5e-7. A hundred times that leaves room for other kernels.
const OUTPUT_TOLERANCE: f64 = 1e-5;
pub(crate) const GRADIENT_TOLERANCE: f64 = 1e-4;

/// The same for a program, which sums in another order from the start: where a ReLU or a max has to choose between values
/// that rounding alone tells apart, two correct computations go different ways. That is rare, and changes little.
pub(crate) const RARE_TOLERANCE: f64 = 1e-2;

/// One group of one cell and a step to a second one: every operation occurs, strided ones too.
pub(crate) fn skeleton(inner: SeparableInner) -> Skeleton {
    skeleton_of(4, inner)
}

/// The same of so many channels in its first group.
fn skeleton_of(width: usize, inner: SeparableInner) -> Skeleton {
    let groups = vec![Group { cells: 1, width }, Group { cells: 1, width: 2 * width }];
    Skeleton::new(vec![Stem { width, stride: 1 }], groups, AfterLastCell::Nothing, inner, CLASSES).unwrap()
}

/// What a network computes from the same images: logits in training, logits in evaluation, gradients by name.
pub(crate) struct Computed {
    pub(crate) training: Vec<f64>,
    pub(crate) evaluation: Vec<f64>,
    pub(crate) gradients: HashMap<String, Vec<f64>>,
}

fn compute(network: &Network) -> Computed {
    let device = open_device(DeviceChoice::Cpu).unwrap().autodiff();
    let (numbers, labels) = batch();
    let images = Tensor::<4>::from_data(TensorData::new(numbers, [IMAGES, 3, SIDE, SIDE]), &device);
    let labels: Vec<i64> = labels.into_iter().map(i64::from).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [IMAGES]), &device);

    let (logits, _) = network.forward_train(images.clone());
    let training = values(logits.clone());
    let gradients = plain::cross_entropy(logits, labels).backward();
    let mut by_name = ByName { gradients, path: Vec::new(), found: HashMap::new() };
    network.parameters.visit(&mut by_name);
    let evaluation = values(network.without_autodiff().forward_eval(images.without_autodiff()));
    Computed { training, evaluation, gradients: by_name.found }
}

/// The same as [`compute`], by the program of `graph`.
pub(crate) fn compute_by_program(graph: &Graph, network: &Network) -> Computed {
    let (images, labels) = batch();
    let program = Program::lower(graph, Shape::new(3, SIDE, SIDE)).unwrap();
    let layers = Layers::of(&network.parameters);

    let mut executor = Executor::for_training(program.clone(), IMAGES, network.epsilon());
    let (_, gradients) = executor.gradients(&images, &labels, &layers);
    let training = executor.training_logits(&images, IMAGES, &layers).into_iter().map(f64::from).collect();
    let gradients = by_name(gradients, network);
    let mut executor = Executor::for_evaluation(program, IMAGES, network.epsilon());
    let evaluation = executor.logits(&images, IMAGES, &layers).into_iter().map(f64::from).collect();
    Computed { training, evaluation, gradients }
}

/// The images and labels that all of them compute.
pub(crate) fn batch() -> (Vec<f32>, Vec<u32>) {
    let mut rng = stream(1, Stream::Augmentation);
    let images = (0..IMAGES * 3 * SIDE * SIDE).map(|_| normal(&mut rng) as f32).collect();
    (images, (0..IMAGES).map(|image| (image % CLASSES) as u32).collect())
}

/// Gradients under the module's own paths.
pub(crate) fn by_name(gradients: Values, network: &Network) -> HashMap<String, Vec<f64>> {
    let device = open_device(DeviceChoice::Cpu).unwrap();
    let (mut gradients, _) = gradients.into_tensors(&network.parameters, device.plain());
    let mut by_name = ParamsByName { gradients: &mut gradients, path: Vec::new(), found: HashMap::new() };
    network.parameters.visit(&mut by_name);
    by_name.found
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Collects gradients under the module's own paths.
struct ByName {
    gradients: Gradients,
    path: Vec<String>,
    found: HashMap<String, Vec<f64>>,
}

impl ModuleVisitor for ByName {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // A dead node of a plain graph has parameters without gradients.
        if let Some(gradient) = param.val().grad_remove(&mut self.gradients) {
            self.found.insert(self.path.join("."), values(gradient));
        }
    }
}

/// The same for gradients by parameter.
struct ParamsByName<'a> {
    gradients: &'a mut GradientsParams,
    path: Vec<String>,
    found: HashMap<String, Vec<f64>>,
}

impl ModuleVisitor for ParamsByName<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.found.insert(self.path.join("."), values(gradient));
        }
    }
}

/// The network of `optimised` with the weights of `plain`'s, found by the number of their parameter set; and the place
/// in `plain`'s list of convolutions for each of its own.
fn with_weights_of(optimised: &Graph, plain: &Graph, weights: &Network) -> (Network, Vec<usize>) {
    let nodes: HashMap<u32, usize> = plain.iter().filter_map(|(id, node)| Some((node.param?, id.index()))).collect();
    let node = |index: usize| nodes[&optimised.nodes()[index].param.unwrap()];
    let convolutions: HashMap<&str, usize> =
        weights.parameters.convolutions.iter().enumerate().map(|(i, layer)| (layer.name.as_str(), i)).collect();

    let mut network = new_network(optimised, 99);
    let Parameters { convolutions: own, linears } = &mut network.parameters;
    let mut places = Vec::new();
    for layer in own {
        let (index, half) = layer.name["node".len()..].split_once('.').unwrap_or((&layer.name["node".len()..], ""));
        let mut name = format!("node{}", node(index.parse().unwrap()));
        if !half.is_empty() {
            name = format!("{name}.{half}");
        }
        let place = convolutions[name.as_str()];
        *layer = weights.parameters.convolutions[place].clone();
        places.push(place);
    }
    linears.clone_from(&weights.parameters.linears);
    (network, places)
}

pub(crate) fn new_network(graph: &Graph, seed: u64) -> Network {
    let cpu = open_device(DeviceChoice::Cpu).unwrap();
    Network::new(graph, Initializer::HeNormal, 1e-3, &cpu.autodiff(), &mut stream(seed, Stream::Weights))
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |largest, number| largest.max(number.abs()))
}

/// Returns the largest difference of a gradient.
fn check(space: &SearchSpace, seed: u64, width: usize, inner: SeparableInner) -> f64 {
    let genotype = Genotype::random(space, 1000, &mut ChaCha8Rng::seed_from_u64(seed)).genotype;
    let plain_graph = assemble(&genotype, &skeleton_of(width, inner), Shape::new(3, SIDE, SIDE)).unwrap();
    let optimised_graph = optimize(plain_graph.clone());
    let plain_network = new_network(&plain_graph, seed);
    let (optimised_network, places) = with_weights_of(&optimised_graph, &plain_graph, &plain_network);

    let plain = compute(&plain_network);
    let trained = optimised_graph.iter().filter(|(_, node)| node.param.is_some()).count();
    let [by_node, by_program] = [
        (compute(&optimised_network), GRADIENT_TOLERANCE, "node by node"),
        (compute_by_program(&optimised_graph, &optimised_network), RARE_TOLERANCE, "by its program"),
    ]
    .map(|(optimised, tolerance, way)| {
        assert!(optimised.gradients.len() > 2 * trained, "genotype {seed}: a parameter has no gradient");
        compare(&plain, &optimised, &places, tolerance, &format!("genotype {seed}, {way}"))
    });
    by_node.max(by_program)
}

/// Panics unless `optimised`, whose convolutions are those of `plain` at `places`, computed the same. Returns the largest
/// difference of a gradient.
pub(crate) fn compare(plain: &Computed, optimised: &Computed, places: &[usize], tolerance: f64, what: &str) -> f64 {
    for (logits, a, b) in
        [("training", &plain.training, &optimised.training), ("evaluation", &plain.evaluation, &optimised.evaluation)]
    {
        let relative = difference(a, b) / largest(a);
        assert!(relative < OUTPUT_TOLERANCE, "{what}: logits in {logits} differ by {relative:e}");
    }
    assert_eq!(plain.gradients.len(), optimised.gradients.len(), "{what}");
    // Relative to the largest gradient of the network: a gradient that is nothing but cancelled sums has no size of its
    // own.
    let scale = plain.gradients.values().map(|gradient| largest(gradient)).fold(0.0, f64::max);
    let mut worst: f64 = 0.0;
    for (name, gradient) in &optimised.gradients {
        let mut parts: Vec<String> = name.split('.').map(str::to_owned).collect();
        if parts[0] == "convolutions" {
            parts[1] = places[parts[1].parse::<usize>().unwrap()].to_string();
        }
        let relative = difference(gradient, &plain.gradients[&parts.join(".")]) / scale;
        assert!(relative < tolerance, "{what}: gradients of {name} differ by {relative:e}");
        worst = worst.max(relative);
    }
    worst
}

#[test]
fn c4_optimised_and_plain_graphs_are_the_same_function() {
    let inners = [SeparableInner::Nothing, SeparableInner::BatchNorm, SeparableInner::BatchNormRelu];
    let mut rare = 0;
    for (space, first) in [(SearchSpace::hierarchical(), 0), (SearchSpace::flat(), 1000)] {
        for seed in first..first + 12 {
            rare += usize::from(check(&space, seed, 4, inners[seed as usize % 3]) > GRADIENT_TOLERANCE);
        }
    }
    assert!(rare <= 2, "{rare} of 24 networks differ by more than {GRADIENT_TOLERANCE}");
}

/// Kernels work on blocks of 16 channels: here on several, of which the last is partly empty.
#[test]
fn c4_holds_for_maps_of_several_blocks() {
    for (space, first) in [(SearchSpace::hierarchical(), 0), (SearchSpace::flat(), 1000)] {
        for seed in first..first + 2 {
            check(&space, seed, 20, SeparableInner::BatchNorm);
        }
    }
}
