//! The paper's Figure 4, accuracy gained over the first random genotype by the small and the large model, and how well the
//! one ranks genotypes for the other.

use super::{Figure, axis, figure, step_axis};
use crate::Page;
use crate::chart::{Axis, Chart, Mark, Point, Series, Unit};
use crate::format::{count, percent, points};
use crate::query;
use crate::searches::{Retrained, Search, models};
use crate::statistics::Sample;

/// The gain of one retrained genotype over that of the first trial of its search.
pub(crate) struct Gain<'a, 'b> {
    pub(crate) of: &'b Retrained<'a>,
    /// By fitness, of the small model.
    pub(crate) small: f64,
    /// By test accuracy, of the large model.
    pub(crate) large: f64,
}

/// The gains in every search and model in which the first trial was retrained too, in the order of searches, models, trials.
pub(crate) fn gain<'a, 'b>(retrained: &'b [Retrained<'a>]) -> Vec<Gain<'a, 'b>> {
    let first = |one: &Retrained| {
        let same = |other: &&Retrained| std::ptr::eq(other.search.seed, one.search.seed) && other.model == one.model;
        retrained.iter().filter(same).find(|other| other.trial.proposal.id.0 == 1)
    };
    let gain = |one: &'b Retrained<'a>| {
        let first = first(one)?;
        Some(Gain { of: one, small: one.fitness - first.fitness, large: one.test.mean - first.test.mean })
    };
    retrained.iter().filter_map(gain).collect()
}

/// Figure 4, a figure for each arm in which a search has its first genotype and another one to compare.
pub(super) fn gains(searches: &[Search], retrained: &[Retrained]) -> Vec<Figure> {
    let all = gain(retrained);
    let mut figures = Vec::new();
    for same_arm in searches.chunk_by(|one, next| one.place == next.place) {
        let of_search = |search: &Search| -> Vec<&Gain> {
            all.iter().filter(|gain| std::ptr::eq(gain.of.search.seed, search.seed)).collect()
        };
        let compared = same_arm.iter().map(of_search).filter(|gains| gains.len() > 1);
        let compared: Vec<Vec<&Gain>> = compared.collect();
        if let Some(arm) = same_arm.first().filter(|_| !compared.is_empty()) {
            figures.push(of_arm(arm, &compared));
        }
    }
    figures
}

/// The gains of an arm's searches, a list each.
fn of_arm(arm: &Search, searches: &[Vec<&Gain>]) -> Figure {
    let mut models: Vec<&str> = Vec::new();
    for gain in searches.iter().flatten() {
        if !models.contains(&gain.of.model) {
            models.push(gain.of.model);
        }
    }
    let mut series: Vec<Series> = Vec::new();
    for (place, gains) in searches.iter().enumerate() {
        // One entry of the legend for all seeds.
        let name = |name: String| if place == 0 { name } else { String::new() };
        let mut small = gains.clone();
        small.sort_by_key(|gain| gain.of.trial.proposal.id);
        small.dedup_by_key(|gain| gain.of.trial.proposal.id);
        series.push(line(name("small model: fitness".to_owned()), 0, &small, |gain| (gain.small, None)));
        for (look, model) in (1..).zip(&models) {
            let mut large: Vec<&Gain> = gains.iter().filter(|gain| gain.of.model == *model).copied().collect();
            large.sort_by_key(|gain| gain.of.trial.proposal.id);
            let name = name(format!("large model, {model}: test accuracy"));
            series.push(line(name, look, &large, |gain| (gain.large, spread(gain.large, gain.of.test))));
        }
    }
    let last = searches.iter().flatten().map(|gain| gain.of.trial.proposal.id.0);
    let y = Axis { at_least: vec![0.0], ..axis("gain over step 1, percentage points", Unit::Points) };
    let chart = Chart { title: format!("Accuracy gained: {}", arm.arm.name), x: step_axis(last), y, series };
    let caption = format!(
        "Each genotype that was trained as a large model, against that of step 1: by its fitness (small model, validation images) \
         and by its mean test accuracy (large model; bars: standard deviation of the trainings). {}.",
        match searches.len() as u64 {
            1 => format!("Seed {}", arm.seed.seed),
            seeds => format!("{}, a line each", count(seeds, "seed", "seeds")),
        }
    );
    let rows: Vec<&Retrained> = searches.iter().flatten().map(|gain| gain.of).collect();
    figure(format!("figure-4-{}", arm.place + 1), &chart, caption, query::small_beside_large(&rows))
}

fn line(name: String, look: usize, gains: &[&Gain], y: impl Fn(&Gain) -> (f64, Option<(f64, f64)>)) -> Series {
    let point = |gain: &&Gain| {
        let (value, range) = y(gain);
        let Retrained { search, trial, .. } = gain.of;
        let note =
            format!("{}, seed {}, trial {}: {}", search.arm.name, search.seed.seed, trial.proposal.id, points(value));
        Point { range, note, ..Point::new(trial.proposal.id.0 as f64, value) }
    };
    Series { name, mark: Mark::Linked, look, points: gains.iter().map(point).collect() }
}

fn spread(middle: f64, sample: Sample) -> Option<(f64, f64)> {
    sample.deviation.map(|deviation| (middle - deviation, middle + deviation))
}

/// Fitness against test accuracy of every retrained genotype, a figure for each model with at least two.
pub(super) fn small_and_large(page: &Page, retrained: &[Retrained]) -> Vec<Figure> {
    let one = |(number, model): (usize, &str)| {
        let here: Vec<&Retrained> = retrained.iter().filter(|one| one.model == model).collect();
        if here.len() < 2 {
            return None;
        }
        // They come search by search, in the order of the arms.
        let of_arm = |all: &[&Retrained]| {
            let point = |one: &&Retrained| {
                let note = format!(
                    "{}, seed {}, trial {}: fitness {}, test accuracy {} (n = {})",
                    one.search.arm.name,
                    one.search.seed.seed,
                    one.trial.proposal.id,
                    percent(one.fitness),
                    percent(one.test.mean),
                    one.test.n
                );
                Point { range: spread(one.test.mean, one.test), note, ..Point::new(one.fitness, one.test.mean) }
            };
            let search = all[0].search;
            Series {
                name: search.arm.name.clone(),
                mark: Mark::Dots,
                look: search.look,
                points: all.iter().map(point).collect(),
            }
        };
        let chart = Chart {
            title: format!("Small and large model ({model})"),
            x: axis("fitness: validation accuracy of the small model", Unit::Percent),
            y: axis("test accuracy of the large model", Unit::Percent),
            series: here.chunk_by(|one, next| one.search.place == next.search.place).map(of_arm).collect(),
        };
        let caption = format!(
            "Each of the {} genotypes that were trained in both, under the arm that holds most of its search; bars: standard deviation \
             of the trainings.",
            here.len()
        );
        Some(figure(format!("small-and-large-{number}"), &chart, caption, query::small_beside_large(&here)))
    };
    (1..).zip(models(page)).filter_map(one).collect()
}
