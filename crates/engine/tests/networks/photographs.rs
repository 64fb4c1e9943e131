//! A folder of photographs in as many classes as the made-up images have.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use hnas_data::{CentreCrop, Distortion, ImageFolder, TestPhotographs, TrainPhotographs, Workers};
use hnas_engine::{Normalization, Recipe};
use tempfile::TempDir;

/// Eleven photographs to train on, stored in many ways, and five to test on.
pub fn tree() -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    let classes = [
        ("a", ["baseline.jpg", "cmyk.jpg", "grey.jpg", "png.JPEG"].as_slice()),
        ("b", &["progressive.jpg", "restarts.jpg", "rgb.jpg", "turned.jpg"]),
        ("c", &["one.jpg", "ycck.jpg", "palette.png"]),
    ];
    for (class, names) in classes {
        names.iter().for_each(|name| put(&tree, &format!("train/{class}/{name}"), &photograph(name)));
        names[..2].iter().for_each(|name| put(&tree, &format!("val/{class}/{name}"), &photograph(name)));
    }
    fs::remove_file(tree.path().join("val/c/ycck.jpg")).unwrap();
    tree
}

pub fn photograph(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/photographs").join(name)).unwrap()
}

/// Writes a file, and the folders that it lies in.
pub fn put(tree: &TempDir, path: &str, bytes: &[u8]) {
    let path = tree.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Its training photographs, seen as squares of this side.
pub fn train(tree: &TempDir, side: usize, threads: usize) -> TrainPhotographs {
    let augmentation = Distortion::inception(side as u32).try_into().unwrap();
    ImageFolder::open(tree.path()).unwrap().training(augmentation, workers(threads))
}

/// Its test photographs, likewise.
pub fn test(tree: &TempDir, side: usize) -> TestPhotographs {
    let crop = CentreCrop::new(side as u32, side as u32 + 2).unwrap();
    ImageFolder::open(tree.path()).unwrap().test(crop, workers(2))
}

fn workers(threads: usize) -> Workers {
    Workers { threads: NonZeroUsize::new(threads).unwrap(), ahead: NonZeroUsize::new(2).unwrap() }
}

/// A recipe for them.
pub fn recipe(recipe: &Recipe) -> Recipe {
    let seen = |raw: &mut hnas_engine::RawRecipe| {
        (raw.crop, raw.normalization) = (super::SIDE, Normalization::MinusOneToOne);
    };
    recipe.with(seen).unwrap()
}
