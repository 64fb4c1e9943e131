//! The invariants of the search, named after them.

use hnas_genome::{Genotype, SearchSpace};
use hnas_search::{FinishedTrial, Fitness, Strategy, StrategyPlan, TrialId, suggestion_rng};
use proptest::prelude::{Just, any, prop_oneof, proptest};
use proptest::strategy::Strategy as Generator;
use proptest::{collection, option, prop_assert, prop_assert_eq};

/// Any plan, with small numbers.
fn plan() -> impl Generator<Value = StrategyPlan> {
    let genotypes = || [genotype(1).to_ron(), genotype(2).to_ron()].join(", ");
    let text = prop_oneof![
        (0..20_usize).prop_map(|mutations| format!("Random(mutations: {mutations})")),
        (0..20_usize, 1..20_u64, 1..=100_u32, any::<bool>()).prop_map(|(mutations, initial, percent, uniform)| {
            let rule = if uniform { "Uniform" } else { "MustChange" };
            let fraction = f64::from(percent) / 100.0;
            format!("Tournament(mutations: {mutations}, initial: {initial}, fraction: {fraction:?}, rule: {rule})")
        }),
        Just(()).prop_map(move |()| format!("Given(genotypes: [{}])", genotypes())),
    ];
    text.prop_map(|text| ron::from_str(&text).unwrap())
}

fn space() -> SearchSpace {
    SearchSpace::hierarchical()
}

fn genotype(id: u64) -> Genotype {
    Genotype::random(&space(), 30, &mut suggestion_rng(77, TrialId(id))).genotype
}

fn fitness() -> impl Generator<Value = Option<Fitness>> {
    option::of((-1000..1000_i32).prop_map(|value| Fitness::new(f64::from(value) / 7.0).unwrap()))
}

/// The fold of `update` over trials with these fitnesses.
fn fold(plan: &StrategyPlan, fitnesses: &[Option<Fitness>]) -> Box<dyn Strategy> {
    let mut strategy = plan.build(&space()).unwrap();
    for (&fitness, id) in fitnesses.iter().zip(1..) {
        strategy.update(&FinishedTrial { id: TrialId(id), genotype: genotype(id), fitness });
    }
    strategy
}

proptest! {
    #[test]
    fn s1_suggesting_changes_nothing(
        plan in plan(),
        fitnesses in collection::vec(fitness(), 0..30),
        seed in any::<u64>(),
        asked in collection::vec(1..100_u64, 1..5),
    ) {
        let suggest = |strategy: &dyn Strategy, id| strategy.suggest(TrialId(id), &mut suggestion_rng(seed, TrialId(id)));
        let mut much_asked = plan.build(&space()).unwrap();
        for (&fitness, id) in fitnesses.iter().zip(1..) {
            for &other in &asked {
                suggest(&*much_asked, other);
            }
            much_asked.update(&FinishedTrial { id: TrialId(id), genotype: genotype(id), fitness });
        }
        let never_asked = fold(&plan, &fitnesses);
        for &id in &asked {
            let suggestion = suggest(&*never_asked, id);
            prop_assert_eq!(&suggestion, &suggest(&*much_asked, id), "a function of the fold and the generator");
            prop_assert_eq!(&suggestion, &suggest(&*never_asked, id), "asked again, the same answer");
        }
    }

    #[test]
    fn s2_fitness_is_finite(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        prop_assert_eq!(Fitness::new(value).is_ok(), value.is_finite());
        if let Ok(fitness) = Fitness::new(value) {
            prop_assert_eq!(fitness.get(), value);
            let text = ron::to_string(&fitness).unwrap();
            prop_assert_eq!(ron::from_str::<Fitness>(&text).unwrap(), fitness, "reads back: {}", text);
        }
    }

    #[test]
    fn s2_fitness_is_ordered_as_its_number(a in any::<f64>(), b in any::<f64>()) {
        if let (Ok(x), Ok(y)) = (Fitness::new(a), Fitness::new(b)) {
            prop_assert_eq!(Some(x.cmp(&y)), a.partial_cmp(&b));
            prop_assert_eq!(x == y, a == b);
        }
    }

    #[test]
    fn a_parent_was_seen_and_did_not_fail(
        plan in plan(),
        fitnesses in collection::vec(fitness(), 0..30),
        seed in any::<u64>(),
    ) {
        let id = TrialId(fitnesses.len() as u64 + 1);
        let suggestion = fold(&plan, &fitnesses).suggest(id, &mut suggestion_rng(seed, id));
        if let Some(parent) = suggestion.parent {
            prop_assert!(fitnesses[parent.0 as usize - 1].is_some());
        }
        prop_assert_eq!(suggestion.parent.is_some(), suggestion.mutation.is_some());
        prop_assert_eq!(suggestion.genotype.space(), &space());
    }
}

#[test]
fn s2_what_is_not_finite_cannot_be_read() {
    for text in ["NaN", "inf", "-inf", "1e999"] {
        let error = ron::from_str::<Fitness>(text).unwrap_err().to_string();
        assert!(error.contains("a fitness is a finite number, not "), "{text}: {error}");
    }
    assert_eq!(Fitness::new(f64::NAN).unwrap_err().to_string(), "a fitness is a finite number, not NaN");
}
