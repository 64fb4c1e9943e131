//! Steps of the optimiser.

use hnas_gpu::sgd::{self, Descent};

use crate::sample::{FEW, Random, assert_panics, assert_same, machine};

/// By the definition, over three steps at changing rates.
#[test]
fn steps_follow_the_definition() {
    let Some(machine) = machine() else { return };
    let mut random = Random::new(10);
    let descent = Descent { momentum: 0.9, decay: 3e-4 };
    let (mut weights, mut velocity) = (random.numbers(500), vec![0.0; 500]);
    let (device_weights, device_velocity) = (machine.upload(&weights), machine.upload(&velocity));
    let (rate, gradient) = (machine.upload(&[0.0]), machine.upload(&velocity));
    for step in [0.4, 0.1, 0.01] {
        let slope = random.numbers(500);
        for ((weight, velocity), slope) in weights.iter_mut().zip(&mut velocity).zip(&slope) {
            *velocity = descent.momentum * *velocity + slope + descent.decay * *weight;
            *weight -= step * *velocity;
        }
        machine.write(&rate, &[step]);
        machine.write(&gradient, &slope);
        sgd::step(&machine, descent, &rate, &gradient, &device_velocity, &device_weights);
        assert_same(&machine, "weights", &device_weights, &weights, FEW);
        assert_same(&machine, "velocity", &device_velocity, &velocity, FEW);
    }
}

/// Parameters may lie in one buffer, of which each operation sees its part.
#[test]
fn a_part_of_a_buffer_is_updated_alone() {
    let Some(machine) = machine() else { return };
    let mut random = Random::new(11);
    let (weights, slope) = (random.numbers(256), random.numbers(64));
    let device = machine.upload(&weights);
    let part = device.part(128..192);
    let (rate, velocity) = (machine.upload(&[0.5]), machine.upload(&[0.0; 64]));
    let descent = Descent { momentum: 0.9, decay: 0.0 };
    sgd::step(&machine, descent, &rate, &machine.upload(&slope), &velocity, &part);
    let mut expected = weights;
    expected[128..192].iter_mut().zip(&slope).for_each(|(weight, slope)| *weight -= 0.5 * slope);
    assert_same(&machine, "all", &device, &expected, FEW);
    assert_same(&machine, "the part", &part, &expected[128..192], FEW);
}

#[test]
fn a_part_is_inside_its_buffer() {
    let Some(machine) = machine() else { return };
    assert_panics("is not inside a buffer of 100", || {
        machine.upload(&[0.0; 100]).part(64..128);
    });
}
