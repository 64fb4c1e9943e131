//! A folder of broken files, and what the program says about them.

use std::path::PathBuf;

use expect_test::Expect;

use super::{hnas, refused, root};

/// A folder of broken files, called FOLDER in what is expected.
pub struct Broken(pub tempfile::TempDir);

impl Broken {
    pub fn new() -> Broken {
        Broken(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes the file `source` under `name` with one text replaced, which must be there.
    pub fn edited(&self, source: &str, name: &str, from: &str, to: &str) -> &Broken {
        let text = std::fs::read_to_string(root().join(source)).unwrap();
        assert!(text.contains(from), "{source} holds no {from:?}");
        std::fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
        self
    }

    /// Runs the program, FOLDER in the arguments being this folder, and compares exit code and message.
    pub fn check(&self, arguments: &str, expected: &Expect) {
        expected.assert_eq(&self.message(arguments));
    }

    /// The same with a text that is put together.
    pub fn says(&self, arguments: &str, expected: &str) {
        assert_eq!(self.message(arguments), expected);
    }

    fn message(&self, arguments: &str) -> String {
        let folder = self.0.path().to_str().unwrap();
        let arguments: Vec<String> = arguments.split_whitespace().map(|word| word.replace("FOLDER", folder)).collect();
        let output = hnas().args(&arguments).stdin(std::process::Stdio::null()).output().unwrap();
        let (code, error) = refused(output);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        error.replace(folder, "FOLDER")
    }
}
