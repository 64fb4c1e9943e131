//! What loaders hand out, whatever the threads, wherever they start, and when files are damaged.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use hnas_data::{Augmentation, Batch, CentreCrop, Distortion, ImageSet, Loader, LoaderError, Workers};

use crate::tree::{Tree, photograph};

fn workers(threads: usize, ahead: usize) -> Workers {
    Workers { threads: NonZeroUsize::new(threads).unwrap(), ahead: NonZeroUsize::new(ahead).unwrap() }
}

fn training(set: &ImageSet, seed: u64, step: u64, workers: Workers) -> Loader {
    let augmentation = Augmentation::try_from(Distortion::inception(16)).unwrap();
    Loader::training(set, augmentation, 4, seed, step, workers).unwrap()
}

fn first(loader: Loader, count: usize) -> Vec<Batch> {
    loader.take(count).map(Result::unwrap).collect()
}

#[test]
fn batches_follow_from_seed_and_step_alone() {
    let tree = Tree::small();
    let folder = tree.open().unwrap();
    let all = first(training(folder.train(), 5, 0, workers(1, 1)), 30);
    assert!(all.iter().all(|batch| (batch.images.len(), batch.labels.len()) == (4 * 3 * 16 * 16, 4)));
    for (threads, ahead) in [(1, 3), (2, 1), (3, 4), (8, 2)] {
        assert_eq!(first(training(folder.train(), 5, 0, workers(threads, ahead)), 30), all, "{threads} threads");
        for step in [1, 2, 9, 17] {
            let later = first(training(folder.train(), 5, step, workers(threads, ahead)), 10);
            assert_eq!(later, all[step as usize..][..10], "{threads} threads from step {step}");
        }
    }
    assert_ne!(first(training(folder.train(), 6, 0, workers(1, 1)), 1), all[..1]);
    // A step that no loader reaches is as near as the first.
    assert_eq!(first(training(folder.train(), 5, 1 << 60, workers(2, 2)), 2).len(), 2);
}

#[test]
fn every_pass_holds_every_image_once() {
    let tree = Tree::small();
    let folder = tree.open().unwrap();
    // 9 batches of 4 are 4 passes over 9 images, 5 of them cats.
    let labels: Vec<u32> =
        first(training(folder.train(), 1, 0, workers(2, 2)), 9).into_iter().flat_map(|batch| batch.labels).collect();
    for pass in labels.chunks(9) {
        assert_eq!(pass.iter().filter(|&&label| label == 0).count(), 5, "{labels:?}");
    }
    assert_ne!(labels[..9], labels[9..18]);
}

#[test]
fn an_evaluation_is_in_order_and_its_last_batch_is_smaller() {
    let tree = Tree::small();
    let folder = tree.open().unwrap();
    let crop = CentreCrop::new(16, 18).unwrap();
    for threads in [1, 2, 5] {
        let batches: Vec<Batch> =
            Loader::evaluation(folder.train(), crop, 9, 4, workers(threads, 2)).unwrap().map(Result::unwrap).collect();
        let labels: Vec<&[u32]> = batches.iter().map(|batch| &batch.labels[..]).collect();
        assert_eq!(labels, [&[0, 0, 0, 0][..], &[0, 1, 1, 1], &[1]]);
        assert_eq!(batches[2].images.len(), 3 * 16 * 16);
        let mut decoded = hnas_data::Decoded::default();
        batches.into_iter().for_each(|batch| decoded.add(batch.decoded));
        assert_eq!((decoded.rgb, decoded.grey, decoded.cmyk, decoded.damaged.len()), (7, 1, 1, 0));
    }
    let count = |count| Loader::evaluation(folder.train(), crop, count, 4, workers(1, 1)).err();
    assert_eq!(count(10), Some(LoaderError::Count { asked: 10, available: 9 }));
    assert_eq!(count(0), Some(LoaderError::Count { asked: 0, available: 9 }));
    assert_eq!(Loader::evaluation(folder.train(), crop, 9, 0, workers(1, 1)).err(), Some(LoaderError::EmptyBatch));
}

#[test]
fn damaged_files_are_named_and_replaced_by_the_next_in_training() {
    let tree = Tree::of(&["train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg"]);
    tree.put("train/a/2.jpg", b"");
    tree.put("train/a/3.jpg", &photograph("baseline.jpg")[..700]);
    tree.put("train/b/2.jpg", b"no picture");
    let folder = tree.open().unwrap();
    let damaged = |batches: &[Batch]| {
        let mut decoded = hnas_data::Decoded::default();
        batches.iter().for_each(|batch| decoded.add(batch.decoded.clone()));
        let name = |path: &std::path::Path| tree.plain(&path.display().to_string());
        (decoded.rgb, decoded.damaged.iter().map(|(path, why)| format!("{}: {why}", name(path))).collect::<Vec<_>>())
    };
    // 5 batches of 4 are 4 passes over 5 images: a/2 and a/3 become b/1, b/2 becomes a/1.
    for threads in [1, 4] {
        let batches = first(training(folder.train(), 1, 0, workers(threads, 2)), 5);
        let labels: Vec<u32> = batches.iter().flat_map(|batch| batch.labels.clone()).collect();
        assert_eq!(labels.iter().filter(|&&label| label == 0).count(), 4 * 2, "{labels:?}");
        let (rgb, named) = damaged(&batches);
        assert_eq!((rgb, named.len()), (20, 3), "{named:?}");
        assert_eq!(named[0], "FOLDER/train/a/2.jpg: 0 bytes");
        assert!(named[1].starts_with("FOLDER/train/a/3.jpg: "), "{named:?}");
        assert_eq!(named[2], "FOLDER/train/b/2.jpg: 10 bytes that are neither JPEG nor PNG");
    }
    // In an evaluation they are black, and no class is theirs.
    let crop = CentreCrop::new(4, 4).unwrap();
    let batches: Vec<Batch> =
        Loader::evaluation(folder.train(), crop, 5, 5, workers(2, 1)).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches[0].labels, [0, Batch::DAMAGED, Batch::DAMAGED, 1, Batch::DAMAGED]);
    assert!(batches[0].images[48..144].iter().all(|&value| value == 0));
    assert!(batches[0].images[144..192].iter().any(|&value| value != 0));
    assert_eq!(damaged(&batches).1.len(), 3);
}

#[test]
fn a_training_without_any_good_file_ends_with_an_error() {
    let tree = Tree::of(&["val/a/1.jpg"]);
    tree.put("train/a/1.jpg", b"");
    tree.put("train/a/2.jpg", b"");
    let folder = tree.open().unwrap();
    let mut loader = training(folder.train(), 1, 0, workers(2, 2));
    let error = loader.next().unwrap().unwrap_err().to_string();
    assert_eq!(tree.plain(&error), "none of the 2 images can be decoded; FOLDER/train/a/1.jpg: 0 bytes");
    assert!(loader.next().is_none());
}

#[test]
fn a_dropped_loader_ends_its_threads() {
    let tree = Tree::small();
    let folder = tree.open().unwrap();
    let started = Instant::now();
    for _ in 0..20 {
        let mut loader = training(folder.train(), 1, 0, workers(4, 3));
        loader.next();
        // Its threads wait for room now, or are at work; dropping waits for them.
        drop(loader);
        drop(training(folder.train(), 1, 0, workers(4, 3)));
    }
    // A thread that went on would make this last for ever.
    assert!(started.elapsed() < Duration::from_secs(60));
}
