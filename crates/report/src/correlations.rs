//! How well fitness in the small model ranks genotypes for a larger one.

use crate::Page;
use crate::bootstrap::{Interval, of_pairs};
use crate::rank::{kendall, spearman};
use crate::searches::{Retrained, models};

/// The rank correlations between fitness and mean test accuracy in one model.
pub(crate) struct Correlation<'a> {
    pub(crate) model: &'a str,
    /// Genotypes that have both.
    pub(crate) n: usize,
    /// `None` for fewer than three genotypes, or where one side does not vary; the interval needs resamples that vary.
    pub(crate) spearman: Option<(f64, Option<Interval>)>,
    pub(crate) kendall: Option<(f64, Option<Interval>)>,
}

/// Those of every model of the page in which at least one genotype was trained.
pub(crate) fn correlations<'a>(page: &'a Page, retrained: &[Retrained]) -> Vec<Correlation<'a>> {
    let one = |model: &'a str| {
        let of_model = retrained.iter().filter(|one| one.model == model);
        let pairs: Vec<(f64, f64)> = of_model.map(|one| (one.fitness, one.test.mean)).collect();
        let measure = |statistic: fn(&[(f64, f64)]) -> Option<f64>| {
            let value = statistic(&pairs).filter(|_| pairs.len() >= 3)?;
            Some((value, of_pairs(&pairs, statistic)))
        };
        Correlation { model, n: pairs.len(), spearman: measure(spearman), kendall: measure(kendall) }
    };
    models(page).into_iter().map(one).filter(|correlation| correlation.n > 0).collect()
}
