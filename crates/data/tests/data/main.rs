//! Tests of data sets from the outside: splits, broken inputs, hostile manifests, fetching over http, and the real CIFAR-10.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod broken;
mod fetching;
mod hostile;
mod real;
mod server;
mod splits;
mod tiny;
