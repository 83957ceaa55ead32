//! Values of single keys: texts, numbers, choices, times. What a host or a port is, is in the
//! files of those names.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::label::captures::{self, Captures};
use crate::label::clock::Clock;
use crate::label::duration;
use crate::label::fields::Fields;
use crate::label::interval::{self, Fold, Frame, Interval};
use crate::label::keys;
use crate::label::moment;
use crate::label::problems::{Fault, Problems, did_you_mean};
use crate::label::yaml::{Kind, Node, Text};

/// Reads the one text that a value must be.
pub(super) fn text<'a>(name: &str, node: &'a Node, problems: &mut Problems) -> Option<&'a Text> {
    match &node.kind {
        Kind::Text(text) if !text.value.trim().is_empty() => Some(text),
        _ => {
            let what = if matches!(node.kind, Kind::Text(_)) {
                "empty"
            } else {
                node.what()
            };
            problems.add(
                node.at,
                format!("`{name}:` must be text, and this is {what}"),
            );
            None
        }
    }
}

/// The texts of a value that may be one or a list.
pub(super) fn texts<'a>(name: &str, node: &'a Node, problems: &mut Problems) -> Vec<&'a Text> {
    match &node.kind {
        Kind::List(items) if items.is_empty() => {
            problems.add(node.at, format!("the list of `{name}:` is empty"));
            Vec::new()
        }
        Kind::List(items) => items
            .iter()
            .filter_map(|item| text(name, item, problems))
            .collect(),
        _ => text(name, node, problems).into_iter().collect(),
    }
}

/// Reads each text of a value that may be one or a list with its own reader.
pub(super) fn each<T>(
    name: &str,
    node: &Node,
    problems: &mut Problems,
    read: impl Fn(&Text) -> Result<T, Fault>,
) -> Vec<T> {
    let mut all = Vec::new();
    for text in texts(name, node, problems) {
        match read(text) {
            Ok(value) => all.push(value),
            Err(fault) => problems.add_fault(text.place(fault.offset), fault),
        }
    }
    all
}

/// Reads an integer.
pub(super) fn integer(name: &str, node: &Node, problems: &mut Problems) -> Option<i64> {
    let text = text(name, node, problems)?;
    let value = text.value.trim().parse().ok();
    if value.is_none() {
        problems.add(
            node.at,
            format!("`{name}:` must be an integer, and this is `{}`", text.value),
        );
    }
    value
}

/// Reads one of a few words; its place in the list.
pub(super) fn choice(
    name: &str,
    node: &Node,
    choices: &'static [&'static str],
    problems: &mut Problems,
) -> Option<&'static str> {
    let text = text(name, node, problems)?;
    let word = text.value.trim();
    let found = choices.iter().find(|choice| **choice == word);
    if found.is_none() {
        let help = did_you_mean(word, choices.iter().copied());
        let message = format!("`{word}` is no value of `{name}:`");
        match help {
            Some(help) => problems.add_help(node.at, message, help),
            None => problems.add_help(
                node.at,
                message,
                format!("expected one of {}", choices.join(", ")),
            ),
        }
    }
    found.copied()
}

/// Reads a small text with its own reader.
pub(super) fn parsed<T>(
    name: &str,
    node: &Node,
    problems: &mut Problems,
    read: impl FnOnce(&str) -> Result<T, Fault>,
) -> Option<T> {
    let text = text(name, node, problems)?;
    match read(&text.value) {
        Ok(value) => Some(value),
        Err(fault) => {
            problems.add_fault(text.place(fault.offset), fault);
            None
        }
    }
}

/// Reads what times refer to: `zone`, `date`, `fold` and `clock` of a mapping, else those of the
/// frame around it.
pub(super) fn frame(
    fields: &Fields<'_>,
    has_zone_and_clock: bool,
    around: &Frame,
    clocks: &BTreeMap<String, Clock>,
    problems: &mut Problems,
) -> Frame {
    let mut frame = around.clone();
    if let Some(node) = fields.get("date") {
        // Of a wrong one, times need not be told to have none.
        let date = parsed("date", node, problems, moment::parse_date);
        frame.date = date.or(frame.date).or(Some(jiff::civil::date(2000, 1, 1)));
    }
    if let Some(node) = fields.get("fold") {
        frame.fold = fold(node, problems);
    }
    if !has_zone_and_clock {
        return frame;
    }
    if let Some(node) = fields.get("zone") {
        frame.zone =
            parsed("zone", node, problems, moment::parse_zone).or(Some(jiff::tz::TimeZone::UTC));
    }
    if let Some(node) = fields.get("clock")
        && let Some(text) = text("clock", node, problems)
    {
        let name = text.value.trim();
        match clocks.get(name) {
            Some(clock) => frame.clock = clock.clone(),
            None => {
                let help = did_you_mean(name, clocks.keys().map(String::as_str))
                    .unwrap_or_else(|| "define it under `clocks:`".to_owned());
                problems.add_help(node.at, format!("no clock is named `{name}`"), help);
            }
        }
    }
    frame
}

