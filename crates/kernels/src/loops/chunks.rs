//! Cuts a batch into chunks of whole images and runs them on the threads of the current pool.

use rayon::prelude::*;

/// The chunks a batch is cut into at most: enough for the cores of a desktop, few enough that partial sums stay small.
const CHUNKS: usize = 16;

/// How many images a chunk has, from the batch alone, so that sums over chunks do not depend on the threads.
pub(crate) fn images_per_chunk(batch: usize) -> usize {
    batch.div_ceil(CHUNKS).max(1)
}

/// How many chunks a batch is cut into.
pub(crate) fn count(batch: usize) -> usize {
    batch.div_ceil(images_per_chunk(batch))
}

/// A vector of `length` values made piece by piece: `work(chunk, out)` for each piece of `piece` values, zero before it.
pub(crate) fn build<T: Default + Copy + Send>(
    length: usize,
    piece: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    let mut nothing = vec![(); length.div_ceil(piece)];
    build_beside(length, piece, (&mut nothing, 1), |chunk, out, _| work(chunk, out))
}

/// The same, with a piece of `beside` (of so many values) for each piece of the vector.
pub(crate) fn build_beside<T: Default + Copy + Send, U: Send>(
    length: usize,
    piece: usize,
    beside: (&mut [U], usize),
    work: impl Fn(usize, &mut [T], &mut [U]) + Sync,
) -> Vec<T> {
    if rayon::current_num_threads() == 1 {
        // Each piece is cleared just before it is written, while it is in the cache, not the whole vector before all.
        let mut out = Vec::with_capacity(length);
        for (chunk, beside) in beside.0.chunks_mut(beside.1).enumerate() {
            let start = out.len();
            out.resize((start + piece).min(length), T::default());
            work(chunk, &mut out[start..], beside);
        }
        return out;
    }
    let mut out = vec![T::default(); length];
    let pairs = out.par_chunks_mut(piece).zip(beside.0.par_chunks_mut(beside.1));
    pairs.enumerate().for_each(|(chunk, (out, beside))| work(chunk, out, beside));
    out
}

/// Adds up pieces of `length` values, in order.
pub(crate) fn total(partial: &[f32], length: usize) -> Vec<f32> {
    let mut total = vec![0.0; length];
    for piece in partial.chunks_exact(length) {
        total.iter_mut().zip(piece).for_each(|(total, &value)| *total += value);
    }
    total
}
