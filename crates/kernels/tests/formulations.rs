//! Both formulations agree: values and gradients of random feature maps, and the same bits for any number of threads.
#![cfg(feature = "cpu")]

use burn::tensor::{Device, Tensor, TensorData};
use hnas_kernels::{self as kernels, plain};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// The operations, by name, so that a failure says which.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Conv { kernel: usize, stride: usize, output: usize },
    Depthwise { stride: usize },
    MaxPool,
    AvgPool,
    BatchNorm { relu: bool },
    GivenBatchNorm { relu: bool },
}

fn operations() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (prop_oneof![Just(1), Just(3)], 1..3usize, 1..10usize).prop_map(|(kernel, stride, output)| Operation::Conv {
            kernel,
            stride,
            output
        }),
        (1..3usize).prop_map(|stride| Operation::Depthwise { stride }),
        Just(Operation::MaxPool),
        Just(Operation::AvgPool),
        any::<bool>().prop_map(|relu| Operation::BatchNorm { relu }),
        any::<bool>().prop_map(|relu| Operation::GivenBatchNorm { relu }),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Formulation {
    Plain,
    Fused,
}

/// The values of an operation and its gradients with respect to each argument, for a random gradient of the result.
fn run(operation: Operation, formulation: Formulation, shape: [usize; 4], seed: u64) -> Vec<Vec<f32>> {
    let device = Device::flex().autodiff();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut draw = |shape: &[usize]| -> TensorData {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
        TensorData::new(values, shape.to_vec())
    };
    let four = |data: TensorData| Tensor::<4>::from_data(data, &device).require_grad();
    let one = |data: TensorData| Tensor::<1>::from_data(data, &device).require_grad();
    let fused = matches!(formulation, Formulation::Fused);

    let x = four(draw(&shape));
    let channels = shape[1];
    let (mut weights, mut vectors) = (Vec::new(), Vec::new());
    let mut extra = Vec::new();
    let y = match operation {
        Operation::Conv { kernel, stride, output } => {
            weights.push(four(draw(&[output, channels, kernel, kernel])));
            (if fused { kernels::conv } else { plain::conv })(x.clone(), weights[0].clone(), stride)
        }
        Operation::Depthwise { stride } => {
            weights.push(four(draw(&[channels, 1, 3, 3])));
            (if fused { kernels::depthwise } else { plain::depthwise })(x.clone(), weights[0].clone(), stride)
        }
        Operation::MaxPool => (if fused { kernels::max_pool } else { plain::max_pool })(x.clone()),
        Operation::AvgPool => (if fused { kernels::avg_pool } else { plain::avg_pool })(x.clone()),
        Operation::BatchNorm { relu } => {
            vectors.extend([one(draw(&[channels])), one(draw(&[channels]))]);
            let norm = if fused { kernels::batch_norm_train } else { plain::batch_norm_train };
            let (y, mean, variance) = norm(x.clone(), vectors[0].clone(), vectors[1].clone(), 1e-3, relu);
            extra.extend([mean, variance]);
            y
        }
        Operation::GivenBatchNorm { relu } => {
            vectors.extend([one(draw(&[channels])), one(draw(&[channels]))]);
            let (mean, variance) = (one(draw(&[channels])).detach(), one(draw(&[channels])).detach().abs());
            let norm = if fused { kernels::batch_norm_eval } else { plain::batch_norm_eval };
            norm(x.clone(), vectors[0].clone(), vectors[1].clone(), mean, variance, 1e-3, relu)
        }
    };
    let weight = Tensor::<4>::from_data(draw(&y.dims()), &device);
    let gradients = (y.clone() * weight).sum().backward();
    let mut results = vec![values(y), values(x.grad(&gradients).expect("tracked"))];
    results.extend(weights.iter().map(|weight| values(weight.grad(&gradients).expect("tracked"))));
    results.extend(vectors.iter().map(|vector| values(vector.grad(&gradients).expect("tracked"))));
    results.extend(extra.into_iter().map(values));
    results
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("32-bit floats")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn fused_equals_plain(
        operation in operations(),
        shape in (1..20usize, 1..9usize, 1..20usize, 1..20usize),
        seed: u64,
    ) {
        let shape: [usize; 4] = shape.into();
        // One value has no variance: its normalisation is zero over the root of epsilon, a matter of rounding.
        prop_assume!(!matches!(operation, Operation::BatchNorm { .. }) || shape[0] * shape[2] * shape[3] > 1);
        // Where the ReLU's argument is within rounding of zero, both answers are right.
        let normal = match operation {
            Operation::BatchNorm { relu: true } => Some(Operation::BatchNorm { relu: false }),
            Operation::GivenBatchNorm { relu: true } => Some(Operation::GivenBatchNorm { relu: false }),
            _ => None,
        };
        if let Some(normal) = normal {
            let normal = run(normal, Formulation::Plain, shape, seed);
            prop_assume!(normal[0].iter().all(|value| value.abs() > 2e-6));
        }
        let plain = run(operation, Formulation::Plain, shape, seed);
        let fused = run(operation, Formulation::Fused, shape, seed);
        prop_assert_eq!(plain.len(), fused.len());
        for (index, (plain, fused)) in plain.iter().zip(&fused).enumerate() {
            prop_assert_eq!(plain.len(), fused.len());
            let scale = plain.iter().fold(1e-2f32, |scale, value| scale.max(value.abs()));
            for (plain, fused) in plain.iter().zip(fused) {
                let error = (plain - fused).abs() / scale;
                prop_assert!(error < 1e-4, "result {}: {} and {}", index, plain, fused);
            }
        }
    }

    #[test]
    fn threads_do_not_change_the_bits(
        operation in operations(),
        shape in (1..40usize, 1..5usize, 1..12usize, 1..12usize),
        seed: u64,
    ) {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let results = pool.install(|| run(operation, Formulation::Fused, shape.into(), seed));
            results.into_iter().map(|values| values.into_iter().map(f32::to_bits).collect()).collect::<Vec<Vec<u32>>>()
        };
        let one = with(1);
        prop_assert!(one == with(2), "two threads give other bits than one");
        prop_assert!(one == with(3), "three threads give other bits than one");
    }
}

