//! Invariant E1: on the CPU the same graph, recipe and seed give the same weights bit for bit.

mod networks;

use std::sync::Barrier;

use hnas_engine::{Phenotype, train};
use networks::{cpu, graph, recipe, train_images};

/// Trains for some steps and gives the bytes of its file: graph, weights, running statistics and losses.
///
/// 16 channels of 10x10 pixels and 32 images are enough for the kernels to divide their work among threads.
fn trained(graph_seed: u64, seed: u64, steps: usize) -> Vec<u8> {
    let (graph, recipe) = (graph(16, graph_seed), recipe(steps, 32));
    let phenotype = Phenotype::build(&graph, &recipe, &cpu(), seed).unwrap();
    let trained = train(phenotype, &train_images(48, 1), &recipe, seed, &|_| ()).unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    trained.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

#[test]
fn e1_the_number_of_threads_changes_nothing() {
    let one = with_threads(1, || trained(1, 7, 50));
    for threads in [2, 4] {
        assert!(one == with_threads(threads, || trained(1, 7, 50)), "{threads} threads differ from 1");
    }
}

#[test]
fn e1_another_training_at_the_same_time_changes_nothing() {
    let alone = [trained(1, 7, 4), trained(2, 8, 4)];
    let start = Barrier::new(2);
    let together = std::thread::scope(|scope| {
        let run = |graph_seed, seed| {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                trained(graph_seed, seed, 4)
            })
        };
        [run(1, 7), run(2, 8)].map(|training| training.join().unwrap())
    });
    assert!(alone[0] == together[0] && alone[1] == together[1]);
}

#[test]
fn the_seed_decides_the_weights() {
    assert!(trained(1, 7, 4) != trained(1, 8, 4));
}
