//! What a classifier adds to a 1x1 convolution: the bias, and the loss.

use crate::block::{BLOCK, Block, values, values_mut};

/// Adds a bias to each pixel of a map.
pub fn add_bias(map: &mut [Block], bias: &[f32]) {
    for pixel in map.chunks_exact_mut(bias.len().div_ceil(BLOCK)) {
        values_mut(pixel).iter_mut().zip(bias).for_each(|(value, &bias)| *value += bias);
    }
}

/// The gradient of a bias: the sum of the map's gradient over all pixels.
pub fn bias_gradient(gradient: &[Block], channels: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; channels];
    for pixel in gradient.chunks_exact(channels.div_ceil(BLOCK)) {
        sums.iter_mut().zip(values(pixel)).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

/// The cross-entropy of the softmax of logits, one pixel an image, with the images' labels: the mean over the batch. Its
/// gradient with respect to the logits is written to `gradient`.
///
/// Panics when a label is not below `classes`.
pub fn cross_entropy(logits: &[Block], classes: usize, labels: &[u32], gradient: &mut [Block]) -> f32 {
    let (blocks, share) = (classes.div_ceil(BLOCK), 1.0 / labels.len() as f64);
    let mut loss = 0.0;
    let images = logits.chunks_exact(blocks).zip(gradient.chunks_exact_mut(blocks));
    for ((logits, gradient), &label) in images.zip(labels) {
        let (logits, label) = (&values(logits)[..classes], label as usize);
        // Relative to the highest logit, so that nothing overflows. Two highest values make no difference; one that is
        // not a number stays one.
        let highest = logits.iter().fold(f32::NEG_INFINITY, |highest, &logit| highest.max(logit));
        let powers = logits.iter().map(|&logit| f64::from(logit - highest).exp());
        let sum: f64 = powers.clone().sum();
        loss += sum.ln() + f64::from(highest) - f64::from(logits[label]);
        gradient.fill(Block::ZERO);
        for (class, (to, power)) in values_mut(gradient).iter_mut().zip(powers).enumerate() {
            *to = ((power / sum - f64::from(u8::from(class == label))) * share) as f32;
        }
    }
    (loss * share) as f32
}
