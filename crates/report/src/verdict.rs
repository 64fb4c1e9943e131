//! The scorecard: what was published, what came out, and whether that reproduces it.
//!
//! - A claim that nothing here tests, or of whose planned trainings any is unfinished or failed, is not tested.
//! - A run that differs from the paper in any number tests no claim: not tested at this scale.
//! - Fewer than [`FEWEST_SEEDS`] seeds test no claim: one search that went well or badly shows nothing.
//! - A test error, or a top-5 error, is reproduced when the bootstrap interval of the mean over seeds meets the published
//!   mean plus or minus its printed deviation; a better one that does not meet it is not the published one.
//! - One arm is better than another when the whole interval of the difference of their test errors is below zero.

use crate::bootstrap::{self, Interval};
use crate::format::{count, points};
use crate::summary::{Average, Summary, Test};
use crate::{Claim, Evidence, Page};

/// Seeds that a verdict needs at least.
pub(crate) const FEWEST_SEEDS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Reproduced,
    NotReproduced,
    /// The run is not at the paper's scale.
    NotAtThisScale,
    NotTested,
}

impl Verdict {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Verdict::Reproduced => "reproduced",
            Verdict::NotReproduced => "not reproduced",
            Verdict::NotAtThisScale => "not tested at this scale",
            Verdict::NotTested => "not tested",
        }
    }
}

/// A claim with its verdict.
pub(crate) struct Judged<'a> {
    pub(crate) claim: &'a Claim,
    /// What came out; `None` when there is nothing yet.
    pub(crate) obtained: Option<Obtained>,
    pub(crate) verdict: Verdict,
    /// Why, in a few words.
    pub(crate) why: String,
}

/// A test error or a difference of two, as parts of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Obtained {
    pub(crate) mean: f64,
    /// Standard deviation over the units; none for a difference.
    pub(crate) deviation: Option<f64>,
    pub(crate) interval: Option<Interval>,
    /// Seeds, of the arm that has fewer, and all trainings.
    pub(crate) seeds: usize,
    pub(crate) runs: usize,
    pub(crate) is_difference: bool,
}

/// All claims of a page, in its order.
pub(crate) fn judge<'a>(page: &'a Page, summaries: &[Summary]) -> Vec<Judged<'a>> {
    page.claims.iter().map(|claim| one(claim, page.differences.len() as u64, summaries)).collect()
}

fn one<'a>(claim: &'a Claim, differences: u64, summaries: &[Summary]) -> Judged<'a> {
    let arm = |name: &str| summaries.iter().find(|summary| summary.arm.name == name);
    let judged = |obtained, verdict, why| Judged { claim, obtained, verdict, why };
    let (arms, model, top_5) = match &claim.evidence {
        Evidence::TestError { arm, model } => (vec![arm], model, false),
        Evidence::Top5Error { arm, model } => (vec![arm], model, true),
        Evidence::LowerTestError { arm, than, model } => (vec![arm, than], model, false),
        Evidence::Nothing => return judged(None, Verdict::NotTested, "nothing in this run tests it".to_owned()),
    };
    let mut tests = Vec::new();
    let mut unfinished = false;
    for name in arms {
        let Some(summary) = arm(name) else {
            return judged(None, Verdict::NotTested, format!("this run has no arm {name}"));
        };
        let Some(test) = summary.test(model) else {
            return judged(None, Verdict::NotTested, format!("no winner of {name} has a result in the model {model}"));
        };
        unfinished |= !summary.searched() || !test.whole;
        let Some(average) = (if top_5 { test.top_5.as_ref() } else { Some(&test.accuracy) }) else {
            return judged(
                None,
                Verdict::NotTested,
                format!("no winner of {name} has a top-5 error in the model {model}"),
            );
        };
        tests.push((test, average));
    }
    let obtained = obtained(&tests);
    let judged = |verdict, why| judged(Some(obtained), verdict, why);
    if differences > 0 {
        let numbers = count(differences, "number differs", "numbers differ");
        return judged(Verdict::NotAtThisScale, format!("{numbers} from the paper's"));
    }
    if obtained.seeds < FEWEST_SEEDS {
        let seeds = count(obtained.seeds as u64, "seed", "seeds");
        return judged(Verdict::NotTested, format!("{seeds}; at least {FEWEST_SEEDS} are needed"));
    }
    if unfinished {
        return judged(Verdict::NotTested, "not all planned trials and trainings have come to a result".to_owned());
    }
    let Some(interval) = obtained.interval else {
        return judged(Verdict::NotTested, "the results have no interval".to_owned());
    };
    if obtained.is_difference {
        let range =
            format!("95 % interval of the difference {} to {} points", points(interval.low), points(interval.high));
        return match interval.high < 0.0 {
            true => judged(Verdict::Reproduced, format!("{range}: below zero")),
            false => judged(Verdict::NotReproduced, format!("{range}: not all below zero")),
        };
    }
    let Some(published) = printed_interval(&claim.published) else {
        return judged(Verdict::NotTested, "the published value is no number".to_owned());
    };
    let range = |interval: Interval| format!("{:.2} to {:.2} %", 100.0 * interval.low, 100.0 * interval.high);
    let both = format!("95 % interval {}, published {}", range(interval), range(published));
    match interval.meets(published) {
        true => judged(Verdict::Reproduced, format!("{both}: they meet")),
        false if interval.high < published.low => {
            judged(Verdict::NotReproduced, format!("{both}: lower than published"))
        }
        false => judged(Verdict::NotReproduced, format!("{both}: higher than published")),
    }
}

