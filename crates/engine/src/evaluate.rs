//! How good a trained network is.

use hnas_compiler::Shape;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::evaluator::Evaluator;
use crate::failure::{Failure, catching_out_of_memory, outcome};
use crate::phenotype::check_data;
use crate::source::{ScoreOn, Stream};
use crate::trained::Trained;
use crate::way::Way;

/// The scores of a network on some images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Share of images whose highest logit is that of their class, 0 to 1.
    pub accuracy: f64,
    /// Share of images whose class is among those of the five highest logits; `None` of up to five classes.
    pub top_5: Option<f64>,
    /// Mean cross-entropy, of the images that could be decoded.
    pub loss: f64,
    /// Images whose highest logit is that of their class.
    pub correct: usize,
    /// Images.
    pub count: usize,
    /// Those of them that could not be decoded: they count as wrong.
    pub damaged: usize,
}

/// Guesses of which one has to be right.
const TOP: usize = 5;

/// Scores `trained` on whole images in memory, or on the middle of photographs, normalised as in its training, `batch` at
/// once, with the running statistics of batch normalisation. The size of the batch decides speed and memory, not the scores.
///
/// A tie of logits goes to the lower class. A photograph that cannot be decoded counts as wrong. The inner result is the
/// outcome: a loss that is not finite fails with the last step of the training.
///
/// # Errors
/// When `batch` is 0, the data has other channels or classes than the network, or none of the photographs can be decoded.
pub fn evaluate<'a>(
    trained: &Trained,
    images: impl Into<ScoreOn<'a>>,
    batch: usize,
) -> Result<Result<Evaluation, Failure>, EngineError> {
    let images: ScoreOn = images.into();
    let ((channels, height, width), classes) = images.kind();
    let Trained { graph, network, normalizer, device, .. } = trained;
    check_data(graph, channels, classes)?;
    if batch == 0 {
        return Err(EngineError::EmptyBatch);
    }
    let most = batch.min(images.len());
    let way = Way::of(graph, Shape::new(channels, height, width), device)?;
    outcome(catching_out_of_memory(|| {
        let mut evaluator = Evaluator::new(way, most, network, device)?;
        let mut sums = Sums::default();
        let mut part = device.join();
        match images {
            ScoreOn::Memory(data) => {
                for from in (0..data.len()).step_by(batch) {
                    let to = data.len().min(from.saturating_add(batch));
                    part.run(|| evaluator.compute(data, normalizer, from, to));
                }
                // Read once, at the end: until then a GPU works without waiting.
                let logits = evaluator.read()?;
                for (image, logits) in logits.chunks_exact(classes).enumerate() {
                    sums.add(logits, data.label(image).into());
                }
            }
            ScoreOn::Photographs(test) => {
                let mut stream = Stream::new(test.batches(batch).map_err(EngineError::from)?, test.shape());
                // Read after each batch, which others are decoded beside: the logits of all would take too much memory.
                while let Some(batch) = stream.next()? {
                    part.run(|| evaluator.compute_batch(&batch, test.shape(), normalizer));
                    let logits = evaluator.read()?;
                    logits
                        .chunks_exact(classes)
                        .zip(&batch.labels)
                        .for_each(|(logits, &label)| sums.add(logits, label));
                }
            }
        }
        if sums.damaged == sums.count {
            return Err(EngineError::NoPhotograph { images: sums.count }.into());
        }
        Ok(sums.finish(classes, trained.steps())?)
    }))
}

#[derive(Default)]
struct Sums {
    count: usize,
    damaged: usize,
    correct: usize,
    among_five: usize,
    loss: f64,
}

impl Sums {
    fn add(&mut self, logits: &[f32], label: u32) {
        self.count += 1;
        let Some(&own) = logits.get(label as usize) else {
            self.damaged += 1;
            return;
        };
        let before = logits.iter().zip(0..).filter(|&(&logit, class)| logit > own || (logit == own && class < label));
        let rank = before.count();
        self.correct += usize::from(rank == 0);
        self.among_five += usize::from(rank < TOP);
        // In 64 bits and relative to the highest logit: no overflow, and no order of summation that matters in print.
        let highest = logits.iter().fold(f32::NEG_INFINITY, |highest, &logit| highest.max(logit));
        let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - f64::from(highest)).exp()).sum();
        self.loss += sum.ln() + f64::from(highest) - f64::from(own);
    }

    fn finish(self, classes: usize, step: usize) -> Result<Evaluation, Failure> {
        let Sums { count, damaged, correct, among_five, loss } = self;
        if !loss.is_finite() {
            return Err(Failure::NonFinite { step });
        }
        let share = |images: usize| images as f64 / count as f64;
        Ok(Evaluation {
            accuracy: share(correct),
            top_5: (classes > TOP).then(|| share(among_five)),
            loss: loss / (count - damaged) as f64,
            correct,
            count,
            damaged,
        })
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
        // One that cannot be decoded is wrong and has no loss.
        sums.add(&[9.0, 0.0, 0.0], u32::MAX);
        let evaluation = sums.finish(3, 10).unwrap();
        assert_eq!((evaluation.correct, evaluation.count, evaluation.damaged), (1, 3, 1));
        assert_eq!((evaluation.accuracy, evaluation.top_5), (1.0 / 3.0, None));
        let expected = ((1f64.exp() + 2f64.exp() + 1.0).ln() - 2.0 + (2.0 * 5f64.exp() + 1.0).ln() - 5.0) / 2.0;
        assert!((evaluation.loss - expected).abs() < 1e-12, "{} instead of {expected}", evaluation.loss);
    }

    #[test]
    fn a_logit_that_is_not_finite_fails_with_the_last_step() {
        for logits in [[f32::NAN, 0.0], [0.0, f32::NAN], [f32::INFINITY, 0.0], [f32::NAN, f32::NAN]] {
            let mut sums = Sums::default();
            sums.add(&logits, 0);
            assert_eq!(sums.finish(2, 7), Err(Failure::NonFinite { step: 7 }), "{logits:?}");
        }
    }

    #[test]
    fn the_top_five_are_those_of_the_highest_logits_and_ties_go_to_the_lower_class() {
        let logits = [0.5, 3.0, 1.0, 0.5, 2.0, 0.5, 4.0];
        let among = |label| {
            let mut sums = Sums::default();
            sums.add(&logits, label);
            sums.finish(7, 1).unwrap().top_5
        };
        // 6, 1, 4, 2, and of three equal ones the lowest.
        assert_eq!([6, 1, 4, 2, 0].map(among), [Some(1.0); 5]);
        assert_eq!([3, 5].map(among), [Some(0.0); 2]);
    }
}
