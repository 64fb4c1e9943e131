//! Trainings that are interrupted: whoever goes on from a checkpoint ends with the same weights, bit for bit.

mod networks;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use hnas_engine::{Checkpoints, EngineDevice, Phenotype, Recipe, TrainOn, Trained, train, train_with_checkpoints};
use networks::{SIDE, cpu, devices, graph, photographs, recipe, train_images};

const STEPS: usize = 9;
const SEED: u64 = 7;

/// With a drop of the learning rate on the way.
fn nine_steps() -> Recipe {
    recipe(STEPS, 8).with(|raw| raw.learning_rate.drops = vec![(5, 0.5)]).unwrap()
}

fn phenotype(recipe: &Recipe, device: &EngineDevice) -> Phenotype {
    Phenotype::build(&graph(4, 1), recipe, device, SEED).unwrap()
}

/// Trains until step `stop` has been reported, or to the end; gives the result and the steps that were reported.
fn carry_on(
    images: TrainOn,
    recipe: &Recipe,
    device: &EngineDevice,
    checkpoints: &Checkpoints,
    stop: usize,
) -> (Option<Trained>, Vec<usize>) {
    let steps = Mutex::new(Vec::new());
    let watch = |step: hnas_engine::Step| {
        steps.lock().unwrap_or_else(|lock| lock.into_inner()).push(step.number);
        // As sudden as an error can be: everything that is in memory is lost.
        if step.number == stop {
            std::panic::resume_unwind(Box::new("interrupted"));
        }
    };
    let train = || train_with_checkpoints(phenotype(recipe, device), images, recipe, SEED, checkpoints, &watch);
    let trained = catch_unwind(AssertUnwindSafe(train)).ok().map(|trained| trained.unwrap().unwrap());
    (trained, steps.into_inner().unwrap_or_else(|lock| lock.into_inner()))
}

fn weights(trained: &Trained) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    trained.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

fn checkpoints(folder: &tempfile::TempDir, every: usize) -> Checkpoints {
    // The folder between is made when it is needed.
    let file = folder.path().join("trial-1/run-1");
    Checkpoints { file, every: NonZeroUsize::new(every).unwrap(), of: "a test".to_owned() }
}

/// Interrupted before and after something is kept, and again and again.
fn goes_on(images: TrainOn, recipe: &Recipe, device: &EngineDevice) {
    let whole = train(phenotype(recipe, device), images, recipe, SEED, &|_| ()).unwrap().unwrap();
    // A GPU in software takes a hundred times as long.
    let (intervals, plans): (&[usize], &[&[usize]]) =
        if device.is_cpu() { (&[1, 4], &[&[1], &[4], &[5], &[9], &[2, 4, 6, 8]]) } else { (&[2], &[&[4, 7]]) };
    for &every in intervals {
        for &stops in plans {
            let folder = tempfile::tempdir().unwrap();
            let checkpoints = checkpoints(&folder, every);
            let mut last = 0;
            for &stop in stops {
                let (trained, steps) = carry_on(images, recipe, device, &checkpoints, stop);
                assert!(trained.is_none(), "{device}: not interrupted at step {stop}");
                assert_eq!(steps, (last + 1..=stop).collect::<Vec<_>>(), "{device}, every {every}: {stops:?}");
                // A step is reported before it is kept.
                last = (stop - 1) / every * every;
            }
            let (trained, steps) = carry_on(images, recipe, device, &checkpoints, usize::MAX);
            assert_eq!(steps, (last + 1..=STEPS).collect::<Vec<_>>(), "{device}, every {every}: {stops:?}");
            let trained = trained.unwrap();
            assert_eq!(trained.losses(), whole.losses());
            assert!(weights(&trained) == weights(&whole), "{device}, every {every}: {stops:?}: other weights");
            // One that is whole is gone on with as well, without a step.
            let (again, steps) = carry_on(images, recipe, device, &checkpoints, usize::MAX);
            assert!(steps.is_empty() && weights(&again.unwrap()) == weights(&whole));
            let names: Vec<_> = std::fs::read_dir(checkpoints.file.parent().unwrap()).unwrap().collect();
            assert_eq!(names.len(), 1, "an unfinished file was left behind");
        }
    }
}

