//! Recipes as text: the paper's own, and what is refused with which words.

use expect_test::expect;
use hnas_engine::Recipe;

/// The paper's recipe as a file holds it.
const PAPER: &str = "(
    steps: 5000,
    batch: 256,
    learning_rate: (initial: 0.1, drops: [(4000, 0.1), (4500, 0.1)]),
    momentum: 0.9,
    weight_decay: 0.0003,
    weight_decay_on: All,
    crop: 24,
    flip: true,
    normalization: PerChannel,
    initializer: HeNormal,
    batch_norm_momentum: 0.1,
    batch_norm_epsilon: 0.00001,
    precision: F32,
    eval_batch: 250,
    time_limit_s: None,
)";

#[test]
fn the_papers_recipe_is_read_and_written() {
    let recipe: Recipe = ron::from_str(PAPER).unwrap();
    assert_eq!(recipe, Recipe::paper_search());
    assert_eq!(ron::from_str::<Recipe>(&ron::to_string(&recipe).unwrap()).unwrap(), recipe);
}

#[test]
fn the_learning_rate_drops_after_its_steps() {
    let rates = [1, 4000, 4001, 4500, 4501, 5000].map(|step| Recipe::paper_search().learning_rate_at(step));
    assert_eq!(rates, [0.1, 0.1, 0.1 * 0.1, 0.1 * 0.1, 0.1 * 0.1 * 0.1, 0.1 * 0.1 * 0.1]);
    let rates = [40_000, 60_001, 80_000].map(|step| Recipe::paper_final().learning_rate_at(step));
    assert_eq!(rates, [0.1, 0.1 * 0.1 * 0.1, 0.1 * 0.1 * 0.1 * 0.1]);
}

