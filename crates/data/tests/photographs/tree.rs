//! A folder of photographs in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};

use hnas_data::{FolderError, ImageFolder};
use tempfile::TempDir;

/// A file of this folder.
pub(crate) fn photograph(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/photographs").join(name)).unwrap()
}

/// A folder, empty at first.
pub(crate) struct Tree(TempDir);

impl Tree {
    /// With a photograph at each of these paths.
    pub(crate) fn of(paths: &[&str]) -> Tree {
        let tree = Tree(tempfile::tempdir().unwrap());
        paths.iter().for_each(|path| tree.put(path, &photograph("baseline.jpg")));
        tree
    }

    /// Two classes of 5 and 4 images to train on, in many ways stored, and one image of each to evaluate on.
    pub(crate) fn small() -> Tree {
        let tree = Tree::of(&["val/cat/a.jpg", "val/dog/a.jpg"]);
        let names = ["baseline.jpg", "cmyk.jpg", "grey.jpg", "png.JPEG", "progressive.jpg"];
        names.iter().for_each(|name| tree.put(&format!("train/cat/{name}"), &photograph(name)));
        let names = ["restarts.jpg", "rgb.jpg", "turned.jpg", "one.jpg"];
        names.iter().for_each(|name| tree.put(&format!("train/dog/{name}"), &photograph(name)));
        tree
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Writes a file, and the folders that it lies in.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), bytes).unwrap();
    }

    pub(crate) fn open(&self) -> Result<ImageFolder, FolderError> {
        ImageFolder::open(self.0.path())
    }

    /// A message without this run's folder.
    pub(crate) fn plain(&self, message: &str) -> String {
        message.replace(&self.0.path().display().to_string(), "FOLDER")
    }

    /// Why it does not open.
    pub(crate) fn refused(&self) -> String {
        self.plain(&self.open().unwrap_err().to_string())
    }
}
