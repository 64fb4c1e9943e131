//! The random numbers of one training: three streams of one seed, and the few draws made from them.
//!
//! The draws are written out here since those of libraries change between versions, and with them every result. They
//! depend on the seed alone: not on threads, on other trainings or on the tensor library's own generators, which are
//! global to the process.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// What a stream of random numbers is for. Streams of one seed are independent of each other, so that reading more or
/// less of one (another crop, another initialiser) leaves the others as they are.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    /// The first weights.
    Weights = 0,
    /// The order of the images.
    Order = 1,
    /// Crops and flips.
    Augmentation = 2,
}

/// The stream of a training's seed.
pub(crate) fn stream(seed: u64, purpose: Stream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// A whole number below `bound`, uniform up to a bias of `bound / 2^64`.
pub(crate) fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    ((u128::from(rng.next_u64()) * bound as u128) >> 64) as usize
}

/// A number in `(0, 1)`, on a grid of 2^-53.
pub(crate) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) * (-53f64).exp2()
}

/// A normal number of mean 0 and variance 1 (Box and Muller, one of the two).
pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * unit(rng).ln()).sqrt();
    radius * (std::f64::consts::TAU * unit(rng)).cos()
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
    fn streams_of_a_seed_differ() {
        let first = |purpose| stream(7, purpose).next_u64();
        assert_ne!(first(Stream::Weights), first(Stream::Order));
        assert_ne!(first(Stream::Order), first(Stream::Augmentation));
    }

    #[test]
    fn normal_numbers_have_their_moments() {
        let mut rng = stream(1, Stream::Weights);
        let drawn: Vec<f64> = (0..40_000).map(|_| normal(&mut rng)).collect();
        let moment = |power: i32| drawn.iter().map(|x| x.powi(power)).sum::<f64>() / drawn.len() as f64;
        // Four standard deviations of each estimate.
        assert!(moment(1).abs() < 0.02, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.03, "{}", moment(2));
        assert!((moment(4) - 3.0).abs() < 0.2, "{}", moment(4));
    }

    #[test]
    fn a_shuffle_is_uniform() {
        let mut rng = stream(3, Stream::Order);
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
