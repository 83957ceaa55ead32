//! How the times of the rules fit to the traffic: moved as a whole, against the clocks in it, at their
//! bounds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::error::Finding;
use crate::label::diagnosis::Surroundings;
use crate::label::duration;
use crate::label::interval::{Interval, show_utc};
use crate::label::labeler::Labeler;
use crate::label::packets::Numbers;
use crate::label::report::bounds;
use crate::label::slack::SLACKS_NS;
use crate::label::tally::{Span, Tally};

/// Clocks of one kind in the traffic against that of the capture: stated time less capture time, in
/// nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSeen {
    /// http or ntp.
    pub protocol: String,
    /// Messages that state a time.
    pub messages: u64,
    /// Servers that sent them.
    pub servers: u64,
    /// Lower quartile, median and upper quartile.
    pub quartiles_ns: [i64; 3],
    /// To what the messages state it.
    pub resolution_ns: i64,
}

/// Fewer messages are no evidence.
const LEAST_MESSAGES: u64 = 3;
const MINUTE_NS: u64 = 60_000_000_000;
const HOUR_NS: u64 = 60 * MINUTE_NS;
/// As far as zones are apart from UTC.
const ZONES_NS: i64 = 14 * 3_600_000_000_000;
/// A clock that is off by less is right: answers are delayed, and seconds are cut.
const RIGHT_NS: i64 = 2_000_000_000;

pub(super) fn tell(
    labeler: &Labeler,
    tally: &Tally,
    around: &Surroundings,
    findings: &mut Vec<Finding>,
) {
    // First, since it explains most of the others.
    offset_hint(labeler, tally, findings);
    if let (Some(labels), Some(flows)) = (bounds(labeler), tally.span)
        && (labels.last < flows.first || flows.last < labels.first)
    {
        let (side, gap) = if labels.last < flows.first {
            ("after", flows.first.saturating_sub(labels.last))
        } else {
            ("before", labels.first.saturating_sub(flows.last))
        };
        findings.push(Finding::warning(
            "range-disjoint",
            format!(
                "ground truth and flows do not meet in time: the rules are about {} .. {}, the flows are {} .. {}, {} {side} them; {}",
                show_utc(labels.first),
                show_utc(labels.last),
                show_utc(flows.first),
                show_utc(flows.last),
                duration::show(gap),
                other_date(labeler, flows).unwrap_or_else(|| "check zone and date".to_owned()),
            ),
        ));
    }
    beyond_captures(labeler, around, findings);
    clock_skew(around, findings);
    if let Some(intervals) = in_minutes(labeler) {
        findings.push(Finding::information(
            "resolution",
            format!(
                "all times of the rules ({intervals}) are whole minutes: flows within a minute of a bound may be on its wrong side"
            ),
        ));
    }
    slack_curve(labeler, tally, findings);
    outside(labeler, tally, findings);
}

/// Times that are all off by the same, or those of some rules.
fn offset_hint(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    let Some(better) = tally.offsets.better() else {
        return;
    };
    let way = match better.offset_ns < 0 {
        true => "earlier",
        false => "later",
    };
    let by = duration::show(better.offset_ns);
    let names = |rules: &[usize]| {
        let ids = rules.iter().filter_map(|rule| labeler.rule(*rule));
        let ids: Vec<String> = ids
            .take(3)
            .map(|(rule, _)| format!("`{}`", rule.id()))
            .collect();
        let more = match rules.len() - ids.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more}", ids.join(", "))
    };
    let (which, but) = match &better.others[..] {
        [] => ("all times of the rules".to_owned(), String::new()),
        others => (
            format!("the times of {}", names(&better.rules)),
            format!("; those of {} fit better as they are", names(others)),
        ),
    };
    findings.push(Finding::warning(
        "offset-hint",
        format!(
            "if {which} were {by} {way}, {} flows{} would be attacks, and {} are now{but}; check zone, daylight saving and clock",
            better.then, of_sample(tally), better.now,
        ),
    ));
}

