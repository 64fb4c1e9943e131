//! Tests of photographs from the outside: decoding, transformations, folders, loaders. `make.py` says what the files here are.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod decoding;
mod folders;
mod loading;
mod manifests;
mod transforming;
mod tree;
