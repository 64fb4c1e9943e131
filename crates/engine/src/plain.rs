//! The operations of a network, written with burn's own: what every backend can run.

use burn::tensor::module::{avg_pool2d, batch_norm, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Int, Tensor, activation};

/// Convolves `x` with `weight` `[out, in, k, k]`, padding `k / 2` and no bias.
///
/// Gives `[batch, out, ceil(height / stride), ceil(width / stride)]` for the kernels in use, `k` = 1 and `k` = 3.
pub(crate) fn conv(x: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let kernel = weight.dims()[2];
    conv2d(x, weight, None, ConvOptions::new([stride; 2], [kernel / 2; 2], [1; 2], 1))
}

/// Convolves each channel of `x` with its own 3x3 kernel of `weight` `[channels, 1, 3, 3]`, padding 1 and no bias.
///
/// Gives `[batch, channels, ceil(height / stride), ceil(width / stride)]`.
pub(crate) fn depthwise(x: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let channels = x.dims()[1];
    conv2d(x, weight, None, ConvOptions::new([stride; 2], [1; 2], [1; 2], channels))
}

/// The largest value under a 3x3 window around each pixel. The shape is kept; pixels outside the image do not count.
pub(crate) fn max_pool(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([3; 2]).with_stride([1; 2]).with_padding([1; 2]))
}

/// The mean of the pixels of the image under a 3x3 window around each pixel: the sum is divided by 9 inside, by 6 on an
/// edge and by 4 in a corner. The shape is kept.
pub(crate) fn avg_pool(x: Tensor<4>) -> Tensor<4> {
    avg_pool2d(x, AvgPoolOptions::new([3; 2]).with_stride([1; 2]).with_padding([1; 2]).with_count_include_pad(false))
}

/// Normalises each channel of `x` by the mean and variance of this batch, then scales by `gamma` and shifts by `beta`
/// (both `[channels]`), and applies a ReLU if `relu` is set.
///
/// Gives the result, the batch's mean and its biased variance (both `[channels]`, detached: no gradient flows through
/// them), from which the caller keeps running statistics.
pub(crate) fn batch_norm_train(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    relu: bool,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let result = burn::tensor::module::batch_norm_train(x, gamma, beta, epsilon);
    (rectified(result.output, relu), result.mean, result.variance)
}

/// Normalises each channel of `x` by the given mean and variance, then scales by gamma and shifts by beta (all
/// `[channels]`), and applies a ReLU if `relu` is set.
pub(crate) fn batch_norm_eval(
    x: Tensor<4>,
    [gamma, beta, mean, variance]: [Tensor<1>; 4],
    epsilon: f64,
    relu: bool,
) -> Tensor<4> {
    rectified(batch_norm(x, gamma, beta, mean, variance, epsilon), relu)
}

fn rectified(x: Tensor<4>, relu: bool) -> Tensor<4> {
    if relu { activation::relu(x) } else { x }
}

/// Joins feature maps along the channels, in order. Panics when there are none.
pub(crate) fn concat(xs: Vec<Tensor<4>>) -> Tensor<4> {
    Tensor::cat(xs, 1)
}

/// Adds feature maps of one shape, in order. Panics when there are none.
pub(crate) fn sum(xs: Vec<Tensor<4>>) -> Tensor<4> {
    xs.into_iter().reduce(|sum, x| sum + x).expect("a sum needs at least one feature map")
}

/// The mean of each channel over all pixels: `[batch, channels]`.
pub(crate) fn global_avg_pool(x: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height * width]).mean_dim(2).reshape([batch, channels])
}

/// `x weight + bias` for `x` `[batch, in]`, `weight` `[in, out]` and `bias` `[out]`.
pub(crate) fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    x.matmul(weight) + bias.unsqueeze()
}

/// The mean over the batch of the negative log-likelihood of `labels` `[batch]` under the softmax of `logits`
/// `[batch, classes]`, as a tensor of one element.
pub(crate) fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let batch = labels.dims()[0];
    activation::log_softmax(logits, 1).gather(1, labels.reshape([batch, 1])).mean().neg()
}
