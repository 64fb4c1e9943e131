//! The three panels of the paper's Figure 3: fitness of each step, best fitness so far, parameters of the small model of each
//! step, one colour for each arm.

use std::collections::BTreeMap;

use hnas_ledger::Trial;

use super::{Figure, axis, figure, step_axis};
use crate::chart::{Axis, Chart, Mark, Point, Series, Unit};
use crate::format::count;
use crate::query;
use crate::searches::Search;
use crate::summary::{best_so_far, fitness};

/// Points of a curve, about: more steps than these are averaged in windows.
const POINTS: u64 = 60;

/// The searches of one arm.
struct Group<'a> {
    look: usize,
    name: &'a str,
    searches: Vec<Search<'a>>,
}

/// The panels of all arms that have a search of more than one trial.
pub(super) fn panels(searches: &[Search]) -> Vec<Figure> {
    let groups = groups(searches);
    let last = groups.iter().flat_map(|group| &group.searches).map(last).max().unwrap_or(0);
    if last < 2 {
        return Vec::new();
    }
    let window = last.div_ceil(POINTS).max(1);
    let (trials, seeds) = (window_words(window), seed_words(&groups));
    let scored = |group: &&Group| {
        group.searches.iter().any(|search| search.seed.trials.iter().any(|trial| fitness(trial).is_some()))
    };
    let without: Vec<&str> = groups.iter().filter(|group| !scored(group)).map(|group| group.name).collect();
    let without = match &without[..] {
        [] => String::new(),
        names => format!(" Without a fitness so far: {}.", names.join("; ")),
    };
    let left =
        format!("Fitness of the genotype of each step{trials}. {seeds} Trials without fitness are left out.{without}");
    let middle = format!(
        "Fitness of the fittest genotype up to each step. {seeds} A seed counts up to its last trial.{without}"
    );
    let right =
        format!("Trainable parameters of the small model of each step, failed trials included{trials}. {seeds}");
    let each = |value: fn(&Trial) -> Option<f64>| -> Vec<Series> {
        drawn(&groups, Mark::Line, |group| windows(group, window, value))
    };
    let best = drawn(&groups, Mark::Steps, best);
    let accuracy = || axis("validation accuracy", Unit::Percent);
    let parameters = axis("trainable parameters", Unit::Parameters);
    let panel = |name: &str, title: &str, y: Axis, series: Vec<Series>, caption: String, columns: &str| {
        let chart = Chart { title: title.to_owned(), x: step_axis([last]), y, series };
        let seeds = groups.iter().flat_map(|group| &group.searches).map(|search| search.seed);
        figure(format!("figure-3-{name}"), &chart, caption, query::trials(columns, seeds))
    };
    vec![
        panel("fitness", "Fitness of each step", accuracy(), each(fitness), left, "study, id AS step, fitness"),
        panel(
            "best",
            "Best fitness so far",
            accuracy(),
            best,
            middle,
            "study, id AS step, MAX(fitness) OVER (PARTITION BY study ORDER BY id) AS best",
        ),
        panel(
            "parameters",
            "Parameters of each step",
            parameters,
            each(|trial| Some(trial.proposal.parameters as f64)),
            right,
            "study, id AS step, parameters",
        ),
    ]
}

fn groups<'a>(searches: &[Search<'a>]) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for search in searches.iter().filter(|search| search.seed.planned > 1 || search.seed.trials.len() > 1) {
        let new = Group { look: search.look, name: &search.arm.name, searches: Vec::new() };
        groups.entry(search.place).or_insert(new).searches.push(*search);
    }
    groups.into_values().filter(|group| group.searches.iter().any(|search| !search.seed.trials.is_empty())).collect()
}

fn last(search: &Search) -> u64 {
    search.seed.trials.last().map_or(0, |trial| trial.proposal.id.0)
}

fn window_words(window: u64) -> String {
    if window == 1 { String::new() } else { format!(", averaged in windows of {window} steps") }
}

/// What the lines and bands are.
fn seed_words(groups: &[Group]) -> String {
    let begun = |group: &Group| group.searches.iter().filter(|search| !search.seed.trials.is_empty()).count() as u64;
    match (groups.iter().map(begun).min(), groups.iter().map(begun).max()) {
        (_, Some(most)) if most < 2 => "One seed.".to_owned(),
        (Some(least), Some(most)) if least == most => {
            format!("Lines: mean over {}; bands: smallest to largest of them.", count(most, "seed", "seeds"))
        }
        (Some(least), Some(most)) => {
            format!("Lines: mean over seeds, {least} to {most} an arm; bands: smallest to largest of them.")
        }
        _ => String::new(),
    }
}

/// A series for each arm that has any points.
fn drawn(groups: &[Group], mark: Mark, points: impl Fn(&Group) -> Vec<Point>) -> Vec<Series> {
    let series = |group: &Group| Series { name: group.name.to_owned(), mark, look: group.look, points: points(group) };
    groups.iter().map(series).filter(|series| !series.points.is_empty()).collect()
}

/// The mean over seeds, and its range, of what each seed has at each x.
fn over_seeds(values: BTreeMap<u64, Vec<f64>>, x: impl Fn(u64) -> f64) -> Vec<Point> {
    let point = |(at, values): (u64, Vec<f64>)| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let range = (values.len() > 1).then_some((least, most));
        Point { range, ..Point::new(x(at), mean) }
    };
    values.into_iter().map(point).collect()
}

/// For each window of steps: the mean of each seed's trials there.
fn windows(group: &Group, window: u64, value: fn(&Trial) -> Option<f64>) -> Vec<Point> {
    let mut all: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for search in &group.searches {
        let mut sums: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        for trial in &search.seed.trials {
            if let Some(value) = value(trial) {
                let (sum, number) = sums.entry(trial.proposal.id.0.saturating_sub(1) / window).or_default();
                *sum += value;
                *number += 1.0;
            }
        }
        for (at, (sum, number)) in sums {
            all.entry(at).or_default().push(sum / number);
        }
    }
    // In the middle of its steps, 1 + at * window .. (at + 1) * window.
    over_seeds(all, |at| (at * window) as f64 + (window + 1) as f64 / 2.0)
}

/// The best fitness so far of each seed, at the steps at which any seed's changes, and at the last of each.
fn best(group: &Group) -> Vec<Point> {
    let curve = |search: &Search| -> BTreeMap<u64, f64> {
        let best = best_so_far(&search.seed.trials).filter_map(|(trial, best)| Some((trial.proposal.id.0, best?)));
        let mut kept: BTreeMap<u64, f64> = BTreeMap::new();
        for (at, best) in best {
            if kept.last_key_value().is_none_or(|(_, kept)| best > *kept) {
                kept.insert(at, best);
            }
        }
        kept
    };
    let curves: Vec<(u64, BTreeMap<u64, f64>)> =
        group.searches.iter().map(|search| (last(search), curve(search))).collect();
    let mut steps: Vec<u64> = Vec::new();
    for (last, curve) in &curves {
        steps.extend(curve.keys());
        // A seed ends with its last trial: from the next step on, the others go on without it.
        steps.extend([*last, last + 1].iter().filter(|_| !curve.is_empty()));
    }
    let mut all: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for at in steps {
        let here = curves.iter().filter(|(last, _)| at <= *last);
        let best = here.filter_map(|(_, curve)| Some(*curve.range(..=at).next_back()?.1));
        let best: Vec<f64> = best.collect();
        if !best.is_empty() {
            all.insert(at, best);
        }
    }
    over_seeds(all, |at| at as f64)
}
