//! The random numbers of a loader: streams of one seed, each told apart by its purpose and an index.
//!
//! The draws are written out here since those of libraries change between versions, and with them every result.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// What a stream of random numbers is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// The order of the images in a pass; the index is the pass.
    Order = 1,
    /// Window, flip, brightness and contrast of an image; the index is its position in the endless sequence.
    Augmentation = 2,
}

/// The stream of a seed for a purpose and an index. Streams that differ in any of them are independent.
pub(crate) fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = purpose as u8;
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(index);
    rng
}

/// A whole number below `bound`, uniform up to a bias of `bound / 2^64`.
pub(crate) fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    ((u128::from(rng.next_u64()) * bound as u128) >> 64) as usize
}

/// A number uniform in `[low, high)`; `low` when they are equal.
pub(crate) fn between(rng: &mut ChaCha8Rng, [low, high]: [f64; 2]) -> f64 {
    let unit = (rng.next_u64() >> 11) as f64 * (-53f64).exp2();
    // Rounding may reach the upper end, but not pass it.
    (low + (high - low) * unit).min(high)
}

/// Permutes `items`, every order equally likely (Fisher and Yates).
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let first = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        let all = [
            first(1, Purpose::Order, 0),
            first(1, Purpose::Order, 1),
            first(1, Purpose::Augmentation, 0),
            first(1, Purpose::Augmentation, 1),
            first(2, Purpose::Order, 0),
            first(u64::MAX, Purpose::Order, u64::MAX),
        ];
        for (i, number) in all.iter().enumerate() {
            assert!(!all[..i].contains(number), "{all:?}");
        }
    }

    #[test]
    fn uniform_numbers_have_their_moments_and_stay_in_range() {
        let mut rng = stream(1, Purpose::Augmentation, 0);
        let drawn: Vec<f64> = (0..40_000).map(|_| between(&mut rng, [0.5, 1.5])).collect();
        assert!(drawn.iter().all(|number| (0.5..=1.5).contains(number)));
        let mean = drawn.iter().sum::<f64>() / 40_000.0;
        let variance = drawn.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / 40_000.0;
        // Five standard deviations of each estimate.
        assert!((mean - 1.0).abs() < 0.0073, "{mean}");
        assert!((variance - 1.0 / 12.0).abs() < 0.002, "{variance}");
        assert_eq!(between(&mut rng, [0.25, 0.25]), 0.25);
    }

    #[test]
    fn a_shuffle_is_uniform() {
        let mut rng = stream(3, Purpose::Order, 0);
        let mut counts = [[0i32; 3]; 3];
        for _ in 0..6000 {
            let mut items = [0, 1, 2];
            shuffle(&mut items, &mut rng);
            for (place, item) in items.into_iter().enumerate() {
                counts[place][item] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|count| (count - 2000).abs() < 160), "{counts:?}");
    }
}
