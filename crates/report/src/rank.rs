//! Rank correlations of pairs of numbers. Both count ties as the field does; neither exists when all numbers of a side
//! are equal, or for fewer than two pairs.

/// Spearman's rho: Pearson's correlation of the ranks, tied numbers having the mean of their ranks.
pub(crate) fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    pearson(&ranks(&a), &ranks(&b))
}

/// Kendall's tau-b: concordant less discordant pairs of pairs, over the geometric mean of those untied on each side.
pub(crate) fn kendall(pairs: &[(f64, f64)]) -> Option<f64> {
    let (mut balance, mut untied_a, mut untied_b) = (0.0, 0.0, 0.0);
    for (place, (a, b)) in pairs.iter().enumerate() {
        for (other_a, other_b) in &pairs[place + 1..] {
            let (a, b) = (sign(a - other_a), sign(b - other_b));
            balance += a * b;
            untied_a += a.abs();
            untied_b += b.abs();
        }
    }
    let scale = f64::sqrt(untied_a * untied_b);
    (scale > 0.0).then(|| balance / scale)
}

/// -1, 0 or 1; `f64::signum` gives 1 for 0.
fn sign(difference: f64) -> f64 {
    if difference == 0.0 { 0.0 } else { difference.signum() }
}

/// The rank of each number from 1; tied ones have the mean of theirs.
fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut first = 0;
    while first < order.len() {
        let tied = order[first..].iter().take_while(|&&index| numbers[index] == numbers[order[first]]).count().max(1);
        for &index in &order[first..first + tied] {
            ranks[index] = first as f64 + (tied as f64 + 1.0) / 2.0;
        }
        first += tied;
    }
    ranks
}

fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut product, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        product += (a - mean_a) * (b - mean_b);
        square_a += (a - mean_a).powi(2);
        square_b += (b - mean_b).powi(2);
    }
    let scale = f64::sqrt(square_a * square_b);
    (scale > 0.0).then(|| product / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs<const N: usize>(a: [f64; N], b: [f64; N]) -> Vec<(f64, f64)> {
        a.into_iter().zip(b).collect()
    }

    fn check(pairs: &[(f64, f64)], rho: f64, tau: f64) {
        let found = (spearman(pairs).unwrap(), kendall(pairs).unwrap());
        assert!((found.0 - rho).abs() < 1e-12 && (found.1 - tau).abs() < 1e-12, "{found:?}, not {:?}", (rho, tau));
    }

    #[test]
    fn correlations_are_those_of_known_examples() {
        // The textbook example of intelligence quotients and hours of television: rho = -29/165; of 45 pairs, 20 are
        // concordant and 25 discordant.
        let quotients = [106.0, 100.0, 86.0, 101.0, 99.0, 103.0, 97.0, 113.0, 112.0, 110.0];
        let hours = [7.0, 27.0, 2.0, 50.0, 28.0, 29.0, 20.0, 12.0, 6.0, 17.0];
        check(&pairs(quotients, hours), -29.0 / 165.0, -5.0 / 45.0);
        // With ties. SciPy's documentation has this rho and the tau below; 8 of 9 untied pairs here are concordant.
        let tied = pairs([1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 6.0, 7.0, 8.0, 7.0]);
        check(&tied, 0.820_782_681_668_123_3, 7.0 / f64::sqrt(90.0));
        let tied = pairs([12.0, 2.0, 1.0, 12.0, 2.0], [1.0, 4.0, 7.0, 1.0, 0.0]);
        assert!((kendall(&tied).unwrap() - -0.471_404_520_791_031_73).abs() < 1e-12);
    }

    #[test]
    fn the_same_order_is_one_and_the_reverse_minus_one() {
        check(&pairs([1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 9.0]), 1.0, 1.0);
        check(&pairs([1.0, 2.0, 3.0, 4.0], [9.0, 0.3, 0.2, 0.1]), -1.0, -1.0);
    }

    #[test]
    fn what_does_not_vary_has_no_correlation() {
        for pairs in [vec![], vec![(1.0, 2.0)], vec![(1.0, 2.0), (1.0, 3.0)], vec![(1.0, 2.0), (4.0, 2.0)]] {
            assert_eq!((spearman(&pairs), kendall(&pairs)), (None, None), "{pairs:?}");
        }
    }
}
