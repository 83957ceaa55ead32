//! Time stamps: from a file's ticks to nanoseconds since 1970, exactly.
//!
//! Not by way of floating point, nor by pcap-parser's helpers, which refuse resolutions in powers
//! of two, cut seconds to 32 bits and read negative offsets as positive ones.

use std::fmt;

const NS: u128 = 1_000_000_000;

/// Unit of time stamps, as pcapng writes it: a negative power of ten, or of two if the top bit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution(pub u8);

impl Resolution {
    /// The usual one, and pcapng's default.
    pub const MICROSECONDS: Self = Self(6);
    /// Nanoseconds.
    pub const NANOSECONDS: Self = Self(9);

    fn exponent(self) -> u32 {
        (self.0 & 0x7f).into()
    }

    fn is_power_of_two(self) -> bool {
        self.0 & 0x80 != 0
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_power_of_two(), self.exponent()) {
            (_, 0) => f.write_str("1"),
            (true, exponent) => write!(f, "2^-{exponent}"),
            (false, exponent) => write!(f, "1e-{exponent}"),
        }
    }
}

/// Turns ticks of one interface into nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    scale: Scale,
    offset_ns: i128,
}

#[derive(Debug, Clone, Copy)]
enum Scale {
    /// Nanoseconds in a tick.
    Multiply(u32),
    /// Ticks in a second.
    Divide(u128),
    /// Ticks so short that 64 bits of them are no nanosecond.
    Nothing,
}

impl Clock {
    pub(super) fn new(resolution: Resolution, offset_s: i64) -> Self {
        let exponent = resolution.exponent();
        let scale = if resolution.is_power_of_two() {
            2_u128
                .checked_pow(exponent)
                .map_or(Scale::Nothing, Scale::Divide)
        } else if let Some(power) = 9_u32.checked_sub(exponent) {
            Scale::Multiply(10_u32.pow(power))
        } else {
            10_u128
                .checked_pow(exponent)
                .map_or(Scale::Nothing, Scale::Divide)
        };
        Self {
            scale,
            offset_ns: i128::from(offset_s) * NS.cast_signed(),
        }
    }

    /// Rounds down to nanoseconds; a time that 64 bits cannot hold becomes the nearest they can.
    #[inline]
    pub(super) fn ns(&self, ticks: u64) -> i64 {
        let ticks = u128::from(ticks);
        let since_offset = match self.scale {
            Scale::Multiply(ns) => ticks * u128::from(ns),
            // Ticks are below 2^64 and a second's nanoseconds below 2^30: it fits.
            Scale::Divide(per_second) => (ticks * NS).checked_div(per_second).unwrap_or_default(),
            Scale::Nothing => 0,
        };
        saturate(self.offset_ns + since_offset.cast_signed())
    }
}

#[inline]
fn saturate(ns: i128) -> i64 {
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}

/// Nanoseconds since 1970, written as a time in UTC for a person: `2017-07-07T08:59:50.315195Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc(pub i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(self.0.into()) {
            Ok(time) => write!(f, "{time}"),
            // Cannot be: 64 bits end in 2262 and jiff's times in 9999.
            Err(_) => write!(f, "{} ns since 1970", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ns_power_of_ten() {
        assert_eq!(
            Clock::new(Resolution(6), 0).ns(1_500_000_000_123_456),
            1_500_000_000_123_456_000
        );
        assert_eq!(
            Clock::new(Resolution(9), 0).ns(1_500_000_000_123_456_789),
            1_500_000_000_123_456_789
        );
        assert_eq!(Clock::new(Resolution(0), 0).ns(7), 7_000_000_000);
        assert_eq!(Clock::new(Resolution(12), 0).ns(1_999), 1);
        assert_eq!(Clock::new(Resolution(28), 0).ns(u64::MAX), 1);
        assert_eq!(Clock::new(Resolution(38), 0).ns(u64::MAX), 0);
        assert_eq!(Clock::new(Resolution(0x7f), 5).ns(u64::MAX), 5_000_000_000);
    }

    #[test]
    fn ns_power_of_two() {
        assert_eq!(Clock::new(Resolution(0x80), 0).ns(7), 7_000_000_000);
        assert_eq!(Clock::new(Resolution(0x80 | 1), 0).ns(3), 1_500_000_000);
        assert_eq!(
            Clock::new(Resolution(0x80 | 32), 0).ns((5 << 32) + (1 << 31)),
            5_500_000_000
        );
        assert_eq!(Clock::new(Resolution(0xff), 0).ns(u64::MAX), 0);
    }

    #[test]
    fn ns_offset_and_ends() {
        assert_eq!(Clock::new(Resolution(6), -10).ns(1_500_000), -8_500_000_000);
        assert_eq!(Clock::new(Resolution(0), 0).ns(u64::MAX), i64::MAX);
        assert_eq!(Clock::new(Resolution(0), i64::MIN).ns(0), i64::MIN);
        assert_eq!(Clock::new(Resolution(0), i64::MAX).ns(u64::MAX), i64::MAX);
    }

    #[test]
    fn display() {
        assert_eq!(Resolution(6).to_string(), "1e-6");
        assert_eq!(Resolution(0x94).to_string(), "2^-20");
        assert_eq!(Resolution(0x80).to_string(), "1");
        assert_eq!(
            Utc(1_499_417_990_315_195_000).to_string(),
            "2017-07-07T08:59:50.315195Z"
        );
        assert_eq!(Utc(i64::MIN).to_string(), "1677-09-21T00:12:43.145224192Z");
    }
}
