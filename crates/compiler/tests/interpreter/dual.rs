//! Numbers that carry their derivative along one direction.

/// A value and how fast it changes along the direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dual {
    pub(crate) value: f64,
    pub(crate) slope: f64,
}

impl Dual {
    pub(crate) const ZERO: Dual = Dual { value: 0.0, slope: 0.0 };
    pub(crate) const ONE: Dual = Dual { value: 1.0, slope: 0.0 };

    pub(crate) fn plus(self, other: Dual) -> Dual {
        Dual { value: self.value + other.value, slope: self.slope + other.slope }
    }

    pub(crate) fn times(self, other: Dual) -> Dual {
        Dual { value: self.value * other.value, slope: self.slope * other.value + self.value * other.slope }
    }

    pub(crate) fn relu(self) -> Dual {
        if self.value > 0.0 { self } else { Dual::ZERO }
    }

    /// The larger of two; the first when they are equal.
    pub(crate) fn max(self, other: Dual) -> Dual {
        if other.value > self.value { other } else { self }
    }

    pub(crate) fn mean(values: &[Dual]) -> Dual {
        let sum = values.iter().fold(Dual::ZERO, |sum, &value| sum.plus(value));
        sum.times(Dual { value: 1.0 / values.len() as f64, slope: 0.0 })
    }

    /// Equal up to rounding, since passes may add sums up in another order.
    pub(crate) fn is_close(self, other: Dual) -> bool {
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()));
        close(self.value, other.value) && close(self.slope, other.slope)
    }
}
