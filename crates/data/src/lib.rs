//! Data sets: manifests, fetching, checking, decoding, splits.
//!
//! This crate knows no tensors: it hands out bytes (`[channels, height, width]` an image) and labels. Which images
//! a search may see is held by types, see [`TrainingImages`] and [`TestImages`].
//!
//! Small images lie in memory ([`Images`]). Photographs lie in folders ([`ImageFolder`]) and are decoded, cut and resized by
//! threads as they are needed ([`Loader`]).

mod cache;
mod checksum;
mod dataset;
mod error;
mod fetch;
mod folder;
mod images;
mod load;
mod loader;
mod manifest;
mod photo;
mod photographs;
mod random;
mod split;
mod statistics;
mod stratify;
mod transform;
mod verify;

pub use cache::cache_root;
pub use checksum::{Md5, Md5Error};
pub use dataset::DataSet;
pub use error::{Attempt, DataError, Difference, Problem};
pub use fetch::{Progress, fetch, fetch_folder};
pub use folder::{FolderError, Ignored, ImageFolder, ImageSet};
pub use images::{Images, ImagesError, View};
pub use load::load;
pub use loader::{Batch, Decoded, Loader, LoaderError, Workers};
pub use manifest::{
    Archive, ArchiveFormat, DataFile, FolderManifest, FolderSource, ImageSize, Manifest, ManifestError, NpmPackage,
    Part, PhotoClass, PhotoPackage, RebuiltFile, Record, Source,
};
pub use photo::{Kind, Photo};
pub use photographs::{TestPhotographs, TrainPhotographs};
pub use split::{Split, SplitError, Test, TestImages, Train, TrainingImages, Valid};
pub use transform::{Augmentation, CentreCrop, Distortion, TransformError, Transformer, Window};
pub use verify::{verify, verify_folder};
