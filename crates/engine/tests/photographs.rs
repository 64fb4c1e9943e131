//! Training and evaluation on photographs: whatever the device and the threads, and when files are damaged.

mod networks;

use hnas_engine::{EngineDevice, EngineError, Phenotype, Trained, evaluate, train};
use networks::photographs::{self, photograph, put};
use networks::{SIDE, cpu, devices, graph, train_images};
use tempfile::TempDir;

fn run(tree: &TempDir, threads: usize, device: &EngineDevice) -> Result<Trained, EngineError> {
    let recipe = photographs::recipe(&networks::recipe(5, 8).with(|raw| raw.learning_rate.initial = 0.01).unwrap());
    let phenotype = Phenotype::build(&graph(4, 1), &recipe, device, 3)?;
    train(phenotype, &photographs::train(tree, SIDE, threads), &recipe, 3, &|_| ()).map(|trained| trained.unwrap())
}

#[test]
fn the_threads_that_decode_change_nothing_and_a_gpu_trains_as_the_cpu() {
    let tree = photographs::tree();
    for device in devices("a_gpu_trains_as_the_cpu") {
        let [one, three] = [1, 3].map(|threads| run(&tree, threads, &device).unwrap());
        assert_eq!(one.losses(), three.losses());
        let supply = one.supply().unwrap();
        assert_eq!((supply.images, supply.decoded.damaged.len()), (40, 0));
        // So few may be decoded between two ticks of a clock.
        assert!(supply.decoded_per_core_second >= 0.0 && supply.needed_per_second() > 0.0, "{supply:?}");
        let on_cpu = run(&tree, 1, &cpu()).unwrap();
        for (step, (cpu, here)) in on_cpu.losses().iter().zip(one.losses()).enumerate() {
            // Photographs have pixels that tie, and where a maximum has to choose, correct computations part.
            let tolerance = if step == 0 { 1e-5 } else { 1e-2 };
            assert!((cpu - here).abs() < tolerance * cpu, "step {} on {device}: {here} instead of {cpu}", step + 1);
        }
        let scores =
            [&on_cpu, &one].map(|trained| evaluate(trained, &photographs::test(&tree, SIDE), 2).unwrap().unwrap());
        assert!((scores[0].loss - scores[1].loss).abs() < 3e-2 * scores[0].loss, "{scores:?}");
        assert_eq!(scores.map(|score| (score.count, score.damaged, score.top_5)), [(5, 0, None); 2]);
        let other = evaluate(&one, &photographs::test(&tree, SIDE), 5).unwrap().unwrap();
        assert_eq!(other.correct, scores[1].correct, "the size of a batch");
    }
}

#[test]
fn damaged_photographs_are_replaced_in_training_and_wrong_in_a_test() {
    let tree = photographs::tree();
    let trained = run(&tree, 2, &cpu()).unwrap();
    let good = evaluate(&trained, &photographs::test(&tree, SIDE), 2).unwrap().unwrap();
    put(&tree, "train/a/damaged.jpg", &photograph("baseline.jpg")[..700]);
    put(&tree, "val/a/damaged.jpg", b"no picture");
    put(&tree, "val/c/damaged.jpg", b"");
    let again = run(&tree, 2, &cpu()).unwrap();
    let named: Vec<_> = again.supply().unwrap().decoded.damaged.keys().collect();
    assert_eq!(named, [&tree.path().join("train/a/damaged.jpg")]);
    let worse = evaluate(&trained, &photographs::test(&tree, SIDE), 2).unwrap().unwrap();
    assert_eq!((worse.count, worse.damaged, worse.correct), (7, 2, good.correct));
    assert!((worse.loss - good.loss).abs() < 1e-6, "the loss is of those that could be decoded");
    assert_eq!(worse.accuracy, good.correct as f64 / 7.0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let tree = photographs::tree();
    let refused = |recipe: &hnas_engine::Recipe, side| {
        let phenotype = Phenotype::build(&graph(4, 1), recipe, &cpu(), 3).unwrap();
        train(phenotype, &photographs::train(&tree, side, 1), recipe, 3, &|_| ()).unwrap_err().to_string()
    };
    let recipe = photographs::recipe(&networks::recipe(2, 4));
    let said = "the recipe's crop is 12x12, but 16x16 pixels are seen of each photograph";
    assert_eq!(refused(&recipe, 16), said);
    let statistics = networks::recipe(2, 4).with(|raw| raw.crop = SIDE).unwrap();
    let said = "photographs are normalised to -1 .. 1: normalization is PerChannel, use MinusOneToOne";
    assert_eq!(refused(&statistics, SIDE), said);
    for class in ["a", "b", "c"] {
        for entry in std::fs::read_dir(tree.path().join("train").join(class)).unwrap() {
            std::fs::write(entry.unwrap().path(), b"").unwrap();
        }
        std::fs::remove_dir_all(tree.path().join("val").join(class)).unwrap();
    }
    put(&tree, "val/a/1.jpg", b"");
    let said = refused(&recipe, SIDE);
    assert!(said.starts_with("none of the 11 images can be decoded; "), "{said}");
    let phenotype = Phenotype::build(&graph(4, 1), &networks::recipe(1, 4), &cpu(), 3).unwrap();
    let trained = train(phenotype, &train_images(8, 1), &networks::recipe(1, 4), 3, &|_| ()).unwrap().unwrap();
    let said = evaluate(&trained, &photographs::test(&tree, SIDE), 4).unwrap_err().to_string();
    assert_eq!(said, "none of the 1 photographs to score on can be decoded");
}
