//! The compiler counts what the engine builds.

mod networks;

use hnas_compiler::{Graph, SeparableInner, Shape, Skeleton, assemble, cost, optimize};
use hnas_engine::{Phenotype, Recipe};
use hnas_genome::SearchSpace;
use networks::{cpu, genotype};

/// Panics unless the built module has exactly the parameters that the graph's cost names.
fn check(graph: &Graph, what: &str) {
    let built = Phenotype::build(graph, &Recipe::paper_search(), &cpu(), 0).unwrap();
    let counted = cost(graph).total;
    assert_eq!(
        (built.parameters() as u64, built.parameters_with_statistics() as u64),
        (counted.parameters, counted.parameters_with_statistics),
        "{what}"
    );
}

/// A thousand networks of each space. Narrow ones: a count that is right for 2, 4 and 8 channels in all their
/// combinations is right for 16, 32 and 64, and the modules are built a hundred times faster.
#[test]
fn a_built_module_has_the_parameters_of_its_cost() {
    let narrow = Skeleton::cifar_small().with_c0(2).unwrap();
    let inners = [SeparableInner::Nothing, SeparableInner::BatchNorm, SeparableInner::BatchNormRelu];
    for (name, space) in [("hierarchical", SearchSpace::hierarchical()), ("flat", SearchSpace::flat())] {
        for seed in 0..1000 {
            let skeleton = narrow.with_separable_inner(inners[seed as usize % 3]);
            let plain = assemble(&genotype(&space, seed), &skeleton, Shape::new(3, 32, 32)).unwrap();
            if seed % 20 == 0 {
                check(&plain, &format!("{name} genotype {seed}, plain"));
            }
            check(&optimize(plain), &format!("{name} genotype {seed}"));
        }
    }
}

#[test]
fn so_it_is_at_full_width() {
    for (name, space) in [("hierarchical", SearchSpace::hierarchical()), ("flat", SearchSpace::flat())] {
        let plain = assemble(&genotype(&space, 5000), &Skeleton::cifar_small(), Shape::new(3, 32, 32)).unwrap();
        check(&optimize(plain), name);
    }
}
