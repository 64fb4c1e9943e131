//! The operations as the rest of the project calls them: the fused formulation where there is one for the tensors at
//! hand, burn's own otherwise.

use burn::tensor::Tensor;

use crate::{fused, path, plain};

/// Whether the fused operations take these tensors.
macro_rules! fusible {
    ($($tensor:expr),+) => { path::fused() $(&& fused::is_here(&$tensor))+ };
}

/// Convolves `x` with `weight` `[out, in, k, k]`, padding `k / 2` and no bias.
///
/// Gives `[batch, out, ceil(height / stride), ceil(width / stride)]` for the kernels in use, `k` = 1 and `k` = 3.
///
/// Panics when the channels of `x` are not as many as `in`.
pub fn conv(x: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let fused = if fusible!(x, weight) { fused::conv(&x, &weight, stride) } else { None };
    fused.unwrap_or_else(|| plain::conv(x, weight, stride))
}

/// Convolves feature maps, joined along the channels in order, with 1x1 kernels `weight` `[out, sum of channels, 1, 1]`:
/// [`conv`] of [`concat`](plain::concat), on the CPU without building what they are joined to.
///
/// Panics when there are no feature maps, when they differ in more than their channels, and when the kernels take another
/// number of channels.
pub fn conv_joined(xs: Vec<Tensor<4>>, weight: Tensor<4>) -> Tensor<4> {
    let fusible = fusible!(weight) && xs.iter().all(fused::is_here);
    let fused = if fusible { fused::conv_joined(&xs, &weight) } else { None };
    fused.unwrap_or_else(|| plain::conv_joined(xs, weight))
}

/// Convolves each channel of `x` with its own 3x3 kernel of `weight` `[channels, 1, 3, 3]`, padding 1 and no bias.
///
/// Gives `[batch, channels, ceil(height / stride), ceil(width / stride)]`.
///
/// Panics when `x` and `weight` have different numbers of channels.
pub fn depthwise(x: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let fused = if fusible!(x, weight) { fused::depthwise(&x, &weight, stride) } else { None };
    fused.unwrap_or_else(|| plain::depthwise(x, weight, stride))
}

/// The largest value under a 3x3 window around each pixel. The shape is kept; pixels outside the image do not count. The
/// gradient goes to the first of equal values.
pub fn max_pool(x: Tensor<4>) -> Tensor<4> {
    if fusible!(x) { fused::max_pool(x) } else { plain::max_pool(x) }
}

/// The mean of the pixels of the image under a 3x3 window around each pixel: the sum is divided by 9 inside, by 6 on an
/// edge and by 4 in a corner. The shape is kept.
pub fn avg_pool(x: Tensor<4>) -> Tensor<4> {
    if fusible!(x) { fused::avg_pool(x) } else { plain::avg_pool(x) }
}

/// Normalises each channel of `x` by the mean and variance of this batch, then scales by `gamma` and shifts by `beta`
/// (both `[channels]`), and applies a ReLU if `relu` is set.
///
/// Gives the result, the batch's mean and its biased variance (both `[channels]`, detached: no gradient flows through
/// them), from which the caller keeps running statistics.
pub fn batch_norm_train(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    relu: bool,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    if fusible!(x, gamma, beta) {
        fused::batch_norm_train(x, gamma, beta, epsilon, relu)
    } else {
        plain::batch_norm_train(x, gamma, beta, epsilon, relu)
    }
}

/// Normalises each channel of `x` by the given `mean` and `variance`, then scales by `gamma` and shifts by `beta` (all
/// `[channels]`), and applies a ReLU if `relu` is set.
pub fn batch_norm_eval(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    mean: Tensor<1>,
    variance: Tensor<1>,
    epsilon: f64,
    relu: bool,
) -> Tensor<4> {
    let fused = if fusible!(x, gamma, beta, mean, variance) {
        fused::batch_norm_eval(&x, [&gamma, &beta, &mean, &variance], epsilon, relu)
    } else {
        None
    };
    fused.unwrap_or_else(|| plain::batch_norm_eval(x, gamma, beta, mean, variance, epsilon, relu))
}
