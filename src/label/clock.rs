//! Clocks that differed from that of the captures (`clocks:`): by an offset, by one that drifted, or by what they showed
//! at a packet.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::label::duration;
use crate::label::fields::Fields;
use crate::label::interval::{Frame, shown};
use crate::label::keys;
use crate::label::moment;
use crate::label::problems::{Fault, Problems};
use crate::label::values;
use crate::label::yaml::{Kind, Node, Text};

/// Tells when packets were captured.
pub trait Captured {
    /// Capture time of a packet, by the name of its capture and its number there, in nanoseconds since 1970.
    ///
    /// # Errors
    /// No such capture or several, no such packet.
    fn ts_ns(&self, capture: &str, packet: u64) -> Result<i64, Error>;
}

/// How the clock of a notebook differs from that of the captures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Clock {
    /// What the clock showed, and by how much it was fast then (this clock minus that of the captures), in ns;
    /// by time, none twice.
    pub(super) offsets: Vec<(i64, i64)>,
    /// Nobody knows the offset better than this, in ns; never negative.
    pub(super) unsure: i64,
}

impl Clock {
    /// The time of the captures when the clock showed this. Between two known offsets the clock drifted evenly,
    /// and before the first and after the last as between their neighbours. `None` beyond what can be counted.
    pub(super) fn captured(&self, shown: i64) -> Option<i64> {
        let after = self.offsets.partition_point(|(at, _)| *at <= shown);
        let first = after
            .saturating_sub(1)
            .min(self.offsets.len().saturating_sub(2));
        let (from, offset) = match self.offsets.get(first) {
            Some(known) => *known,
            None => return Some(shown),
        };
        let drift = match self.offsets.get(first + 1) {
            Some((to, later)) => {
                let [shown, from, to] = [shown, from, *to].map(i128::from);
                let gained = i128::from(*later) - i128::from(offset);
                gained.checked_mul(shown - from)?.checked_div(to - from)?
            }
            None => 0,
        };
        i64::try_from(i128::from(shown) - i128::from(offset) - drift).ok()
    }
}

/// Reads the mapping under `clocks:`. Without captures what a clock showed at a packet is only checked.
pub(super) fn read(
    node: &Node,
    frame: &Frame,
    captured: Option<&dyn Captured>,
    problems: &mut Problems,
) -> BTreeMap<String, Clock> {
    let mut clocks = BTreeMap::new();
    let Kind::Map(entries) = &node.kind else {
        problems.add_help(
            node.at,
            format!(
                "`clocks:` must be a mapping of names, and this is {}",
                node.what()
            ),
            "write `notebook: {offset: +37s, unsure: 60s}`",
        );
        return clocks;
    };
    for entry in entries {
        let fields = Fields::read(&entry.value, &keys::CLOCKS, problems);
        let unsure = fields
            .get("unsure")
            .and_then(|node| values::length("unsure", node, problems));
        let clock = Clock {
            offsets: offsets(&fields, frame, captured, problems),
            unsure: unsure.unwrap_or(0),
        };
        if clocks.insert(entry.key.clone(), clock).is_some() {
            problems.add(
                entry.at,
                format!("the clock `{}` is defined twice", entry.key),
            );
        }
    }
    clocks
}

