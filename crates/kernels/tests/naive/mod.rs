//! The operations as plain loops over 64-bit floats, written from their definitions, and the comparison with the real
//! ones: values against the loops, gradients against central differences of the loops.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// An array of up to four axes, the last one running fastest.
#[derive(Clone)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

impl Array {
    pub(crate) fn random(shape: &[usize], rng: &mut StdRng) -> Self {
        let values = (0..shape.iter().product()).map(|_| f64::from(rng.random_range(-1.0f32..1.0))).collect();
        Self { shape: shape.to_vec(), values }
    }

    pub(crate) fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] }
    }

    pub(crate) fn four(&self) -> [usize; 4] {
        self.shape.clone().try_into().expect("four axes")
    }

    /// The value at a position of a four-axis array, `outside` when the pixel lies outside the image.
    pub(crate) fn at(&self, n: usize, c: usize, y: isize, x: isize, outside: f64) -> f64 {
        let [_, channels, height, width] = self.four();
        if y < 0 || x < 0 || y >= height as isize || x >= width as isize {
            return outside;
        }
        self.values[((n * channels + c) * height + y as usize) * width + x as usize]
    }

    pub(crate) fn tensor<const D: usize>(&self, device: &Device) -> Tensor<D> {
        let values: Vec<f32> = self.values.iter().map(|&v| v as f32).collect();
        Tensor::from_data(TensorData::new(values, self.shape.clone()), device)
    }
}

/// Calls `value(n, c, y, x)` for each position of an array of `shape`.
pub(crate) fn build(shape: [usize; 4], mut value: impl FnMut(usize, usize, usize, usize) -> f64) -> Array {
    let mut array = Array::zeros(&shape);
    let mut values = array.values.iter_mut();
    for n in 0..shape[0] {
        for c in 0..shape[1] {
            for y in 0..shape[2] {
                for x in 0..shape[3] {
                    *values.next().expect("as many as positions") = value(n, c, y, x);
                }
            }
        }
    }
    array
}

pub(crate) fn conv(x: &Array, weight: &Array, stride: usize) -> Array {
    let ([n, input, h, w], [output, _, k, _]) = (x.four(), weight.four());
    build([n, output, h.div_ceil(stride), w.div_ceil(stride)], |n, o, y, xx| {
        let mut sum = 0.0;
        for i in 0..input {
            for ky in 0..k {
                for kx in 0..k {
                    let (py, px) =
                        ((y * stride + ky) as isize - (k / 2) as isize, (xx * stride + kx) as isize - (k / 2) as isize);
                    sum += weight.at(o, i, ky as isize, kx as isize, 0.0) * x.at(n, i, py, px, 0.0);
                }
            }
        }
        sum
    })
}

/// Joins arrays of one batch and image size along the channels.
pub(crate) fn concat(xs: &[Array]) -> Array {
    let [n, _, h, w] = xs[0].four();
    let channels: Vec<(&Array, usize)> = xs.iter().flat_map(|x| (0..x.four()[1]).map(move |c| (x, c))).collect();
    build([n, channels.len(), h, w], |n, c, y, x| {
        let (array, c) = channels[c];
        array.at(n, c, y as isize, x as isize, 0.0)
    })
}

pub(crate) fn depthwise(x: &Array, weight: &Array, stride: usize) -> Array {
    let [n, channels, h, w] = x.four();
    build([n, channels, h.div_ceil(stride), w.div_ceil(stride)], |n, c, y, xx| {
        window(|dy, dx| {
            weight.at(c, 0, dy + 1, dx + 1, 0.0)
                * x.at(n, c, (y * stride) as isize + dy, (xx * stride) as isize + dx, 0.0)
        })
        .sum()
    })
}

fn window(value: impl Fn(isize, isize) -> f64) -> impl Iterator<Item = f64> {
    (0..9).map(move |tap| value(tap / 3 - 1, tap % 3 - 1))
}

pub(crate) fn max_pool(x: &Array) -> Array {
    build(x.four(), |n, c, y, xx| {
        window(|dy, dx| x.at(n, c, y as isize + dy, xx as isize + dx, f64::NEG_INFINITY))
            .fold(f64::NEG_INFINITY, f64::max)
    })
}

pub(crate) fn avg_pool(x: &Array) -> Array {
    build(x.four(), |n, c, y, xx| {
        let inside: Vec<f64> = window(|dy, dx| x.at(n, c, y as isize + dy, xx as isize + dx, f64::NAN))
            .filter(|value| !value.is_nan())
            .collect();
        inside.iter().sum::<f64>() / inside.len() as f64
    })
}

