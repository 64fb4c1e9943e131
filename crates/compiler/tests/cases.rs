//! The files of `tests/cases`: a graph as text, a line of dashes, and what `optimize` makes of it, or the message of the
//! error when the text is no graph. `UPDATE_EXPECT=1 cargo test -p hnas-compiler --test cases` writes what comes out.

use std::fs;
use std::path::Path;

use expect_test::expect_file;
use hnas_compiler::{Graph, optimize};

const SEPARATOR: &str = "----\n";

#[test]
fn every_case_gives_what_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 20, "{} case files in {}", paths.len(), folder.display());
    for path in paths {
        let file = fs::read_to_string(&path).unwrap();
        let (input, _) = file.split_once(SEPARATOR).unwrap_or((&file, ""));
        let result = match Graph::parse(input) {
            Ok(graph) => optimize(graph).to_text(),
            Err(error) => format!("error: {error}\n"),
        };
        expect_file![&path].assert_eq(&format!("{input}{SEPARATOR}{result}"));
    }
}
