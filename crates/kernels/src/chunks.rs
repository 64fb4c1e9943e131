//! A batch cut into groups of whole images, which run on the threads of the current pool.

use rayon::prelude::*;

/// The chunks a batch is cut into at most: enough for the cores of a desktop, few enough that partial sums stay small.
pub const CHUNKS: usize = 16;

/// How many images a chunk has, from the batch alone, so that sums over chunks do not depend on the threads.
pub fn images_per_chunk(batch: usize) -> usize {
    batch.div_ceil(CHUNKS).max(1)
}

/// Does `work` on each chunk, given what is prepared for it, and gives the results in order.
///
/// With `backwards` the last chunk is done first. A step that goes the other way than the one before it begins with what
/// that one wrote last, which the cache still holds.
pub fn map<T: Send, R: Send>(chunks: Vec<T>, backwards: bool, work: impl Fn(usize, T) -> R + Sync) -> Vec<R> {
    let work = |(chunk, prepared): (usize, T)| work(chunk, prepared);
    if rayon::current_num_threads() > 1 {
        let chunks = chunks.into_par_iter().enumerate();
        return if backwards { in_order(chunks.rev().map(work).collect()) } else { chunks.map(work).collect() };
    }
    let chunks = chunks.into_iter().enumerate();
    if backwards { in_order(chunks.rev().map(work).collect()) } else { chunks.map(work).collect() }
}

fn in_order<R>(mut results: Vec<R>) -> Vec<R> {
    results.reverse();
    results
}
