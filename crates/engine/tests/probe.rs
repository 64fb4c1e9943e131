//! A probe's step is the step that its own loss and gradients say.

mod networks;

use hnas_engine::Probe;

use networks::{CLASSES, SIDE, cpu, graph, recipe};

#[test]
fn a_first_step_goes_down_the_gradient_and_the_pull_of_decay() {
    let recipe = recipe(5, 6);
    let mut probe = Probe::new(&graph(4, 1), &recipe, &cpu(), 3).unwrap();
    let images: Vec<f32> = (0..6 * 3 * SIDE * SIDE).map(|pixel| (pixel * 37 % 101) as f32 / 50.0 - 1.0).collect();
    let labels: Vec<u8> = (0..6).map(|image| (image % CLASSES) as u8).collect();

    let before = probe.weights();
    let (loss, gradients) = probe.loss_and_gradients(&images, &labels);
    assert_eq!(probe.weights(), before);
    assert_eq!(probe.step(&images, &labels), loss);

    let (rate, decay) = (recipe.learning_rate_at(1) as f32, recipe.weight_decay() as f32);
    for ((before, gradient), after) in before.iter().zip(&gradients).zip(probe.weights()) {
        assert_eq!((&before.name, &before.shape), (&gradient.name, &gradient.shape));
        assert_eq!((&before.name, &before.shape), (&after.name, &after.shape));
        for ((weight, slope), moved) in before.values.iter().zip(&gradient.values).zip(&after.values) {
            let expected = weight - rate * (slope + decay * weight);
            assert!((moved - expected).abs() < 1e-6, "{}: {moved} instead of {expected}", before.name);
        }
    }
}
