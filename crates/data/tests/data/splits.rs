//! Splits: shares of the classes, disjointness, determinism (invariant E2 rests on them).

use std::collections::HashSet;

use expect_test::{Expect, expect};
use hnas_data::{Images, TestImages, TrainingImages, View};
use proptest::prelude::*;

/// Images of one pixel, which is the low byte of their index.
fn images(labels: Vec<u8>, classes: usize) -> Images {
    let pixels = (0..labels.len()).map(|i| i as u8).collect();
    Images::new(pixels, labels, (1, 1, 1), classes).unwrap()
}

fn counts(view: &View) -> Vec<usize> {
    let mut counts = vec![0; view.classes()];
    (0..view.len()).for_each(|i| counts[usize::from(view.label(i))] += 1);
    counts
}

fn spread(counts: &[usize]) -> usize {
    counts.iter().max().unwrap() - counts.iter().min().unwrap()
}

fn positions(view: &View) -> HashSet<u32> {
    view.indices().iter().copied().collect()
}

/// As many images of each class, in any order; sizes of two parts that fit; a seed.
fn balanced() -> impl Strategy<Value = (Vec<u8>, usize, usize, usize, u64)> {
    (1usize..8, 2usize..12).prop_flat_map(|(classes, each)| {
        let labels: Vec<u8> = (0..classes * each).map(|i| (i % classes) as u8).collect();
        let all = labels.len();
        (Just(labels).prop_shuffle(), Just(classes), 1..all, any::<u64>()).prop_flat_map(
            move |(labels, classes, train, seed)| {
                (Just(labels), Just(classes), Just(train), 1..=all - train, Just(seed))
            },
        )
    })
}

proptest! {
    #[test]
    fn e2_parts_are_disjoint_and_of_the_sizes_asked((labels, classes, train, valid, seed) in balanced()) {
        let split = TrainingImages::from(images(labels, classes)).split(train, valid, seed).unwrap();
        prop_assert_eq!((split.train.len(), split.valid.len()), (train, valid));
        prop_assert_eq!((positions(&split.train).len(), positions(&split.valid).len()), (train, valid));
        prop_assert!(positions(&split.train).is_disjoint(&positions(&split.valid)));
    }

    #[test]
    fn counts_of_balanced_classes_differ_by_at_most_1((labels, classes, train, valid, seed) in balanced()) {
        let images = images(labels, classes);
        let training = TrainingImages::from(images.clone());
        let split = training.split(train, valid, seed).unwrap();
        prop_assert!(spread(&counts(&split.train)) <= 1, "{:?}", counts(&split.train));
        prop_assert!(spread(&counts(&split.valid)) <= 1, "{:?}", counts(&split.valid));
        prop_assert!(spread(&counts(&training.all(train, seed).unwrap())) <= 1);
        prop_assert!(spread(&counts(&TestImages::from(images).take(train, seed).unwrap())) <= 1);
    }

    #[test]
    fn unequal_classes_keep_their_share(labels in prop::collection::vec(0u8..5, 2..200), part in 0.0..1.0, seed: u64) {
        let all = counts(&View::whole(images(labels.clone(), 5)));
        let n = ((labels.len() - 1) as f64 * part) as usize + 1;
        let drawn = counts(&TrainingImages::from(images(labels.clone(), 5)).all(n, seed).unwrap());
        for (drawn, all) in drawn.iter().zip(&all) {
            let exact = (n * all) as f64 / labels.len() as f64;
            prop_assert!((*drawn as f64 - exact).abs() < 1.0, "{drawn} instead of {exact}");
        }
    }

    #[test]
    fn equal_arguments_give_equal_splits((labels, classes, train, valid, seed) in balanced()) {
        let first = TrainingImages::from(images(labels.clone(), classes)).split(train, valid, seed).unwrap();
        let again = TrainingImages::from(images(labels, classes)).split(train, valid, seed).unwrap();
        prop_assert_eq!(first.train.indices(), again.train.indices());
        prop_assert_eq!(first.valid.indices(), again.valid.indices());
    }

    #[test]
    fn all_of_the_images_are_themselves_whatever_the_seed((labels, classes, _, _, seed) in balanced()) {
        let images = images(labels.clone(), classes);
        let whole: Vec<u32> = (0..labels.len() as u32).collect();
        let train = TrainingImages::from(images.clone()).all(labels.len(), seed).unwrap();
        let test = TestImages::from(images).take(labels.len(), seed).unwrap();
        prop_assert_eq!(train.indices(), &whole);
        prop_assert_eq!(test.indices(), &whole);
    }
}

fn labels(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i % 2) as u8).collect()
}

/// The split below is part of every result: if this changes, published runs cannot be repeated.
#[test]
fn splits_are_the_same_on_every_machine() {
    let split = TrainingImages::from(images(labels(20), 2)).split(10, 6, 7).unwrap();
    expect!["[2, 3, 4, 7, 8, 9, 11, 12, 14, 15] [5, 10, 13, 16, 18, 19]"].assert_eq(&format!(
        "{:?} {:?}",
        split.train.indices(),
        split.valid.indices()
    ));
    let other = TrainingImages::from(images(labels(20), 2)).split(10, 6, 8).unwrap();
    assert_ne!(split.train.indices(), other.train.indices());
}

#[test]
fn a_view_reads_the_images_at_its_indices() {
    let split = TrainingImages::from(images(labels(20), 2)).split(10, 6, 7).unwrap();
    for (i, &index) in split.valid.indices().iter().enumerate() {
        assert_eq!((split.valid.image(i), split.valid.label(i)), ([index as u8].as_slice(), (index % 2) as u8));
    }
    assert_eq!((split.valid.shape(), split.valid.classes()), ((1, 1, 1), 2));
}

#[test]
fn more_than_there_is_and_nothing_are_refused() {
    let check = |result: Result<(), hnas_data::SplitError>, expected: Expect| {
        expected.assert_eq(&result.unwrap_err().to_string());
    };
    let training = TrainingImages::from(images(labels(20), 2));
    let test = TestImages::from(images(labels(20), 2));
    check(
        training.split(15, 6, 0).map(drop),
        expect!["15 images to train on and 6 to validate on are 21, but there are 20"],
    );
    check(
        training.split(usize::MAX, 6, 0).map(drop),
        expect![
            "18446744073709551615 images to train on and 6 to validate on are 18446744073709551615, but there are 20"
        ],
    );
    check(training.split(0, 6, 0).map(drop), expect!["0 training images were asked for, at least 1 is needed"]);
    check(training.split(6, 0, 0).map(drop), expect!["0 validation images were asked for, at least 1 is needed"]);
    check(training.all(21, 0).map(drop), expect!["21 training images were asked for, but there are 20"]);
    check(test.take(21, 0).map(drop), expect!["21 test images were asked for, but there are 20"]);
    check(test.take(0, 0).map(drop), expect!["0 test images were asked for, at least 1 is needed"]);
}

#[test]
fn statistics_are_of_each_channel_in_units_of_255() {
    // Two images of 2 channels of 1 x 2 pixels: the first channel is 0, 255, 255, 0, the second always 51.
    let images = Images::new(vec![0, 255, 51, 51, 255, 0, 51, 51], vec![0, 0], (2, 1, 2), 1).unwrap();
    let train = TrainingImages::from(images).all(2, 0).unwrap();
    assert_eq!((train.channel_mean(), train.channel_std()), (vec![0.5, 0.2], vec![0.5, 0.0]));
}

#[test]
fn views_go_to_other_threads() {
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    let split = TrainingImages::from(images(labels(20), 2)).split(10, 6, 7).unwrap();
    is_shared(&split);
}