#[test]
fn the_tape_does_not_change_the_bits() {
    let values_on = |device: Device| {
        let mut rng = StdRng::seed_from_u64(5);
        let mut draw = |shape: &[usize]| {
            let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
            TensorData::new(values, shape.to_vec())
        };
        let mut four = |shape: [usize; 4]| Tensor::<4>::from_data(draw(&shape), &device);
        let x = four([5, 6, 9, 7]);
        let results = [
            kernels::conv(x.clone(), four([4, 6, 1, 1]), 1),
            kernels::conv(x.clone(), four([4, 6, 3, 3]), 2),
            kernels::conv_joined(vec![x.clone(), x.clone()], four([4, 12, 1, 1])),
            kernels::depthwise(x.clone(), four([6, 1, 3, 3]), 1),
            kernels::max_pool(x.clone()),
            kernels::avg_pool(x.clone()),
        ];
        let mut one = || Tensor::<1>::from_data(draw(&[6]), &device);
        let normal = kernels::batch_norm_train(x.clone(), one(), one(), 1e-3, true).0;
        let given = kernels::batch_norm_eval(x, one(), one(), one(), one().abs(), 1e-3, true);
        results.into_iter().chain([normal, given]).map(values).collect::<Vec<_>>()
    };
    assert!(values_on(Device::flex()) == values_on(Device::flex().autodiff()));
}

#[test]
fn of_equal_values_the_first_gets_the_gradient() {
    let device = Device::flex().autodiff();
    let gradient = |pool: fn(Tensor<4>) -> Tensor<4>| {
        let x = Tensor::<4>::zeros([1, 1, 5, 4], &device).require_grad();
        let gradients = pool(x.clone()).sum().backward();
        values(x.grad(&gradients).expect("tracked"))
    };
    assert_eq!(gradient(kernels::max_pool), gradient(plain::max_pool));
    assert_eq!(gradient(kernels::max_pool)[..5], [4.0, 2.0, 2.0, 0.0, 2.0]);
}

#[test]
fn a_diverged_feature_map_stays_so() {
    let device = Device::flex().autodiff();
    let mut values = vec![0.5f32; 2 * 3 * 6 * 6];
    values[40] = f32::NAN;
    let x = Tensor::<4>::from_data(TensorData::new(values, [2, 3, 6, 6]), &device);
    let one = Tensor::<1>::ones([3], &device);
    let diverged = |y: Tensor<4>| y.into_data().try_to_vec::<f32>().unwrap().iter().any(|value| value.is_nan());
    assert!(diverged(kernels::max_pool(x.clone())));
    assert!(diverged(kernels::max_pool(x.clone().inner())));
    assert!(diverged(kernels::avg_pool(x.clone())));
    assert!(diverged(kernels::batch_norm_train(x, one.clone(), one, 1e-3, true).0));
}
