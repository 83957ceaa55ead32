//! Packets by number, as a rule names them: `18-40, 77`.

use crate::label::problems::Fault;

/// Numbers of packets of a capture, from 1: sorted, disjoint, closed ranges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Numbers(Vec<(u64, u64)>);

impl Numbers {
    /// Ranges in whatever order.
    pub(super) fn new(mut ranges: Vec<(u64, u64)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// The greatest.
    pub(super) fn last(&self) -> Option<u64> {
        self.0.last().map(|(_, last)| *last)
    }

    /// Whether a packet is among both.
    pub(super) fn meet(&self, other: &Self) -> bool {
        let (mut mine, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
            if a.1 < b.0 {
                mine.next();
            } else if b.1 < a.0 {
                theirs.next();
            } else {
                return true;
            }
        }
        false
    }

    /// Whether a packet is among them.
    pub(super) fn contains(&self, packet: u64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= packet);
        let range = after.checked_sub(1).and_then(|n| self.0.get(n));
        range.is_some_and(|(_, last)| packet <= *last)
    }
}

/// Reads numbers and ranges of numbers, separated by commas, semicolons or spaces.
///
/// # Errors
/// What is none; the first of them.
pub(super) fn parse(text: &str) -> Result<Vec<(u64, u64)>, Fault> {
    let mut ranges = Vec::new();
    let mut offset = 0;
    for word in text.split([',', ';', ' ', '\n', '\t']) {
        let at = offset;
        offset += word.chars().count() + 1;
        if word.is_empty() {
            continue;
        }
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let number = |digits: &str| digits.parse::<u64>().ok().filter(|n| *n > 0);
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => ranges.push((first, last)),
            (Some(_), Some(_)) => {
                return Err(Fault::new(
                    at,
                    format!("the range `{word}` ends before it starts"),
                ));
            }
            _ => {
                return Err(Fault::new(at, format!("`{word}` is no number of a packet"))
                    .help("write 77 or 18-40, or a list of them; packets are counted from 1, as Wireshark does"));
            }
        }
    }
    if ranges.is_empty() {
        return Err(Fault::new(0, "a number of a packet is missing"));
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_what_the_ranges_say() {
        let numbers = Numbers::new(parse("18-40, 77 41;90-91").unwrap());
        assert_eq!(numbers.0, [(18, 41), (77, 77), (90, 91)]);
        for (packet, is_in) in [
            (17, false),
            (18, true),
            (41, true),
            (42, false),
            (77, true),
            (92, false),
        ] {
            assert_eq!(numbers.contains(packet), is_in, "{packet}");
        }
        for (other, meets) in [("1-17 42-76", false), ("60 91", true), ("41", true)] {
            let other = Numbers::new(parse(other).unwrap());
            assert_eq!((numbers.meet(&other), other.meet(&numbers)), (meets, meets));
        }
        for (text, offset, message) in [
            ("5, 0", 3, "`0` is no number of a packet"),
            ("9-5", 0, "the range `9-5` ends before it starts"),
            ("5-", 0, "`5-` is no number of a packet"),
            (" ", 0, "a number of a packet is missing"),
        ] {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.offset, fault.message.as_str()), (offset, message));
        }
    }
}
