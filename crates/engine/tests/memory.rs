//! The memory that a training is predicted to take is what it takes: the peak of a process of its own for each network.
//!
//! Linux alone tells the peak. `memory N` measures N random genotypes of each space instead of a few.

use std::error::Error;
use std::process::{Command, ExitCode};

use hnas_compiler::{Graph, Program, Shape, Skeleton, assemble, optimize};
use hnas_engine::{DeviceChoice, Probe, Recipe, open_device};
use hnas_genome::{Genotype, SearchSpace};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Largest difference, relative to the measured peak.
const TOLERANCE: f64 = 0.15;

/// Random genotypes of each space.
const GENOTYPES: u64 = 4;

const LEARNED: &str = include_str!("../../../experiments/cifar10/genotypes/learned-cell.ron");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, name, batch] = arguments.as_slice()
        && word == "child"
    {
        let batch = batch.parse().expect("the parent gives a number");
        println!("{}", bytes_of_a_training(&network(name), batch).expect("the parent gives a network"));
        return ExitCode::SUCCESS;
    }
    if !cfg!(target_os = "linux") {
        println!("the peak of a process is measured on Linux only");
        return ExitCode::SUCCESS;
    }
    let genotypes = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(GENOTYPES);
    let random = |space: &'static str| (0..genotypes).map(move |seed| (format!("{space}:{seed}"), 32));
    let cases = [("learned".to_owned(), 32), ("large".to_owned(), 8)].into_iter();
    let (mut passed, mut failed) = (0, 0);
    for (name, batch) in cases.chain(random("hierarchical")).chain(random("flat")) {
        let program = Program::lower(&network(&name), IMAGE).expect("an assembled network takes its images");
        let predicted = program.training_bytes(batch) as f64;
        let program = std::env::current_exe().expect("a test knows its program");
        let child = Command::new(program).args(["child", &name, &batch.to_string()]).output().expect("it starts again");
        let measured: f64 = String::from_utf8_lossy(&child.stdout).trim().parse().unwrap_or(f64::NAN);
        let error = predicted / measured - 1.0;
        println!(
            "test {name}, batch {batch}: {:.0} MB predicted, {:.0} MB measured, {:+.1} %",
            predicted / 1e6,
            measured / 1e6,
            100.0 * error
        );
        // Not a number is a failure too.
        if error.abs() <= TOLERANCE { passed += 1 } else { failed += 1 }
    }
    println!("\ntest result: {}. {passed} passed; {failed} failed;", if failed == 0 { "ok" } else { "FAILED" });
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

const IMAGE: Shape = Shape { channels: 3, height: 32, width: 32 };

/// `learned`, `large`, or a space and a seed.
fn network(name: &str) -> Graph {
    let (genotype, skeleton) = match name.split_once(':') {
        Some((space, seed)) => {
            let space = if space == "flat" { SearchSpace::flat() } else { SearchSpace::hierarchical() };
            let mut rng = ChaCha8Rng::seed_from_u64(seed.parse().expect("a seed is a number"));
            (Genotype::random(&space, 1000, &mut rng).genotype, Skeleton::cifar_small())
        }
        None => {
            let genotype = Genotype::from_ron(LEARNED).expect("the file is a genotype");
            (
                genotype,
                if name == "large" { Skeleton::cifar_large(64).expect("64 channels") } else { Skeleton::cifar_small() },
            )
        }
    };
    optimize(assemble(&genotype, &skeleton, IMAGE).expect("the skeleton fits"))
}

/// How much the peak of this process grows by two steps of training.
fn bytes_of_a_training(graph: &Graph, batch: usize) -> Result<u64, Box<dyn Error>> {
    let device = open_device(DeviceChoice::Cpu)?;
    let recipe = Recipe::paper_search().with(|raw| raw.batch = batch)?;
    let images = vec![0.5; batch * IMAGE.elements()];
    let labels: Vec<u8> = (0..batch).map(|image| (image % 10) as u8).collect();
    let before = peak()?;
    let mut probe = Probe::new(graph, &recipe, &device, 1)?;
    for _ in 0..2 {
        probe.step(&images, &labels);
    }
    Ok(peak()? - before)
}

/// The most bytes that this process ever held.
fn peak() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}
