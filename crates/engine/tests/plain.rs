//! `HNAS_KERNELS=plain` trains with the tensor library's operations alone, to the same losses.

mod networks;

use std::process::Command;

use hnas_engine::{Evaluation, Phenotype, evaluate, train};
use networks::{cpu, graph, recipe, train_images};

/// Where the other process is to write what it found.
const OUT: &str = "HNAS_TEST_OUT";

/// Losses of a short training, and the score of the network.
fn trained() -> (Vec<f32>, Evaluation) {
    // At the paper's rate rounding would grow a hundredfold with each step.
    let recipe = recipe(6, 16).with(|raw| raw.learning_rate.initial = 1e-4).unwrap();
    let (graph, images) = (graph(8, 1), train_images(48, 1));
    let phenotype = Phenotype::build(&graph, &recipe, &cpu(), 7).unwrap();
    let trained = train(phenotype, &images, &recipe, 7, &|_| ()).unwrap().unwrap();
    let evaluation = evaluate(&trained, &images, 16).unwrap().unwrap();
    (trained.losses().to_vec(), evaluation)
}

#[test]
fn the_plain_way_trains_alike() {
    if let Some(out) = std::env::var_os(OUT) {
        return std::fs::write(out, serde_json::to_string(&trained()).unwrap()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plain.json");
    // The variable is read by the whole process, so it takes another one.
    let mut other = Command::new(std::env::current_exe().unwrap());
    let status = other.args(["--exact", "the_plain_way_trains_alike"]).env("HNAS_KERNELS", "plain").env(OUT, &out);
    assert!(status.status().unwrap().success());
    let plain: (Vec<f32>, Evaluation) = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
    let program = trained();
    assert_ne!(plain.0, program.0, "both ways round alike: the same was computed twice");
    for (step, (a, b)) in (1..).zip(plain.0.iter().zip(&program.0)) {
        assert!((a - b).abs() < 1e-3, "step {step}: {a} and {b}");
    }
    let (a, b) = (plain.1, program.1);
    assert!((a.loss - b.loss).abs() < 1e-2 && a.count == b.count, "{a:?} and {b:?}");
}
