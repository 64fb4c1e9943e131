//! Fitness functions that need no training: deterministic functions of the genotype.

use hnas_genome::{Genotype, Primitive};
use hnas_search::Fitness;

/// Number of separable convolutions at level 2: a smooth hill.
pub(crate) fn separables(genotype: &Genotype) -> Option<Fitness> {
    let primitives = genotype.space().primitives();
    let edges = genotype.motifs(2).iter().flat_map(|motif| motif.edges());
    let count = edges.filter(|edge| primitives[edge.op] == Primitive::Separable3x3).count();
    Fitness::new(count as f64).ok()
}

/// A rugged landscape (Kauffman's NK with K = 2): each edge adds a number between 0 and 1 that depends on its own
/// operation and on those of its two neighbours, looked up in a fixed random table.
pub(crate) fn rugged(genotype: &Genotype) -> Option<Fitness> {
    let operations = operations(genotype);
    let length = operations.len();
    let sum: f64 = (0..length)
        .map(|place| {
            let neighbourhood = [0, 1, 2].map(|offset| operations[(place + offset) % length]);
            let number = neighbourhood.iter().fold(place as u64, |hash, op| scramble(hash ^ (op + 1)));
            number as f64 / u64::MAX as f64
        })
        .sum();
    Fitness::new(sum / length as f64).ok()
}

/// [`rugged`], but every fourth genotype fails, as if its training had diverged.
pub(crate) fn rugged_with_failures(genotype: &Genotype) -> Option<Fitness> {
    let hash = operations(genotype).iter().fold(0, |hash, op| scramble(hash ^ op));
    if hash.is_multiple_of(4) { None } else { rugged(genotype) }
}

/// Every edge of every motif in order; 0 is none.
fn operations(genotype: &Genotype) -> Vec<u64> {
    let mut operations = Vec::new();
    for level in 2..=genotype.space().top() {
        for motif in genotype.motifs(level) {
            for to in 2..=motif.nodes() {
                operations.extend((1..to).map(|from| motif.operation(from, to).map_or(0, |op| op as u64 + 1)));
            }
        }
    }
    operations
}

/// The finaliser of splitmix64.
fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
