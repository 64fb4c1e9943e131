//! The program on a GPU against the program on the CPU, and how often the host waits for a GPU.

use std::collections::BTreeMap;
use std::io::Write;

use hnas_compiler::{Graph, Program, SeparableInner, Shape, assemble, optimize};
use hnas_data::{Images as Set, TrainingImages};
use hnas_genome::{Genotype, SearchSpace};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::{Executor, Learner};
use crate::batches::Batch;
use crate::device::{DeviceChoice, EngineDevice, Kind, devices, open_device};
use crate::network::Network;
use crate::phenotype::Phenotype;
use crate::recipe::{Precision, Recipe, WeightDecayOn};
use crate::same_function::{
    CLASSES, Computed, GRADIENT_TOLERANCE, IMAGES, RARE_TOLERANCE, SIDE, batch, by_name, compare, compute_by_program,
    new_network, skeleton,
};
use crate::values::Values;
use crate::{Failure, Trained, evaluate, train};

/// The first Vulkan device; `None` where there is none, after a line that says which test did not run.
fn device() -> Option<EngineDevice> {
    if devices().iter().any(|name| name == "vulkan:0") {
        return Some(open_device(DeviceChoice::Vulkan(0)).unwrap());
    }
    let thread = std::thread::current();
    // Past the test runner, which would keep the line to itself.
    let line = format!("{}: NOT RUN, since there is no Vulkan device\n", thread.name().unwrap_or("a test"));
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

fn machine(device: &EngineDevice) -> hnas_gpu::Machine {
    match device.kind() {
        Kind::Gpu(machine) => machine.clone(),
        Kind::Cpu => unreachable!("a Vulkan device was asked for"),
    }
}

fn graph(space: &SearchSpace, seed: u64, inner: SeparableInner) -> Graph {
    let genotype = Genotype::random(space, 1000, &mut ChaCha8Rng::seed_from_u64(seed)).genotype;
    optimize(assemble(&genotype, &skeleton(inner), Shape::new(3, SIDE, SIDE)).unwrap())
}

/// Logits in training and in evaluation, and gradients.
fn compute(device: &EngineDevice, graph: &Graph, network: &Network, precision: Precision) -> Computed {
    let (images, labels) = batch();
    let program = Program::lower(graph, Shape::new(3, SIDE, SIDE)).unwrap();
    let values = Values::of(&network.parameters);
    let evaluated = {
        let machine = machine(device);
        let mut executor =
            Executor::for_evaluation(machine, program.clone(), IMAGES, network.epsilon(), &values).unwrap();
        executor.load(&images, IMAGES);
        executor.forward();
        logits(&executor)
    };
    let recipe = Recipe::paper_search().with(|raw| (raw.batch, raw.precision) = (IMAGES, precision)).unwrap();
    let mut learner = Learner::new(machine(device), program, network.clone(), &recipe).unwrap();
    // The backward pass needs the memory of the logits for something else.
    learner.executor.load(&images, IMAGES);
    learner.executor.forward();
    let training = logits(&learner.executor);
    let (_, gradients) = learner.gradients(&Batch { images, labels, shape: [IMAGES, 3, SIDE, SIDE] }).unwrap();
    Computed { training, evaluation: evaluated, gradients: by_name(gradients, network) }
}

fn logits(executor: &Executor) -> Vec<f64> {
    let map = executor.memory.value(executor.program.output());
    let numbers = map.download(&executor.machine).unwrap();
    numbers.chunks_exact(16).flat_map(|row| &row[..CLASSES]).map(|&number| f64::from(number)).collect()
}

#[test]
fn a_gpu_computes_what_the_cpu_computes() {
    let Some(device) = device() else { return };
    let inners = [SeparableInner::Nothing, SeparableInner::BatchNorm, SeparableInner::BatchNormRelu];
    let mut rare = 0;
    for (space, first) in [(SearchSpace::hierarchical(), 0), (SearchSpace::flat(), 1000)] {
        for seed in first..first + 8 {
            let graph = graph(&space, seed, inners[seed as usize % 3]);
            let network = new_network(&graph, seed);
            let (cpu, gpu) = (compute_by_program(&graph, &network), compute(&device, &graph, &network, Precision::F32));
            let places: Vec<usize> = (0..network.parameters.convolutions.len()).collect();
            let worst = compare(&cpu, &gpu, &places, RARE_TOLERANCE, &format!("genotype {seed}, on {device}"));
            rare += usize::from(worst > GRADIENT_TOLERANCE);
        }
    }
    assert!(rare <= 2, "{rare} of 16 networks differ by more than {GRADIENT_TOLERANCE}");
}

/// Rounding moves the gradients of a deep network by far more than a rounding, as a ReLU or a max close to a choice takes
/// another. How much is a matter of the network: so what maps in [`Precision::Bf16`] change is held against what it changes
/// to round the weights once, on the CPU. Evaluations are the same.
#[test]
fn maps_in_half_the_memory_change_what_rounding_changes() {
    let Some(device) = device() else { return };
    let inners = [SeparableInner::Nothing, SeparableInner::BatchNorm, SeparableInner::BatchNormRelu];
    let mut found = Vec::new();
    for (space, first) in [(SearchSpace::hierarchical(), 0), (SearchSpace::flat(), 1000)] {
        for seed in first..first + 8 {
            let graph = graph(&space, seed, inners[seed as usize % 3]);
            let network = new_network(&graph, seed);
            let cpu = compute_by_program(&graph, &network);
            let rounded = compute_by_program(&graph, &with_rounded_weights(&network));
            let gpu = compute(&device, &graph, &network, Precision::Bf16);
            let evaluation = distance(&cpu.evaluation, &gpu.evaluation);
            assert!(evaluation < 1e-5, "genotype {seed}: logits in evaluation are {evaluation:e} off");
            let logits = [&rounded, &gpu].map(|other| distance(&cpu.training, &other.training));
            let gradients = [&rounded, &gpu].map(|other| distance(&gradient(&cpu), &gradient(other)));
            found.push((seed, logits, gradients));
        }
    }
    let within = |[rounded, gpu]: [f64; 2]| gpu < TIMES * rounded;
    assert!(found.iter().all(|&(_, logits, gradients)| within(logits) && within(gradients)), "{found:#?}");
}

/// How much more it may change to round every map and every gradient of one, where they are written, than every weight.
/// Found were 0.8 to 4.4 times as much for logits, and 0.7 to 3 times for gradients.
const TIMES: f64 = 8.0;

/// A network with its kernels rounded to 8 bits of precision.
fn with_rounded_weights(network: &Network) -> Network {
    let mut network = network.clone();
    let mut values = Values::of(&network.parameters);
    let convolutions = values.convolutions.iter_mut().map(|own| &mut own.weight);
    for weight in convolutions.chain(values.linears.iter_mut().map(|own| &mut own.weight)).flatten() {
        *weight = f32::from_bits((weight.to_bits() + 0x8000) & 0xFFFF_0000);
    }
    values.write(&mut network.parameters);
    network
}

/// The gradients of all parameters as one vector.
fn gradient(computed: &Computed) -> Vec<f64> {
    let by_name: BTreeMap<&String, &Vec<f64>> = computed.gradients.iter().collect();
    by_name.into_values().flatten().copied().collect()
}

/// The length of the difference of two vectors, relative to that of the first.
fn distance(expected: &[f64], found: &[f64]) -> f64 {
    let square = expected.iter().zip(found).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    (square / expected.iter().map(|a| a * a).sum::<f64>()).sqrt()
}

/// The weights after some steps that decay all weights, or kernels alone, with momentum and running statistics.
#[test]
fn a_gpu_trains_as_the_cpu_trains() {
    let Some(gpu) = device() else { return };
    let cpu = open_device(DeviceChoice::Cpu).unwrap();
    for (seed, decays) in [(1, WeightDecayOn::All), (2, WeightDecayOn::ConvolutionsAndLinear)] {
        let graph = graph(&SearchSpace::hierarchical(), seed, SeparableInner::BatchNorm);
        // A decay that would be seen if it acted on the wrong ones.
        let recipe = recipe(6, 8).with(|raw| (raw.weight_decay, raw.weight_decay_on) = (0.1, decays)).unwrap();
        let [on_cpu, on_gpu] = [&cpu, &gpu].map(|device| {
            let phenotype = Phenotype::build(&graph, &recipe, device, seed).unwrap();
            train(phenotype, &images().all(20, 0).unwrap(), &recipe, seed, &|_| ()).unwrap().unwrap()
        });
        for (step, (cpu, gpu)) in on_cpu.losses.iter().zip(&on_gpu.losses).enumerate() {
            assert!((cpu - gpu).abs() < 1e-4 * cpu, "step {}: {gpu} instead of {cpu}", step + 1);
        }
        let [cpu, gpu] = [&on_cpu, &on_gpu].map(|trained| all(&Values::of(&trained.network.parameters)));
        let largest = cpu.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
        for (at, (cpu, gpu)) in cpu.iter().zip(&gpu).enumerate() {
            assert!((cpu - gpu).abs() < 1e-3 * largest, "number {at}: {gpu} instead of {cpu}; largest {largest}");
        }
    }
}

fn all(values: &Values) -> Vec<f32> {
    let convolutions = values.convolutions.iter();
    let convolutions = convolutions.flat_map(|own| [&own.weight, &own.gamma, &own.beta, &own.mean, &own.variance]);
    convolutions.chain(values.linears.iter().flat_map(|own| [&own.weight, &own.bias])).flatten().copied().collect()
}

/// The same weights bit for bit from the same run, and the same scores as on the CPU.
#[test]
fn a_training_can_be_repeated_and_its_weights_evaluated_anywhere() {
    let Some(gpu) = device() else { return };
    let cpu = open_device(DeviceChoice::Cpu).unwrap();
    let graph = graph(&SearchSpace::flat(), 4, SeparableInner::BatchNorm);
    for precision in [Precision::F32, Precision::Bf16] {
        let recipe = recipe(3, 6).with(|raw| raw.precision = precision).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| {
            let phenotype = Phenotype::build(&graph, &recipe, &gpu, 1).unwrap();
            let trained = train(phenotype, &images().all(20, 0).unwrap(), &recipe, 1, &|_| ()).unwrap().unwrap();
            let path = folder.path().join(name);
            trained.save(&path).unwrap();
            path
        });
        assert!(std::fs::read(&first).unwrap() == std::fs::read(&second).unwrap(), "two runs differ");
        let [on_cpu, on_gpu] = [&cpu, &gpu].map(|device| {
            let trained = Trained::load(&first, device).unwrap();
            // The last batch is a smaller one.
            evaluate(&trained, &images().all(20, 0).unwrap(), 7).unwrap().unwrap()
        });
        assert_eq!(on_cpu.correct, on_gpu.correct);
        assert!((on_cpu.loss - on_gpu.loss).abs() < 1e-5 * on_cpu.loss, "{on_gpu:?} instead of {on_cpu:?}");
    }
}

