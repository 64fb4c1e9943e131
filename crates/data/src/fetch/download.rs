//! One file over https, resumed where it was cut off.
//!
//! When all bytes are there and the checksum is wrong, they are removed, since nobody knows which of them are good.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::Agent;
use ureq::http::{Response, StatusCode};

use super::{Failure, Progress, Watcher, staging};
use crate::checksum::Md5;
use crate::error::grouped;
use crate::manifest::is_loopback;

/// Long enough for a slow network, short enough not to look like a hang before the next source is tried.
const CONNECT: Duration = Duration::from_secs(8);
/// The longest silence before a connection counts as dead.
const SILENCE: Duration = Duration::from_secs(30);
/// How often a transfer is taken up again. Each try that counts has brought bytes.
const TRIES: usize = 10;

/// What to download, and how to know that it is right.
pub(super) struct Download<'a> {
    pub(super) url: &'a str,
    /// What people call it.
    pub(super) name: &'a str,
    pub(super) bytes: u64,
    pub(super) md5: Md5,
    /// Where its bytes go, from the first to the last.
    pub(super) part: &'a Path,
}

impl Download<'_> {
    /// Whether `path` is what is to be downloaded.
    pub(super) fn is_right(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|found| found.len() == self.bytes)
            && File::open(path).and_then(Md5::of_reader).is_ok_and(|md5| md5 == self.md5)
    }
}

/// Downloads what is not there yet.
pub(super) fn download(wanted: &Download<'_>, progress: Watcher<'_>) -> Result<(), Failure> {
    let part = wanted.part;
    let agent = agent(wanted.url);
    let mut have = fs::metadata(part).map_or(0, |found| found.len());
    if have > wanted.bytes {
        have = 0;
    }
    let mut tries = 0;
    while have < wanted.bytes {
        let reached = transfer(&agent, wanted, have, progress)?;
        tries += 1;
        if reached.bytes < wanted.bytes && (reached.bytes <= have || tries == TRIES) {
            return Err(Failure::Source(format!(
                "cut off after {} of {} bytes ({}); another fetch goes on from there",
                grouped(reached.bytes),
                grouped(wanted.bytes),
                reached.why
            )));
        }
        have = reached.bytes;
    }
    if !wanted.is_right(part) {
        let md5 = File::open(part).and_then(Md5::of_reader).map_or("unreadable".to_string(), |md5| md5.to_string());
        fs::remove_file(part).map_err(|error| folder_failure(part, error))?;
        return Err(Failure::Source(format!(
            "{} bytes with md5 {md5} instead of {}; they were removed",
            grouped(wanted.bytes),
            wanted.md5
        )));
    }
    Ok(())
}

/// How far a transfer came, and why no further.
struct Reached {
    bytes: u64,
    why: String,
}

/// One request: from byte `have` to the end, or to where the connection breaks.
fn transfer(agent: &Agent, wanted: &Download<'_>, have: u64, progress: Watcher<'_>) -> Result<Reached, Failure> {
    let part = wanted.part;
    let mut request = agent.get(wanted.url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = match request.call() {
        Ok(response) => response,
        // After some bytes this is one more interruption, and says how to go on; before, there is nothing to go on from.
        Err(error) if have > 0 => return Ok(Reached { bytes: have, why: error.to_string() }),
        Err(error) => return Err(Failure::Source(error.to_string())),
    };
    let start = start_of(&response, have)?;
    let mut file = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(part)
        .and_then(|mut file| {
            file.set_len(start)?;
            io::Seek::seek(&mut file, io::SeekFrom::Start(start))?;
            Ok(file)
        })
        .map_err(|error| folder_failure(part, error))?;
    let what = format!("downloading {}", wanted.name);
    let mut reached = Reached { bytes: start, why: "the connection was closed".to_string() };
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        progress(Progress { what: &what, done: reached.bytes, total: wanted.bytes });
        let count = match body.read(&mut buffer) {
            Ok(0) => return Ok(reached),
            Ok(count) => count,
            Err(error) => return Ok(Reached { why: error.to_string(), ..reached }),
        };
        reached.bytes += count as u64;
        if reached.bytes > wanted.bytes {
            return Err(Failure::Source(format!("more than the {} bytes expected", grouped(wanted.bytes))));
        }
        file.write_all(&buffer[..count]).map_err(|error| folder_failure(part, error))?;
    }
}

/// The byte at which the body starts: `have` when the server resumes, 0 when it does not know how to.
fn start_of<T>(response: &Response<T>, have: u64) -> Result<u64, Failure> {
    let status = response.status();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = response.headers().get("Content-Range").and_then(|range| range.to_str().ok()).unwrap_or("");
        if range.starts_with(&format!("bytes {have}-")) {
            return Ok(have);
        }
        return Err(Failure::Source(format!("asked for the bytes from {have}, the server sent {range:?}")));
    }
    if status == StatusCode::OK {
        return Ok(0);
    }
    Err(Failure::Source(format!("the server answered {status}")))
}

fn agent(url: &str) -> Agent {
    let mut config = Agent::config_builder()
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .http_status_as_error(false)
        // The checksum is that of the packed bytes: nobody on the way may unpack them.
        .accept_encoding("identity")
        .https_only(!is_loopback(url));
    if is_loopback(url) {
        // Over http no further than this machine, also when the server here would send us elsewhere.
        config = config.proxy(None).max_redirects(0);
    }
    config.build().new_agent()
}

fn folder_failure(path: &Path, error: io::Error) -> Failure {
    Failure::Folder(staging::write_error(path, error))
}
