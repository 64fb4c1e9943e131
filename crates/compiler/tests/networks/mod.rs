//! Search spaces, genotypes and small networks for the tests of the key.

use hnas_compiler::{AfterLastCell, Graph, Group, SeparableInner, Shape, Skeleton, Stem, assemble};
use hnas_genome::{Genotype, Level, Merge, Motif, Primitive, SearchSpace};

pub(crate) fn level(motifs: usize, nodes: usize, followed_by: Option<Primitive>) -> Level {
    Level { motifs, nodes, followed_by }
}

pub(crate) fn space(levels: Vec<Level>, merge: Merge) -> SearchSpace {
    SearchSpace::new(Primitive::PAPER.to_vec(), levels, merge).expect("the spaces of this test are valid")
}

/// The paper's two spaces, one of four levels, and one that sums.
pub(crate) fn spaces() -> [SearchSpace; 4] {
    let deep = vec![level(5, 3, Some(Primitive::Conv1x1)), level(4, 4, None), level(1, 4, None)];
    let summing = vec![level(4, 4, None), level(1, 5, None)];
    [SearchSpace::hierarchical(), SearchSpace::flat(), space(deep, Merge::Concat), space(summing, Merge::Sum)]
}

/// One cell with little around it.
pub(crate) fn one_cell() -> Skeleton {
    let (stem, group) = (Stem { width: 8, stride: 1 }, Group { cells: 1, width: 8 });
    Skeleton::new(vec![stem], vec![group], AfterLastCell::Nothing, SeparableInner::BatchNorm, 10)
        .expect("a small skeleton is valid")
}

pub(crate) fn graph(genotype: &Genotype, skeleton: &Skeleton) -> Graph {
    assemble(genotype, skeleton, Shape::new(3, 16, 16)).expect("the genotypes of this test fit")
}

/// The genotype with every motif replaced; `change` gets its level, its place from 0 and the motif.
pub(crate) fn map_motifs(
    genotype: &Genotype,
    mut change: impl FnMut(usize, usize, &Motif) -> Motif,
) -> Vec<Vec<Motif>> {
    let levels = 2..=genotype.space().top();
    let motifs = |level| genotype.motifs(level).iter().enumerate();
    levels.map(|level| motifs(level).map(|(index, motif)| change(level, index, motif)).collect()).collect()
}
