//! Times, dates and zones as a ground-truth file writes them: `2026-05-04 10:20:05.25 +02:00`.
//!
//! What they mean in nanoseconds is in [`crate::label::interval`].

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::label::other_dates;
use crate::label::problems::{Fault, suggest};

/// The finest part that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolution {
    Day,
    Minute,
    Second,
    Exact,
}

/// One time as it is written.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// The day, if one is written.
    pub(super) date: Option<Date>,
    pub(super) time: Time,
    pub(super) resolution: Resolution,
    pub(super) zone: Option<TimeZone>,
    /// As written, for messages.
    pub(super) text: String,
}

/// Reads a zone: an IANA name, `UTC`, `Z`, or an offset such as `+02:00`, `-3` or `UTC-3`.
///
/// # Errors
/// Names that the zone database does not have, with the nearest one.
pub(super) fn parse_zone(text: &str) -> Result<TimeZone, Fault> {
    let name = text.trim();
    if name.eq_ignore_ascii_case("z") || name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    let bare = name.strip_prefix("UTC").unwrap_or(name);
    if bare.starts_with(['+', '-', '−']) {
        return parse_offset(bare).map(TimeZone::fixed).ok_or_else(|| {
            Fault::new(0, format!("`{name}` is no offset from UTC"))
                .help("write it as +02:00 (east of Greenwich is +)")
        });
    }
    // The bundled database comes first: the same file must mean the same on every machine.
    let bundled = TimeZoneDatabase::bundled();
    // Abbreviations are those of several places, one letter away from those of others, and say nothing of daylight saving.
    let short = name.len() <= 7
        && name != "GMT"
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let of_greenwich = name
        .strip_prefix("GMT")
        .filter(|rest| rest.starts_with(['+', '-']));
    if let Some(offset) = of_greenwich.and_then(parse_offset) {
        // Names of zones that begin so have the other sign.
        return Err(
            Fault::new(0, format!("`{name}` is no time zone")).help(format!(
                "for a clock that shows {} when it is 00:00 in UTC, write {offset}",
                clock_at_midnight(offset)
            )),
        );
    }
    if short {
        return Err(Fault::new(0, format!("`{name}` is no time zone")).help(
            "abbreviations mean several places: write the place, such as America/New_York, or an offset such as -04:00",
        ));
    }
    if let Ok(zone) = bundled.get(name).or_else(|_| TimeZone::get(name)) {
        return Ok(zone);
    }
    let names: Vec<String> = bundled.available().map(|zone| zone.to_string()).collect();
    let help = match suggest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write an IANA name such as Europe/Berlin, or an offset such as +02:00".to_owned(),
    };
    Err(Fault::new(0, format!("`{name}` is no time zone")).help(help))
}

/// What a clock with an offset shows when it is midnight in UTC.
fn clock_at_midnight(offset: Offset) -> String {
    let seconds = offset.seconds().rem_euclid(86_400);
    format!("{:02}:{:02}", seconds / 3600, seconds / 60 % 60)
}

fn parse_offset(text: &str) -> Option<Offset> {
    let sign = if text.starts_with('+') { 1 } else { -1 };
    let digits = text.trim_start_matches(['+', '-', '−']);
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let number = |s: &str, limit: i32| {
        let fits = (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        s.parse::<i32>().ok().filter(|n| fits && *n <= limit)
    };
    let seconds = number(hours, 18)? * 3600 + number(minutes, 59)? * 60;
    Offset::from_seconds(sign * seconds).ok()
}

/// Reads a date, `2026-05-04`.
///
/// # Errors
/// Other orders of day, month and year, and days that do not exist.
pub(super) fn parse_date(text: &str) -> Result<Date, Fault> {
    let text = text.trim();
    let parts: Vec<&str> = text.split('-').collect();
    let wrong = || {
        Fault::new(0, format!("`{text}` is no date"))
            .help("write it as 2026-05-04 (year, month, day)")
    };
    let [year, month, day] = parts.as_slice() else {
        return Err(wrong());
    };
    if year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return Err(wrong());
    }
    match (year.parse(), month.parse(), day.parse()) {
        (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day)
            .map_err(|_| Fault::new(0, format!("there is no day {text}"))),
        _ => Err(wrong()),
    }
}

