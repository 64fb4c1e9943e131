//! The figures of a report: which data each shows, and what is said under it.

use hnas_ledger::Trial;
use hnas_search::TrialId;

use crate::chart::{self, Axis, Chart, Mark, Point, Series, Unit};
use crate::format::{count, percent, quantity};
use crate::summary::{Summary, fitness};

/// A figure, drawn.
pub(crate) struct Figure {
    /// File name without its ending.
    pub(crate) name: String,
    pub(crate) svg: String,
    pub(crate) caption: String,
}

/// Sizes in pixels: of a figure beside another, of one that stands alone.
const SMALL: (f64, f64) = (540.0, 350.0);
const LARGE: (f64, f64) = (580.0, 390.0);

/// Colours of an arm's own figures.
const RANDOM: usize = 7;
const CHILD: usize = 0;
const BEST: usize = 1;
const FAILED: usize = 4;

/// The best fitness so far of every arm, in one figure.
pub(crate) fn compared(summaries: &[Summary]) -> Figure {
    let (with, without): (Vec<_>, Vec<_>) =
        (0..).zip(summaries).partition(|(_, summary): &(usize, &Summary)| summary.best.is_some());
    let series = with.into_iter().map(|(ink, summary)| {
        let points = best_so_far(summary);
        Series { name: summary.arm.name.clone(), mark: Mark::Steps, ink, pattern: ink, points }
    });
    let chart = Chart {
        title: "Best fitness so far".to_owned(),
        x: evaluations(summaries.iter().flat_map(|summary| summary.arm.search.last())),
        y: Axis { label: "validation accuracy".to_owned(), unit: Unit::Percent, at_least: Vec::new() },
        series: series.collect(),
        size: LARGE,
    };
    let mut caption = "Fitness of the best genotype among the first so many trials of each arm. \
                       The axis need not begin at zero."
        .to_owned();
    if !without.is_empty() {
        let names: Vec<&str> = without.iter().map(|(_, summary)| summary.arm.name.as_str()).collect();
        caption.push_str(&format!(" Without a fitness so far: {}.", names.join("; ")));
    }
    Figure { name: "arms-compared".to_owned(), svg: chart::svg(&chart), caption }
}

/// Test error of every final run of every arm; `None` when there is none.
pub(crate) fn finals(summaries: &[Summary]) -> Option<Figure> {
    let with_runs: Vec<&Summary> = summaries.iter().filter(|summary| summary.test.is_some()).collect();
    if with_runs.is_empty() {
        return None;
    }
    let mut series = Vec::new();
    for (ink, (place, summary)) in (0..).zip((1..).zip(&with_runs)) {
        let x = f64::from(place);
        let runs = summary.arm.finals.iter().filter_map(|run| Some((run.seed, 1.0 - run.test_accuracy?)));
        let points = runs.map(|(seed, error)| Point { x, y: error, note: format!("seed {seed}: {}", percent(error)) });
        let mean = summary.test.map(|test| Point { x, y: 1.0 - test.mean, note: String::new() });
        series.push(Series {
            name: String::new(),
            mark: Mark::Bars,
            ink,
            pattern: 0,
            points: mean.into_iter().collect(),
        });
        let name = format!("{place}: {}", summary.arm.name);
        series.push(Series { name, mark: Mark::Dots, ink, pattern: 0, points: points.collect() });
    }
    let chart = Chart {
        title: "Test error of the final runs".to_owned(),
        x: Axis { label: "arm".to_owned(), unit: Unit::Names, at_least: Vec::new() },
        y: Axis { label: "test error".to_owned(), unit: Unit::Percent, at_least: Vec::new() },
        series,
        size: LARGE,
    };
    let caption = "Each dot is one training of an arm's winner as a large model, each bar the mean of an arm. \
                   The axis need not begin at zero.";
    Some(Figure { name: "final-runs".to_owned(), svg: chart::svg(&chart), caption: caption.to_owned() })
}