/// Reads `in:`, names and patterns of captures.
pub(super) fn captures(node: &Node, problems: &mut Problems) -> Captures {
    let read = |text: &Text| captures::parse(&text.value);
    Captures::new(each("in", node, problems, read))
}

/// Reads a length of time that is not negative, in nanoseconds.
pub(super) fn length(name: &str, node: &Node, problems: &mut Problems) -> Option<i64> {
    let ns = parsed(name, node, problems, duration::parse)?;
    if ns < 0 {
        problems.add(
            node.at,
            format!("`{name}:` is a length of time, and not negative"),
        );
        return None;
    }
    Some(ns)
}

fn fold(node: &Node, problems: &mut Problems) -> [Option<Fold>; 2] {
    let mut one = |node: &Node| match choice("fold", node, keys::FOLDS, problems) {
        // If nothing is known, that was reported; a value keeps the times from being reported.
        Some("first") | None => Some(Fold::First),
        Some(_) => Some(Fold::Second),
    };
    match &node.kind {
        Kind::List(items) => match items.as_slice() {
            [start, end] => [one(start), one(end)],
            _ => {
                problems.add(
                    node.at,
                    "`fold:` is one word, or a list of two: for start and end",
                );
                [Some(Fold::First); 2]
            }
        },
        _ => [one(node); 2],
    }
}

/// The intervals that were read, and the day that all of their ends are on, if there is one.
pub(super) type Times = (Vec<Interval>, Option<Date>);

/// Reads `time:`: a range, a list of ranges, or `always`. Empty if something is wrong.
pub(super) fn times(node: &Node, frame: &Frame, problems: &mut Problems) -> Times {
    if let Kind::Text(text) = &node.kind
        && text.value.trim().eq_ignore_ascii_case("always")
    {
        return (vec![Interval::ALWAYS], frame.date);
    }
    let mut intervals = Vec::new();
    let mut days = Vec::new();
    for text in texts("time", node, problems) {
        let (start, end, shift) = match moment::split_range(&text.value) {
            Ok(parts) => parts,
            // A day is a range by itself.
            Err(_) if moment::parse_date(text.value.trim()).is_ok() => {
                (text.value.as_str(), text.value.as_str(), 0)
            }
            Err(fault) => {
                problems.add_fault(text.place(fault.offset), fault);
                continue;
            }
        };
        let start = (start, text.place(0));
        // The end is shown where it begins, behind the blanks.
        let blanks = end.chars().count() - end.trim_start().chars().count();
        let end = (end.trim_start(), text.place(shift + blanks));
        if let Some((interval, both)) = range(start, end, frame, problems) {
            intervals.push(interval);
            days.extend(both);
        }
    }
    let day = days
        .first()
        .copied()
        .filter(|day| days.iter().all(|other| other == day));
    (intervals, day)
}

/// Reads one range from the texts of its two ends, each with its place; also tells the days of
/// start and end.
pub(super) fn range(
    (start, start_at): (&str, crate::label::problems::At),
    (end, end_at): (&str, crate::label::problems::At),
    frame: &Frame,
    problems: &mut Problems,
) -> Option<(Interval, [Date; 2])> {
    let mut read = |text: &str, at: crate::label::problems::At| {
        moment::parse_moment(text)
            .map_err(|fault| problems.add_fault(at.right(fault.offset), fault))
            .ok()
    };
    let (start, end) = (read(start, start_at), read(end, end_at));
    let (start, end) = (start?, end?);
    match interval::interval(&start, &end, frame) {
        Ok(interval) => {
            let first = start.date.or(frame.date)?;
            Some((interval, [first, end.date.unwrap_or(first)]))
        }
        Err((is_end, fault)) => {
            let at = if is_end { end_at } else { start_at };
            problems.add_fault(at.right(fault.offset), fault);
            None
        }
    }
}