/// Every way of being wrong: what is replaced by what, and the message.
#[test]
fn a_wrong_recipe_is_refused_with_the_place_and_the_number() {
    let cases = [
        ("steps: 5000", "steps: 0"),
        ("steps: 5000", "steps: -1"),
        ("steps: 5000", "steps: 4500"),
        ("steps: 5000", "steps: 18446744073709551615"),
        ("batch: 256", "batch: 100000001"),
        ("crop: 24", "crop: 10001"),
        ("eval_batch: 250", "eval_batch: 18446744073709551615"),
        ("steps: 5000,", ""),
        ("steps: 5000", "step: 5000"),
        ("batch: 256", "batch: 0"),
        ("initial: 0.1", "initial: 0.0"),
        ("initial: 0.1", "initial: NaN"),
        ("(4500, 0.1)", "(4000, 0.1)"),
        ("(4500, 0.1)", "(3999, 0.1)"),
        ("(4000, 0.1)", "(0, 0.1)"),
        ("(4000, 0.1)", "(4000, 0.0)"),
        ("(4000, 0.1)", "(4000, inf)"),
        ("momentum: 0.9,\n    weight", "momentum: 1.0,\n    weight"),
        ("momentum: 0.9,\n    weight", "momentum: -0.1,\n    weight"),
        ("weight_decay: 0.0003", "weight_decay: -0.0003"),
        ("weight_decay_on: All", "weight_decay_on: Some"),
        ("crop: 24", "crop: 0"),
        ("flip: true", "flip: 1"),
        ("normalization: PerChannel", "normalization: PerPixel"),
        ("initializer: HeNormal", "initializer: Zero"),
        ("batch_norm_momentum: 0.1", "batch_norm_momentum: 0.0"),
        ("batch_norm_momentum: 0.1", "batch_norm_momentum: 1.5"),
        ("batch_norm_epsilon: 0.00001", "batch_norm_epsilon: 0.0"),
        ("eval_batch: 250", "eval_batch: 0"),
        ("time_limit_s: None", "time_limit_s: Some(0.0)"),
        ("time_limit_s: None", "time_limit_s: 60.0"),
        ("time_limit_s: None,", "time_limit_s: None, colour: 1,"),
    ];
    let mut table = String::new();
    for (from, to) in cases {
        assert!(PAPER.contains(from), "{from}");
        let error = ron::from_str::<Recipe>(&PAPER.replacen(from, to, 1)).unwrap_err();
        table += &format!("{}\n    {error}\n", to.split(",\n").next().unwrap());
    }
    expect![[r#"
        steps: 0
            17:1-17:2: steps is 0, at least 1 is needed
        steps: -1
            2:13-2:14: Integer is out of bounds
        steps: 4500
            17:1-17:2: learning_rate.drops: drop 2 is after step 4500, but there are only 4500 steps
        steps: 18446744073709551615
            17:1-17:2: steps is 18446744073709551615, at most 1000000000 is allowed
        batch: 100000001
            17:1-17:2: batch is 100000001, at most 100000000 is allowed
        crop: 10001
            17:1-17:2: crop is 10001, at most 10000 is allowed
        eval_batch: 18446744073709551615
            17:1-17:2: eval_batch is 18446744073709551615, at most 100000000 is allowed

            17:1: Unexpected missing field named `steps` in `Recipe`
        step: 5000
            2:5-2:9: Unexpected field named `step` in `Recipe`, expected one of `steps`, `batch`, `learning_rate`, `momentum`, `weight_decay`, `weight_decay_on`, `crop`, `flip`, `normalization`, `initializer`, `batch_norm_momentum`, `batch_norm_epsilon`, `precision`, `eval_batch`, or `time_limit_s` instead
        batch: 0
            17:1-17:2: batch is 0, at least 1 is needed
        initial: 0.0
            17:1-17:2: learning_rate.initial is 0, allowed is a finite number above 0
        initial: NaN
            17:1-17:2: learning_rate.initial is NaN, allowed is a finite number above 0
        (4000, 0.1)
            17:1-17:2: learning_rate.drops: drop 2 is after step 4000, it must come after step 4000
        (3999, 0.1)
            17:1-17:2: learning_rate.drops: drop 2 is after step 3999, it must come after step 4000
        (0, 0.1)
            17:1-17:2: learning_rate.drops: drop 1 is after step 0, it must come after step 0
        (4000, 0.0)
            17:1-17:2: learning_rate.drops: the factor of drop 1 is 0, allowed is a finite number above 0
        (4000, inf)
            17:1-17:2: learning_rate.drops: the factor of drop 1 is inf, allowed is a finite number above 0
        momentum: 1.0
            17:1-17:2: momentum is 1, allowed is 0 up to but without 1
        momentum: -0.1
            17:1-17:2: momentum is -0.1, allowed is 0 up to but without 1
        weight_decay: -0.0003
            17:1-17:2: weight_decay is -0.0003, allowed is a finite number, 0 or more
        weight_decay_on: Some
            7:22-7:26: Unexpected variant named `Some` in enum `WeightDecayOn`, expected either `All` or `ConvolutionsAndLinear` instead
        crop: 0
            17:1-17:2: crop is 0, at least 1 is needed
        flip: 1
            9:10-9:11: Expected boolean
        normalization: PerPixel
            10:20-10:28: Unexpected variant named `PerPixel` in enum `Normalization`, expected either `PerChannel` or `MinusOneToOne` instead
        initializer: Zero
            11:18-11:22: Unexpected variant named `Zero` in enum `Initializer`, expected one of `HeNormal`, `HeUniform`, `GlorotUniform`, or `TruncatedNormal` instead
        batch_norm_momentum: 0.0
            17:1-17:2: batch_norm_momentum is 0, allowed is above 0 up to 1
        batch_norm_momentum: 1.5
            17:1-17:2: batch_norm_momentum is 1.5, allowed is above 0 up to 1
        batch_norm_epsilon: 0.0
            17:1-17:2: batch_norm_epsilon is 0, allowed is a finite number above 0
        eval_batch: 0
            17:1-17:2: eval_batch is 0, at least 1 is needed
        time_limit_s: Some(0.0)
            17:1-17:2: time_limit_s is 0, allowed is a finite number above 0, or None
        time_limit_s: 60.0
            16:18-16:19: Expected option
        time_limit_s: None, colour: 1,
            16:25-16:31: Unexpected field named `colour` in `Recipe`, expected one of `steps`, `batch`, `learning_rate`, `momentum`, `weight_decay`, `weight_decay_on`, `crop`, `flip`, `normalization`, `initializer`, `batch_norm_momentum`, `batch_norm_epsilon`, `precision`, `eval_batch`, or `time_limit_s` instead
    "#]].assert_eq(&table);
}
