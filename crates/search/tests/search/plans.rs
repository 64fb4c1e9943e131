//! Plans as they stand in experiment files: what is read, and what is refused with which words.

use std::num::NonZeroU64;

use expect_test::{Expect, expect};
use hnas_genome::{Genotype, MutationRule, SearchSpace};
use hnas_search::{Fraction, Mutations, PlanError, StrategyPlan, TrialId, suggestion_rng};

const PAPER: &str = "Tournament(mutations: 1000, initial: 200, fraction: 0.05, rule: Uniform)";

fn read(text: &str) -> StrategyPlan {
    ron::from_str(text).unwrap()
}

#[test]
fn plans_are_written_as_they_are_read() {
    let chain = Genotype::identity_chain(&SearchSpace::flat());
    for text in ["Random(mutations: 1000)", PAPER, &format!("Given(genotypes: [{chain}])")] {
        let plan = read(text);
        assert_eq!(read(&ron::to_string(&plan).unwrap()), plan);
    }
    assert_eq!(ron::to_string(&read(PAPER)).unwrap().replace(',', ", ").replace(':', ": "), PAPER);
}

fn refuse(text: &str, message: Expect) {
    message.assert_eq(&ron::from_str::<StrategyPlan>(text).unwrap_err().to_string());
}

#[test]
fn numbers_out_of_range_are_refused() {
    refuse(&PAPER.replace("0.05", "0.0"), expect!["1:53-1:56: a fraction is above 0 and at most 1, not 0"]);
    refuse(&PAPER.replace("0.05", "1.5"), expect!["1:53-1:56: a fraction is above 0 and at most 1, not 1.5"]);
    refuse(&PAPER.replace("0.05", "-0.05"), expect!["1:53-1:58: a fraction is above 0 and at most 1, not -0.05"]);
    refuse(&PAPER.replace("0.05", "NaN"), expect!["1:53-1:56: a fraction is above 0 and at most 1, not NaN"]);
    refuse(
        &PAPER.replace("200", "0"),
        expect!["1:38-1:39: Expected a nonzero u64 but found the unsigned integer `0` instead"],
    );
    refuse(
        "Random(mutations: 1000001)",
        expect!["1:19-1:26: a random genotype has at most 1000000 mutations, not 1000001"],
    );
    refuse(
        &PAPER.replace("1000", "18446744073709551615"),
        expect!["1:23-1:43: a random genotype has at most 1000000 mutations, not 18446744073709551615"],
    );
    refuse("Random(mutations: -1)", expect!["1:20-1:21: Integer is out of bounds"]);
    refuse("Given(genotypes: [])", expect!["1:19-1:20: the list of given genotypes is empty: it needs at least one"]);
}

#[test]
fn too_many_mutations_are_refused_in_a_plan_that_was_not_read() {
    let plans = |mutations| {
        let (initial, fraction) = (NonZeroU64::MIN, Fraction::new(0.5).unwrap());
        let tournament = StrategyPlan::Tournament { mutations, initial, fraction, rule: MutationRule::Uniform };
        [StrategyPlan::Random { mutations }, tournament]
    };
    for (mutations, error) in [(Mutations::MAX, None), (Mutations::MAX + 1, Some(PlanError::Mutations(1_000_001)))] {
        for plan in plans(mutations) {
            assert_eq!(plan.build(&SearchSpace::flat()).err(), error, "{plan:?}");
        }
    }
    assert_eq!(read("Random(mutations: 1000000)"), plans(Mutations::MAX)[0]);
}

#[test]
fn unknown_and_missing_fields_are_refused() {
    refuse(
        &PAPER.replace("rule", "rules"),
        expect![
            "1:59-1:64: Unexpected field named `rules` in `Tournament`, expected one of `mutations`, `initial`, `fraction`, or `rule` instead"
        ],
    );
    refuse("Random()", expect!["1:8: Unexpected missing field named `mutations` in `Random`"]);
    refuse(
        "Random(mutations: 1000, seed: 1)",
        expect!["1:25-1:29: Unexpected field named `seed` in `Random`, expected `mutations` instead"],
    );
    refuse(
        "Annealing(mutations: 1000)",
        expect![
            "1:1-1:10: Unexpected variant named `Annealing` in enum `StrategyPlan`, expected one of `Random`, `Tournament`, or `Given` instead"
        ],
    );
    refuse(
        &PAPER.replace("Uniform", "Sometimes"),
        expect![
            "1:65-1:74: Unexpected variant named `Sometimes` in enum `MutationRule`, expected either `Uniform` or `MustChange` instead"
        ],
    );
}

#[test]
fn given_genotypes_belong_to_the_space() {
    let flat = Genotype::identity_chain(&SearchSpace::flat());
    let hierarchical = Genotype::identity_chain(&SearchSpace::hierarchical());
    let plan = read(&format!("Given(genotypes: [{hierarchical}, {flat}])"));
    let error = plan.build(&SearchSpace::hierarchical()).err().unwrap();
    expect!["given genotype 2 of 2 belongs to another search space than the experiment's"]
        .assert_eq(&error.to_string());
}

#[test]
fn given_genotypes_come_in_their_order_and_again_from_the_first() {
    let space = SearchSpace::hierarchical();
    let genotypes: Vec<Genotype> =
        (1..=3).map(|id| Genotype::random(&space, 20, &mut suggestion_rng(1, TrialId(id))).genotype).collect();
    let texts: Vec<String> = genotypes.iter().map(Genotype::to_ron).collect();
    let given = read(&format!("Given(genotypes: [{}])", texts.join(", "))).build(&space).unwrap();
    for (id, expected) in [(1, 0), (2, 1), (3, 2), (4, 0), (8, 1)] {
        let suggestion = given.suggest(TrialId(id), &mut suggestion_rng(1, TrialId(id)));
        assert_eq!(suggestion.genotype, genotypes[expected], "trial {id}");
        assert_eq!((suggestion.parent, suggestion.mutation, suggestion.redraws), (None, None, 0));
    }
}
