//! Batch normalisation, with the ReLU that follows it.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::tape::{Argument, Array, Operation, apply};
use crate::loops::batch_norm::{self, Channel};

/// [`crate::plain::batch_norm_train`].
pub(crate) fn batch_norm_train(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    relu: bool,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let x = Argument::from(x);
    let array = x.array();
    let (mean, variance) = batch_norm::statistics(array.values(), array.dims());
    let tensor = |values: &Vec<f32>| x.detached(Array::new(values.clone(), &[values.len()]));
    let (mean_tensor, variance_tensor) = (tensor(&mean), tensor(&variance));
    let operation = BatchNorm::new(mean, &variance, epsilon, relu);
    (apply(operation, [x, gamma.into(), beta.into()]), mean_tensor, variance_tensor)
}

/// [`crate::plain::batch_norm_eval`] for statistics that no gradient is asked of; `None` on an autodiff device, where one
/// may be.
pub(crate) fn batch_norm_eval(
    x: &Tensor<4>,
    [gamma, beta, mean, variance]: [&Tensor<1>; 4],
    epsilon: f64,
    relu: bool,
) -> Option<Tensor<4>> {
    let arguments: [Argument; 3] = [x.clone().into(), gamma.clone().into(), beta.clone().into()];
    let [mean, variance] = [mean, variance].map(|tensor| Argument::from(tensor.clone()));
    let constant = |argument: &Argument| matches!(argument, Argument::Constant(_));
    if !arguments.iter().chain([&mean, &variance]).all(constant) {
        return None;
    }
    let operation = BatchNorm::new(mean.array().values().to_vec(), variance.array().values(), epsilon, relu);
    Some(apply(operation, arguments))
}

/// Normalisation by the statistics of the batch it is applied to.
#[derive(Clone, Debug)]
struct BatchNorm {
    /// The mean and one over the standard deviation of each channel.
    statistics: Arc<Vec<(f32, f32)>>,
    relu: bool,
}

impl BatchNorm {
    fn new(mean: Vec<f32>, variance: &[f32], epsilon: f64, relu: bool) -> Self {
        let inverse = variance.iter().map(|&variance| (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32);
        Self { statistics: Arc::new(mean.into_iter().zip(inverse).collect()), relu }
    }

    fn channels(&self, gamma: &Array, beta: &Array) -> Vec<Channel> {
        let parameters = gamma.values().iter().zip(beta.values());
        let channel = |(&(mean, inverse), (gamma, &shift))| Channel { mean, scale: gamma * inverse, shift };
        self.statistics.iter().zip(parameters).map(channel).collect()
    }
}

impl Operation<3> for BatchNorm {
    type Kept = [Array; 3];

    fn forward(&self, [x, gamma, beta]: &[Array; 3]) -> Array {
        let [batch, _, height, width] = x.dims();
        let channels = self.channels(gamma, beta);
        let y = batch_norm::forward(x.values(), &channels, self.relu, batch, height * width);
        Array::new(y, &x.dims::<4>())
    }

    fn forward_keeping(&self, arguments: [Array; 3]) -> (Array, [Array; 3]) {
        (self.forward(&arguments), arguments)
    }

    fn backward(&self, [x, gamma, beta]: [Array; 3], dy: Array, _: [bool; 3]) -> [Option<Array>; 3] {
        let [batch, _, height, width] = x.dims();
        let plane = height * width;
        let channels = self.channels(&gamma, &beta);
        let sums = batch_norm::gradient_sums(x.values(), dy.values(), &channels, self.relu, batch, plane);
        let inverses = || self.statistics.iter().map(|&(_, inverse)| f64::from(inverse));
        let count = (batch * plane) as f64;
        let term = |(sums, inverse): (&[f64; 2], f64)| {
            [(sums[0] / count) as f32, (sums[1] * inverse * inverse / count) as f32]
        };
        let terms: Vec<[f32; 2]> = sums.iter().zip(inverses()).map(term).collect();
        let dx = batch_norm::input_gradient(x.values(), dy.values(), &channels, &terms, self.relu, batch);
        let dgamma = sums.iter().zip(inverses()).map(|(sums, inverse)| (sums[1] * inverse) as f32).collect();
        let dbeta = sums.iter().map(|sums| sums[0] as f32).collect();
        let one = |values: Vec<f32>| Some(Array::new(values, &gamma.dims::<1>()));
        [Some(Array::new(dx, &x.dims::<4>())), one(dgamma), one(dbeta)]
    }
}
