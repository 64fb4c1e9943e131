//! Axes: a range that holds all data, round ticks, labels with as many digits as the ticks need.

/// What the numbers of an axis are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Whole things, counted.
    Count,
    /// Parts of one that are not negative, shown in %.
    Percent,
    /// Differences of parts of one, shown in percentage points.
    Points,
    /// Parameters, shown in thousands or millions.
    Parameters,
    /// Places with names; ticks at 1, 2, 3, ...
    Names,
}

/// A range with ticks. Invariant: `low < high`, both finite.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Where the ticks are, and their labels.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Scale {
    /// A scale that shows all `numbers` that are finite with a little air around them, with about `wanted` ticks.
    pub(super) fn of(numbers: impl IntoIterator<Item = f64>, unit: Unit, wanted: usize) -> Scale {
        let finite = numbers.into_iter().filter(|number| number.is_finite() && number.abs() < 1e15);
        let range = finite.fold(None, |range, number| match range {
            None => Some((number, number)),
            Some((low, high)) => Some((f64::min(low, number), f64::max(high, number))),
        });
        let (least, most) = range.unwrap_or((0.0, 1.0));
        let smallest = match unit {
            Unit::Count | Unit::Names => 1.0,
            Unit::Percent | Unit::Points => 0.004,
            Unit::Parameters => 1000.0,
        };
        // A single value gets a range around it, so that it does not lie on the border.
        let spread = (most - least).max(smallest).max(most.abs() * 1e-9);
        let air = match unit {
            Unit::Count => 0.02,
            Unit::Percent | Unit::Points | Unit::Parameters => 0.06,
            Unit::Names => 0.5 / spread,
        };
        let middle = f64::midpoint(least, most);
        let (mut low, mut high) = (middle - spread * (0.5 + air), middle + spread * (0.5 + air));
        // Neither counts nor parameters nor accuracies are negative; no accuracy is above one.
        if least >= 0.0 && matches!(unit, Unit::Count | Unit::Percent | Unit::Parameters) {
            low = low.max(0.0);
        }
        if unit == Unit::Percent && most <= 1.0 {
            high = high.min(1.0 + 0.01 * (1.0 - low));
        }
        Scale { low, high, ticks: ticks(low, high, unit, wanted) }
    }

    /// Where `number` lies between 0 at the low end and 1 at the high end.
    pub(super) fn place(&self, number: f64) -> f64 {
        (number - self.low) / (self.high - self.low)
    }
}

fn ticks(low: f64, high: f64, unit: Unit, wanted: usize) -> Vec<(f64, String)> {
    let rough = (high - low) / wanted.max(1) as f64;
    let power = 10.0_f64.powf(rough.log10().floor());
    let far = |round: &f64| (round * power / rough).ln().abs();
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(10.0);
    let step = match unit {
        // Every place has its number, unless there are absurdly many.
        Unit::Names if high - low < 40.0 => 1.0,
        Unit::Count | Unit::Names => (round * power).max(1.0).round(),
        Unit::Percent | Unit::Points | Unit::Parameters => round * power,
    };
    let first = (low / step - 1e-6).ceil() as i64;
    let last = (high / step + 1e-6).floor() as i64;
    // About `wanted` of them; the bound only guards against a step lost in rounding.
    (first..=last).take(200).map(|k| k as f64 * step).map(|at| (at, label(at, step, high, unit))).collect()
}

fn label(at: f64, step: f64, high: f64, unit: Unit) -> String {
    let (divisor, suffix) = match unit {
        Unit::Count | Unit::Names => (1.0, ""),
        Unit::Percent => (0.01, " %"),
        Unit::Points => (0.01, ""),
        Unit::Parameters if high >= 1e6 || step >= 1e5 => (1e6, " M"),
        Unit::Parameters if high >= 1e5 => (1e6, " M"),
        Unit::Parameters if high >= 1e3 => (1e3, " k"),
        Unit::Parameters => (1.0, ""),
    };
    let decimals = (-(step / divisor).log10() - 1e-9).ceil().clamp(0.0, 6.0) as usize;
    // Zero has no sign.
    let value = if at.abs() < step * 1e-6 { 0.0 } else { at / divisor };
    format!("{value:.decimals$}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(numbers: &[f64], unit: Unit) -> Vec<String> {
        Scale::of(numbers.iter().copied(), unit, 5).ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_have_the_digits_they_need() {
        assert_eq!(labels(&[1.0, 7000.0], Unit::Count), ["0", "2000", "4000", "6000"]);
        assert_eq!(labels(&[1.0, 4.0], Unit::Count), ["1", "2", "3", "4"]);
        assert_eq!(labels(&[0.842, 0.861], Unit::Percent), ["84.5 %", "85.0 %", "85.5 %", "86.0 %"]);
        assert_eq!(labels(&[-0.004, 0.016], Unit::Points), ["-0.5", "0.0", "0.5", "1.0", "1.5"]);
        assert_eq!(labels(&[0.1, 1.0], Unit::Percent), ["20 %", "40 %", "60 %", "80 %", "100 %"]);
        assert_eq!(labels(&[110_000.0, 562_000.0], Unit::Parameters), ["0.1 M", "0.2 M", "0.3 M", "0.4 M", "0.5 M"]);
    }

    #[test]
    fn any_numbers_give_a_range_that_holds_them() {
        let cases: [&[f64]; 7] =
            [&[], &[0.5], &[0.0, 0.0], &[f64::NAN, 0.3], &[-5.0, 5.0], &[1e14], &[f64::INFINITY, f64::MIN_POSITIVE]];
        for numbers in cases {
            for unit in [Unit::Count, Unit::Percent, Unit::Points, Unit::Parameters, Unit::Names] {
                let scale = Scale::of(numbers.iter().copied(), unit, 5);
                assert!(scale.low.is_finite() && scale.high.is_finite() && scale.low < scale.high, "{numbers:?}");
                assert!(!scale.ticks.is_empty() && scale.ticks.len() <= 12, "{numbers:?}: {:?}", scale.ticks);
                for number in numbers.iter().filter(|number| number.is_finite()) {
                    let place = scale.place(*number);
                    assert!((0.0..=1.0).contains(&place), "{number} at {place}");
                }
            }
        }
    }
}
