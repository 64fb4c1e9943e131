//! A tiny data set in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};

use hnas_data::{Manifest, Md5};
use tempfile::TempDir;

/// Colour images of 8 x 8 pixels in two files of 50; large enough for a download to be cut in the middle.
pub(crate) const RECORDS: usize = 50;
const RECORD: usize = 1 + 3 * 8 * 8;

/// A folder to play the cache folder, and a data set `tiny`.
pub(crate) struct Tiny {
    folder: TempDir,
    /// `train.bin` and `test.bin`.
    pub(crate) files: [(&'static str, Vec<u8>); 2],
}

impl Tiny {
    pub(crate) fn new() -> Tiny {
        let files = [("train.bin", records(1)), ("test.bin", records(2))];
        Tiny { folder: tempfile::tempdir().unwrap(), files }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join("tiny").join(name)
    }

    /// Puts the files where they belong.
    pub(crate) fn put(&self) {
        fs::create_dir_all(self.root().join("tiny")).unwrap();
        for (name, bytes) in &self.files {
            fs::write(self.path(name), bytes).unwrap();
        }
    }

    /// The text of a manifest with these sources.
    pub(crate) fn text(&self, sources: &str) -> String {
        let files: String = self
            .files
            .iter()
            .zip(["Train", "Test"])
            .map(|((name, bytes), part)| {
                let (md5, size) = (Md5::of(bytes), bytes.len());
                format!("(name: {name:?}, bytes: {size}, md5: \"{md5}\", records: {RECORDS}, part: {part}),\n        ")
            })
            .collect();
        format!(
            r#"(
    name: "tiny",
    title: "A tiny data set",
    licence: "none",
    homepage: "none",
    image: (channels: 3, height: 8, width: 8),
    record: (label_bytes: 1, label: 0),
    classes: ["a", "b"],
    files: [
        {files}
    ],
    sources: [{sources}],
)"#
        )
    }

    pub(crate) fn manifest(&self, sources: &str) -> Manifest {
        self.read(&self.text(sources)).unwrap()
    }

    /// Reads a manifest's text through a file, as users do.
    pub(crate) fn read(&self, text: &str) -> Result<Manifest, String> {
        let path = self.folder.path().join("tiny.ron");
        fs::write(&path, text).unwrap();
        Manifest::load(&path).map_err(|error| self.plain(&error.to_string()))
    }

    /// A message without this run's folder.
    pub(crate) fn plain(&self, message: &str) -> String {
        message.replace(&self.folder.path().display().to_string(), "FOLDER")
    }

    /// The files as the makers would pack them.
    pub(crate) fn archive(&self) -> Vec<u8> {
        let members: Vec<(String, &[u8])> =
            self.files.iter().map(|(name, bytes)| (format!("tiny-bin/{name}"), bytes.as_slice())).collect();
        archive(&members)
    }

    /// The source for an archive at `url`.
    pub(crate) fn source(&self, url: &str, archive: &[u8]) -> String {
        let (size, md5) = (archive.len(), Md5::of(archive));
        format!(r#"Archive(url: "{url}", bytes: {size}, md5: "{md5}", format: TarGz, folder: "tiny-bin")"#)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.files.iter().all(|(name, bytes)| fs::read(self.path(name)).unwrap() == *bytes)
    }

    /// What lies in the data set's folder, sorted; the lock file is not counted.
    pub(crate) fn listing(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root().join("tiny")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".lock")
            .collect();
        names.sort();
        names
    }
}

/// A tar.gz of members under exactly these names, also such as no well-meaning program writes.
pub(crate) fn archive(members: &[(String, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// Records that do not compress, with labels 0 and 1 in turn.
fn records(seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut bytes: Vec<u8> = (0..RECORDS * RECORD)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    for (record, bytes) in bytes.chunks_exact_mut(RECORD).enumerate() {
        bytes[0] = (record % 2) as u8;
    }
    bytes
}

/// Changes a file in place.
pub(crate) fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}
