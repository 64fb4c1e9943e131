//! The rules for sources: a manifest may come from anywhere, so what it names must be nothing but what it seems.
//!
//! - an archive comes over https (over http from this machine itself, for tests), and nobody's password is in its address
//! - in the data set's folder, neither an archive nor its download has a name that something else has
//! - the folder within an archive is one that an archive can have
//! - a package is one of the registry, in one exact version: npm would also take paths, files and repositories
//! - a package rebuilds each file, once, with the one label byte that it has

use std::path::{Component, Path};

use ureq::http::Uri;
use ureq::http::uri::Scheme;

use super::{Archive, DataFile, ManifestError, NpmPackage, Record, Source};

/// What is put behind the name of an archive to name its download.
const PART: &str = ".part";

pub(super) fn check_source(source: &Source, record: Record, files: &[DataFile]) -> Result<(), ManifestError> {
    match source {
        Source::LocalFolder(_) => Ok(()),
        Source::Archive(archive) => check_archive(archive, files),
        Source::NpmPackage(package) => check_package(package, record, files),
    }
}

/// Whether `name` is that of a file in the data set's folder. Names with a dot in front are for what a fetch keeps there
/// for itself: its lock and its temporary folders.
pub(super) fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!(components.next(), Some(Component::Normal(only)) if only == name)
        && components.next().is_none()
        && !name.contains('\\')
        && !name.starts_with('.')
}

fn check_archive(archive: &Archive, files: &[DataFile]) -> Result<(), ManifestError> {
    let name = archive.file_name();
    if !is_secure(&archive.url) || name.is_empty() {
        return Err(ManifestError::Url(archive.url.clone()));
    }
    if !is_plain(name) {
        return Err(ManifestError::FileName(name.to_string()));
    }
    // Downloads are called so: an archive of that name would be taken for one, and removed.
    let taken = |name: &str| files.iter().any(|file| file.name.eq_ignore_ascii_case(name));
    if taken(name) || name.to_ascii_lowercase().ends_with(PART) {
        return Err(ManifestError::ArchiveName { archive: name.to_string(), name: name.to_string() });
    }
    if taken(&archive.part_name()) {
        return Err(ManifestError::ArchiveName { archive: name.to_string(), name: archive.part_name() });
    }
    if !Path::new(&archive.folder).components().all(|component| matches!(component, Component::Normal(_))) {
        return Err(ManifestError::ArchiveFolder(archive.folder.clone()));
    }
    Ok(())
}

fn check_package(package: &NpmPackage, record: Record, files: &[DataFile]) -> Result<(), ManifestError> {
    if !is_package_name(&package.name) {
        return Err(ManifestError::PackageName(package.name.clone()));
    }
    if !is_exact_version(&package.version) {
        return Err(ManifestError::PackageVersion(package.version.clone()));
    }
    if record.label_bytes != 1 {
        let (package, label_bytes) = (package.name.clone(), record.label_bytes);
        return Err(ManifestError::PackageLabels { package, label_bytes });
    }
    for file in files {
        let times = package.files.iter().filter(|rebuilt| rebuilt.name == file.name).count();
        if times != 1 {
            return Err(ManifestError::Rebuilt { package: package.name.clone(), name: file.name.clone(), times });
        }
    }
    Ok(())
}

/// Whether `url` is that of a file over https, or of one on this machine itself.
fn is_secure(url: &str) -> bool {
    let Some(uri) = parse(url) else { return false };
    // `https://example.org` has a last part, but no file.
    (is_https(&uri) || is_local(&uri)) && uri.path() != "/"
}

/// Whether `url` is on this machine itself, where nobody listens in.
pub(crate) fn is_loopback(url: &str) -> bool {
    parse(url).is_some_and(|uri| is_local(&uri))
}

/// Read as the client reads it, so that no two meanings of an address differ; `None` when there is a user in it, who
/// could be made to look like a host.
fn parse(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    (!authority.as_str().contains('@') && !authority.host().is_empty()).then_some(uri)
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTPS)
}

fn is_local(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTP) && uri.host() == Some("127.0.0.1")
}

/// `name` or `@scope/name`.
pub(super) fn is_package_name(text: &str) -> bool {
    let (scope, name) = match text.strip_prefix('@').and_then(|text| text.split_once('/')) {
        Some((scope, name)) => (Some(scope), name),
        None => (None, text),
    };
    let is_word = |word: &str| {
        !word.is_empty()
            && !word.starts_with(['-', '.'])
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    scope.is_none_or(is_word) && is_word(name) && !is_packed(name)
}

/// Three numbers, and perhaps more behind `-` or `+`.
pub(super) fn is_exact_version(text: &str) -> bool {
    let (numbers, more) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
    let is_number = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    numbers.split('.').count() == 3
        && numbers.split('.').all(is_number)
        && more.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte))
        && !is_packed(text)
}

/// Whether npm takes `text` for a packed file on this machine, also where a name or version stands.
fn is_packed(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [".tgz", ".tar.gz", ".tar"].iter().any(|end| text.ends_with(end))
}

impl Archive {
    /// The last part of its address: how the file is called once it is here.
    pub fn file_name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// How its download is called. What has this name was put there by a fetch, what has [`Archive::file_name`] by
    /// somebody's hand.
    pub(crate) fn part_name(&self) -> String {
        format!("{}{PART}", self.file_name())
    }
}
