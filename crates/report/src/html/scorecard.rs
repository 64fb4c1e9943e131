//! The scorecard: claim, published, obtained, n, verdict.

use maud::{Markup, html};

use super::{cards, table, text};
use crate::Page;
use crate::bootstrap::RESAMPLES;
use crate::format::{MISSING, count, points, printed, range, spread};
use crate::verdict::{FEWEST_SEEDS, Judged, Obtained, Verdict};

/// One row a claim.
pub(super) fn section(page: &Page, judged: &[Judged]) -> Markup {
    let number = |verdict: Verdict| judged.iter().filter(|one| one.verdict == verdict).count() as u64;
    let row = |one: &Judged| {
        let Judged { claim, obtained, verdict, why } = one;
        let class = match verdict {
            Verdict::Reproduced => "verdict yes",
            Verdict::NotReproduced => "verdict no",
            Verdict::NotAtThisScale | Verdict::NotTested => "verdict open",
        };
        vec![
            html! { (claim.what) br; span class="n" { (claim.source) } },
            text(printed(&claim.published)),
            obtained.as_ref().map_or_else(|| text(MISSING), shown),
            obtained.as_ref().map_or_else(|| text(MISSING), n),
            html! { span class=(class) { (verdict.words()) } br; span class="n" { (why) } },
        ]
    };
    html! {
        section id="scorecard" {
            h2 { "Scorecard" }
            @if judged.is_empty() {
                p { "No claims are listed for this run." }
            } @else {
                p {
                    (count(judged.len() as u64, "claim", "claims")) ": "
                    (number(Verdict::Reproduced)) " reproduced, " (number(Verdict::NotReproduced)) " not reproduced, "
                    (number(Verdict::NotAtThisScale)) " not tested at this scale, " (number(Verdict::NotTested)) " not tested."
                }
                (cards(table(
                    &["claim", "published", "obtained", "n", "verdict"],
                    &[false, true, true, true, false],
                    judged.iter().map(row).collect(),
                )))
                p class="note" {
                    "Obtained: mean ± standard deviation of the test error over n, then its 95 % interval. n counts seeds, each the mean \
                     of its trainings, or the trainings where there is one seed. Intervals are percentile bootstrap intervals ("
                    (count(RESAMPLES as u64, "resample", "resamples")) " with a fixed seed). A test error is reproduced when its interval \
                     meets the published mean ± deviation; an order of two arms when the whole interval of their difference has that \
                     sign. No verdict is given on fewer than " (FEWEST_SEEDS) " seeds, on a run that differs from the paper in any \
                     number, or before every planned training has a result."
                    @if !page.differences.is_empty() { " Published values belong to the paper's scale, not to this one." }
                }
            }
        }
    }
}

fn shown(obtained: &Obtained) -> Markup {
    let Obtained { mean, deviation, interval, is_difference, .. } = obtained;
    let interval = interval.map(|interval| match is_difference {
        true => format!("{} to {}", points(interval.low), points(interval.high)),
        false => range(interval.low, interval.high),
    });
    html! {
        @if *is_difference { (points(*mean)) " points" } @else { (spread(*mean, *deviation)) }
        @if let Some(interval) = interval { br; span class="n" { (interval) } }
    }
}

/// `3 seeds, 15 trainings`.
fn n(obtained: &Obtained) -> Markup {
    let seeds = count(obtained.seeds as u64, "seed", "seeds");
    html! { (seeds) br; span class="n" { (count(obtained.runs as u64, "training", "trainings")) } }
}
