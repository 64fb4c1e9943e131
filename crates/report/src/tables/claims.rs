//! The tables about the run as a whole.

use super::{Table, cell, number};
use crate::Page;
use crate::summary::Summary;
use crate::verdict::judge;

pub(super) fn scorecard(page: &Page, summaries: &[Summary]) -> Table {
    let row = |one: &crate::verdict::Judged| {
        let obtained = one.obtained;
        vec![
            one.claim.what.clone(),
            one.claim.published.clone(),
            one.claim.source.clone(),
            cell(
                obtained
                    .map(|obtained| if obtained.is_difference { "difference of test errors" } else { "test error" }),
            ),
            number(obtained.map(|obtained| obtained.mean)),
            number(obtained.and_then(|obtained| obtained.deviation)),
            number(obtained.and_then(|obtained| Some(obtained.interval?.low))),
            number(obtained.and_then(|obtained| Some(obtained.interval?.high))),
            cell(obtained.map(|obtained| obtained.seeds)),
            cell(obtained.map(|obtained| obtained.runs)),
            one.verdict.words().to_owned(),
            one.why.clone(),
        ]
    };
    Table {
        name: "scorecard",
        row: "a published claim",
        columns: &[
            ("claim", "", "what was published"),
            ("published", "", "its value, as printed"),
            ("source", "", "where it was printed"),
            ("quantity", "", "what the obtained numbers are"),
            ("mean", "1", "what was obtained: mean over seeds, or over trainings where there is one seed"),
            ("standard_deviation", "1", "of what the mean is over; empty for a difference"),
            ("interval_low", "1", "lower end of the 95 % bootstrap interval of the mean"),
            ("interval_high", "1", "its upper end"),
            ("seeds", "", "seeds with a result; of two arms, of that with fewer"),
            ("trainings", "", "trainings behind it, of all seeds and arms"),
            ("verdict", "", "reproduced, not reproduced, not tested at this scale, or not tested"),
            ("why", "", "the reason for the verdict"),
        ],
        rows: judge(page, summaries).iter().map(row).collect(),
    }
}

pub(super) fn differences(page: &Page) -> Table {
    let row = |found: &crate::Difference| vec![found.what.clone(), found.paper.clone(), found.here.clone()];
    Table {
        name: "differences",
        row: "a number that differs from the paper's",
        columns: &[
            ("what", "", "what it is the number of"),
            ("paper", "", "the paper's"),
            ("here", "", "the one of this run"),
        ],
        rows: page.differences.iter().map(row).collect(),
    }
}

pub(super) fn published(page: &Page) -> Table {
    let row = |found: &crate::Published| vec![found.what.clone(), found.value.clone(), found.source.clone()];
    Table {
        name: "published",
        row: "a published number that is no claim about this run",
        columns: &[
            ("what", "", "what it is the number of"),
            ("value", "", "the number, as printed"),
            ("source", "", "where it was printed"),
        ],
        rows: page.published.iter().map(row).collect(),
    }
}

pub(super) fn facts(page: &Page) -> Table {
    Table {
        name: "facts",
        row: "something one needs to run it again",
        columns: &[("name", "", "what it is"), ("value", "", "its value")],
        rows: page.facts.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect(),
    }
}
