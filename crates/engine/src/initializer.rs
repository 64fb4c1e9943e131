//! What weights start from.

use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::random::{normal, unit};

/// The distribution of the first weights of convolutions and of the linear layer. The paper does not say which.
///
/// The fan-in is the number of values that one output value is a sum of, the fan-out the number of output values that
/// one input value goes into (a padded border not counted). Scales of batch normalisation start at 1, shifts and the
/// bias at 0, the running mean at 0 and the running variance at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Initializer {
    /// Normal with variance `2 / fan-in` (He et al. 2015).
    HeNormal,
    /// Uniform with variance `2 / fan-in`.
    HeUniform,
    /// Uniform with variance `2 / (fan-in + fan-out)` (Glorot and Bengio 2010).
    GlorotUniform,
    /// Normal with variance `1 / fan-in`, drawn again beyond two standard deviations (the variance is that before
    /// cutting).
    TruncatedNormal,
}

/// How many values meet in a layer.
#[derive(Clone, Copy)]
pub(crate) struct Fan {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Initializer {
    /// Draws `count` weights.
    pub(crate) fn draw(self, count: usize, fan: Fan, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let fan_in = fan.inputs as f64;
        match self {
            Initializer::HeNormal => {
                let deviation = (2.0 / fan_in).sqrt();
                take(count, || normal(rng) * deviation)
            }
            Initializer::HeUniform => uniform(count, 2.0 / fan_in, rng),
            Initializer::GlorotUniform => uniform(count, 2.0 / (fan.inputs + fan.outputs) as f64, rng),
            Initializer::TruncatedNormal => {
                let deviation = (1.0 / fan_in).sqrt();
                take(count, || within_two(rng) * deviation)
            }
        }
    }
}

/// Numbers uniform in `(-bound, bound)` with this variance: `bound^2 / 3`.
fn uniform(count: usize, variance: f64, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let bound = (3.0 * variance).sqrt();
    take(count, || (2.0 * unit(rng) - 1.0) * bound)
}

/// A normal number, drawn again beyond two standard deviations.
fn within_two(rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let drawn = normal(rng);
        if drawn.abs() <= 2.0 {
            return drawn;
        }
    }
}

fn take(count: usize, next: impl FnMut() -> f64) -> Vec<f32> {
    std::iter::repeat_with(next).take(count).map(|weight| weight as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, stream};

    #[test]
    fn weights_have_the_variance_of_their_fan() {
        let fan = Fan { inputs: 50, outputs: 150 };
        // A normal cut at two deviations keeps 0.7737 of its variance.
        let cases = [
            (Initializer::HeNormal, 0.04),
            (Initializer::HeUniform, 0.04),
            (Initializer::GlorotUniform, 0.01),
            (Initializer::TruncatedNormal, 0.02 * 0.7737),
        ];
        for (initializer, variance) in cases {
            let weights = initializer.draw(40_001, fan, &mut stream(5, Stream::Weights));
            assert_eq!(weights.len(), 40_001);
            let found = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>() / weights.len() as f64;
            assert!((found / variance - 1.0).abs() < 0.03, "{initializer:?}: {found} instead of {variance}");
        }
    }
}
