//! Each operation equals its definition: values and gradients, for odd sizes, one channel, stride 2 and one image.

mod naive;

use burn::tensor::{Device, Int, Tensor};
use hnas_kernels as kernels;
use naive::{Array, EPSILON, assert_close, check, values};

/// Shapes `[batch, channels, height, width]`: odd sizes, one channel, one image, rows shorter and longer than a vector.
const SHAPES: [[usize; 4]; 6] = [[1, 1, 1, 1], [1, 1, 5, 3], [2, 3, 4, 7], [3, 2, 9, 5], [1, 5, 2, 18], [1, 2, 6, 6]];

#[test]
fn conv_equals_its_definition() {
    for [n, channels, h, w] in SHAPES {
        for output in [1, 5] {
            for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2)] {
                check(
                    &[&[n, channels, h, w], &[output, channels, kernel, kernel]],
                    |leaves| kernels::conv(leaves[0].four(), leaves[1].four(), stride),
                    |arrays| naive::conv(&arrays[0], &arrays[1], stride),
                );
            }
        }
    }
}

#[test]
fn conv_joined_is_the_convolution_of_the_concatenation() {
    for [n, _, h, w] in SHAPES.into_iter().chain([[2, 0, 16, 1], [1, 0, 16, 16]]) {
        check(
            &[&[n, 1, h, w], &[n, 3, h, w], &[n, 2, h, w], &[5, 6, 1, 1]],
            |leaves| kernels::conv_joined(leaves[..3].iter().map(|leaf| leaf.four()).collect(), leaves[3].four()),
            |arrays| naive::conv(&naive::concat(&arrays[..3]), &arrays[3], 1),
        );
    }
}

#[test]
fn depthwise_equals_its_definition() {
    for shape in SHAPES {
        for stride in [1, 2] {
            check(
                &[&shape, &[shape[1], 1, 3, 3]],
                |leaves| kernels::depthwise(leaves[0].four(), leaves[1].four(), stride),
                |arrays| naive::depthwise(&arrays[0], &arrays[1], stride),
            );
        }
    }
}

#[test]
fn pools_equal_their_definitions() {
    for shape in SHAPES {
        check(&[&shape], |leaves| kernels::max_pool(leaves[0].four()), |arrays| naive::max_pool(&arrays[0]));
        check(&[&shape], |leaves| kernels::avg_pool(leaves[0].four()), |arrays| naive::avg_pool(&arrays[0]));
    }
}

#[test]
fn batch_norm_equals_its_definition() {
    for shape in SHAPES.into_iter().filter(|[n, _, h, w]| n * h * w > 1) {
        let channels = shape[1];
        for relu in [false, true] {
            check(
                &[&shape, &[channels], &[channels]],
                |leaves| kernels::batch_norm_train(leaves[0].four(), leaves[1].one(), leaves[2].one(), EPSILON, relu).0,
                |arrays| {
                    let (mean, variance) = naive::statistics(&arrays[0]);
                    naive::batch_norm(&arrays[0], &arrays[1], &arrays[2], &mean, &variance, relu)
                },
            );
            let (mean, variance) = (vec![0.25; channels], vec![0.5; channels]);
            let one = |values: &[f64]| Array { shape: vec![channels], values: values.to_vec() };
            let device = Device::flex().autodiff();
            let statistics = [one(&mean).tensor::<1>(&device), one(&variance).tensor::<1>(&device)];
            check(
                &[&shape, &[channels], &[channels]],
                |leaves| {
                    let [mean, variance] = statistics.clone();
                    let (x, gamma, beta) = (leaves[0].four(), leaves[1].one(), leaves[2].one());
                    kernels::batch_norm_eval(x, gamma, beta, mean, variance, EPSILON, relu)
                },
                |arrays| naive::batch_norm(&arrays[0], &arrays[1], &arrays[2], &mean, &variance, relu),
            );
        }
    }
}

#[test]
fn batch_norm_gives_the_batch_statistics() {
    let device = Device::flex().autodiff();
    for (shift, shape) in [(0.0, [2, 3, 5, 7]), (100.0, [4, 2, 9, 9])] {
        let mut x = Array::random(&shape, &mut rand::SeedableRng::seed_from_u64(3));
        x.values.iter_mut().for_each(|value| *value = f64::from((*value + shift) as f32));
        let one = Array { shape: vec![shape[1]], values: vec![1.0; shape[1]] }.tensor::<1>(&device);
        let (_, mean, variance) = kernels::batch_norm_train(x.tensor::<4>(&device), one.clone(), one, EPSILON, true);
        let expected = naive::statistics(&x);
        assert_close(&values(mean), &expected.0, "mean");
        assert_close(&values(variance), &expected.1, "variance");
    }
}

#[test]
fn merges_equal_their_definitions() {
    check(
        &[&[2, 1, 3, 5], &[2, 4, 3, 5], &[2, 2, 3, 5]],
        |leaves| kernels::concat(leaves.iter().map(|leaf| leaf.four()).collect()),
        naive::concat,
    );
    check(
        &[&[2, 3, 3, 5], &[2, 3, 3, 5], &[2, 3, 3, 5]],
        |leaves| kernels::sum(leaves.iter().map(|leaf| leaf.four()).collect()),
        |arrays| {
            naive::build([2, 3, 3, 5], |n, c, y, x| {
                arrays.iter().map(|array| array.at(n, c, y as isize, x as isize, 0.0)).sum()
            })
        },
    );
}

#[test]
fn classifier_equals_its_definition() {
    check(
        &[&[2, 3, 5, 7]],
        |leaves| kernels::global_avg_pool(leaves[0].four()),
        |arrays| {
            let mean = |plane: &[f64]| plane.iter().sum::<f64>() / plane.len() as f64;
            Array { shape: vec![2, 3], values: arrays[0].values.chunks(35).map(mean).collect() }
        },
    );
    check(
        &[&[3, 4], &[4, 5], &[5]],
        |leaves| kernels::linear(leaves[0].two(), leaves[1].two(), leaves[2].one()),
        |arrays| {
            let value = |row: usize, column: usize| {
                let product = |i: usize| arrays[0].values[row * 4 + i] * arrays[1].values[i * 5 + column];
                (0..4).map(product).sum::<f64>() + arrays[2].values[column]
            };
            Array { shape: vec![3, 5], values: (0..15).map(|i| value(i / 5, i % 5)).collect() }
        },
    );
    let labels = [2, 0, 1];
    let tensor = Tensor::<1, Int>::from_ints(labels, &Device::flex().autodiff());
    check(
        &[&[3, 4]],
        |leaves| kernels::cross_entropy(leaves[0].two(), tensor.clone()),
        |arrays| {
            let row = |(logits, &label): (&[f64], &usize)| {
                logits.iter().map(|logit| logit.exp()).sum::<f64>().ln() - logits[label]
            };
            let labels = labels.map(|label| label as usize);
            let total: f64 = arrays[0].values.chunks(4).zip(&labels).map(row).sum();
            Array { shape: vec![1], values: vec![total / 3.0] }
        },
    );
}
