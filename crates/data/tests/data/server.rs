//! A web server on this machine that serves one file, and misbehaves as told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What to do with one request.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Serve what is asked for.
    Serve,
    /// Promise all that is asked for and close the connection after so many bytes of it.
    Cut(usize),
    /// Serve the whole file, whatever range is asked for.
    IgnoreRange,
    /// Serve another part than was asked for.
    WrongRange,
    /// Not found.
    NotFound,
    /// Send to another server.
    Redirect,
}

/// The server: answers in the order told, and serves once they are used up. Lives as long as the test's process.
pub(crate) struct Server {
    pub(crate) url: String,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    ranges: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    pub(crate) fn new(body: Vec<u8>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tiny.tar.gz", listener.local_addr().unwrap());
        let (answers, ranges) = (Arc::default(), Arc::default());
        let server = Server { url, answers: Arc::clone(&answers), ranges: Arc::clone(&ranges) };
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let Some(range) = read_request(&connection) else { continue };
                ranges.lock().unwrap().push(range);
                let answer = answers.lock().unwrap().pop_front().unwrap_or(Answer::Serve);
                // A client that hangs up early is the client's affair.
                let _ = reply(&connection, &body, range, answer);
            }
        });
        server
    }

    pub(crate) fn then(self, answers: &[Answer]) -> Server {
        self.answers.lock().unwrap().extend(answers);
        self
    }

    /// The start of the range that each request so far asked for.
    pub(crate) fn ranges(&self) -> Vec<Option<usize>> {
        self.ranges.lock().unwrap().clone()
    }
}

/// The start of the range asked for, if any; `None` when this was no request.
fn read_request(connection: &TcpStream) -> Option<Option<usize>> {
    let mut range = None;
    for line in BufReader::new(connection).lines() {
        let line = line.ok()?.to_ascii_lowercase();
        if line.is_empty() {
            return Some(range);
        }
        if let Some(from) = line.strip_prefix("range: bytes=") {
            range = Some(from.trim_end_matches('-').parse().unwrap());
        }
    }
    None
}

fn reply(mut connection: &TcpStream, body: &[u8], range: Option<usize>, answer: Answer) -> std::io::Result<()> {
    let (from, sent) = match answer {
        Answer::Serve => (range, usize::MAX),
        Answer::Cut(bytes) => (range, bytes),
        Answer::IgnoreRange => (None, usize::MAX),
        Answer::WrongRange => (Some(0), usize::MAX),
        Answer::NotFound => {
            return connection.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Answer::Redirect => {
            return connection.write_all(
                b"HTTP/1.1 302 Found\r\nLocation: http://example.org/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
    };
    let part = &body[from.unwrap_or(0)..];
    let status = match from {
        Some(from) => {
            format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{}", body.len() - 1, body.len())
        }
        None => "200 OK".to_string(),
    };
    write!(connection, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", part.len())?;
    connection.write_all(&part[..part.len().min(sent)])
}
