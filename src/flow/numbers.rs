//! Distributions in a single pass.
//!
//! Sums and sums of squares are kept as integers, so that they are exact whatever the order of
//! values, and of two directions together as well as of each.

use netcap_proto::{SizesRow, TimesRow};

/// Of how many values, their least and greatest, sum and sum of squares.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Distribution {
    pub(super) count: u64,
    least: u64,
    greatest: u64,
    sum: u64,
    squares: u128,
}

impl Distribution {
    #[inline]
    pub(super) fn add(&mut self, value: u64) {
        if self.count == 0 {
            self.least = value;
        }
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.squares = self
            .squares
            .saturating_add(u128::from(value) * u128::from(value));
    }

    /// Of the values of both.
    pub(super) fn and(&self, other: &Self) -> Self {
        match (self.count, other.count) {
            (0, _) => *other,
            (_, 0) => *self,
            _ => Self {
                count: self.count + other.count,
                least: self.least.min(other.least),
                greatest: self.greatest.max(other.greatest),
                sum: self.sum.saturating_add(other.sum),
                squares: self.squares.saturating_add(other.squares),
            },
        }
    }

    pub(super) fn sum(&self) -> i64 {
        i64::try_from(self.sum).unwrap_or(i64::MAX)
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// With divisor n - 1. The difference is taken of integers, where nothing is lost.
    fn stddev(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let (n, sum) = (u128::from(self.count), u128::from(self.sum));
        let scaled = match (n.checked_mul(self.squares), sum.checked_mul(sum)) {
            (Some(a), Some(b)) => a.saturating_sub(b) as f64,
            _ => {
                let mean = self.sum as f64 / self.count as f64;
                (self.squares as f64 - mean * self.sum as f64).max(0.0) * self.count as f64
            }
        };
        let n = self.count as f64;
        Some((scaled / (n * (n - 1.0))).sqrt())
    }

    fn bound(&self, value: u64) -> Option<i64> {
        (self.count > 0).then(|| i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub(super) fn sizes(&self) -> SizesRow {
        SizesRow {
            min: self.bound(self.least),
            max: self.bound(self.greatest),
            mean: self.mean(),
            stddev: self.stddev(),
        }
    }

    pub(super) fn times(&self) -> TimesRow {
        TimesRow {
            min: self.bound(self.least),
            max: self.bound(self.greatest),
            mean: self.mean(),
            stddev: self.stddev(),
        }
    }
}

/// Gaps between packets, each from the latest time so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gaps {
    pub(super) gaps: Distribution,
    latest: Option<i64>,
}

impl Gaps {
    /// Adds a packet's time; gives its gap. `None` for the first packet, and for one that is
    /// earlier than the latest.
    #[inline]
    pub(super) fn add(&mut self, ts_ns: i64) -> Option<u64> {
        let Some(latest) = self.latest else {
            self.latest = Some(ts_ns);
            return None;
        };
        let gap = u64::try_from(ts_ns.saturating_sub(latest)).ok()?;
        self.latest = Some(ts_ns);
        self.gaps.add(gap);
        Some(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::{Distribution, Gaps};

    fn of(values: &[u64]) -> Distribution {
        let mut distribution = Distribution::default();
        values.iter().for_each(|v| distribution.add(*v));
        distribution
    }

    #[test]
    fn distribution_of_few_values() {
        assert_eq!((of(&[]).mean(), of(&[]).stddev()), (None, None));
        assert_eq!((of(&[7]).mean(), of(&[7]).stddev()), (Some(7.0), None));
        let row = of(&[2, 4, 4, 4, 5, 5, 7, 9]).sizes();
        assert_eq!((row.min, row.max, row.mean), (Some(2), Some(9), Some(5.0)));
        assert!((row.stddev.unwrap() - (32.0f64 / 7.0).sqrt()).abs() < 1e-15);
    }

    /// Large values close together: where floating sums of squares would be off by everything.
    #[test]
    fn distribution_keeps_digits() {
        let start = 1_000_000_000_000_000;
        let row = of(&[start, start + 1, start + 2]).times();
        assert_eq!(row.stddev, Some(1.0));
    }

    #[test]
    fn distribution_of_two_parts_is_that_of_the_whole() {
        let parts = of(&[5, 1]).and(&of(&[100])).sizes();
        let whole = of(&[5, 1, 100]).sizes();
        assert_eq!(
            (parts.min, parts.max, parts.mean, parts.stddev),
            (whole.min, whole.max, whole.mean, whole.stddev)
        );
    }

    #[test]
    fn gaps_are_never_negative() {
        let mut gaps = Gaps::default();
        let seen: Vec<Option<u64>> = [10, 30, 20, 30, 31].map(|t| gaps.add(t)).to_vec();
        assert_eq!(seen, [None, Some(20), None, Some(0), Some(1)]);
    }
}
