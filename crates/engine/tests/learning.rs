//! What a training does: it learns, it fails as an outcome, it refuses what does not fit.

mod networks;

use std::sync::Mutex;

use expect_test::expect;
use hnas_compiler::{Op, Shape};
use hnas_data::{Images, TrainingImages};
use hnas_engine::{EngineError, Failure, Phenotype, Recipe, Step, Trained, evaluate, measure_step, train};
use networks::{CLASSES, SIDE, cpu, graph, images, recipe, train_images};

fn run(recipe: &Recipe, progress: &(dyn Fn(Step) + Sync)) -> Result<Trained, Failure> {
    let phenotype = Phenotype::build(&graph(4, 1), recipe, &cpu(), 3).unwrap();
    train(phenotype, &train_images(48, 1), recipe, 3, progress).unwrap()
}

#[test]
fn a_separable_task_is_learned() {
    let recipe = recipe(40, 24).with(|raw| raw.learning_rate.initial = 0.05).unwrap();
    let trained = run(&recipe, &|_| ()).unwrap();
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    let (first, last) = (mean(&trained.losses()[..5]), mean(&trained.losses()[35..]));
    assert!(last < 0.5 * first, "mean loss {first} of the first steps, {last} of the last");
    // Images that it has not seen.
    let split = images(96, 2).split(48, 48, 0).unwrap();
    let evaluation = evaluate(&trained, &split.valid, 16).unwrap().unwrap();
    assert!(evaluation.accuracy > 0.9, "{evaluation:?}");
    assert_eq!((evaluation.count, evaluation.correct as f64), (48, evaluation.accuracy * 48.0));
}

#[test]
fn the_size_of_an_evaluation_batch_changes_no_score() {
    let trained = run(&recipe(3, 8), &|_| ()).unwrap();
    let data = train_images(23, 5);
    let [whole, small] = [23, 5].map(|batch| evaluate(&trained, &data, batch).unwrap().unwrap());
    assert_eq!(whole.correct, small.correct);
    assert!((whole.loss - small.loss).abs() < 1e-5 * whole.loss, "{whole:?} {small:?}");
}

#[test]
fn every_step_is_reported_in_order() {
    let dropping = recipe(3, 8).with(|raw| raw.learning_rate.drops = vec![(2, 0.5)]).unwrap();
    let steps = Mutex::new(Vec::new());
    let trained = run(&dropping, &|step| steps.lock().unwrap().push(step)).unwrap();
    let steps = steps.into_inner().unwrap();
    assert_eq!(steps.iter().map(|step| (step.number, step.of)).collect::<Vec<_>>(), [(1, 3), (2, 3), (3, 3)]);
    assert_eq!(steps.iter().map(|step| step.learning_rate).collect::<Vec<_>>(), [0.1, 0.1, 0.05]);
    assert_eq!(steps.iter().map(|step| step.loss).collect::<Vec<_>>(), trained.losses());
    assert_eq!(trained.steps(), 3);
}

#[test]
fn e3_a_huge_learning_rate_fails_with_its_step() {
    let recipe = recipe(20, 8).with(|raw| raw.learning_rate.initial = 1e30).unwrap();
    let last = Mutex::new(0);
    let failure = run(&recipe, &|step| *last.lock().unwrap() = step.number).unwrap_err();
    let Failure::NonFinite { step } = failure else { panic!("{failure:?}") };
    // The steps before were reported, the failed one was not.
    assert_eq!(step, last.into_inner().unwrap() + 1);
    assert!((2..=4).contains(&step), "{step}");
}

#[test]
fn e3_weights_that_the_last_step_destroyed_fail_at_their_evaluation() {
    let recipe = recipe(1, 8).with(|raw| raw.learning_rate.initial = 1e38).unwrap();
    let trained = run(&recipe, &|_| ()).unwrap();
    let outcome = evaluate(&trained, &train_images(9, 1), 9).unwrap();
    assert_eq!(outcome, Err(Failure::NonFinite { step: 1 }));
}

#[test]
fn a_passed_time_limit_is_an_outcome() {
    let recipe = recipe(50, 8).with(|raw| raw.time_limit_s = Some(1e-9)).unwrap();
    let failure = run(&recipe, &|_| ()).unwrap_err();
    let Failure::TimeLimit { step: 1, seconds } = failure else { panic!("{failure:?}") };
    assert!(seconds > 0.0);
}

/// Made-up images of another kind.
fn other(channels: usize, side: usize, classes: usize) -> TrainingImages {
    let pixels = (0..4 * channels * side * side).map(|pixel| (pixel % 256) as u8).collect();
    let labels = vec![0, 1, 1, 0];
    TrainingImages::from(Images::new(pixels, labels, (channels, side, side), classes).unwrap())
}

#[test]
fn what_does_not_fit_is_refused() {
    let refusal = |images: TrainingImages| {
        let recipe = recipe(2, 8);
        let phenotype = Phenotype::build(&graph(4, 1), &recipe, &cpu(), 3).unwrap();
        train(phenotype, &images.all(4, 0).unwrap(), &recipe, 3, &|_| ()).unwrap_err().to_string()
    };
    expect!["the network takes images of 3 channels, the data has 1"].assert_eq(&refusal(other(1, SIDE, CLASSES)));
    expect!["the network tells 3 classes apart, the data has 5"].assert_eq(&refusal(other(3, SIDE, 5)));
    expect!["a crop of 10x10 does not fit into images of 6x6"].assert_eq(&refusal(other(3, 6, CLASSES)));
    let grey = vec![128; 4 * 3 * SIDE * SIDE];
    let grey = Images::new(grey, vec![0, 1, 2, 0], (3, SIDE, SIDE), CLASSES).unwrap();
    expect!["channel 0 of the training images is 0.5019607843137255 everywhere: it cannot be normalised per channel"]
        .assert_eq(&refusal(grey.into()));

    let trained = run(&recipe(1, 8), &|_| ()).unwrap();
    let refusal =
        |images: TrainingImages, batch| evaluate(&trained, &images.all(4, 0).unwrap(), batch).unwrap_err().to_string();
    expect!["the network takes images of 3 channels, the data has 2"].assert_eq(&refusal(other(2, SIDE, CLASSES), 4));
    expect!["the network tells 3 classes apart, the data has 2"].assert_eq(&refusal(other(3, SIDE, 2), 4));
    expect!["an evaluation batch of 0 images"].assert_eq(&refusal(other(3, SIDE, CLASSES), 0));
}

#[test]
fn a_graph_without_classifier_is_refused() {
    let mut builder = hnas_compiler::GraphBuilder::new(Shape::new(3, SIDE, SIDE)).unwrap();
    let convolution = builder.push(Op::Conv { kernel: 3, stride: 1, channels: 4 }, [builder.input()]).unwrap();
    let graph = builder.finish(convolution).unwrap();
    let error: EngineError = Phenotype::build(&graph, &recipe(1, 1), &cpu(), 0).unwrap_err();
    expect!["the network's output is 4x12x12; a classifier ends in at least 2 classes of 1x1"]
        .assert_eq(&error.to_string());
}

#[test]
fn a_step_and_an_evaluation_can_be_measured() {
    let time = measure_step(&graph(4, 1), &recipe(1, 8), &cpu()).unwrap();
    assert!(time.step_seconds > 0.0 && time.image_seconds > 0.0);
    let too_large = recipe(1, 8).with(|raw| raw.crop = 13).unwrap();
    let error = measure_step(&graph(4, 1), &too_large, &cpu()).unwrap_err();
    expect!["a crop of 13x13 does not fit into images of 12x12"].assert_eq(&error.to_string());
}
