//! How many photographs a second one core reads, decodes and transforms for 299x299, what each stage takes of that, and what
//! loaders of some threads hand out.
//!
//! `cargo bench -p hnas-data --bench photographs [folder]` takes the JPEGs in `folder`, and without it the largest of the data set
//! food-groups. A stage's time is the mean of each image's fastest turn, files being in the operating system's cache.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hnas_data::{
    Augmentation, CentreCrop, DataSet, Distortion, ImageFolder, Loader, Photo, Transformer, Workers, cache_root,
};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Windows of each photograph.
const WINDOWS: usize = 8;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let chosen = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let paths = match chosen {
        Some(folder) => in_folder(folder.into())?,
        None => largest_food()?,
    };
    let files: Vec<Vec<u8>> = paths.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    let photos: Vec<Photo> = files.iter().map(|bytes| Photo::decode(bytes)).collect::<Result<_, _>>()?;
    let pixels: f64 = photos.iter().map(|photo| f64::from(photo.width) * f64::from(photo.height)).sum();
    let bytes: usize = files.iter().map(Vec::len).sum();
    let count = photos.len() as f64;
    println!("{count} photographs, on average {:.0} pixels in {:.0} bytes", pixels / count, bytes as f64 / count);
    stages(&paths, &files, &photos)?;
    loaders(&paths)
}

fn in_folder(folder: PathBuf) -> Result<Vec<PathBuf>, Failure> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, Failure>>()?;
    paths.sort();
    Ok(paths)
}

/// The photographs of 640 x 427 pixels among the foods.
fn largest_food() -> Result<Vec<PathBuf>, Failure> {
    let root = cache_root()?;
    let folder = ImageFolder::open(&DataSet::builtin("food-groups")?.fetch(&root, &mut |_| {})?)?;
    let set = folder.train();
    let paths = (0..set.len()).map(|i| set.path(i));
    Ok(paths.filter(|path| Photo::load(path).is_ok_and(|photo| photo.width == 640)).collect())
}

fn stages(paths: &[PathBuf], files: &[Vec<u8>], photos: &[Photo]) -> Result<(), Failure> {
    let augmentation = Augmentation::try_from(Distortion::inception(299))?;
    let still = Distortion { flip: false, brightness: 0.0, contrast: [1.0, 1.0], ..Distortion::inception(299) };
    let (still, crop) = (Augmentation::try_from(still)?, CentreCrop::new(299, 342)?);
    let (mut transformer, count) = (Transformer::default(), photos.len());
    let read = fastest(count, |i| drop(black_box(std::fs::read(&paths[i]))));
    let decode = fastest(count, |i| drop(black_box(Photo::decode(&files[i]))));
    // Many windows of each photograph, so that their areas are as spread as in a training.
    let mut windows = |augmentation: Augmentation| {
        fastest(WINDOWS * count, |i| {
            let mut rng = ChaCha8Rng::seed_from_u64(i as u64);
            drop(black_box(augmentation.apply(&photos[i % count], &mut transformer, &mut rng)));
        })
    };
    let (train, plain) = (windows(augmentation), windows(still));
    let evaluate = fastest(count, |i| drop(black_box(crop.apply(&photos[i], &mut transformer))));
    println!("{:44} {:>9} {:>9} {:>9}", "one core", "us", "training", "images/s");
    let all = read + decode + train;
    for (name, time) in [("read", read), ("decode", decode), ("augment", train)] {
        println!("{name:44} {:9.0} {:8.1} % {:9.0}", time * 1e6, 100.0 * time / all, 1.0 / time);
    }
    println!("{:44} {:9.0} {:>10} {:9.0}", "augment, the window alone", plain * 1e6, "", 1.0 / plain);
    println!("{:44} {:9.0} {:>10} {:9.0}", "training, all", all * 1e6, "", 1.0 / all);
    let all = read + decode + evaluate;
    println!("{:44} {:9.0} {:>10} {:9.0}", "centre crop", evaluate * 1e6, "", 1.0 / evaluate);
    println!("{:44} {:9.0} {:>10} {:9.0}", "evaluation, all", all * 1e6, "", 1.0 / all);
    Ok(())
}

/// Seconds an image, the mean of each one's fastest turn: one is short enough to be left alone by other programs.
fn fastest(images: usize, mut work: impl FnMut(usize)) -> f64 {
    let (mut best, started) = (vec![Duration::MAX; images], Instant::now());
    while started.elapsed() < Duration::from_secs(4) {
        for (image, best) in best.iter_mut().enumerate() {
            let turn = Instant::now();
            work(image);
            *best = turn.elapsed().min(*best);
        }
    }
    best.iter().sum::<Duration>().as_secs_f64() / images as f64
}

/// Whole loaders, over a folder of links to the photographs.
fn loaders(paths: &[PathBuf]) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    for part in ["train/all", "val/all"] {
        std::fs::create_dir_all(folder.path().join(part))?;
        for (number, path) in paths.iter().enumerate() {
            std::fs::copy(path, folder.path().join(part).join(format!("{number:06}.jpg")))?;
        }
    }
    let set = ImageFolder::open(folder.path())?.train().clone();
    let augmentation = Augmentation::try_from(Distortion::inception(299))?;
    let (batch, ahead) = (64, NonZeroUsize::MIN.saturating_add(1));
    let cores = std::thread::available_parallelism()?;
    for threads in [NonZeroUsize::MIN, cores] {
        let mut loader = Loader::training(&set, augmentation, batch, 1, 0, Workers { threads, ahead })?;
        loader.next().transpose()?;
        let (mut batches, started) = (0, Instant::now());
        while started.elapsed() < Duration::from_secs(5) {
            loader.next().transpose()?;
            batches += 1;
        }
        let speed = f64::from(batches * batch as u32) / started.elapsed().as_secs_f64();
        println!("{:44} {:>9} {:>10} {speed:9.0}", format!("loader, batch {batch}, {threads} threads"), "", "");
    }
    Ok(())
}
