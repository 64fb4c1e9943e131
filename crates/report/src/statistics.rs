//! Means, spreads and medians of finite numbers. None is made up: what cannot be computed is `None`.

/// Mean and spread of a few numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// How many numbers.
    pub(crate) n: usize,
    /// Their mean.
    pub(crate) mean: f64,
    /// Their standard deviation, with n - 1 in the denominator; none for a single number.
    pub(crate) deviation: Option<f64>,
}

/// Mean and spread of those `numbers` that are finite; `None` when none is.
pub(crate) fn sample(numbers: impl IntoIterator<Item = f64>) -> Option<Sample> {
    let numbers: Vec<f64> = numbers.into_iter().filter(|number| number.is_finite()).collect();
    let n = numbers.len();
    if n == 0 {
        return None;
    }
    let mean = numbers.iter().sum::<f64>() / n as f64;
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    Some(Sample { n, mean, deviation: (n > 1).then(|| (squares / (n as f64 - 1.0)).sqrt()) })
}

/// The quantile of `sorted` numbers at `part`, 0 to 1, linear between neighbours (R's type 7); `None` when there are none.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = part.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64))
}

/// The median of those `numbers` that are finite: of an even count, the mean of the middle two.
pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.into_iter().filter(|number| number.is_finite()).collect();
    numbers.sort_by(f64::total_cmp);
    quantile(&numbers, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        let found = sample([2.0, f64::NAN, 4.0]).unwrap();
        assert_eq!((found.n, found.mean), (2, 3.0));
        assert!((found.deviation.unwrap() - 2.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(sample([5.0]), Some(Sample { n: 1, mean: 5.0, deviation: None }));
        assert_eq!(sample([f64::INFINITY]), None);
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        // As NumPy's default and R's type 7.
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.025), Some(1.075));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 1.0), Some(4.0));
        assert_eq!(quantile(&[7.0], 0.3), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, f64::NAN, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }
}
