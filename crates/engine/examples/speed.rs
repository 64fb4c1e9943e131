//! How fast networks are trained and evaluated on a device: the published cell and random genotypes in the paper's small
//! model.
//!
//! ```text
//! cargo run --release -p hnas-engine --example speed -- [DEVICE [GENOTYPE.ron ..]]
//! ```
//!
//! On a CPU with one thread and with all of them. Every line is the median of some runs, with the fastest and the slowest.
//! The images are made up, since time does not depend on them.

use std::error::Error;
use std::path::PathBuf;

use hnas_compiler::{Program, Shape, Skeleton, assemble, optimize};
use hnas_engine::{EngineDevice, Recipe, measure_step, open_device};
use hnas_genome::{Genotype, SearchSpace};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Runs of a line.
const RUNS: usize = 5;

/// Crop and batch: evaluated images as the search's are, and its own training.
const SIZES: [(usize, usize); 2] = [(32, 64), (24, 256)];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let device = open_device(arguments.next().as_deref().unwrap_or("auto").parse()?)?;
    let files: Vec<PathBuf> = arguments.map(PathBuf::from).collect();

    println!("{device}; images a second, median of {RUNS} runs (slowest to fastest)\n");
    println!(
        "{:24} {:>9} {:>8} {:>26} {:>18} {:>26}",
        "network", "crop", "threads", "trained", "of a step", "evaluated at 32x32"
    );
    for (name, genotype) in networks(&files)? {
        for (crop, batch) in SIZES {
            for threads in threads(&device) {
                let recipe = Recipe::paper_search().with(|raw| (raw.crop, raw.batch) = (crop, batch))?;
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
                line(&name, &genotype, &recipe, &device, &pool)?;
            }
        }
    }
    Ok(())
}

/// Those of the files, or the published cell and three random genotypes.
fn networks(files: &[PathBuf]) -> Result<Vec<(String, Genotype)>, Box<dyn Error>> {
    let read = |path: &PathBuf| -> Result<Genotype, Box<dyn Error>> {
        Ok(Genotype::from_ron(&std::fs::read_to_string(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?)
    };
    if !files.is_empty() {
        return files.iter().map(|path| Ok((path.display().to_string(), read(path)?))).collect();
    }
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments/cifar10/genotypes/learned-cell.ron");
    let random =
        |space: SearchSpace, seed| Genotype::random(&space, 1000, &mut ChaCha8Rng::seed_from_u64(seed)).genotype;
    Ok(vec![
        ("published cell".to_owned(), read(&published.into())?),
        ("random hierarchical 1".to_owned(), random(SearchSpace::hierarchical(), 1)),
        ("random hierarchical 2".to_owned(), random(SearchSpace::hierarchical(), 2)),
        ("random flat 1".to_owned(), random(SearchSpace::flat(), 1)),
    ])
}

fn threads(device: &EngineDevice) -> Vec<usize> {
    let all = std::thread::available_parallelism().map_or(1, |count| count.get());
    if device.is_cpu() && all > 1 { vec![1, all] } else { vec![all] }
}

fn line(
    name: &str,
    genotype: &Genotype,
    recipe: &Recipe,
    device: &EngineDevice,
    pool: &rayon::ThreadPool,
) -> Result<(), Box<dyn Error>> {
    let graph = optimize(assemble(genotype, &Skeleton::cifar_small(), Shape::new(3, 32, 32))?);
    let (crop, batch) = (recipe.crop(), recipe.batch());
    let work =
        Program::lower(&graph, Shape::new(3, crop, crop))?.total_training_work(batch, recipe.precision().bytes());
    let (mut trained, mut evaluated) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let time = pool.install(|| measure_step(&graph, recipe, device))?;
        trained.push(batch as f64 / time.step_seconds);
        evaluated.push(1.0 / time.image_seconds);
    }
    let steps = spread(&mut trained)[1] / batch as f64;
    println!(
        "{name:24} {:>9} {:>8} {} {:>6.1} GMAC/s {:>5.1} GB/s {}",
        format!("{crop}, {batch}"),
        pool.current_num_threads(),
        shown(&mut trained),
        steps * work.multiply_adds as f64 / 1e9,
        steps * work.bytes as f64 / 1e9,
        shown(&mut evaluated),
    );
    Ok(())
}

/// Slowest, median, fastest.
fn spread(rates: &mut [f64]) -> [f64; 3] {
    rates.sort_by(f64::total_cmp);
    [rates[0], rates[rates.len() / 2], rates[rates.len() - 1]]
}

fn shown(rates: &mut [f64]) -> String {
    let [slowest, median, fastest] = spread(rates);
    format!("{:>26}", format!("{median:.1} ({slowest:.1} to {fastest:.1})"))
}
