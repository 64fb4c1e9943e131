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
    let operation = BatchNorm::new(mean, &variance, epsilon, relu, Statistics::OfBatch);
    (apply(operation, [x, gamma.into(), beta.into()]), mean_tensor, variance_tensor)
}

/// [`crate::plain::batch_norm_eval`] for statistics that no gradient is asked of; `None` for others.
pub(crate) fn batch_norm_eval(
    x: &Tensor<4>,
    [gamma, beta, mean, variance]: [&Tensor<1>; 4],
    epsilon: f64,
    relu: bool,
) -> Option<Tensor<4>> {
    let [mean, variance] = [mean, variance].map(|tensor| Argument::from(tensor.clone()));
    if mean.wants_gradient() || variance.wants_gradient() {
        return None;
    }
    let (mean, variance) = (mean.array().values().to_vec(), variance.array());
    let operation = BatchNorm::new(mean, variance.values(), epsilon, relu, Statistics::Given);
    Some(apply(operation, [x.clone().into(), gamma.clone().into(), beta.clone().into()]))
}

/// Where the statistics come from, which decides whether they change with the input.
#[derive(Clone, Copy, Debug)]
enum Statistics {
    /// From the very batch that is normalised.
    OfBatch,
    /// From elsewhere: they are constants.
    Given,
}

/// Normalisation by a mean and a variance for each channel.
#[derive(Clone, Debug)]
struct BatchNorm {
    /// The mean and one over the standard deviation of each channel.
    statistics: Arc<Vec<(f32, f32)>>,
    origin: Statistics,
    relu: bool,
}

impl BatchNorm {
    fn new(mean: Vec<f32>, variance: &[f32], epsilon: f64, relu: bool, origin: Statistics) -> Self {
        let inverse = variance.iter().map(|&variance| (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32);
        Self { statistics: Arc::new(mean.into_iter().zip(inverse).collect()), origin, relu }
    }

    fn channels(&self, gamma: &Array, beta: &Array) -> Vec<Channel> {
        let ([gammas], [betas], channels) = (gamma.dims(), beta.dims(), self.statistics.len());
        assert!(gammas == channels && betas == channels, "{channels} channels have {gammas} scales and {betas} shifts");
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
        // What the change of the statistics with the input takes from the gradient.
        let term = |(sums, inverse): (&[f64; 2], f64)| match self.origin {
            Statistics::OfBatch => [(sums[0] / count) as f32, (sums[1] * inverse * inverse / count) as f32],
            Statistics::Given => [0.0; 2],
        };
        let terms: Vec<[f32; 2]> = sums.iter().zip(inverses()).map(term).collect();
        let dx = batch_norm::input_gradient(x.values(), dy.values(), &channels, &terms, self.relu, batch);
        let dgamma = sums.iter().zip(inverses()).map(|(sums, inverse)| (sums[1] * inverse) as f32).collect();
        let dbeta = sums.iter().map(|sums| sums[0] as f32).collect();
        let one = |values: Vec<f32>| Some(Array::new(values, &gamma.dims::<1>()));
        [Some(Array::new(dx, &x.dims::<4>())), one(dgamma), one(dbeta)]
    }
}