/// Reads one time: `[DATE ]HH:MM[:SS[.fraction]][ ZONE]`, or a date alone for that whole day.
///
/// # Errors
/// Everything else, with the offset of the part that is wrong.
pub(super) fn parse_moment(text: &str) -> Result<Moment, Fault> {
    let lead = text.chars().count() - text.trim_start().chars().count();
    let shown = text.trim();
    if shown.is_empty() {
        return Err(Fault::new(lead, "a time is missing")
            .help("ranges have two ends, `a .. b`; `always` stands for all times"));
    }
    let has_date = shown
        .get(..10)
        .is_some_and(|s| s.bytes().filter(|b| *b == b'-').count() == 2)
        || shown
            .split([' ', 'T'])
            .next()
            .is_some_and(|s| s.split('-').count() == 3);
    if let Some(fault) = other_dates::recognise(shown) {
        return Err(fault.shifted(lead));
    }
    let (date, rest) = if has_date {
        let end = shown.find([' ', 'T', 't']).unwrap_or(shown.len());
        let (day, rest) = shown.split_at(end);
        (
            Some(parse_date(day).map_err(|fault| fault.shifted(lead))?),
            rest.get(1..).unwrap_or(""),
        )
    } else {
        (None, shown)
    };
    let clock_at = lead + shown.chars().count() - rest.trim_start().chars().count();
    let rest = rest.trim_start();
    if rest.is_empty() {
        let (time, resolution) = (Time::midnight(), Resolution::Day);
        return Ok(Moment {
            date,
            time,
            resolution,
            zone: None,
            text: shown.to_owned(),
        });
    }
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.')
        .unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    let (time, resolution) = parse_clock(clock).ok_or_else(|| {
        let help = if clock.starts_with("24:") {
            "a day ends with 23:59, to the end of that minute; what is later is of the next day: write its date, and 00:…"
        } else {
            "write it as 10:20, 10:20:05 or 10:20:05.250, on a clock of 24 hours"
        };
        Fault::new(clock_at, format!("`{rest}` is no time of day")).help(help)
    })?;
    let zone_at =
        clock_at + clock.chars().count() + zone.chars().count() - zone.trim_start().chars().count();
    let zone = zone.trim();
    if zone.eq_ignore_ascii_case("am") || zone.eq_ignore_ascii_case("pm") {
        return Err(Fault::new(
            zone_at,
            format!("`{zone}`: times are on a clock of 24 hours"),
        )
        .help("write 15:20 for 3:20 PM"));
    }
    if let Some(more) = zone.strip_prefix([',', ';']) {
        let digits = more.chars().take_while(char::is_ascii_digit).count();
        return Err(match more.get(digits..) {
            Some("") if digits > 0 => {
                Fault::new(zone_at, format!("`{zone}` is no fraction of a second"))
                    .help(format!("write it with a point: {clock}.{more}"))
            }
            _ => Fault::new(
                zone_at,
                "one range ends here, and another one seems to begin",
            )
            .help("write several as a list: time: [10:20 .. 10:40, 11:00 .. 11:05]"),
        });
    }
    let zone = match zone {
        "" => None,
        name => Some(parse_zone(name).map_err(|fault| fault.shifted(zone_at))?),
    };
    Ok(Moment {
        date,
        time,
        resolution,
        zone,
        text: shown.to_owned(),
    })
}

fn parse_clock(text: &str) -> Option<(Time, Resolution)> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |s: &str| {
        let fits = (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| s.parse::<i8>().ok()).flatten()
    };
    let two = |s: &str| (s.len() == 2).then(|| number(s)).flatten();
    match parts.as_slice() {
        [hour, minute] => Some((
            Time::new(number(hour)?, two(minute)?, 0, 0).ok()?,
            Resolution::Minute,
        )),
        [hour, minute, second] => {
            let (second, fraction) = match second.split_once('.') {
                Some((second, fraction)) => (second, Some(fraction)),
                None => (*second, None),
            };
            let (ns, resolution) = match fraction {
                None => (0, Resolution::Second),
                Some(digits) if (1..=9).contains(&digits.len()) => {
                    // Padded on the right: .5 is half a second.
                    (
                        format!("{digits:0<9}").parse::<i32>().ok()?,
                        Resolution::Exact,
                    )
                }
                Some(_) => return None,
            };
            let time = Time::new(number(hour)?, two(minute)?, two(second)?, ns).ok()?;
            Some((time, resolution))
        }
        _ => None,
    }
}

/// Splits `a .. b`; the offset is that of `b` in characters.
///
/// # Errors
/// A text without `..`, and the forms that people use instead.
pub(super) fn split_range(text: &str) -> Result<(&str, &str, usize), Fault> {
    match text.split_once("..") {
        Some((start, end)) if !end.starts_with('.') => Ok((start, end, start.chars().count() + 2)),
        _ => Err(other_dates::recognise(text.trim()).unwrap_or_else(|| {
            Fault::new(0, format!("`{}` is no range of time", text.trim())).help(
                "write it as `10:20 .. 11:05`, both ends included; `always` stands for all times",
            )
        })),
    }
}