/// Several trainings at once on one device give what each gives alone.
#[test]
fn another_training_at_the_same_time_changes_nothing() {
    let Some(device) = device() else { return };
    let recipe = recipe(3, 5);
    let trained = &|seed: u64| {
        let graph = graph(&SearchSpace::flat(), seed, SeparableInner::BatchNorm);
        let phenotype = Phenotype::build(&graph, &recipe, &device, seed).unwrap();
        let trained = train(phenotype, &images().all(20, 0).unwrap(), &recipe, seed, &|_| ()).unwrap().unwrap();
        let evaluation = evaluate(&trained, &images().all(20, 0).unwrap(), 20).unwrap().unwrap();
        (all(&Values::of(&trained.network.parameters)), evaluation)
    };
    let alone = [4, 7].map(trained);
    let together = std::thread::scope(|scope| {
        let trainings = [4, 7].map(|seed| scope.spawn(move || trained(seed)));
        trainings.map(|training| training.join().unwrap())
    });
    assert!(alone == together);
}

#[test]
fn too_little_memory_is_an_outcome() {
    let Some(device) = device() else { return };
    let graph = graph(&SearchSpace::hierarchical(), 5, SeparableInner::BatchNorm);
    let recipe = recipe(1, 100_000_000);
    let phenotype = Phenotype::build(&graph, &recipe, &device, 1).unwrap();
    let outcome = train(phenotype, &images().all(20, 0).unwrap(), &recipe, 1, &|_| ()).unwrap();
    let Err(Failure::OutOfMemory { message }) = outcome else { panic!("{outcome:?}") };
    assert!(message.starts_with("the network takes "), "{message}");
    // The device goes on.
    let recipe = self::recipe(1, 4);
    let phenotype = Phenotype::build(&graph, &recipe, &device, 1).unwrap();
    train(phenotype, &images().all(20, 0).unwrap(), &recipe, 1, &|_| ()).unwrap().unwrap();
}

