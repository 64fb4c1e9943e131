//! Drawing images so that every class keeps its share.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// Draws one disjoint set of positions in `labels` for each of `sizes`; each set keeps the share of every class.
///
/// The sets are drawn in order, each from what the sets before it left: a class of which `r` of `R` images are left
/// gives `floor` or `ceil` of `size * r / R` images. So with equally many images of every class, the counts of two
/// classes within a set differ by at most 1. Positions ascend within a set.
///
/// The draw depends on `labels`, `sizes` and `seed` alone, on every machine: each image draws a 64-bit key from ChaCha8
/// and the images of a class are taken in the order of their keys. (Library shuffles change between versions.)
///
/// The caller has checked that the sizes sum to at most `labels.len()`.
pub(crate) fn stratified(labels: &[u8], classes: usize, sizes: &[usize], seed: u64) -> Vec<Vec<u32>> {
    let mut left = shuffled_classes(labels, classes, seed);
    sizes
        .iter()
        .map(|&size| {
            let available: Vec<usize> = left.iter().map(Vec::len).collect();
            let mut drawn: Vec<u32> = left
                .iter_mut()
                .zip(shares(&available, size))
                .flat_map(|(class, share)| class.split_off(class.len() - share))
                .collect();
            drawn.sort_unstable();
            drawn
        })
        .collect()
}

/// The positions of each class's images, in a random order.
fn shuffled_classes(labels: &[u8], classes: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut keyed: Vec<Vec<(u64, u32)>> = vec![Vec::new(); classes];
    for (position, &label) in labels.iter().enumerate() {
        keyed[usize::from(label)].push((rng.next_u64(), position as u32));
    }
    keyed
        .into_iter()
        .map(|mut class| {
            class.sort_unstable();
            class.into_iter().map(|(_, position)| position).collect()
        })
        .collect()
}

/// Divides `size` among the classes in proportion to `available`, by largest remainders; ties go to the lower class.
///
/// No share exceeds what is available, since `size` is at most the sum of it: then a class's exact share is at most its
/// `available`, and only a share that is no whole number is rounded up.
fn shares(available: &[usize], size: usize) -> Vec<usize> {
    let total = available.iter().sum::<usize>().max(1);
    // 128 bits: the product of two counts of images may not fit in 64.
    let exact = |class: usize| size as u128 * available[class] as u128;
    let mut shares: Vec<usize> = (0..available.len()).map(|class| (exact(class) / total as u128) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..available.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(exact(class) % total as u128));
    let missing = size - shares.iter().sum::<usize>();
    for &class in &by_remainder[..missing] {
        shares[class] += 1;
    }
    shares
}
