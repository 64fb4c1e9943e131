//! Percentile bootstrap intervals (Efron 1979): how far a statistic of a few measurements may be off.
//!
//! The measurements of each group are drawn with replacement, as many as there are, [`RESAMPLES`] times. The interval
//! goes from the 2.5 % to the 97.5 % quantile of the statistic over the resamples. The draws come from one fixed seed,
//! so the same measurements have the same interval on every machine.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::statistics::quantile;

/// How often each group is drawn anew.
pub(crate) const RESAMPLES: usize = 10_000;
/// The seed of the draws.
pub(crate) const SEED: u64 = 1;
/// The part of the resamples inside the interval.
pub(crate) const LEVEL: f64 = 0.95;

/// An interval, both ends inside it. Invariant: `low <= high`, both finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// The interval of what is left when these values are taken from `whole`: of errors, from one of accuracies.
    pub(crate) fn complement(self, whole: f64) -> Interval {
        Interval { low: whole - self.high, high: whole - self.low }
    }

    /// Whether any number lies in both.
    pub(crate) fn meets(self, other: Interval) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// The interval of the mean; `None` for fewer than two values or one that is not finite.
pub(crate) fn of_mean(values: &[f64]) -> Option<Interval> {
    interval(&[values.len()], |draws| Some(mean(&draws[0], values))).filter(|_| all_finite(values))
}

/// The interval of the mean of `a` less the mean of `b`, drawn independently; `None` as for [`of_mean`].
pub(crate) fn of_difference(a: &[f64], b: &[f64]) -> Option<Interval> {
    let difference = |draws: &[Vec<usize>]| Some(mean(&draws[0], a) - mean(&draws[1], b));
    interval(&[a.len(), b.len()], difference).filter(|_| all_finite(a) && all_finite(b))
}

/// The interval of a statistic of pairs, which are drawn as pairs. Resamples without a value, such as a correlation of
/// equal numbers, are left out; `None` when that leaves fewer than half, or there are fewer than three pairs.
pub(crate) fn of_pairs(pairs: &[(f64, f64)], statistic: fn(&[(f64, f64)]) -> Option<f64>) -> Option<Interval> {
    if pairs.len() < 3 {
        return None;
    }
    interval(&[pairs.len()], |draws| statistic(&draws[0].iter().map(|&index| pairs[index]).collect::<Vec<_>>()))
}

/// The interval of a statistic of groups of these sizes. It is given, for each group, the indices that were drawn.
fn interval(sizes: &[usize], statistic: impl Fn(&[Vec<usize>]) -> Option<f64>) -> Option<Interval> {
    if sizes.iter().any(|&size| size < 2) {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut draws: Vec<Vec<usize>> = sizes.iter().map(|&size| vec![0; size]).collect();
    let mut found = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        for draw in &mut draws {
            let size = draw.len();
            draw.fill_with(|| rng.random_range(0..size));
        }
        found.extend(statistic(&draws).filter(|value| value.is_finite()));
    }
    if found.len() * 2 < RESAMPLES {
        return None;
    }
    found.sort_by(f64::total_cmp);
    let tail = (1.0 - LEVEL) / 2.0;
    Some(Interval { low: quantile(&found, tail)?, high: quantile(&found, 1.0 - tail)? })
}

fn mean(draw: &[usize], values: &[f64]) -> f64 {
    draw.iter().map(|&index| values[index]).sum::<f64>() / draw.len() as f64
}

fn all_finite(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The means of all `n^n` resamples of `n` values, sorted: what the random resamples approach.
    fn all_means(values: &[f64]) -> Vec<f64> {
        let n = values.len();
        let mut means: Vec<f64> = (0..n.pow(n as u32))
            .map(|code| (0..n).map(|place| values[code / n.pow(place as u32) % n]).sum::<f64>() / n as f64)
            .collect();
        means.sort_by(f64::total_cmp);
        means
    }

    #[test]
    fn intervals_of_a_mean_are_those_of_all_resamples() {
        for values in [vec![3.75, 3.91, 3.62, 3.80, 3.71], vec![1.0, 2.0, 10.0], vec![0.1, 0.2, 0.25, 0.9, 0.4, 0.7]] {
            let all = all_means(&values);
            let found = of_mean(&values).unwrap();
            // The smallest mean that at least this part of all resamples does not exceed.
            let exact = |part: f64| all[(part * all.len() as f64).ceil() as usize - 1];
            // 10,000 draws put the 2.5 % quantile between the exact 2 % and 3 % ones, but for 1 in 1000 seeds.
            let within =
                |number: f64, low: f64, high: f64| (exact(low) - 1e-12..=exact(high) + 1e-12).contains(&number);
            assert!(within(found.low, 0.02, 0.03), "{found:?}");
            assert!(within(found.high, 0.97, 0.98), "{found:?}");
        }
    }

    #[test]
    fn many_values_have_the_interval_of_the_normal_distribution() {
        // 0 .. 399: standard error of the mean 115.47 / 20 = 5.77, so 199.5 +- 11.3.
        let values: Vec<f64> = (0..400).map(f64::from).collect();
        let found = of_mean(&values).unwrap();
        assert!((found.low - 188.2).abs() < 0.6 && (found.high - 210.8).abs() < 0.6, "{found:?}");
    }

    #[test]
    fn a_difference_is_that_of_independent_draws() {
        // Means of {0, 1}: 0, 1/2, 1 with chances 1/4, 1/2, 1/4. Differences of -1 and 1 have a chance of 1/16 each.
        assert_eq!(of_difference(&[0.0, 1.0], &[0.0, 1.0]), Some(Interval { low: -1.0, high: 1.0 }));
        assert_eq!(of_difference(&[5.0, 5.0, 5.0], &[2.0, 2.0]), Some(Interval { low: 3.0, high: 3.0 }));
    }

    #[test]
    fn too_few_values_have_no_interval() {
        assert_eq!(of_mean(&[]), None);
        assert_eq!(of_mean(&[1.0]), None);
        assert_eq!(of_mean(&[1.0, f64::NAN]), None);
        assert_eq!(of_difference(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(of_pairs(&[(1.0, 1.0), (2.0, 2.0)], |_| Some(1.0)), None);
        assert_eq!(of_pairs(&[(1.0, 1.0); 5], |_| None), None);
    }

    #[test]
    fn the_same_values_have_the_same_interval() {
        let values = [0.91, 0.93, 0.92, 0.95];
        assert_eq!(of_mean(&values), of_mean(&values));
        let found = of_mean(&values).unwrap();
        assert_eq!(found.complement(1.0), Interval { low: 1.0 - found.high, high: 1.0 - found.low });
    }
}
