//! Random genotypes and mutated ones: draws repeated until the sink of the cell can be reached.
//!
//! About 0.3 % of random hierarchical genotypes are no networks. The paper leaves open what it did with them; here the
//! whole draw is repeated, and counted.

use rand::Rng;

use crate::{Genotype, GenotypeError, Motif, Mutation, MutationRule, SearchSpace};

/// A drawn genotype and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// The accepted genotype.
    pub genotype: Genotype,
    /// The mutation that led to it from its parent; `None` for a random genotype, which has no parent.
    pub mutation: Option<Mutation>,
    /// Draws thrown away before it, since the sink of the cell could not be reached.
    pub redraws: u32,
}

impl Genotype {
    /// A random genotype (paper section 3.2): the [identity chain](Genotype::identity_chain) mutated `mutations` times,
    /// 1000 in the paper, each time as [`mutate`](Genotype::mutate) draws.
    ///
    /// Genotypes on the way may be broken. If the last one is, the whole walk is drawn again. The result depends on
    /// nothing but the space, the number and the random stream; it is the same on every platform.
    pub fn random(space: &SearchSpace, mutations: usize, rng: &mut (impl Rng + ?Sized)) -> Sampled {
        let start = Genotype::identity_chain(space);
        accept_first(space, || {
            let mut levels = start.levels().to_vec();
            for _ in 0..mutations {
                Mutation::draw(space, &levels, MutationRule::Uniform, rng).apply(&mut levels);
            }
            (levels, None)
        })
    }

    /// A copy with one mutated edge (paper section 3.1). The draws, each uniform: the level, when there are several; the
    /// motif; the successor node; the predecessor node; the new operation, none among them.
    ///
    /// If the sink of the cell could no longer be reached, the whole mutation is drawn again. That ends, since every
    /// genotype of a [`SearchSpace`] has a valid neighbour: an edge that is missing can be added, an edge between
    /// neighbours with a way round can be taken away, and with several primitives one can stand in for another.
    pub fn mutate(&self, rule: MutationRule, rng: &mut (impl Rng + ?Sized)) -> Sampled {
        accept_first(self.space(), || {
            let mut levels = self.levels().to_vec();
            let mutation = Mutation::draw(self.space(), &levels, rule, rng);
            mutation.apply(&mut levels);
            (levels, Some(mutation))
        })
    }
}

/// Repeats a draw until it is a genotype.
fn accept_first(space: &SearchSpace, mut draw: impl FnMut() -> (Vec<Vec<Motif>>, Option<Mutation>)) -> Sampled {
    let mut redraws = 0;
    loop {
        let (levels, mutation) = draw();
        match Genotype::new(space.clone(), levels) {
            Ok(genotype) => return Sampled { genotype, mutation, redraws },
            Err(GenotypeError::SinkUnreachable { .. }) => redraws += 1,
            Err(error) => unreachable!("mutation stays within the search space: {error}"),
        }
    }
}
