//! Files of labels, for validation images that lie in one folder. The first one found is taken, of these names, beside the
//! folder or in it:
//!
//! - `val.txt`: lines `name class`; the class is the name of a training folder, or, as in Caffe's lists, its place among them
//!   in ascending order, from 0
//! - `LOC_val_solution.csv`, as Kaggle gives it: lines `name,class x y x y ..`, the name without its ending
//! - `ILSVRC2012_validation_ground_truth.txt`, as in the development kit: a number a line, line `n` for the image of number `n`,
//!   `ILSVRC2012_val_00000001` and so on. What the numbers mean is in the kit's `meta.mat` beside it, see `devkit`. Both are
//!   also found in the kit's own folder, `ILSVRC2012_devkit_t12/data`.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scan::{Flat, Scanned};
use super::{Entry, FolderError, devkit};

const LIST: &str = "val.txt";
const KAGGLE: &str = "LOC_val_solution.csv";
const GROUND_TRUTH: &str = "ILSVRC2012_validation_ground_truth.txt";
const KIT: &str = "ILSVRC2012_devkit_t12/data";

/// The images of `flat`, each with its label.
pub(super) fn labelled(root: &Path, folder: &Path, flat: Flat, names: &[String]) -> Result<Scanned, FolderError> {
    let mut candidates: Vec<PathBuf> =
        [LIST, KAGGLE, GROUND_TRUTH].iter().flat_map(|name| [root.join(name), folder.join(name)]).collect();
    candidates.push(root.join(KIT).join(GROUND_TRUTH));
    let Some(path) = candidates.iter().find(|path| path.is_file()) else {
        let (folder, images) = (folder.to_path_buf(), flat.files.len());
        return Err(FolderError::NoLabels { folder, images, looked: candidates });
    };
    let labels = if path.ends_with(GROUND_TRUTH) { ground_truth(path, names)? } else { read(path, names)? };
    let mut images = Vec::with_capacity(flat.files.len());
    let (mut missing, mut first) = (0, None);
    for name in flat.files {
        let stem = Path::new(&name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match labels.get(&stem) {
            Some(&label) => images.push(Entry { folder: 0, label, name: name.into() }),
            None => {
                missing += 1;
                first.get_or_insert(name.to_string_lossy().into_owned());
            }
        }
    }
    if let Some(first) = first {
        return Err(FolderError::Unlabelled { path: path.clone(), missing, images: missing + images.len(), first });
    }
    Ok(Scanned { classes: names.to_vec(), folders: vec![folder.to_path_buf()], images, ignored: flat.ignored })
}

/// The label of each image, by its name without ending.
fn read(path: &Path, names: &[String]) -> Result<HashMap<String, u32>, FolderError> {
    let text = fs::read_to_string(path).map_err(|error| cannot_read(path, error))?;
    let kaggle = path.ends_with(KAGGLE);
    let mut labels = HashMap::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() || (kaggle && line == 1) {
            continue;
        }
        let wrong = |why: String| FolderError::Label { path: path.to_path_buf(), line, why };
        let parts = if kaggle { text.split_once(',') } else { text.trim().split_once(char::is_whitespace) };
        let (name, class) = parts.ok_or_else(|| wrong(format!("{text:?} is not a name and a class")))?;
        let class = class.split_whitespace().next().unwrap_or_default();
        let label = label(class, names)
            .ok_or_else(|| wrong(format!("{class:?} is none of the {} training classes", names.len())))?;
        let stem = Path::new(name.trim()).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if labels.insert(stem, label).is_some_and(|other| other != label) {
            return Err(wrong(format!("{name:?} has two labels")));
        }
    }
    Ok(labels)
}

/// The label of a class named by its folder or, if no folder is called so, by its place.
fn label(class: &str, names: &[String]) -> Option<u32> {
    let by_name = names.binary_search_by(|name| name.as_str().cmp(class)).ok();
    by_name.or_else(|| class.parse().ok().filter(|&place| place < names.len())).map(|place| place as u32)
}

/// The labels that the development kit gives, by the names of its images.
fn ground_truth(path: &Path, names: &[String]) -> Result<HashMap<String, u32>, FolderError> {
    let text = fs::read_to_string(path).map_err(|error| cannot_read(path, error))?;
    let meta = path.with_file_name("meta.mat");
    let file = fs::read(&meta).map_err(|error| cannot_read(&meta, error))?;
    let classes = devkit::classes(&file).ok_or_else(|| FolderError::Mapping { path: meta.clone() })?;
    let classes: HashMap<u32, String> = classes.into_iter().collect();
    let mut labels = HashMap::new();
    for (line, text) in (1..).zip(text.lines()) {
        let wrong = |why: String| FolderError::Label { path: path.to_path_buf(), line, why };
        let number: u32 = text.trim().parse().map_err(|_| wrong(format!("{text:?} is not a number")))?;
        let class = classes.get(&number).ok_or_else(|| wrong(format!("{} has no class {number}", meta.display())))?;
        let label = names.binary_search(class).map_err(|_| {
            wrong(format!("class {number}, {class:?}, is none of the {} training classes", names.len()))
        })?;
        labels.insert(format!("ILSVRC2012_val_{line:08}"), label as u32);
    }
    Ok(labels)
}

fn cannot_read(path: &Path, error: io::Error) -> FolderError {
    FolderError::Read { path: path.to_path_buf(), why: Arc::new(error) }
}