/// What a clock showed, and by how much it was fast then.
fn offsets(
    fields: &Fields<'_>,
    frame: &Frame,
    captured: Option<&dyn Captured>,
    problems: &mut Problems,
) -> Vec<(i64, i64)> {
    let (node, mut known) = match (fields.get("offset"), fields.get("anchor")) {
        (Some(_), Some(anchor)) => {
            problems.add_help(
                anchor.at,
                "a clock has `offset:` or `anchor:`, and this one has both",
                "several anchors tell how a clock drifted",
            );
            return Vec::new();
        }
        (Some(node), None) => {
            let several = matches!(&node.kind, Kind::List(items) if items.len() > 1);
            let read = |text: &Text| offset(&text.value, several, frame);
            (node, values::each("offset", node, problems, read))
        }
        (None, Some(node)) => {
            let read = |text: &Text| anchor(text, frame, captured);
            (node, values::each("anchor", node, problems, read))
        }
        (None, None) => return Vec::new(),
    };
    known.sort_unstable();
    if known
        .windows(2)
        .any(|two| matches!(two, [a, b] if a.0 == b.0))
    {
        problems.add(node.at, "the clock shows the same time twice here");
        known.truncate(1);
    }
    // In 128 bits nothing overflows.
    let passed = |a: i64, b: i64| i128::from(b) - i128::from(a);
    let backwards =
        |two: &[(i64, i64)]| matches!(two, [a, b] if passed(a.1, b.1) >= passed(a.0, b.0));
    if known.windows(2).any(backwards) {
        problems.add_help(
            node.at,
            "no clock drifts like this: it would have shown later times for earlier ones",
            "look at the signs: an offset is how much the clock was fast",
        );
        known.truncate(1);
    }
    known
}

/// `+37s`, or `+37s at 2026-05-04 09:00`, which one of several must be.
fn offset(text: &str, several: bool, frame: &Frame) -> Result<(i64, i64), Fault> {
    let Some((length, at)) = text.split_once(" at ") else {
        if several {
            return Err(Fault::new(0, "of several offsets each needs its time")
                .help("write `+37s at 2026-05-04 09:00`, the time as the clock showed it"));
        }
        return Ok((0, duration::parse(text)?));
    };
    let place = length.chars().count() + 4;
    let time = moment::parse_moment(at).and_then(|moment| shown(&moment, frame));
    Ok((
        time.map_err(|fault| fault.shifted(place))?,
        duration::parse(length)?,
    ))
}

/// `packet 18234 of lab.pcap is 2026-05-04 10:00:05`.
fn anchor(
    text: &Text,
    frame: &Frame,
    captured: Option<&dyn Captured>,
) -> Result<(i64, i64), Fault> {
    let wrong = || {
        Fault::new(
            0,
            format!(
                "`{}` does not tell what the clock showed at a packet",
                text.value.trim()
            ),
        )
        .help("write `packet 18234 of lab.pcap is 2026-05-04 10:00:05`")
    };
    let value = &text.value;
    let (packet, time) = value.rsplit_once(" is ").ok_or_else(wrong)?;
    let (number, capture) = packet.split_once(" of ").ok_or_else(wrong)?;
    let number = number.trim().strip_prefix("packet").unwrap_or(number);
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    if number == 0 {
        return Err(Fault::new(0, "packets are numbered from 1"));
    }
    let place = packet.chars().count() + 4;
    let at = moment::parse_moment(time).and_then(|moment| shown(&moment, frame));
    let at = at.map_err(|fault| fault.shifted(place))?;
    let Some(captured) = captured else {
        return Ok((at, 0));
    };
    match captured.ts_ns(capture.trim(), number) {
        Ok(ts_ns) => Ok((at, at.saturating_sub(ts_ns))),
        Err(error) => Err(Fault::new(0, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_drifts_evenly() {
        let clock = |offsets: &[(i64, i64)]| Clock {
            offsets: offsets.to_vec(),
            unsure: 0,
        };
        let at = |offsets: &[(i64, i64)], shown| clock(offsets).captured(shown).unwrap();
        assert_eq!(at(&[], 50), 50);
        assert_eq!(at(&[(0, 7)], 50), 43);
        let drift = [(100, 10), (200, 20), (300, 20)];
        for (shown, captured) in [
            (100, 90),
            (150, 135),
            (200, 180),
            (250, 230),
            (50, 45),
            (400, 380),
        ] {
            assert_eq!(at(&drift, shown), captured, "{shown}");
        }
        assert_eq!(clock(&[(0, i64::MIN)]).captured(i64::MAX), None);
    }
}
