//! Writes a report of made-up searches, to look at: `cargo run -p hnas-report --example sample_page -- FOLDER [TRIALS]`.

#[path = "../tests/report/synthetic.rs"]
mod synthetic;

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map(PathBuf::from).ok_or("which folder is the report to be written to?")?;
    let trials = match arguments.next() {
        Some(trials) => trials.to_string_lossy().parse()?,
        None => 250,
    };
    hnas_report::write(&synthetic::page(trials), &folder)?;
    println!("{}", folder.join("report.html").display());
    Ok(())
}
