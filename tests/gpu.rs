//! The program on a GPU; a Vulkan device in software is enough.

mod support;

use std::path::Path;

use hnas_compiler::{Shape, assemble, optimize};
use hnas_data::Manifest;
use hnas_engine::{DeviceChoice, Phenotype, Precision, Recipe, open_device};
use hnas_genome::{Genotype, SearchSpace};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde_json::Value;
use support::{has_cifar10, has_vulkan, refused, root, run, said};

/// Small enough for a device in software.
const SKELETON: &str = "(
    stem: [(width: 4, stride: 2)],
    groups: [(cells: 1, width: 4), (cells: 1, width: 8)],
    after_last_cell: Nothing,
    separable_inner: BatchNorm,
    classes: 10,
)";

const SPACE: &str = "(
    primitives: [Conv1x1, Depthwise3x3, MaxPool3x3, Identity],
    levels: [
        (motifs: 2, nodes: 3, followed_by: Some(Conv1x1)),
        (motifs: 1, nodes: 3, followed_by: None),
    ],
    merge: Concat,
)";

/// A training by the command, with its weights in `folder`; what it says.
fn train(folder: &Path, device: &str, weights: &str) -> Value {
    let path = |name: &str| folder.join(name).to_str().expect("a temporary folder's name is UTF-8").to_owned();
    let (genotype, skeleton, weights) = (path("genotype-0001.ron"), path("skeleton.ron"), path(weights));
    let counts = ["--train", "40", "--valid", "30", "--steps", "18", "--batch", "8", "--learning-rate", "0.01"];
    let files = ["train", &genotype, "--skeleton", &skeleton, "--weights", &weights, "--device", device, "--json"];
    serde_json::from_str(&said(run(&[files.as_slice(), counts.as_slice()].concat()))).unwrap()
}

#[test]
fn the_command_trains_on_a_gpu_what_it_trains_on_the_cpu() {
    let name = "the_command_trains_on_a_gpu_what_it_trains_on_the_cpu";
    if !has_vulkan(name) || !has_cifar10(name) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("skeleton.ron"), SKELETON).unwrap();
    std::fs::write(folder.path().join("space.ron"), SPACE).unwrap();
    let (out, space) = (folder.path().to_str().unwrap(), folder.path().join("space.ron"));
    said(run(&["sample", "--space", space.to_str().unwrap(), "--mutations", "50", "--out", out]));

    let [cpu, gpu, again] = [("cpu", "cpu"), ("vulkan:0", "gpu"), ("vulkan:0", "again")]
        .map(|(device, weights)| train(folder.path(), device, weights));
    assert_eq!(gpu["device"], "vulkan:0");
    let loss = |found: &Value| found["loss"].as_f64().unwrap();
    assert!((loss(&gpu) / loss(&cpu) - 1.0).abs() < 1e-2, "a loss of {} instead of {}", loss(&gpu), loss(&cpu));
    assert_eq!(gpu["loss"], again["loss"]);
    let weights = ["gpu", "again"].map(|name| std::fs::read(folder.path().join(name)).unwrap());
    assert!(weights[0] == weights[1], "two runs differ");
}

/// Some tens of steps on photographs: with maps in half the memory the loss falls as it does with maps in full.
#[test]
fn the_loss_falls_in_each_precision_alike() {
    let name = "the_loss_falls_in_each_precision_alike";
    if !has_vulkan(name) || !has_cifar10(name) {
        return;
    }
    let cache = hnas_data::cache_root().unwrap();
    let (training, _) = hnas_data::load(&Manifest::builtin("cifar10").unwrap(), &cache).unwrap();
    let images = training.all(64, 0).unwrap();
    let genotype = Genotype::random(&SearchSpace::hierarchical(), 1000, &mut ChaCha8Rng::seed_from_u64(3)).genotype;
    let graph = optimize(assemble(&genotype, &ron::from_str(SKELETON).unwrap(), Shape::new(3, 24, 24)).unwrap());
    let device = open_device(DeviceChoice::Vulkan(0)).unwrap();
    let [full, half] = [Precision::F32, Precision::Bf16].map(|precision| {
        let short = |raw: &mut hnas_engine::RawRecipe| {
            (raw.steps, raw.batch, raw.precision) = (30, 16, precision);
            raw.learning_rate.initial = 0.05;
            raw.learning_rate.drops.clear();
        };
        let recipe = Recipe::paper_search().with(short).unwrap();
        let phenotype = Phenotype::build(&graph, &recipe, &device, 1).unwrap();
        let trained = hnas_engine::train(phenotype, &images, &recipe, 1, &|_| ()).unwrap().unwrap();
        let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
        [mean(&trained.losses()[..5]), mean(&trained.losses()[25..])]
    });
    for ([first, last], precision) in [(full, "F32"), (half, "Bf16")] {
        assert!(last < 0.9 * first, "a loss of {last} after one of {first} in {precision}");
    }
    for (full, half) in full.into_iter().zip(half) {
        assert!((half / full - 1.0).abs() < 0.1, "a loss of {half} in Bf16, of {full} in F32");
    }
}

#[test]
fn a_precision_that_a_device_has_not_is_refused_before_anything_is_founded() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let experiment = std::fs::read_to_string(root().join("tests/cases/tiny.ron"))
        .unwrap()
        .replace("precision: F32", "precision: Bf16");
    assert!(experiment.contains("precision: Bf16"));
    std::fs::write(path("experiment.ron"), experiment).unwrap();
    let recipe = Recipe::paper_search().with(|raw| raw.precision = Precision::Bf16).unwrap();
    std::fs::write(path("recipe.ron"), ron::to_string(&recipe).unwrap()).unwrap();
    let [experiment, recipe, out] =
        ["experiment.ron", "recipe.ron", "run"].map(|name| path(name).to_str().unwrap().to_owned());
    let learned = "experiments/cifar10/genotypes/learned-cell.ron";
    let commands: [&[&str]; 3] = [
        &["train", learned, "--recipe", &recipe, "--device", "cpu"],
        &["search", &experiment, "--out", &out, "--device", "cpu"],
        &["search", &experiment, "--out", &out, "--device", "cpu", "--plan"],
    ];
    for command in commands {
        let (code, error) = refused(run(command));
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains("precision Bf16 is for cuda:N and vulkan:N; cpu trains in F32"), "{error}");
    }
    assert!(!path("run").exists());
}

#[test]
fn what_a_gpu_cannot_do_is_refused() {
    if !has_vulkan("what_a_gpu_cannot_do_is_refused") {
        return;
    }
    let learned = "experiments/cifar10/genotypes/learned-cell.ron";
    let plain = support::hnas().args(["train", learned, "--device", "vulkan:0"]).env("HNAS_KERNELS", "plain").output();
    let (code, error) = refused(plain.unwrap());
    assert_eq!(code, Some(2));
    let reason = "HNAS_KERNELS is plain, but the tensor library does not compute on vulkan:0";
    assert!(error.contains(reason), "{error}");
    let (code, error) = refused(run(&["train", learned, "--device", "cpu,vulkan:0"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("cpu and vulkan:0 cannot share a run"), "{error}");
}