#[test]
fn e1_a_training_on_images_in_memory_goes_on_where_it_was_interrupted() {
    let images = train_images(21, 1);
    for device in devices("a_training_on_images_in_memory_goes_on_where_it_was_interrupted") {
        goes_on((&images).into(), &nine_steps(), &device);
    }
}

#[test]
fn e1_a_training_on_photographs_goes_on_where_it_was_interrupted() {
    let tree = photographs::tree();
    let (recipe, images) = (photographs::recipe(&nine_steps()), photographs::train(&tree, SIDE, 2));
    for device in devices("a_training_on_photographs_goes_on_where_it_was_interrupted") {
        goes_on((&images).into(), &recipe, &device);
    }
}

#[test]
fn a_checkpoint_that_is_damaged_or_another_trainings_is_passed_over() {
    let (images, recipe, device) = (train_images(21, 1), nine_steps(), cpu());
    let images = TrainOn::from(&images);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(&folder, 4);
    assert!(carry_on(images, &recipe, &device, &checkpoints, 6).0.is_none());
    let good = std::fs::read(&checkpoints.file).unwrap();
    let whole = weights(&train(phenotype(&recipe, &device), images, &recipe, SEED, &|_| ()).unwrap().unwrap());
    let begins_anew = |file: &[u8], checkpoints: &Checkpoints, what: &str| {
        std::fs::write(&checkpoints.file, file).unwrap();
        let (trained, steps) = carry_on(images, &recipe, &device, checkpoints, usize::MAX);
        assert_eq!(steps, (1..=STEPS).collect::<Vec<_>>(), "{what}");
        assert!(weights(&trained.unwrap()) == whole, "{what}");
    };
    for length in [0, 31, 33, good.len() - 1] {
        begins_anew(&good[..length], &checkpoints, &format!("{length} of {} bytes", good.len()));
    }
    for place in (0..good.len()).step_by(good.len() / 4) {
        let mut torn = good.clone();
        torn[place] ^= 1;
        begins_anew(&torn, &checkpoints, &format!("byte {place} of {}", good.len()));
    }
    begins_anew(&good, &Checkpoints { of: "another test".to_owned(), ..checkpoints.clone() }, "another training");
    // The good one is gone on with.
    std::fs::write(&checkpoints.file, &good).unwrap();
    assert_eq!(carry_on(images, &recipe, &device, &checkpoints, usize::MAX).1, (5..=STEPS).collect::<Vec<_>>());
    // That of another seed or recipe would give other weights than a training of its own.
    for (recipe, seed) in [(recipe.clone(), SEED + 1), (recipe.with(|raw| raw.momentum = 0.5).unwrap(), SEED)] {
        std::fs::write(&checkpoints.file, &good).unwrap();
        let phenotype = || Phenotype::build(&graph(4, 1), &recipe, &device, seed).unwrap();
        let own = train(phenotype(), images, &recipe, seed, &|_| ()).unwrap().unwrap();
        let trained = train_with_checkpoints(phenotype(), images, &recipe, seed, &checkpoints, &|_| ());
        assert!(weights(&trained.unwrap().unwrap()) == weights(&own));
    }
}

#[test]
fn a_checkpoint_that_cannot_be_read_is_refused_and_one_that_cannot_be_written_is_none() {
    let (images, recipe, device) = (train_images(21, 1), nine_steps(), cpu());
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoints = checkpoints(&folder, 4);
    std::fs::create_dir_all(&checkpoints.file).unwrap();
    let phenotype = || phenotype(&recipe, &device);
    let refused = train_with_checkpoints(phenotype(), &images, &recipe, SEED, &checkpoints, &|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), format!("cannot read {}", checkpoints.file.display()));
    // Its folder is a file: the training comes to its end all the same.
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    checkpoints.file = file.join("run-1");
    let trained = train_with_checkpoints(phenotype(), &images, &recipe, SEED, &checkpoints, &|_| ());
    // Some systems say that there is no such file, others that its folder is none.
    assert!(trained.is_err() || trained.is_ok_and(|trained| trained.is_ok()));
}
