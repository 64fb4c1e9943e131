//! A batch cut into groups of whole images, which run on the threads of the current pool.

use rayon::prelude::*;

/// The chunks a batch is cut into at most: enough for the cores of a desktop, few enough that partial sums stay small.
const CHUNKS: usize = 16;

/// How many images a chunk has, from the batch alone, so that sums over chunks do not depend on the threads.
pub fn images_per_chunk(batch: usize) -> usize {
    batch.div_ceil(CHUNKS).max(1)
}

/// Does `work` on each chunk, given what is prepared for it, and gives the results in order.
pub fn map<T: Send, R: Send>(chunks: Vec<T>, work: impl Fn(usize, T) -> R + Sync) -> Vec<R> {
    if rayon::current_num_threads() == 1 {
        return chunks.into_iter().enumerate().map(|(chunk, prepared)| work(chunk, prepared)).collect();
    }
    chunks.into_par_iter().enumerate().map(|(chunk, prepared)| work(chunk, prepared)).collect()
}
