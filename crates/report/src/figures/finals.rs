//! Test errors of the winners, for each model.

use super::{Figure, axis, figure};
use crate::Page;
use crate::chart::{Chart, Mark, Point, Series, Unit};
use crate::format::percent;
use crate::query;
use crate::searches::models;
use crate::summary::Summary;

/// One figure for each model in which any winner has a result.
pub(super) fn figures(page: &Page, summaries: &[Summary]) -> Vec<Figure> {
    let numbered = (1..).zip(models(page));
    numbered.filter_map(|(number, model)| one(&format!("final-errors-{number}"), model, summaries)).collect()
}

fn one(name: &str, model: &str, summaries: &[Summary]) -> Option<Figure> {
    let tested: Vec<_> = summaries
        .iter()
        .enumerate()
        .filter_map(|(look, summary)| Some((look, summary, summary.test(model)?)))
        .collect();
    if tested.is_empty() {
        return None;
    }
    let mut series = Vec::new();
    let mut studies = Vec::new();
    for (place, (look, summary, test)) in (1..).zip(&tested) {
        let (x, look) = (f64::from(place), *look);
        let mut points = Vec::new();
        for seed in &summary.seeds {
            for retraining in seed.of_winner().filter(|retraining| retraining.model == model) {
                studies.push(retraining.study.as_str());
                for run in &retraining.runs {
                    let Some(error) = run.test_accuracy.map(|accuracy| 1.0 - accuracy) else { continue };
                    let note = format!("{}, seed {}: {}", summary.arm.name, seed.seed.seed, percent(error));
                    points.push(Point { note, ..Point::new(x, error) });
                }
            }
        }
        let mean = vec![Point::new(x, 1.0 - test.accuracy.mean)];
        series.push(Series { name: String::new(), mark: Mark::Bars, look, points: mean });
        series.push(Series { name: format!("{place}: {}", summary.arm.name), mark: Mark::Dots, look, points });
    }
    let chart = Chart {
        title: format!("Test error of the winners ({model})"),
        x: axis("arm", Unit::Names),
        y: axis("test error", Unit::Percent),
        series,
    };
    let caption = "Each marker is one training of a winner as a large model, each bar the mean of an arm. The axis need not begin \
                   at zero.";
    Some(figure(name.to_owned(), &chart, caption.to_owned(), query::trainings(studies)))
}
