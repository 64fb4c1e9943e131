//! The real CIFAR-10, where it has been fetched.

use std::io::Write;

use hnas_data::{Manifest, View, cache_root, load};

#[test]
fn the_real_cifar_10_is_what_the_literature_says() {
    let manifest = Manifest::builtin("cifar10").unwrap();
    let root = cache_root().unwrap();
    if !manifest.folder(&root).join("test_batch.bin").exists() {
        // Past the test harness's capture: a test that did nothing must not look like one that passed.
        let folder = manifest.folder(&root).display().to_string();
        assert!(std::env::var_os("CI").is_none(), "no CIFAR-10 in {folder}");
        writeln!(std::io::stderr(), "NOT TESTED: no CIFAR-10 in {folder}; run `hnas data fetch cifar10`").unwrap();
        return;
    }
    let (training, test) = load(&manifest, &root).unwrap();
    assert_eq!((training.len(), test.len()), (50_000, 10_000));

    let split = training.split(40_000, 10_000, 1).unwrap();
    assert_eq!(per_class(&split.train), [4_000; 10]);
    assert_eq!(per_class(&split.valid), [1_000; 10]);
    assert_eq!(per_class(&test.take(10_000, 1).unwrap()), [1_000; 10]);

    // The first training image is a frog, its first pixel (59, 62, 63): the order of channels and rows is right.
    let all = training.all(50_000, 1).unwrap();
    let frog = all.image(0);
    assert_eq!(manifest.classes()[usize::from(all.label(0))], "frog");
    assert_eq!((frog[0], frog[1024], frog[2048]), (59, 62, 63));

    let close = |found: Vec<f64>, known: [f64; 3]| {
        assert!(found.iter().zip(known).all(|(found, known)| (found - known).abs() < 5e-5), "{found:?}");
    };
    close(all.channel_mean(), [0.4914, 0.4822, 0.4465]);
    close(all.channel_std(), [0.2470, 0.2435, 0.2616]);
}

fn per_class(view: &View) -> [usize; 10] {
    let mut counts = [0; 10];
    (0..view.len()).for_each(|i| counts[usize::from(view.label(i))] += 1);
    counts
}
