//! Values that people write: durations, times, counts, names.

use jiff::{Span, SpanRelativeTo, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::{Error, Result};

/// `120s`, `30m`, `500ms`: nanoseconds.
pub fn duration_ns(text: &str) -> Result<i64> {
    let bad = || {
        let error = if text.chars().all(|c| c.is_ascii_digit()) && !text.is_empty() {
            Error::new(format!("\"{text}\" has no unit"))
        } else {
            Error::new(format!("\"{text}\" is no duration above zero"))
        };
        error.help("write 120s, 30m or 500ms")
    };
    let span: Span = text.parse().map_err(|_| bad())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours())
        .ok()
        .and_then(|d| i64::try_from(d.as_nanos()).ok())
        .filter(|ns| *ns > 0)
        .ok_or_else(bad)
}

/// `A..B`, both RFC 3339 times with a zone, either may be missing: nanoseconds since 1970.
pub fn time_range(text: &str) -> Result<(i64, i64)> {
    const EXAMPLE: &str =
        "write 2026-05-04T10:00:00Z..2026-05-04T12:00:00+02:00; either end may be left out";
    let instant = |text: &str, default| {
        if text.is_empty() {
            return Ok(default);
        }
        let time: Timestamp = text
            .parse()
            .map_err(|_| Error::new(format!("\"{text}\" is no time with a zone")).help(EXAMPLE))?;
        i64::try_from(time.as_nanosecond())
            .map_err(|_| Error::new(format!("{text} is not between 1677 and 2262")))
    };
    let (from, to) = text
        .split_once("..")
        .ok_or_else(|| Error::new(format!("\"{text}\" is no range of time")).help(EXAMPLE))?;
    let range = (
        instant(from.trim(), i64::MIN)?,
        instant(to.trim(), i64::MAX)?,
    );
    if range.0 >= range.1 {
        return Err(Error::new(format!(
            "the range {text} ends before it begins"
        )));
    }
    Ok(range)
}

/// `1000`, `64k`, `1M`, `2G`: powers of ten.
pub fn count(text: &str) -> Result<u64> {
    let (digits, factor) = match text.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G']) {
        Some(digits) => (
            digits,
            match text.to_ascii_lowercase().as_bytes().last() {
                Some(b'k') => 1_000,
                Some(b'm') => 1_000_000,
                _ => 1_000_000_000,
            },
        ),
        None => (text, 1),
    };
    let n: u64 = digits.replace('_', "").parse().map_err(|_| {
        Error::new(format!("\"{text}\" is no number")).help("write 1000, 64k or 1M")
    })?;
    n.checked_mul(factor)
        .filter(|n| *n > 0)
        .ok_or_else(|| Error::new(format!("{text} is out of range")))
}

/// The name of a folder in an output, such as that of a label set: `what`.
pub(super) fn check_name(name: &str, what: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(good) {
        return Err(Error::new(format!("\"{name}\" is no name for {what}"))
            .help("use letters, digits, _ and -"));
    }
    Ok(())
}

/// A count in a file: a number, or a text such as `64k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Count(pub u64);

/// A count as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    /// 1000
    Number(u64),
    /// 64k
    Text(String),
}

impl TryFrom<Written> for Count {
    /// In one line: it becomes a part of what is told of the file.
    type Error = String;

    fn try_from(written: Written) -> std::result::Result<Self, String> {
        match written {
            Written::Number(number) => Ok(Self(number)),
            Written::Text(text) => count(&text).map(Self).map_err(|e| e.without_place()),
        }
    }
}

impl JsonSchema for Count {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::{count, duration_ns, time_range};

    #[test]
    fn values_are_read() {
        assert_eq!(duration_ns("120s").unwrap(), 120_000_000_000);
        assert_eq!(duration_ns("30m").unwrap(), 1_800_000_000_000);
        assert!(duration_ns("120").is_err());
        assert!(duration_ns("-1s").is_err());
        let day = time_range("1970-01-01T00:00:01Z..1970-01-01T01:00:02+01:00").unwrap();
        assert_eq!(day, (1_000_000_000, 2_000_000_000));
        assert_eq!(
            time_range("..1970-01-01T00:00:01Z").unwrap(),
            (i64::MIN, 1_000_000_000)
        );
        assert!(time_range("2020-01-01..2020-01-02").is_err());
        assert!(time_range("1970-01-02T00:00:00Z..1970-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn counts_are_read() {
        assert_eq!(count("1M").unwrap(), 1_000_000);
        assert_eq!(count("64k").unwrap(), 64_000);
        assert_eq!(count("1_000").unwrap(), 1000);
        assert!(count("").is_err());
        assert!(count("0").is_err());
        assert!(count("99999999999999G").is_err());
    }
}
