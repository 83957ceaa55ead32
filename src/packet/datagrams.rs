//! Puts fragments of IPv4 and IPv6 together (RFC 791, 3.2; RFC 8200, 4.5).
//!
//! The policy, the same for both: bytes that came first stay; fragments that overlap are taken as long
//! as they agree, and a datagram whose fragments contradict each other is given up. So is one
//! that waits too long, one with a part that the snap length cut, and the oldest when memory is short.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::fragment::FragmentSeen;

/// Datagrams that are remembered; of more the half that has waited longest is given up.
pub const MOST_DATAGRAMS: usize = 65_536;
/// Bytes of parts that are kept; the same holds for more.
const MOST_BYTES: usize = 64 << 20;
/// What a part costs beside its bytes.
const PART_COST: usize = 96;
/// After so long without a fragment a datagram is given up, in nanoseconds: RFC 791, 3.2 proposes
/// 15 s and more, Linux takes 30; RFC 8200, 4.5 has 60.
const TIMEOUT_IPV4: i64 = 30_000_000_000;
const TIMEOUT_IPV6: i64 = 60_000_000_000;

/// The time without a fragment after which a datagram is given up, in nanoseconds.
pub fn fragment_timeout(ipv4: bool) -> i64 {
    if ipv4 { TIMEOUT_IPV4 } else { TIMEOUT_IPV6 }
}

/// The datagrams of a stream that wait for parts.
#[derive(Debug)]
pub(super) struct Datagrams {
    waiting: HashMap<u64, Parts, FixedState>,
    /// Cost of all parts.
    bytes: usize,
    /// Datagrams that were given up.
    incomplete: u64,
}

/// What a fragment did to its datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is complete.
    Complete(Whole),
    /// Its fragments contradict each other.
    Conflict,
}

/// A datagram that was put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The IP packet that would have come without fragments.
    pub bytes: Vec<u8>,
    /// Layers, from the IP header on, that were decoded with the first fragment.
    pub(super) layers: i32,
}

#[derive(Debug, Default)]
struct Parts {
    /// Latest time of its fragments.
    latest: i64,
    /// The headers of the first fragment, and the layers decoded there.
    head: Option<(Vec<u8>, i32)>,
    /// Length of the payload, once the last fragment is there.
    length: Option<usize>,
    /// Parts that do not overlap, by offset.
    pieces: BTreeMap<usize, Vec<u8>>,
    held: usize,
    /// It will never be complete.
    lost: bool,
}

impl Default for Datagrams {
    fn default() -> Self {
        Self {
            waiting: HashMap::with_hasher(FixedState::with_seed(0x6672_6167)),
            bytes: 0,
            incomplete: 0,
        }
    }
}

impl Datagrams {
    /// Adds a fragment, whose IP header begins at the start of `bytes`.
    pub(super) fn add(&mut self, seen: &FragmentSeen, ts_ns: i64, bytes: &[u8]) -> Option<Verdict> {
        let ipv4 = bytes.first().is_some_and(|b| b >> 4 == 4);
        let late = self
            .waiting
            .get(&seen.hash)
            .is_some_and(|known| ts_ns.saturating_sub(known.latest) > fragment_timeout(ipv4));
        if late {
            self.give_up(seen.hash);
        }
        self.make_room(seen.hash);
        let parts = self.waiting.entry(seen.hash).or_insert_with(|| Parts {
            latest: ts_ns,
            ..Parts::default()
        });
        parts.latest = parts.latest.max(ts_ns);
        let before = parts.cost();
        let verdict = match bytes.get(seen.header..seen.header + seen.payload) {
            Some(payload) if seen.fits && !parts.lost => parts.add(seen, bytes, payload),
            _ => {
                parts.lose();
                None
            }
        };
        self.bytes = (self.bytes + parts.cost()).saturating_sub(before);
        if matches!(verdict, Some(Verdict::Complete(_))) {
            let parts = self.waiting.remove(&seen.hash);
            self.bytes -= parts.map_or(0, |parts| parts.cost());
        }
        verdict
    }

    /// Gives up all that wait, since the stream has ended; gives the number of all that were given up.
    pub(super) fn finish(&mut self) -> u64 {
        let waiting = self.waiting.len() as u64;
        *self = Self {
            incomplete: self.incomplete + waiting,
            ..Self::default()
        };
        self.incomplete
    }

    fn give_up(&mut self, hash: u64) {
        if let Some(parts) = self.waiting.remove(&hash) {
            self.bytes = self.bytes.saturating_sub(parts.cost());
            self.incomplete += 1;
        }
    }