/// The mistake in a date that would explain why rules and flows do not meet: another year, month and day exchanged, or
/// both; with a wrong zone as well, if need be. Each time of the rules is tried by itself, since such a mistake moves
/// them by different lengths.
fn other_date(labeler: &Labeler, flows: Span) -> Option<String> {
    let utc = |ns: i64| {
        let time = Timestamp::from_nanosecond(ns.into()).ok()?;
        Some(TimeZone::UTC.to_datetime(time))
    };
    let year = utc(flows.first)?.year();
    let exchanged = |day: DateTime| day.with().month(day.day()).day(day.month()).build();
    let of_year = |day: DateTime| day.with().year(year).build();
    type Mistake<'m> = (
        &'m str,
        &'m dyn Fn(DateTime) -> Result<DateTime, jiff::Error>,
    );
    let mistakes: [Mistake<'_>; 3] = [
        ("check the year", &of_year),
        ("check whether day and month are exchanged", &exchanged),
        (
            "check whether day and month are exchanged, and the year",
            &|day| of_year(exchanged(day)?),
        ),
    ];
    let times = labeler.rules().iter().flat_map(|rule| &rule.time);
    let times = times.filter(|time| time.start != i64::MIN && time.end != i64::MAX);
    // The day of a time, if it would be among the flows, or nearly so.
    let moved = |time: &Interval, (_, to): &Mistake<'_>, nearly: i64| {
        let from = utc(time.start)?;
        let to = to(from).ok().filter(|to| *to != from)?;
        let by = to.duration_since(from).as_nanos();
        let at = |ns: i64| i128::from(ns) + by;
        let (first, last) = (
            at(time.start) - i128::from(nearly),
            at(time.end) + i128::from(nearly),
        );
        let meets = first <= i128::from(flows.last) && i128::from(flows.first) <= last;
        meets.then_some(to)
    };
    [(0, "", ""), (ZONES_NS, "nearly ", ", and the zone")]
        .into_iter()
        .find_map(|(nearly, so, zone)| {
            mistakes.iter().find_map(|mistake| {
                let day = times
                    .clone()
                    .filter_map(|time| moved(time, mistake, nearly))
                    .min()?;
                Some(format!(
                    "on {} they would {so}meet: {}{zone}",
                    day.date(),
                    mistake.0
                ))
            })
        })
}

/// Rules that name packets which their capture does not have: it is not the one that was labeled.
fn beyond_captures(labeler: &Labeler, around: &Surroundings, findings: &mut Vec<Finding>) {
    let mut beyond: BTreeMap<usize, (u64, u64, &str)> = BTreeMap::new();
    let mut other: BTreeMap<usize, (u64, u64, &str)> = BTreeMap::new();
    for rule in labeler.rules() {
        let capture = match &rule.captures {
            Some(captures) => captures.ordinals().next(),
            None => Some(0).filter(|_| around.captures.len() == 1),
        };
        let there = capture.and_then(|ordinal| *around.captures.get(ordinal)?);
        if let (Some(capture), Some(there), Some(labeled)) = (capture, there, rule.capture_packets)
            && labeled != there
        {
            other.entry(capture).or_insert((there, labeled, rule.id()));
            continue;
        }
        let last = rule.packets.as_ref().and_then(Numbers::last);
        if let (Some(capture), Some(there), Some(last)) = (capture, there, last)
            && last > there
        {
            let most = beyond.entry(capture).or_insert((there, last, rule.id()));
            if last > most.1 {
                *most = (there, last, rule.id());
            }
        }
    }
    for (there, labeled, rule) in other.into_values() {
        let message = format!(
            "ground truth is of a capture of {labeled} packets, and this one has {there}: it is another one, or packets are numbered in another way"
        );
        findings.push(Finding::warning("range-disjoint", message).about(rule));
    }
    for (there, last, rule) in beyond.into_values() {
        let message = format!(
            "ground truth names packets up to {last}, and the capture has {there}: it may not be the one that was labeled"
        );
        findings.push(Finding::warning("range-disjoint", message).about(rule));
    }
}

