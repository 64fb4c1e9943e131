//! The program on a GPU; a Vulkan device in software is enough.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{has_cifar10, has_vulkan, refused, run, said};

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