    fn make_room(&mut self, hash: u64) {
        let many = self.waiting.len() >= MOST_DATAGRAMS && !self.waiting.contains_key(&hash);
        if !many && self.bytes < MOST_BYTES {
            return;
        }
        let mut ages: Vec<(i64, u64)> = self.waiting.iter().map(|(h, p)| (p.latest, *h)).collect();
        ages.sort_unstable();
        ages.truncate(ages.len().div_ceil(2));
        for (_, hash) in ages {
            self.give_up(hash);
        }
    }
}

impl Parts {
    fn cost(&self) -> usize {
        let head = self.head.as_ref().map_or(0, |(headers, _)| headers.len());
        self.held + head + self.pieces.len() * PART_COST
    }

    fn lose(&mut self) {
        self.lost = true;
        self.head = None;
        self.pieces = BTreeMap::new();
        self.held = 0;
    }

    fn add(&mut self, seen: &FragmentSeen, bytes: &[u8], payload: &[u8]) -> Option<Verdict> {
        let offset = usize::try_from(seen.fragment.offset).ok()?;
        let end = offset + payload.len();
        let fits = match (self.length, seen.fragment.more) {
            (Some(length), true) => end <= length,
            (Some(length), false) => end == length,
            (None, true) => true,
            (None, false) => self.end() <= end,
        };
        if !fits || !self.insert(offset, payload) {
            self.lose();
            return Some(Verdict::Conflict);
        }
        if !seen.fragment.more {
            self.length = Some(end);
        }
        if offset == 0 {
            let headers = bytes.get(..seen.header)?;
            let (_, layers) = self.head.get_or_insert_with(|| (headers.to_vec(), 0));
            // Of several first fragments the one with most decided what has its rows.
            *layers = seen.layers.max(*layers);
        }
        if self.length != Some(self.held) {
            return None;
        }
        let (head, layers) = self.head.take()?;
        let payload = self.pieces.values().flatten().copied();
        let bytes = unfragmented(head, payload);
        Some(Verdict::Complete(Whole { bytes, layers }))
    }

    /// Where the parts so far end.
    fn end(&self) -> usize {
        self.pieces
            .last_key_value()
            .map_or(0, |(at, piece)| at + piece.len())
    }

    /// Adds what is new of a part; `false` if it contradicts another.
    fn insert(&mut self, offset: usize, payload: &[u8]) -> bool {
        let end = offset + payload.len();
        let before = self
            .pieces
            .range(..offset)
            .next_back()
            .map_or(offset, |(at, _)| *at);
        let mut gaps = Vec::new();
        let mut at = offset;
        for (start, piece) in self.pieces.range(before..end) {
            let stop = start + piece.len();
            let (from, to) = (offset.max(*start), end.min(stop));
            if from >= to {
                continue;
            }
            if piece.get(from - start..to - start) != payload.get(from - offset..to - offset) {
                return false;
            }
            gaps.push(at..from);
            at = to;
        }
        gaps.push(at..end);
        for gap in gaps.into_iter().filter(|gap| !gap.is_empty()) {
            let piece = payload
                .get(gap.start - offset..gap.end - offset)
                .unwrap_or_default();
            self.held += piece.len();
            self.pieces.insert(gap.start, piece.to_vec());
        }
        true
    }
}

/// The packet with that header, which says that it is a fragment, and that payload.
fn unfragmented(mut packet: Vec<u8>, payload: impl Iterator<Item = u8>) -> Vec<u8> {
    let ipv4 = packet.first().is_some_and(|b| b >> 4 == 4);
    if !ipv4 {
        remove_fragment_header(&mut packet);
    }
    packet.extend(payload);
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    let fields = if ipv4 {
        // Total length; flags and offset.
        [Some((2, length(packet.len()))), Some((6, [0, 0]))]
    } else {
        [Some((4, length(packet.len().saturating_sub(40)))), None]
    };
    for (at, value) in fields.into_iter().flatten() {
        if let Some(field) = packet.get_mut(at..at + 2) {
            field.copy_from_slice(&value);
        }
    }
    packet
}

