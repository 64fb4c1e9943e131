//! Samples genotypes and prints the key and the cost of each network: the example of the README.

use hnas_compiler::{Shape, Skeleton, assemble, cost, optimize};
use hnas_genome::{Genotype, SearchSpace};
use rand::{SeedableRng, rngs::ChaCha8Rng};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..5 {
        let genotype = Genotype::random(&SearchSpace::hierarchical(), 1000, &mut rng).genotype;
        let graph = optimize(assemble(&genotype, &Skeleton::cifar_small(), Shape::new(3, 32, 32))?);
        let total = cost(&graph).total;
        println!("{}  {} parameters, {} multiply-adds", graph.key(), total.parameters, total.multiply_adds);
    }
    Ok(())
}
