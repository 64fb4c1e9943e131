//! The figures of one arm.

use hnas_ledger::Trial;
use hnas_search::TrialId;

use super::{Figure, axis, figure, step_axis};
use crate::chart::{Axis, Chart, Mark, Point, Series, Unit};
use crate::counts::repeats;
use crate::format::{count, percent, quantity};
use crate::query;
use crate::summary::{Summary, best_so_far, fitness};
use crate::usage::{Usage, usage};

/// Looks of an arm's own figures.
const RANDOM: usize = 5;
const CHILD: usize = 0;
const BEST: usize = 1;
const FAILED: usize = 7;

/// Fitness and size over time and against each other, repeats, and usage of operations; none before the first trial.
/// `stem` begins their file names.
pub(super) fn figures(summary: &Summary, stem: &str) -> Vec<Figure> {
    let trials: Vec<&Trial> = summary.arm.seeds.iter().flat_map(|seed| &seed.trials).collect();
    if trials.is_empty() {
        return Vec::new();
    }
    let id = |trial: &Trial| trial.proposal.id.0 as f64;
    let parameters = |trial: &Trial| trial.proposal.parameters as f64;
    let accuracy = |trial: &Trial| fitness(trial).unwrap_or(f64::NAN);
    let failed = trials.iter().filter(|trial| fitness(trial).is_none());
    let missing = match failed.clone().count() as u64 {
        0 => String::new(),
        failed => format!(" {} without fitness.", count(failed, "trial is", "trials are")),
    };

    let mut over_time = by_origin(&trials, &|trial| (id(trial), accuracy(trial)));
    for (place, seed) in summary.arm.seeds.iter().enumerate() {
        let name = if place == 0 { "best so far".to_owned() } else { String::new() };
        over_time.push(Series { name, mark: Mark::Steps, look: BEST, points: records(&seed.trials) });
    }
    let without: Vec<Point> = failed.map(|trial| Point::new(id(trial), 0.0)).collect();
    if !without.is_empty() {
        over_time.push(Series { name: "failed".to_owned(), mark: Mark::Ticks, look: FAILED, points: without });
    }
    let fitness_axis = || axis("validation accuracy", Unit::Percent);
    let size_axis = || axis("trainable parameters", Unit::Parameters);
    let steps =
        || step_axis(summary.arm.seeds.iter().filter_map(|seed| seed.trials.last()).map(|trial| trial.proposal.id.0));
    let seeds = match summary.arm.seeds.len() as u64 {
        1 => String::new(),
        seeds => format!(" {seeds} seeds."),
    };
    let draw = |name: &str, title: &str, x: Axis, y: Axis, series: Vec<Series>, caption: String, columns: &str| {
        let chart = Chart { title: title.to_owned(), x, y, series };
        figure(format!("{stem}-{name}"), &chart, caption, query::trials(columns, &summary.arm.seeds))
    };
    let mut figures = vec![
        draw(
            "fitness",
            "Fitness of each trial",
            steps(),
            fitness_axis(),
            over_time,
            format!("Every trial, and the best fitness up to there, a line for each seed.{seeds}{missing}"),
            "study, id, parent, fitness, failure",
        ),
        draw(
            "parameters",
            "Parameters of each trial",
            steps(),
            size_axis(),
            by_origin(&trials, &|trial| (id(trial), parameters(trial))),
            format!("Trainable parameters of the small model of every trial, failed ones included.{seeds}"),
            "study, id, parent, parameters",
        ),
        draw(
            "accuracy-parameters",
            "Fitness against parameters",
            size_axis(),
            fitness_axis(),
            by_origin(&trials, &|trial| (parameters(trial), accuracy(trial))),
            format!("One marker a trial.{seeds}{missing}"),
            "study, id, parent, fitness, parameters",
        ),
        draw(
            "repeats",
            "Trials known already",
            steps(),
            Axis { at_least: vec![0.0, 0.05], ..axis("share of the trials so far", Unit::Percent) },
            known(summary),
            format!(
                "Share of the trials up to each step that repeat an earlier one of their search: its network, by key, or its \
                 genotype as it is.{seeds}"
            ),
            "study, id, key, genotype",
        ),
    ];
    if let Some(seed) = summary.best_seed().map(|best| best.seed).or(summary.arm.seeds.first()) {
        for level in usage(&seed.trials) {
            figures.push(usage_figure(&level, stem, seed.seed, query::trials("study, id, genotype", [seed])));
        }
    }
    figures
}