/// Takes the fragment header away, which is the last of the headers of an IPv6 packet, and lets the
/// header before it name what comes after.
fn remove_fragment_header(headers: &mut Vec<u8>) {
    const FIXED: usize = 40;
    const FRAGMENT: usize = 8;
    let Some(last) = headers.len().checked_sub(FRAGMENT) else {
        return;
    };
    // Where the header at `at` is named.
    let (mut named, mut at) = (6, FIXED);
    while at < last {
        let kind = headers.get(named).copied();
        let Some(words) = headers.get(at + 1).copied().map(usize::from) else {
            return;
        };
        named = at;
        at += match kind {
            Some(51) => (words + 2) * 4,
            _ => (words + 1) * 8,
        };
    }
    let next = headers.get(last).copied();
    if let (Some(field), Some(next)) = (headers.get_mut(named), next) {
        *field = next;
    }
    headers.truncate(last);
}

#[cfg(test)]
mod tests {
    use super::super::context::Facts;
    use super::super::fragment::{Fragment, FragmentSeen, Place};
    use super::super::interface::Selector;
    use super::{Datagrams, TIMEOUT_IPV4, Verdict};

    /// A fragment of an IPv4 datagram behind a header of 20 bytes.
    fn add(
        datagrams: &mut Datagrams,
        ts: i64,
        offset: u32,
        more: bool,
        payload: &[u8],
    ) -> Option<Verdict> {
        let mut bytes = vec![0x45; 20];
        bytes.extend(payload);
        let seen = FragmentSeen {
            index: 0,
            hash: 1,
            start: 0,
            header: 20,
            payload: payload.len(),
            fragment: Fragment {
                id: 7,
                offset,
                more,
            },
            fits: true,
            layers: 1,
            place: Place {
                layer: 0,
                protocol: "ipv4",
                selector: Selector::IpProtocol(4),
                before: Facts::default(),
                path: 0,
                steps: 0,
            },
        };
        datagrams.add(&seen, ts, &bytes)
    }

    fn payload(verdict: Option<Verdict>) -> Vec<u8> {
        match verdict {
            Some(Verdict::Complete(whole)) => {
                assert_eq!(
                    whole.bytes[2..4],
                    u16::to_be_bytes(whole.bytes.len() as u16)
                );
                assert_eq!(whole.bytes[6..8], [0, 0]);
                whole.bytes[20..].to_vec()
            }
            other => panic!("not complete: {other:?}"),
        }
    }

    #[test]
    fn parts_come_in_any_order_and_may_overlap() {
        let mut datagrams = Datagrams::default();
        assert_eq!(add(&mut datagrams, 0, 16, false, b"QRST"), None);
        assert_eq!(add(&mut datagrams, 1, 4, true, b"EFGHIJKL"), None);
        assert_eq!(add(&mut datagrams, 1, 4, true, b"EFGHIJKL"), None);
        let last = add(&mut datagrams, 2, 0, true, b"ABCDEFGHIJKLMNOP");
        assert_eq!(payload(last), b"ABCDEFGHIJKLMNOPQRST");
        assert_eq!((datagrams.finish(), datagrams.bytes), (0, 0));
    }

    #[test]
    fn parts_that_contradict_each_other_end_a_datagram() {
        for (offset, more, part) in [
            (4, true, &b"EFgHIJKL"[..]),
            (8, false, b"IJ"),
            (12, false, b"MNOPQRST"),
            (16, true, b"QRSTUVWX"),
        ] {
            let mut datagrams = Datagrams::default();
            assert_eq!(add(&mut datagrams, 0, 0, true, b"ABCDEFGH"), None);
            assert_eq!(
                add(&mut datagrams, 0, 8, false, b"IJKLMNOP").map(|_| ()),
                Some(())
            );
            assert_eq!(add(&mut datagrams, 0, 0, true, b"ABCDEFGH"), None);
            assert_eq!(add(&mut datagrams, 0, 12, false, b"MNOP"), None);
            let verdict = add(&mut datagrams, 0, offset, more, part);
            assert_eq!(verdict, Some(Verdict::Conflict), "{offset}");
            assert_eq!(
                add(&mut datagrams, 0, 8, true, b"IJKL"),
                None,
                "it stays given up"
            );
            assert_eq!(datagrams.finish(), 1);
        }
    }

    #[test]
    fn parts_wait_for_a_time() {
        let mut datagrams = Datagrams::default();
        add(&mut datagrams, 0, 0, true, b"ABCDEFGH");
        assert_eq!(add(&mut datagrams, TIMEOUT_IPV4 + 1, 8, false, b"IJ"), None);
        let first = add(&mut datagrams, 2 * TIMEOUT_IPV4 + 1, 0, true, b"abcdefgh");
        assert_eq!(payload(first), b"abcdefghIJ");
        assert_eq!(datagrams.finish(), 1);
    }
}
