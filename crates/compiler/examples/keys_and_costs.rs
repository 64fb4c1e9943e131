//! Samples genotypes of the paper's hierarchical space and prints the key and the cost of each one's small model.
//!
//! `cargo run -p hnas-compiler --example keys_and_costs`

use hnas_compiler::{Shape, Skeleton, assemble, cost, optimize};
use hnas_genome::{Genotype, SearchSpace};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (space, skeleton) = (SearchSpace::hierarchical(), Skeleton::cifar_small());
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    println!("{:64}  {:>10}  {:>15}  {:>14}", "network key", "parameters", "multiply-adds", "bytes an image");
    for _ in 0..10 {
        let genotype = Genotype::random(&space, 1000, &mut rng).genotype;
        let graph = optimize(assemble(&genotype, &skeleton, Shape::new(3, 32, 32))?);
        let total = cost(&graph).total;
        let (parameters, operations, bytes) = (total.parameters, total.multiply_adds, total.activation_bytes);
        println!("{}  {parameters:>10}  {operations:>15}  {bytes:>14}", graph.key());
    }
    Ok(())
}
