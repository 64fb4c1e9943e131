//! Images a second of the paper's small model around a published cell, in training and in evaluation:
//!
//! ```text
//! cargo run --release -p hnas-engine --example speed -- experiments/cifar10/genotypes/learned-cell.ron [threads] [device] [batch] [side]
//! ```
//!
//! The images are made up, since time does not depend on them.

use std::error::Error;

use hnas_compiler::{Shape, Skeleton, assemble, cost, optimize};
use hnas_engine::{Recipe, measure_step, open_device};
use hnas_genome::Genotype;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or("the first argument is a file with a genotype")?;
    let threads: usize = arguments.get(1).map_or(Ok(0), |threads| threads.parse())?;
    let device = open_device(arguments.get(2).map_or("auto", String::as_str).parse()?)?;

    let genotype = Genotype::from_ron(&std::fs::read_to_string(path)?)?;
    let graph = optimize(assemble(&genotype, &Skeleton::cifar_small(), Shape::new(3, 32, 32))?);
    let total = cost(&graph).total;
    println!("{} nodes, {} parameters, {} multiply-adds", graph.nodes().len(), total.parameters, total.multiply_adds);

    let recipe = Recipe::paper_search().with(|raw| {
        raw.batch = arguments.get(3).and_then(|batch| batch.parse().ok()).unwrap_or(raw.batch);
        raw.crop = arguments.get(4).and_then(|side| side.parse().ok()).unwrap_or(raw.crop);
    })?;
    // 0 is rayon's own choice: as many as there are cores.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let time = pool.install(|| measure_step(&graph, &recipe, &device))?;
    println!(
        "{device}, {} threads: {:.1} images/s trained at {crop}x{crop} in batches of {}, {:.1} images/s evaluated at 32x32",
        pool.current_num_threads(),
        recipe.batch() as f64 / time.step_seconds,
        recipe.batch(),
        1.0 / time.image_seconds,
        crop = recipe.crop(),
    );
    Ok(())
}
