//! Sums of maps.

use crate::block::{BLOCK, Block, values, values_mut};
use crate::reading::{Columns, Reading};
use crate::simd::dispatched;

dispatched! {
    /// Adds what is read of `input` to the channels of `output`, `[pixels, blocks]`, from channel `at` on.
    pub fn add<S, P, X>(input: Reading, at: usize, output: &mut [Block], blocks: usize) {
        let mut row = vec![Block::ZERO; input.blocks];
        for (pixel, output) in output.chunks_exact_mut(blocks).enumerate() {
            input.pixels(pixel, 1).read::<S, P>(Columns { matrix: &mut row, pitch: input.blocks, at: 0 });
            let pairs = values_mut(output)[at..][..input.channels].iter_mut().zip(values(&row));
            pairs.for_each(|(to, &from)| *to += from);
        }
    }
}

/// The gradient with respect to an input of so many channels, which was added from channel `at` on. Written to `target`
/// or added to it.
pub fn backward(gradient: &[Block], blocks: usize, at: usize, channels: usize, target: &mut [Block], add: bool) {
    let width = channels.div_ceil(BLOCK);
    for (gradient, target) in gradient.chunks_exact(blocks).zip(target.chunks_exact_mut(width)) {
        if !add {
            target.fill(Block::ZERO);
        }
        let pairs = values_mut(target).iter_mut().zip(&values(gradient)[at..][..channels]);
        pairs.for_each(|(to, &from)| *to += from);
    }
}