/// A loss that is no number fails with its own step, though it is read later.
#[test]
fn a_loss_that_is_not_finite_fails_with_its_step() {
    let Some(device) = device() else { return };
    let graph = graph(&SearchSpace::hierarchical(), 6, SeparableInner::BatchNorm);
    let wild = recipe(8, 4).with(|raw| raw.learning_rate.initial = 1e30).unwrap();
    let [on_cpu, on_gpu] = [open_device(DeviceChoice::Cpu).unwrap(), device].map(|device| {
        let phenotype = Phenotype::build(&graph, &wild, &device, 1).unwrap();
        train(phenotype, &images().all(20, 0).unwrap(), &wild, 1, &|_| ()).unwrap().unwrap_err()
    });
    assert!(matches!(on_gpu, Failure::NonFinite { step } if step > 1), "{on_gpu:?}");
    assert_eq!(on_gpu, on_cpu);
}

/// Memory is asked for once, losses are read every sixteen steps, weights and logits once: whatever the network.
#[test]
fn the_host_waits_for_readings_alone() {
    let Some(device) = device() else { return };
    let graph = graph(&SearchSpace::hierarchical(), 3, SeparableInner::BatchNorm);
    for (steps, readings, precision) in [(1, 1, Precision::F32), (17, 2, Precision::F32), (17, 2, Precision::Bf16)] {
        let (machine, recipe) = (machine(&device), recipe(steps, 4).with(|raw| raw.precision = precision).unwrap());
        let before = machine.waits();
        let phenotype = Phenotype::build(&graph, &recipe, &device, 1).unwrap();
        let trained = train(phenotype, &images().all(20, 0).unwrap(), &recipe, 1, &|_| ()).unwrap().unwrap();
        assert_eq!(machine.waits() - before, 1 + readings + 1, "{steps} steps");
        let before = machine.waits();
        evaluate(&trained, &images().all(20, 0).unwrap(), 3).unwrap().unwrap();
        assert_eq!(machine.waits() - before, 2, "an evaluation");
    }
}

fn recipe(steps: usize, batch: usize) -> Recipe {
    let short = |raw: &mut crate::RawRecipe| {
        (raw.steps, raw.batch, raw.crop) = (steps, batch, SIDE - 1);
        raw.learning_rate.initial = 0.01;
        raw.learning_rate.drops.clear();
    };
    Recipe::paper_search().with(short).unwrap()
}

/// Bytes that are all different, so that no two pixels tie.
fn images() -> TrainingImages {
    use rand::Rng;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let pixels = (0..20 * 3 * SIDE * SIDE).map(|_| rng.next_u32() as u8).collect();
    let labels = (0..20).map(|image| (image % CLASSES) as u8).collect();
    TrainingImages::from(Set::new(pixels, labels, (3, SIDE, SIDE), CLASSES).unwrap())
}
