//! Reports of made-up searches: whole, well-formed, honest, whatever the page holds.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod html;
mod pages;
mod queries;
mod reading;
mod synthetic;
mod tables;
mod verdicts;
