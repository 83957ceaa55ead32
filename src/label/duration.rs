//! Lengths of time as people write them: `37s`, `+1.5 min`, `199.8 ms`. Exact to the nanosecond,
//! without floating point. Used by clocks and by the time literals of conditions.

use crate::label::problems::Fault;

/// The units that may be written, with their nanoseconds.
const UNITS: &[(&str, i64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Nanoseconds of a unit; `None` if there is no such unit.
pub(super) fn unit(name: &str) -> Option<i64> {
    UNITS
        .iter()
        .find(|(unit, _)| unit.eq_ignore_ascii_case(name))
        .map(|(_, ns)| *ns)
}

/// `number` (digits, perhaps with a fraction, no sign) times `unit` nanoseconds. `None` if it is
/// no such number, does not fit, or is finer than a nanosecond.
pub(super) fn nanoseconds(number: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let units: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let scaled = units.checked_mul(i128::from(unit))?;
    (scaled % scale == 0).then(|| i64::try_from(scaled / scale).ok())?
}

/// Reads a length of time with an optional sign, in nanoseconds.
///
/// # Errors
/// No number, an unknown or missing unit, a fraction of a nanosecond, more than 292 years.
pub(super) fn parse(text: &str) -> Result<i64, Fault> {
    let shown = text.trim();
    let (sign, rest) = match shown.strip_prefix(['+', '-', '−']) {
        Some(rest) if shown.starts_with('+') => (1, rest.trim_start()),
        Some(rest) => (-1, rest.trim_start()),
        None => (1, shown),
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (number, name) = rest.split_at(end);
    let name = name.trim();
    let wrong = |message: String| {
        Fault::new(0, message)
            .help("write it as `37s`, `-1.5 min` or `250 ms` (ns, us, ms, s, min, h, d)")
    };
    if number.is_empty() {
        return Err(wrong(format!("`{shown}` is no length of time")));
    }
    if name.is_empty() {
        return Err(wrong(format!("`{shown}` has no unit")));
    }
    let Some(unit) = unit(name) else {
        return Err(wrong(format!("`{name}` is no unit of time")));
    };
    nanoseconds(number, unit)
        .and_then(|ns| ns.checked_mul(sign))
        .ok_or_else(|| wrong(format!("`{shown}` is too long, or finer than a nanosecond")))
}

/// A length of time for a reader: `1 h 4 min`, `43.5 s`, `12 ms`. Two units at most, cut off and
/// not rounded.
pub(super) fn show(ns: i64) -> String {
    let ns = ns.unsigned_abs();
    let big: [(u64, &str); 4] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "min"),
        (1_000_000_000, "s"),
    ];
    for (n, (size, name)) in big.iter().enumerate() {
        if ns < *size {
            continue;
        }
        let (whole, rest) = (ns / size, ns % size);
        return match big.get(n + 1) {
            Some((next, next_name)) if rest / next > 0 => {
                format!("{whole} {name} {} {next_name}", rest / next)
            }
            None if rest >= 1_000_000 => format!("{whole}.{:03} s", rest / 1_000_000),
            _ => format!("{whole} {name}"),
        };
    }
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{}.{:03} µs", ns / 1_000, ns % 1_000),
        _ => format!("{}.{:03} ms", ns / 1_000_000, ns / 1_000 % 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_exact() {
        for (text, ns) in [
            ("37s", 37_000_000_000),
            ("+37 s", 37_000_000_000),
            ("-1.5 min", -90_000_000_000),
            ("199.8 ms", 199_800_000),
            ("0.000000001 s", 1),
            ("1h", 3_600_000_000_000),
            ("2 µs", 2_000),
        ] {
            assert_eq!(parse(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn lengths_without_unit_or_too_fine_are_refused() {
        for (text, message) in [
            ("37", "`37` has no unit"),
            ("fast", "`fast` is no length of time"),
            ("3 weeks", "`weeks` is no unit of time"),
            ("0.1 ns", "`0.1 ns` is too long, or finer than a nanosecond"),
            (
                "1.2.3 s",
                "`1.2.3 s` is too long, or finer than a nanosecond",
            ),
            (
                "400000000 d",
                "`400000000 d` is too long, or finer than a nanosecond",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().message, message);
        }
    }

    #[test]
    fn lengths_are_shown_in_two_units() {
        for (ns, text) in [
            (0, "0 ns"),
            (1_500, "1.500 µs"),
            (1_500_000, "1.500 ms"),
            (43_500_000_000, "43.500 s"),
            (43_000_000_000, "43 s"),
            (3_840_000_000_000, "1 h 4 min"),
            (-18_000_000_000_000, "5 h"),
        ] {
            assert_eq!(show(ns), text);
        }
    }
}