/// The three figures of one arm; `stem` begins their file names.
pub(crate) fn of_arm(summary: &Summary, stem: &str) -> Vec<Figure> {
    let trials = &summary.arm.search;
    let id = |trial: &Trial| trial.proposal.id.0 as f64;
    let parameters = |trial: &Trial| trial.proposal.parameters as f64;
    let accuracy = |trial: &Trial| fitness(trial).unwrap_or(f64::NAN);
    let failed: Vec<&Trial> = trials.iter().filter(|trial| fitness(trial).is_none()).collect();

    let over = |y: &dyn Fn(&Trial) -> f64| by_origin(trials, &|trial| (id(trial), y(trial)));
    let mut over_time = over(&accuracy);
    over_time.push(Series {
        name: "best so far".to_owned(),
        mark: Mark::Steps,
        ink: BEST,
        pattern: 0,
        points: best_so_far(summary),
    });
    if !failed.is_empty() {
        let points = failed.iter().map(|trial| Point { x: id(trial), y: 0.0, note: String::new() });
        over_time.push(Series {
            name: "failed".to_owned(),
            mark: Mark::Ticks,
            ink: FAILED,
            pattern: 0,
            points: points.collect(),
        });
    }
    let fitness_axis = || Axis { label: "validation accuracy".to_owned(), unit: Unit::Percent, at_least: Vec::new() };
    let size_axis = || Axis { label: "trainable parameters".to_owned(), unit: Unit::Parameters, at_least: Vec::new() };
    let charts = [
        ("fitness", "Fitness over evaluations", evaluations(trials), fitness_axis(), over_time),
        ("parameters", "Parameters over evaluations", evaluations(trials), size_axis(), over(&parameters)),
        (
            "accuracy-parameters",
            "Accuracy against parameters",
            size_axis(),
            fitness_axis(),
            by_origin(trials, &|trial| (parameters(trial), accuracy(trial))),
        ),
    ];
    let missing = match failed.len() as u64 {
        0 => String::new(),
        failed => format!(" {} without fitness.", count(failed, "trial is", "trials are")),
    };
    let captions = [
        format!("Every trial in the order of proposal, and the best fitness up to there.{missing}"),
        "Trainable parameters of the network that the search trains, for every trial, failed ones included.".to_owned(),
        format!("One dot a trial.{missing}"),
    ];
    let figure = |((name, title, x, y, series), caption): ((&str, &str, Axis, Axis, Vec<Series>), String)| {
        let chart = Chart { title: title.to_owned(), x, y, series, size: SMALL };
        Figure { name: format!("{stem}-{name}"), svg: chart::svg(&chart), caption }
    };
    charts.into_iter().zip(captions).map(figure).collect()
}

/// The trials as dots: genotypes drawn at random and mutated ones each in a colour.
fn by_origin(trials: &[Trial], place: &dyn Fn(&Trial) -> (f64, f64)) -> Vec<Series> {
    let points = |mutated: bool| -> Vec<Point> {
        let of_kind = trials.iter().filter(|trial| trial.proposal.parent.is_some() == mutated);
        of_kind.map(|trial| (trial, place(trial))).map(|(trial, (x, y))| Point { x, y, note: note(trial) }).collect()
    };
    let kinds = [("random genotype", RANDOM, points(false)), ("mutated genotype", CHILD, points(true))];
    let present = kinds.into_iter().filter(|(_, _, points)| !points.is_empty());
    present
        .map(|(name, ink, points)| Series { name: name.to_owned(), mark: Mark::Dots, ink, pattern: 0, points })
        .collect()
}

fn note(trial: &Trial) -> String {
    let score = fitness(trial).map_or_else(|| "failed".to_owned(), percent);
    format!("trial {}: {score}, {} parameters", trial.proposal.id, quantity(trial.proposal.parameters as f64))
}

/// Each new best, and the last trial, so that the line ends where the search does.
fn best_so_far(summary: &Summary) -> Vec<Point> {
    let mut records = summary.records();
    let last = summary.arm.search.last().map(|trial| trial.proposal.id);
    if let (Some(&(id, best)), Some(last)) = (records.last(), last)
        && id < last
    {
        records.push((last, best));
    }
    let point = |(TrialId(id), y): (TrialId, f64)| Point { x: id as f64, y, note: String::new() };
    records.into_iter().map(point).collect()
}

/// An axis of trial numbers that shows all of these trials, scored or not.
fn evaluations<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> Axis {
    let at_least = trials.into_iter().map(|trial| trial.proposal.id.0 as f64).collect();
    Axis { label: "trial".to_owned(), unit: Unit::Count, at_least }
}