/// The error of one arm, or the difference of the errors of two.
fn obtained(tests: &[(&Test, &Average)]) -> Obtained {
    let errors = |average: &Average| average.units.iter().map(|accuracy| 1.0 - accuracy).collect::<Vec<f64>>();
    match tests {
        [(test, better), (other, worse), ..] => Obtained {
            mean: worse.mean - better.mean,
            deviation: None,
            interval: bootstrap::of_difference(&errors(better), &errors(worse)),
            seeds: test.seeds.min(other.seeds),
            runs: test.runs + other.runs,
            is_difference: true,
        },
        _ => {
            let (test, average) = tests[0];
            Obtained {
                mean: 1.0 - average.mean,
                deviation: average.deviation,
                interval: average.interval.map(|interval| interval.complement(1.0)),
                seeds: test.seeds,
                runs: test.runs,
                is_difference: false,
            }
        }
    }
}

/// Mean and deviation in % of a text such as `3.75 +- 0.12` or `4.0 %`; the deviation is 0 where none is printed.
pub(crate) fn printed_numbers(text: &str) -> Option<(f64, f64)> {
    let text = text.trim().trim_end_matches('%').trim_end();
    let (mean, deviation) = match ["+-", "+/-", "±"].iter().find_map(|sign| text.split_once(sign)) {
        Some((mean, deviation)) => (mean, deviation.trim().parse().ok()?),
        None => (text, 0.0),
    };
    let mean: f64 = mean.trim().parse().ok()?;
    (mean.is_finite() && f64::is_finite(deviation) && deviation >= 0.0).then_some((mean, deviation))
}

/// The same as parts of one, from mean less deviation to mean plus deviation.
fn printed_interval(text: &str) -> Option<Interval> {
    let (mean, deviation) = printed_numbers(text)?;
    Some(Interval { low: (mean - deviation) / 100.0, high: (mean + deviation) / 100.0 })
}

#[cfg(test)]
mod tests {
    use super::printed_numbers;

    #[test]
    fn a_published_error_is_a_mean_and_a_deviation() {
        let found =
            ["3.75 +- 0.12", " 4.0 %", "3.91±0.15 %", "about 4", "", "21.4 / 5.8", "3 +- x"].map(printed_numbers);
        let expected = [Some((3.75, 0.12)), Some((4.0, 0.0)), Some((3.91, 0.15)), None, None, None, None];
        assert_eq!(found, expected);
    }
}
