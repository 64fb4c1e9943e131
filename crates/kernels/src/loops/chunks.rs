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

/// Calls `work(chunk, out)` for each piece of `length` values of `out`, the last one possibly shorter.
pub(crate) fn for_each<T: Send>(out: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if rayon::current_num_threads() == 1 {
        out.chunks_mut(length).enumerate().for_each(|(chunk, out)| work(chunk, out));
    } else {
        out.par_chunks_mut(length).enumerate().for_each(|(chunk, out)| work(chunk, out));
    }
}

/// Calls `work(chunk, a, b)` for each pair of pieces of the given lengths.
pub(crate) fn for_each_pair<T: Send, U: Send>(
    a: (&mut [T], usize),
    b: (&mut [U], usize),
    work: impl Fn(usize, &mut [T], &mut [U]) + Sync,
) {
    if rayon::current_num_threads() == 1 {
        let pairs = a.0.chunks_mut(a.1).zip(b.0.chunks_mut(b.1));
        pairs.enumerate().for_each(|(chunk, (a, b))| work(chunk, a, b));
    } else {
        let pairs = a.0.par_chunks_mut(a.1).zip(b.0.par_chunks_mut(b.1));
        pairs.enumerate().for_each(|(chunk, (a, b))| work(chunk, a, b));
    }
}

/// Adds up pieces of `length` values, in order.
pub(crate) fn total(partial: &[f32], length: usize) -> Vec<f32> {
    let mut total = vec![0.0; length];
    for piece in partial.chunks_exact(length) {
        total.iter_mut().zip(piece).for_each(|(total, &value)| *total += value);
    }
    total
}
