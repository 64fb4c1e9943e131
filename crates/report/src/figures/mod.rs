//! The figures of a report: which data each shows, what is said under it, and which query gives its data.

mod arm;
mod figure3;
mod figure4;
mod finals;

pub(crate) use figure4::gain;

use crate::Page;
use crate::chart::{self, Axis, Chart, Unit};
use crate::searches::{retrained, searches};
use crate::summary::Summary;

/// A figure, drawn.
pub(crate) struct Figure {
    /// File name without its ending.
    pub(crate) name: String,
    pub(crate) svg: String,
    pub(crate) caption: String,
    /// The ledger's query behind it.
    pub(crate) sql: String,
}

/// All figures of a report.
pub(crate) struct Figures {
    /// The three panels of the paper's Figure 3; none without a search of several trials.
    pub(crate) figure3: Vec<Figure>,
    /// The paper's Figure 4, for each arm; none unless the first trial of a search was retrained, and another one.
    pub(crate) figure4: Vec<Figure>,
    /// Fitness against test accuracy, for each model.
    pub(crate) small_and_large: Vec<Figure>,
    /// Test errors of all winners, for each model.
    pub(crate) finals: Vec<Figure>,
    /// Those of each arm.
    pub(crate) arms: Vec<Vec<Figure>>,
}

impl Figures {
    /// Draws everything. `stems` begin the file names of each arm's figures.
    pub(crate) fn of(page: &Page, summaries: &[Summary], stems: &[String]) -> Figures {
        let (searches, retrained) = (searches(page), retrained(page));
        Figures {
            figure3: figure3::panels(&searches),
            figure4: figure4::gains(&searches, &retrained),
            small_and_large: figure4::small_and_large(page, &retrained),
            finals: finals::figures(page, summaries),
            arms: summaries.iter().zip(stems).map(|(summary, stem)| arm::figures(summary, stem)).collect(),
        }
    }

    /// All of them, in the order of the page.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Figure> {
        let whole = self.figure3.iter().chain(&self.figure4).chain(&self.small_and_large);
        whole.chain(self.arms.iter().flatten()).chain(&self.finals)
    }
}

fn figure(name: String, chart: &Chart, caption: String, sql: String) -> Figure {
    Figure { name, svg: chart::svg(chart), caption, sql }
}

/// An axis of evolution steps: the numbers of the trials.
fn step_axis(last: impl IntoIterator<Item = u64>) -> Axis {
    let at_least = last.into_iter().flat_map(|last| [1.0, last.max(1) as f64]).collect();
    Axis { label: "evolution step (trial)".to_owned(), unit: Unit::Count, at_least }
}

fn axis(label: &str, unit: Unit) -> Axis {
    Axis { label: label.to_owned(), unit, at_least: Vec::new() }
}