/// The mean and the biased variance of each channel.
pub(crate) fn statistics(x: &Array) -> (Vec<f64>, Vec<f64>) {
    let [n, channels, h, w] = x.four();
    let count = (n * h * w) as f64;
    let mut mean = vec![0.0; channels];
    build(x.four(), |n, c, y, xx| {
        mean[c] += x.at(n, c, y as isize, xx as isize, 0.0) / count;
        0.0
    });
    let mut variance = vec![0.0; channels];
    build(x.four(), |n, c, y, xx| {
        variance[c] += (x.at(n, c, y as isize, xx as isize, 0.0) - mean[c]).powi(2) / count;
        0.0
    });
    (mean, variance)
}

pub(crate) fn batch_norm(x: &Array, gamma: &Array, beta: &Array, mean: &[f64], variance: &[f64], relu: bool) -> Array {
    build(x.four(), |n, c, y, xx| {
        let normal = (x.at(n, c, y as isize, xx as isize, 0.0) - mean[c]) / (variance[c] + EPSILON).sqrt();
        let value = normal * gamma.values[c] + beta.values[c];
        if relu { value.max(0.0) } else { value }
    })
}

/// The epsilon of batch normalisation in all tests.
pub(crate) const EPSILON: f64 = 1e-3;

/// Compares an operation with its naive form on random arrays of the given shapes: the values, and the gradient of a
/// random weighted sum of the values with respect to each argument.
pub(crate) fn check<const D: usize>(
    shapes: &[&[usize]],
    real: impl Fn(&[Leaf]) -> Tensor<D>,
    naive: impl Fn(&[Array]) -> Array,
) {
    let mut rng = StdRng::seed_from_u64(7);
    let arguments: Vec<Array> = shapes.iter().map(|shape| Array::random(shape, &mut rng)).collect();
    let device = Device::flex().autodiff();
    let leaves: Vec<Leaf> = arguments.iter().map(|array| Leaf::new(array, &device)).collect();

    let expected = naive(&arguments);
    let result = real(&leaves);
    assert_eq!(result.dims().to_vec(), expected.shape, "shape for {shapes:?}");
    assert_close(&values(result.clone()), &expected.values, &format!("values for {shapes:?}"));

    let weights = Array::random(&expected.shape, &mut rng);
    let loss = |array: &Array| array.values.iter().zip(&weights.values).map(|(a, b)| a * b).sum::<f64>();
    let gradients = (result * weights.tensor::<D>(&device)).sum().backward();
    for (index, leaf) in leaves.iter().enumerate() {
        let step = 1e-6;
        let expected: Vec<f64> = (0..arguments[index].values.len())
            .map(|element| {
                let at = |delta: f64| {
                    let mut moved = arguments.clone();
                    moved[index].values[element] += delta;
                    loss(&naive(&moved))
                };
                (at(step) - at(-step)) / (2.0 * step)
            })
            .collect();
        assert_close(&leaf.gradient(&gradients), &expected, &format!("gradient {index} for {shapes:?}"));
    }
}

/// An argument of an operation under test, tracked, of one or four axes.
pub(crate) enum Leaf {
    One(Tensor<1>),
    Two(Tensor<2>),
    Four(Tensor<4>),
}

impl Leaf {
    fn new(array: &Array, device: &Device) -> Self {
        match array.shape.len() {
            1 => Self::One(array.tensor(device).require_grad()),
            2 => Self::Two(array.tensor(device).require_grad()),
            4 => Self::Four(array.tensor(device).require_grad()),
            axes => panic!("{axes} axes"),
        }
    }

    pub(crate) fn one(&self) -> Tensor<1> {
        let Self::One(tensor) = self else { panic!("not of one axis") };
        tensor.clone()
    }

    pub(crate) fn two(&self) -> Tensor<2> {
        let Self::Two(tensor) = self else { panic!("not of two axes") };
        tensor.clone()
    }

    pub(crate) fn four(&self) -> Tensor<4> {
        let Self::Four(tensor) = self else { panic!("not of four axes") };
        tensor.clone()
    }

    fn gradient(&self, gradients: &burn::tensor::Gradients) -> Vec<f32> {
        match self {
            Self::One(tensor) => values(tensor.grad(gradients).expect("tracked")),
            Self::Two(tensor) => values(tensor.grad(gradients).expect("tracked")),
            Self::Four(tensor) => values(tensor.grad(gradients).expect("tracked")),
        }
    }
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("32-bit floats")
}

/// Fails unless each value is within 1e-4 of the expected one, relative to the largest expected one.
pub(crate) fn assert_close(values: &[f32], expected: &[f64], what: &str) {
    assert_eq!(values.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3, |scale: f64, value| scale.max(value.abs()));
    for (index, (&value, &expected)) in values.iter().zip(expected).enumerate() {
        let error = (f64::from(value) - expected).abs() / scale;
        assert!(error < 1e-4, "{what}, element {index}: {value} instead of {expected}, relative error {error:e}");
    }
}
