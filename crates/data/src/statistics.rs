//! Mean and deviation of the channels of some images.

use crate::images::View;

/// Statistics of one channel, where a byte of 255 counts as 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Channel {
    pub(crate) mean: f64,
    /// Of the whole population: divided by the number of pixels.
    pub(crate) std: f64,
}

/// Statistics of each channel over all pixels of all images of `view`.
///
/// The sums are whole numbers, so the result does not depend on the order of the images.
pub(crate) fn channels(view: &View) -> Vec<Channel> {
    let (channels, height, width) = view.shape();
    let plane = height * width;
    // `sums[channel]`: of the bytes and of their squares. 2^64 / 255^2 leaves room for 10^14 pixels.
    let mut sums = vec![(0u64, 0u64); channels];
    for image in 0..view.len() {
        for (pixels, (sum, squares)) in view.image(image).chunks_exact(plane).zip(&mut sums) {
            *sum += pixels.iter().map(|&byte| u64::from(byte)).sum::<u64>();
            *squares += pixels.iter().map(|&byte| u64::from(byte) * u64::from(byte)).sum::<u64>();
        }
    }
    let count = (view.len() * plane) as f64;
    sums.into_iter()
        .map(|(sum, squares)| {
            let mean = sum as f64 / count;
            // Rounding may leave a little less than nothing of a constant channel.
            let variance = (squares as f64 / count - mean * mean).max(0.0);
            Channel { mean: mean / 255.0, std: variance.sqrt() / 255.0 }
        })
        .collect()
}
