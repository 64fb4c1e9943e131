//! From bytes to numbers.

use hnas_data::Train;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::recipe::Normalization;

/// The map from bytes to numbers, one for each channel: `byte * scale + shift`. What a network is trained with belongs
/// to it, like its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Normalizer {
    channels: Vec<Affine>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Affine {
    scale: f32,
    shift: f32,
}

impl Normalizer {
    /// The recipe's normalisation of the images that are trained on.
    pub(crate) fn new(normalization: Normalization, train: &Train) -> Result<Normalizer, EngineError> {
        let channels = match normalization {
            Normalization::PerChannel => {
                let (means, deviations) = (train.channel_mean(), train.channel_std());
                let channels = means.into_iter().zip(deviations).enumerate();
                channels
                    .map(|(channel, (mean, deviation))| per_channel(channel, mean, deviation))
                    .collect::<Result<_, _>>()?
            }
            Normalization::MinusOneToOne => vec![minus_one_to_one(); train.shape().0],
        };
        Ok(Normalizer { channels })
    }

    /// The recipe's normalisation of photographs, which are never all read before a training.
    pub(crate) fn of_photographs(normalization: Normalization, channels: usize) -> Result<Normalizer, EngineError> {
        match normalization {
            Normalization::PerChannel => Err(EngineError::Statistics),
            Normalization::MinusOneToOne => Ok(Normalizer::minus_one_to_one(channels)),
        }
    }

    /// -1 to 1 for images that there are no statistics of.
    pub(crate) fn minus_one_to_one(channels: usize) -> Normalizer {
        Normalizer { channels: vec![minus_one_to_one(); channels] }
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// All scales, then all shifts.
    #[cfg(feature = "gpu")]
    pub(crate) fn numbers(&self) -> Vec<f32> {
        let (scales, shifts) = (self.channels.iter().map(|own| own.scale), self.channels.iter().map(|own| own.shift));
        scales.chain(shifts).collect()
    }

    /// Appends the bytes of one channel to `numbers`.
    #[inline]
    pub(crate) fn extend(&self, channel: usize, bytes: impl Iterator<Item = u8>, numbers: &mut Vec<f32>) {
        let Affine { scale, shift } = self.channels[channel];
        numbers.extend(bytes.map(|byte| f32::from(byte) * scale + shift));
    }
}

/// `mean` and `deviation` count a byte of 255 as 1.
fn per_channel(channel: usize, mean: f64, deviation: f64) -> Result<Affine, EngineError> {
    if deviation == 0.0 {
        return Err(EngineError::ConstantChannel { channel, mean });
    }
    Ok(Affine { scale: (1.0 / (255.0 * deviation)) as f32, shift: (-mean / deviation) as f32 })
}

fn minus_one_to_one() -> Affine {
    Affine { scale: (2.0 / 255.0) as f32, shift: -1.0 }
}