fn clock_skew(around: &Surroundings, findings: &mut Vec<Finding>) {
    for clock in &around.clocks {
        let [lower, median, upper] = clock.quartiles_ns;
        let evidence = format!(
            "{} times of {} servers, half of them between {} and {}",
            clock.messages,
            clock.servers,
            signed(lower),
            signed(upper)
        );
        let subject = clock.protocol.clone();
        let right = RIGHT_NS.saturating_add(clock.resolution_ns);
        let spread = upper.saturating_sub(lower);
        let is_off = median.saturating_abs() > right && clock.messages >= LEAST_MESSAGES;
        // One clock that is off shifts all of them alike; cached answers and wrong servers do not.
        let is_one = spread <= (median.saturating_abs() / 4).max(right);
        findings.push(if is_off && !is_one {
            let message = format!(
                "clocks in the traffic do not agree with each other, so they tell nothing of that of the capture: they differ from it by {} (median; {evidence})",
                signed(median)
            );
            Finding::information("clock-skew", message).about(subject)
        } else if is_off {
            let message = format!(
                "clocks in the traffic differ from that of the capture by {} (median; {evidence}); if the rules were taken down by a right clock, say `clocks:` with that offset",
                signed(median)
            );
            Finding::warning("clock-skew", message).about(subject)
        } else if clock.messages < LEAST_MESSAGES && median.saturating_abs() > right {
            let message = format!(
                "clocks in the traffic differ from that of the capture by {} (median; {evidence}): too few to tell whose is wrong",
                signed(median)
            );
            Finding::information("clock-skew", message).about(subject)
        } else {
            let message = format!(
                "clocks in the traffic agree with that of the capture: they differ by {} (median; {evidence})",
                signed(median)
            );
            Finding::information("clock-skew", message).about(subject)
        });
    }
}

/// To the second, or finer if it is less than a minute: quartiles differ in the last place.
fn signed(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "+" };
    let length = ns.unsigned_abs();
    let (hours, minutes) = (length / HOUR_NS, length % HOUR_NS / MINUTE_NS);
    let rest = length % MINUTE_NS;
    let seconds = rest / 1_000_000_000;
    let shown = match (hours, minutes) {
        (0, 0) => duration::show(ns.saturating_abs()),
        (0, minutes) => format!("{minutes} min {seconds} s"),
        (hours, 0) if seconds == 0 => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min {seconds} s"),
    };
    format!("{sign}{shown}")
}

/// Rules that would claim a twentieth more within five minutes.
fn slack_curve(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    for (number, curve) in &tally.slack.curves {
        let (Some(now), Some(five_minutes)) = (curve.first(), curve.get(5)) else {
            continue;
        };
        let Some((rule, _)) = labeler.rule(*number) else {
            continue;
        };
        if *now == 0 || five_minutes.saturating_sub(*now).saturating_mul(20) <= *now {
            continue;
        }
        let steps = SLACKS_NS.iter().zip(curve);
        let steps: Vec<String> = steps
            .map(|(slack, flows)| format!("{flows} at {}", duration::show(*slack)))
            .collect();
        let message = format!(
            "longer times would claim more flows{}: {}; a right window stays flat",
            of_sample(tally),
            steps.join(", ")
        );
        let finding = Finding::information("slack-curve", message).about(rule.id());
        findings.push(finding.affecting(five_minutes - now));
    }
}

/// Traffic like a rule's, at other times.
fn outside(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    for (number, outside) in &tally.slack.outside {
        let Some((rule, _)) = labeler.rule(*number) else {
            continue;
        };
        let benign = match outside.benign {
            0 => String::new(),
            all if all == outside.flows => "; all are benign, as `covers:` says".to_owned(),
            some => format!("; {some} are benign, as `covers:` says"),
        };
        let message = format!(
            "{} flows{} that no rule claims fit but for the time, {} of them within an hour of it; from {} to {}{benign}",
            outside.flows,
            of_sample(tally),
            outside.near,
            show_utc(outside.first),
            show_utc(outside.last)
        );
        let finding = Finding::information("outside", message).about(rule.id());
        findings.push(finding.affecting(outside.flows));
    }
}

/// Not all flows were looked at.
fn of_sample(tally: &Tally) -> String {
    if tally.sampled < tally.rows {
        format!(" (of a sample of {})", tally.sampled)
    } else {
        String::new()
    }
}

/// How many intervals the rules have, if all begin and end with a minute.
fn in_minutes(labeler: &Labeler) -> Option<usize> {
    const MINUTE: i64 = 60_000_000_000;
    let times = labeler.rules().iter().flat_map(|rule| &rule.time);
    let bounded: Vec<_> = times.filter(|time| time.is_bounded()).collect();
    let whole =
        |bound: i64| bound == i64::MIN || bound == i64::MAX || bound.rem_euclid(MINUTE) == 0;
    let all = bounded
        .iter()
        .all(|time| whole(time.start) && whole(time.end.saturating_add(1)));
    (all && !bounded.is_empty()).then_some(bounded.len())
}
