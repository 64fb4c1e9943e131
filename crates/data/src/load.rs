//! From the files of a data set to images in memory.

use std::path::Path;

use crate::error::DataError;
use crate::images::Images;
use crate::manifest::{DataFile, Manifest, Part};
use crate::split::{TestImages, TrainingImages};
use crate::verify::{all_well, read_file};

/// Reads a data set from the cache folder `root`: all of its training images and all of its test images, in the order
/// of the manifest's files.
///
/// Sizes, checksums and labels are checked on the way.
///
/// # Errors
/// When files are missing or damaged (all of them are named), or when a label is no class.
pub fn load(manifest: &Manifest, root: &Path) -> Result<(TrainingImages, TestImages), DataError> {
    let mut train = Decoded::room_for(manifest, Part::Train);
    let mut test = Decoded::room_for(manifest, Part::Test);
    let mut problems = Vec::new();
    for file in manifest.files() {
        let path = manifest.folder(root).join(&file.name);
        match read_file(file, &path) {
            Ok(bytes) => {
                let part = match file.part {
                    Part::Train => &mut train,
                    Part::Test => &mut test,
                };
                part.push(manifest, file, &path, &bytes)?;
            }
            Err(problem) => problems.push(problem),
        }
    }
    all_well(manifest, root, problems)?;
    Ok((TrainingImages::from(train.finish(manifest)?), TestImages::from(test.finish(manifest)?)))
}

/// The images of one part, as far as they are read.
struct Decoded {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Decoded {
    fn room_for(manifest: &Manifest, part: Part) -> Decoded {
        let bytes: u64 = manifest.files().iter().filter(|file| file.part == part).map(|file| file.bytes).sum();
        let mut decoded = Decoded { pixels: Vec::new(), labels: Vec::new() };
        // Saves copies; a manifest that promises more than memory holds is refused when its files are looked at.
        let _ = decoded.pixels.try_reserve_exact(bytes as usize);
        decoded
    }

    /// Appends the records of `bytes`, the whole of `file`.
    fn push(&mut self, manifest: &Manifest, file: &DataFile, path: &Path, bytes: &[u8]) -> Result<(), DataError> {
        let layout = manifest.record();
        let classes = manifest.classes().len();
        for (record, bytes) in bytes.chunks_exact(bytes.len() / file.records).enumerate() {
            let (labels, pixels) = bytes.split_at(layout.label_bytes);
            let label = labels[layout.label];
            if usize::from(label) >= classes {
                return Err(DataError::Label { path: path.to_path_buf(), record, label, classes });
            }
            self.labels.push(label);
            self.pixels.extend_from_slice(pixels);
        }
        Ok(())
    }

    fn finish(self, manifest: &Manifest) -> Result<Images, DataError> {
        let image = manifest.image();
        let shape = (image.channels, image.height, image.width);
        Ok(Images::new(self.pixels, self.labels, shape, manifest.classes().len())?)
    }
}