fn usage_figure(usage: &Usage, stem: &str, seed: u64, sql: String) -> Figure {
    let middle = |trials: (u64, u64)| u64::midpoint(trials.0, trials.1) as f64;
    let line = |(op, name): (usize, &String)| {
        let windows = usage.windows.iter().filter(|window| window.edges > 0);
        let points = windows.map(|window| Point::new(middle(window.trials), window.shares[op])).collect();
        Series { name: name.clone(), mark: Mark::Line, look: op, points }
    };
    let steps = usage.windows.last().map(|window| window.trials.1);
    let kind = if usage.level == 2 { "Primitives" } else { "Motifs" };
    let chart = Chart {
        title: format!("{kind} on the edges of level {}", usage.level),
        x: step_axis(steps),
        y: Axis { at_least: vec![0.0], ..axis("share of the edges in use", Unit::Percent) },
        series: usage.operations.iter().enumerate().map(line).collect(),
    };
    let most = usage.windows.first().map_or(1, |window| window.trials.1.saturating_sub(window.trials.0) + 1);
    let caption = format!(
        "Of the edges of level {} that are part of the networks, the share that carries each operation, in windows of {}; seed {seed}. \
         Counted from the genotypes.",
        usage.level,
        count(most, "trial", "trials")
    );
    figure(format!("{stem}-usage-level-{}", usage.level), &chart, caption, sql)
}

/// The trials as dots: genotypes drawn at random and mutated ones each in a look.
fn by_origin(trials: &[&Trial], place: &dyn Fn(&Trial) -> (f64, f64)) -> Vec<Series> {
    let points = |mutated: bool| -> Vec<Point> {
        let of_kind = trials.iter().filter(|trial| trial.proposal.parent.is_some() == mutated);
        let placed = of_kind.map(|trial| (trial, place(trial)));
        placed.map(|(trial, (x, y))| Point { note: note(trial), ..Point::new(x, y) }).collect()
    };
    let kinds = [("random genotype", RANDOM, points(false)), ("mutated genotype", CHILD, points(true))];
    let present = kinds.into_iter().filter(|(_, _, points)| !points.is_empty());
    present.map(|(name, look, points)| Series { name: name.to_owned(), mark: Mark::Dots, look, points }).collect()
}

fn note(trial: &Trial) -> String {
    let score = fitness(trial).map_or_else(|| "failed".to_owned(), percent);
    format!("trial {}: {score}, {} parameters", trial.proposal.id, quantity(trial.proposal.parameters as f64))
}

/// Each new best, and the last trial, so that the line ends where the search does.
fn records(trials: &[Trial]) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for (trial, best) in best_so_far(trials) {
        let (TrialId(id), Some(best)) = (trial.proposal.id, best) else { continue };
        let is_last = trials.last().is_some_and(|last| last.proposal.id == trial.proposal.id);
        if is_last || points.last().is_none_or(|point| best > point.y) {
            points.push(Point::new(id as f64, best));
        }
    }
    points
}

/// The share of known networks and of known genotypes among the trials up to each step, over all seeds.
fn known(summary: &Summary) -> Vec<Series> {
    let mut steps: Vec<(u64, bool, bool)> = Vec::new();
    for seed in &summary.arm.seeds {
        for (trial, repeat) in seed.trials.iter().zip(repeats(&seed.trials)) {
            steps.push((trial.proposal.id.0, repeat.network, repeat.genotype));
        }
    }
    steps.sort_unstable();
    let every = steps.len().div_ceil(200).max(1);
    let (mut networks, mut genotypes) = (Vec::new(), Vec::new());
    let (mut of_networks, mut of_genotypes) = (0_u64, 0_u64);
    for (place, (id, network, genotype)) in steps.iter().enumerate() {
        of_networks += u64::from(*network);
        of_genotypes += u64::from(*genotype);
        let last_of_step = steps.get(place + 1).is_none_or(|(next, ..)| next != id);
        if last_of_step && (place % every < summary.arm.seeds.len() || place + 1 == steps.len()) {
            let share = |known: u64| Point::new(*id as f64, known as f64 / (place + 1) as f64);
            networks.push(share(of_networks));
            genotypes.push(share(of_genotypes));
        }
    }
    let line = |name: &str, look, points| Series { name: name.to_owned(), mark: Mark::Line, look, points };
    vec![line("network, by key", CHILD, networks), line("genotype", BEST, genotypes)]
}
