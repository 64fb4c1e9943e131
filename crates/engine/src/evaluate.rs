//! How good a trained network is.

use hnas_compiler::Shape;
use hnas_data::View;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::evaluator::Evaluator;
use crate::failure::{Failure, catching_out_of_memory};
use crate::phenotype::check_data;
use crate::trained::Trained;
use crate::way::Way;

/// The scores of a network on some images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Share of images whose highest logit is that of their class, 0 to 1.
    pub accuracy: f64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Images whose highest logit is that of their class.
    pub correct: usize,
    /// Images.
    pub count: usize,
}

/// Scores `trained` on the whole images of `data`, normalised as in its training, `batch` at once, with the running
/// statistics of batch normalisation. The size of the batch decides speed and memory, not the scores.
///
/// A tie of logits goes to the lower class. The inner result is the outcome: a loss that is not finite fails with the
/// last step of the training.
///
/// # Errors
/// When `batch` is 0 or the data has other channels or classes than the network.
pub fn evaluate(trained: &Trained, data: &View, batch: usize) -> Result<Result<Evaluation, Failure>, EngineError> {
    check_data(&trained.graph, data)?;
    if batch == 0 {
        return Err(EngineError::EmptyBatch);
    }
    let (channels, height, width) = data.shape();
    let Trained { graph, network, normalizer, device, .. } = trained;
    let most = batch.min(data.len());
    let way = Way::of(graph, Shape::new(channels, height, width), device)?;
    Ok(catching_out_of_memory(|| {
        let mut evaluator = Evaluator::new(way, most, network, (data, normalizer), device)?;
        for from in (0..data.len()).step_by(batch) {
            evaluator.compute(from, data.len().min(from.saturating_add(batch)));
        }
        // Read once, at the end: until then a GPU works without waiting.
        let logits = evaluator.read()?;
        let mut sums = Sums::default();
        for (image, logits) in logits.chunks_exact(data.classes()).enumerate() {
            sums.add(logits, usize::from(data.label(image)));
        }
        sums.finish(data.len(), trained.steps())
    }))
}

#[derive(Default)]
struct Sums {
    correct: usize,
    loss: f64,
}

impl Sums {
    fn add(&mut self, logits: &[f32], label: usize) {
        let highest = logits.iter().fold(f32::NEG_INFINITY, |highest, &logit| highest.max(logit));
        self.correct += usize::from(logits.iter().position(|&logit| logit == highest) == Some(label));
        // In 64 bits and relative to the highest logit: no overflow, and no order of summation that matters in print.
        let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - f64::from(highest)).exp()).sum();
        self.loss += sum.ln() + f64::from(highest) - f64::from(logits[label]);
    }

    fn finish(self, count: usize, step: usize) -> Result<Evaluation, Failure> {
        let Sums { correct, loss } = self;
        if !loss.is_finite() {
            return Err(Failure::NonFinite { step });
        }
        Ok(Evaluation { accuracy: correct as f64 / count as f64, loss: loss / count as f64, correct, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_definition() {
        let mut sums = Sums::default();
        sums.add(&[1.0, 2.0, 0.0], 1);
        // A tie goes to the lower class.
        sums.add(&[5.0, 5.0, 0.0], 1);
        let evaluation = sums.finish(2, 10).unwrap();
        assert_eq!((evaluation.correct, evaluation.count, evaluation.accuracy), (1, 2, 0.5));
        let expected = ((1f64.exp() + 2f64.exp() + 1.0).ln() - 2.0 + (2.0 * 5f64.exp() + 1.0).ln() - 5.0) / 2.0;
        assert!((evaluation.loss - expected).abs() < 1e-12, "{} instead of {expected}", evaluation.loss);
    }

    #[test]
    fn a_logit_that_is_not_finite_fails_with_the_last_step() {
        for logits in [[f32::NAN, 0.0], [0.0, f32::NAN], [f32::INFINITY, 0.0], [f32::NAN, f32::NAN]] {
            let mut sums = Sums::default();
            sums.add(&logits, 0);
            assert_eq!(sums.finish(1, 7), Err(Failure::NonFinite { step: 7 }), "{logits:?}");
        }
    }
}
