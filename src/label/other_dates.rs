//! Dates in forms that a label file does not have, such as `05/04/2026`: recognised, so that a user is told
//! how to write that day. Never read as what they seem to be.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;

use crate::label::problems::Fault;

/// Forms of a day, in the words of strftime.
const FORMS: [&str; 13] = [
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%Y.%m.%d",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%b %d %Y",
    "%b %d, %Y",
    "%d %b %Y",
    "%Y%m%d",
];

/// What to say of a text that begins with a day in another form, or counts from 1970.
pub(super) fn recognise(text: &str) -> Option<Fault> {
    if let Some(when) = epoch(text) {
        return Some(
            Fault::new(0, format!("`{text}` is no date and time"))
                .help(format!("if it counts from 1970, write {when}")),
        );
    }
    let ends = |at: usize| {
        let after = text.get(at..).unwrap_or_default().chars().next();
        after.is_none_or(|c| c.is_whitespace() || c == 'T' || c == ',')
    };
    let day = |form: &&str| {
        let (time, at) = BrokenDownTime::parse_prefix(form, text).ok()?;
        let day = time.to_date().ok().filter(|_| ends(at));
        // Years of two digits are those of this age.
        day.filter(|day| (1970..2262).contains(&day.year()))
    };
    let compact = |text: &str| {
        let (time, _) = BrokenDownTime::parse_prefix("%Y%m%dT%H%M%S", text).ok()?;
        let time = time.to_datetime().ok()?;
        let zone = if text.ends_with('Z') { "Z" } else { "" };
        Some(format!("{} {}{zone}", time.date(), time.time()))
    };
    if let Some(when) = compact(text) {
        return Some(
            Fault::new(0, format!("`{text}` is no date and time")).help(format!("write {when}")),
        );
    }
    let days: BTreeSet<String> = FORMS
        .iter()
        .filter_map(day)
        .map(|day| day.to_string())
        .collect();
    let mut days = days.into_iter();
    let (first, second) = (days.next()?, days.next());
    let help = match second {
        None => format!("write the day as {first} (year, month, day)"),
        Some(second) => {
            format!("write the day as {first} or {second} (year, month, day), whichever is meant")
        }
    };
    Some(Fault::new(0, format!("`{text}` has its date in another form")).help(help))
}

/// The time of a number of seconds, or of thousandths, millionths or billionths of them.
fn epoch(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !text.split('.').all(fits) || text.matches('.').count() > 1 {
        return None;
    }
    let count: i128 = whole.parse().ok()?;
    let unit: i128 = match whole.len() {
        9 | 10 => 1_000_000_000,
        12 | 13 => 1_000_000,
        15 | 16 => 1_000,
        18 | 19 => 1,
        _ => return None,
    };
    // Digits beyond nanoseconds are left out.
    let nanoseconds: String = fraction
        .chars()
        .chain(std::iter::repeat('0'))
        .take(9)
        .collect();
    let part = nanoseconds.parse::<i128>().ok()? * unit / 1_000_000_000;
    let time = Timestamp::from_nanosecond(count * unit + part).ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use super::recognise;

    #[test]
    fn other_forms_are_told_as_days() {
        for (text, help) in [
            ("05/04/2026 10:20", "2026-04-05 or 2026-05-04"),
            ("25/04/2026 10:20", "as 2026-04-25 ("),
            ("4.5.2026", "as 2026-05-04 ("),
            ("2026/05/04T10:20Z", "as 2026-05-04 ("),
            ("May 4 2026 10:20", "as 2026-05-04 ("),
            ("1777890000", "write 2026-05-04T10:20:00Z"),
            ("1777890000.25", "write 2026-05-04T10:20:00.25Z"),
            ("1777890000250.5", "write 2026-05-04T10:20:00.2505Z"),
            ("20260504 15:52", "as 2026-05-04 ("),
            ("05/25/26 3:52 PM", "as 2026-05-25 ("),
            ("1777890000000", "write 2026-05-04T10:20:00Z"),
            ("20260504T102000Z", "write 2026-05-04 10:20:00Z"),
        ] {
            let fault = recognise(text).unwrap();
            assert!(fault.help.unwrap().contains(help), "{text}");
        }
        for text in [
            "10:20",
            "noon",
            "10.20",
            "",
            "2026-05-04 10:20",
            "17778900001777890000",
        ] {
            assert_eq!(recognise(text), None, "{text}");
        }
    }
}
