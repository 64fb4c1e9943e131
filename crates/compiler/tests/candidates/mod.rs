//! Random candidates of several search spaces and skeletons, for the tests of programs.

use hnas_compiler::{AfterLastCell, Graph, Group, SeparableInner, Shape, Skeleton, Stem, assemble, optimize};
use hnas_genome::{Genotype, Level, Merge, Primitive, SearchSpace};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Before optimisation, so that there are identities, single merges, equal pools and nodes that lead nowhere.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    genotype: Genotype,
    skeleton: Skeleton,
}

impl Candidate {
    pub(crate) fn plain(&self, image: Shape) -> Graph {
        assemble(&self.genotype, &self.skeleton, image).expect("the candidates are small")
    }

    pub(crate) fn optimized(&self, image: Shape) -> Graph {
        optimize(self.plain(image))
    }
}

/// The paper's two spaces, and sums of all primitives.
fn spaces() -> [SearchSpace; 3] {
    let level = |motifs, nodes| Level { motifs, nodes, followed_by: None };
    let summed = SearchSpace::new(Primitive::ALL.to_vec(), vec![level(4, 4), level(1, 5)], Merge::Sum);
    [SearchSpace::hierarchical(), SearchSpace::flat(), summed.expect("the space of this test is valid")]
}

/// One that is like the paper's, one of odd widths with two stem convolutions and something after the last cell.
fn skeletons() -> [Skeleton; 2] {
    let stem = vec![Stem { width: 5, stride: 2 }, Stem { width: 17, stride: 1 }];
    let groups = vec![Group { cells: 2, width: 17 }, Group { cells: 1, width: 3 }];
    let odd = Skeleton::new(stem, groups, AfterLastCell::Separable { width: 20 }, SeparableInner::Nothing, 7);
    let small = Skeleton::cifar_small().with_c0(4);
    [small, odd].map(|skeleton| skeleton.expect("the skeletons of this test are valid"))
}

/// Any candidate; a few mutations leave many identities and equal motifs, 1000 leave few.
pub(crate) fn candidates() -> impl Strategy<Value = Candidate> {
    let inner = [SeparableInner::Nothing, SeparableInner::BatchNorm, SeparableInner::BatchNormRelu];
    let mutations = prop_oneof![0..20_usize, Just(60), Just(1000)];
    (0..spaces().len(), 0..skeletons().len(), 0..inner.len(), mutations, any::<u64>()).prop_map(
        move |(space, skeleton, kind, mutations, seed)| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let genotype = Genotype::random(&spaces()[space], mutations, &mut rng).genotype;
            Candidate { genotype, skeleton: skeletons()[skeleton].with_separable_inner(inner[kind]) }
        },
    )
}

/// The published cell in the small model.
pub(crate) fn learned() -> Candidate {
    let text = include_str!("../../../../experiments/cifar10/genotypes/learned-cell.ron");
    let genotype = Genotype::from_ron(text).expect("the published cell is valid");
    Candidate { genotype, skeleton: Skeleton::cifar_small() }
}

/// Every kind of step: two 1x1 convolutions of the same maps, pools of parts of a concatenation, a convolution (number
/// 4) that leads nowhere.
pub(crate) fn small_graph() -> Graph {
    let text = "%0 = input : 3x8x8
%1 = conv 3x3 stride 2 channels 20 (%0)
%2 = conv 1x1 stride 1 channels 4 (%1)
%3 = max_pool (%1)
%4 = concat (%2, %3)
%5 = max_pool (%4)
%6 = separable stride 1 channels 24 inner BatchNorm (%4)
%7 = conv 3x3 stride 1 channels 8 (%5)
%8 = depthwise stride 2 (%5)
%9 = sum (%4, %6)
%10 = identity (%1)
%11 = conv 1x1 stride 1 channels 6 (%10)
%12 = depthwise stride 2 (%9)
%13 = sum (%12)
%14 = concat (%13, %8)
%15 = avg_pool (%11)
%16 = depthwise stride 2 (%15)
%17 = concat (%14, %16)
%18 = global_avg_pool (%17)
%19 = linear classes 10 (%18)
output %19";
    Graph::parse(text).expect("the graph of this test is valid")
}
