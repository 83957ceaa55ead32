//! Intervals of capture time, and what written times mean: given zone, date, clock, and which pass
//! of a repeated hour.
//!
//! How a time is written is in [`crate::label::moment`].

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::label::clock::Clock;
use crate::label::moment::{Moment, Resolution};
use crate::label::problems::Fault;

/// A closed interval of capture time, in nanoseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) start: i64,
    /// The last nanosecond inside.
    pub(super) end: i64,
    /// How much either bound may really be elsewhere, in ns.
    pub(super) unsure: i64,
}

impl Interval {
    /// All times.
    pub(super) const ALWAYS: Self = Self {
        start: i64::MIN,
        end: i64::MAX,
        unsure: 0,
    };

    /// Whether both bounds are times (and not those of [`Interval::ALWAYS`]).
    pub(super) fn is_bounded(&self) -> bool {
        self.start != i64::MIN || self.end != i64::MAX
    }
}

/// Which of the two readings of a local time that exists twice (or not at all) is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// As the clock ran before it was changed.
    First,
    /// As the clock ran after it was changed.
    Second,
}

/// What a time that is not written out in full refers to.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// Zone of times that name none.
    pub(super) zone: Option<TimeZone>,
    /// Day of times that name none.
    pub(super) date: Option<Date>,
    /// For the start and the end of a range.
    pub(super) fold: [Option<Fold>; 2],
    pub(super) clock: Clock,
    /// The end is not inside.
    pub(super) half_open: bool,
    /// How much longer a range is than written, before and after, in ns.
    pub(super) slack: [i64; 2],
}

/// What a clock showed, in nanoseconds since 1970; nothing is said of how it differs from that of the captures.
pub(super) fn shown(moment: &Moment, frame: &Frame) -> Result<i64, Fault> {
    let Some(zone) = moment.zone.as_ref().or(frame.zone.as_ref()) else {
        return Err(no_zone());
    };
    let Some(date) = moment.date.or(frame.date) else {
        return Err(Fault::new(0, "this time has no date").help("write `2026-05-04 10:20`"));
    };
    first_instant(moment, date, zone, frame.fold[0])
}

fn no_zone() -> Fault {
    let mut fault = Fault::new(0, "this time has no zone")
        .help("say `zone: Europe/Berlin` (or +02:00) at the top of the file, or write 10:20+02:00");
    fault.once = true;
    fault
}

/// The interval that two times mean in this frame. Faults tell whether they are the end's.
pub(super) fn interval(
    start: &Moment,
    end: &Moment,
    frame: &Frame,
) -> Result<Interval, (bool, Fault)> {
    // A zone written once holds for both ends.
    let start_zone = start
        .zone
        .as_ref()
        .or(end.zone.as_ref())
        .or(frame.zone.as_ref());
    let end_zone = end
        .zone
        .as_ref()
        .or(start.zone.as_ref())
        .or(frame.zone.as_ref());
    let (Some(start_zone), Some(end_zone)) = (start_zone, end_zone) else {
        return Err((false, no_zone()));
    };
    let Some(start_date) = start.date.or(frame.date) else {
        return Err((
            false,
            Fault::new(0, "this time has no date")
                .help("write `2026-05-04 10:20`, or give `date:` in the rule or in `defaults:`"),
        ));
    };
    let end_date = end.date.unwrap_or(start_date);
    let [first_fold, last_fold] = frame.fold;
    let from = first_instant(start, start_date, start_zone, first_fold).map_err(|f| (false, f))?;
    let to = if frame.half_open {
        first_instant(end, end_date, end_zone, last_fold)
    } else {
        last_instant(end, end_date, end_zone, last_fold)
    };
    let to = to.map_err(|f| (true, f))?;
    if to < from || (frame.half_open && to == from) {
        let fault = Fault::new(
            0,
            format!("the end, {}, is before the start, {}", end.text, start.text),
        );
        let by_clocks = (end_date, end.time) < (start_date, start.time);
        return Err((
            true,
            if !by_clocks {
                fault.help("their clocks show it otherwise: look at their zones and at `fold:`")
            } else if end.date.is_none() {
                fault.help("a range that crosses midnight needs a date at its end too")
            } else {
                fault
            },
        ));
    }
    // A fast clock shows a time before the captures reach it.
    match (frame.clock.captured(from), frame.clock.captured(to)) {
        (Some(start), Some(end)) => Ok(Interval {
            start: start.saturating_sub(frame.slack[0]),
            // In the time of the captures, where a clock that drifts may round.
            end: end
                .saturating_add(frame.slack[1])
                .saturating_sub(i64::from(frame.half_open)),
            unsure: frame.clock.unsure,
        }),
        _ => Err((
            false,
            Fault::new(0, "this time and the offset of its clock are too far apart"),
        )),
    }
}

fn first_instant(
    moment: &Moment,
    date: Date,
    zone: &TimeZone,
    fold: Option<Fold>,
) -> Result<i64, Fault> {
    match moment.resolution {
        Resolution::Day => first_of_day(date, zone),
        _ => instant(moment, date, zone, fold),
    }
}

/// The last nanosecond of what was written: of the day, minute or second, or exactly that.
fn last_instant(
    moment: &Moment,
    date: Date,
    zone: &TimeZone,
    fold: Option<Fold>,
) -> Result<i64, Fault> {
    let add = match moment.resolution {
        Resolution::Day => {
            let next = date.tomorrow().map_err(|_| out_of_range())?;
            return Ok(first_of_day(next, zone)?.saturating_sub(1));
        }
        Resolution::Minute => 59_999_999_999,
        Resolution::Second => 999_999_999,
        Resolution::Exact => 0,
    };
    instant(moment, date, zone, fold)?
        .checked_add(add)
        .ok_or_else(out_of_range)
}

/// A day begins at midnight, or, where a change of the clock skips that, when it is over.
fn first_of_day(date: Date, zone: &TimeZone) -> Result<i64, Fault> {
    let midnight = DateTime::from_parts(date, Time::midnight());
    let first = zone
        .to_ambiguous_timestamp(midnight)
        .compatible()
        .map_err(|_| out_of_range())?;
    i64::try_from(first.as_nanosecond()).map_err(|_| out_of_range())
}

fn instant(moment: &Moment, date: Date, zone: &TimeZone, fold: Option<Fold>) -> Result<i64, Fault> {
    let local = DateTime::from_parts(date, moment.time);
    let choose = |before: Offset, after: Offset, what: &str| match fold {
        Some(Fold::First) => Ok(before),
        Some(Fold::Second) => Ok(after),
        None => Err(
            Fault::new(0, format!("{} on {date} {what}", moment.text)).help(format!(
                "say `fold: first` (the clock as it ran before it was changed, UTC{before}) or \
             `fold: second` (after, UTC{after}), or write the offset behind the time"
            )),
        ),
    };
    let offset = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, after } => choose(
            before,
            after,
            "does not exist: the clocks were put forward over it",
        )?,
        AmbiguousOffset::Fold { before, after } => choose(
            before,
            after,
            "exists twice: the clocks were put back over it",
        )?,
    };
    let timestamp = offset.to_timestamp(local).map_err(|_| out_of_range())?;
    i64::try_from(timestamp.as_nanosecond()).map_err(|_| out_of_range())
}

fn out_of_range() -> Fault {
    Fault::new(
        0,
        "this time is outside of what nanoseconds since 1970 can count (1677 to 2262)",
    )
}

/// A time for a reader and for `report.json`: RFC 3339 in UTC, no digits beyond those that count.
pub(super) fn show_utc(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(ns))
        .map_or_else(|_| ns.to_string(), |t| t.to_string())
}
