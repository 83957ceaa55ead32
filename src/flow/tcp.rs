//! What one side of a TCP connection did, by its sequence numbers; docs/flows.md, "TCP by sequence
//! numbers", has the rules in words.

use netcap_proto::TcpSideRow;

use crate::packet::{Tcp, WindowScale};

pub(super) const FIN: u16 = 1;
pub(super) const SYN: u16 = 2;
pub(super) const RST: u16 = 4;
pub(super) const ACK: u16 = 16;

/// Holes that can still be filled.
const MOST_HOLES: usize = 16;
/// A jump of sequence numbers by this much is none: they begin anew.
const JUMP: u32 = 1 << 30;
/// Greatest shift count (RFC 7323, 2.3).
const MOST_SHIFT: u8 = 14;

/// What a segment was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Segment {
    /// It repeats what had been seen, with payload.
    pub(super) retransmission: bool,
    /// It left something out.
    pub(super) gap: bool,
    /// Its window is closed.
    pub(super) zero_window: bool,
}

/// One side.
#[derive(Debug, Clone, Default)]
pub(super) struct TcpSide {
    /// What holds for the connection, and stays when it goes on in another flow.
    sequence: Sequence,
    initial_seq: Option<u32>,
    initial_window: Option<u16>,
    first_nonzero_window: Option<u16>,
    max_window: Option<u16>,
    /// Of packets without SYN.
    max_open_window: Option<u16>,
    zero_window_packets: i64,
    retransmitted_packets: i64,
    retransmitted_bytes: i64,
    out_of_order_packets: i64,
    duplicate_ack_packets: i64,
    keep_alive_packets: i64,
    pub(super) repeated_packets: i64,
}

/// Where the numbers are.
#[derive(Debug, Clone, Default)]
struct Sequence {
    /// After the greatest number seen.
    next: Option<u32>,
    /// Left out and not seen since, oldest first, each from its first number to after its last.
    holes: Vec<(u32, u32)>,
    /// Sequence numbers left out for good.
    missing_bytes: u64,
    /// Acknowledgment number and window of the last packet with ACK.
    last_ack: Option<(u32, u16)>,
    mss: Option<u16>,
    /// Of the first SYN.
    syn: Option<WindowScale>,
}

impl Sequence {
    fn limit_holes(&mut self) {
        while self.holes.len() > MOST_HOLES {
            self.missing_bytes += size(self.holes.remove(0));
        }
    }
}

impl TcpSide {
    /// For a flow that goes on with the connection.
    pub(super) fn next_part(&self) -> Self {
        Self {
            sequence: self.sequence.clone(),
            ..Self::default()
        }
    }

    /// After the greatest sequence number seen.
    pub(super) fn next(&self) -> Option<u32> {
        self.sequence.next
    }

    /// A fragment without a header: it goes on where the numbers are.
    pub(super) fn later_fragment(&mut self, payload: u32) {
        self.sequence.next = self.sequence.next.map(|next| next.wrapping_add(payload));
    }

    /// Adds a segment with `payload` bytes; `other_next` is the other side's next number.
    pub(super) fn add(&mut self, tcp: &Tcp, payload: u32, other_next: Option<u32>) -> Segment {
        let flagged = |bits: u16| tcp.flags & bits != 0;
        let mut segment = Segment::default();
        if self.initial_seq.is_none() {
            self.initial_seq = Some(tcp.seq);
            self.initial_window = Some(tcp.window);
        }
        if tcp.window > 0 {
            self.first_nonzero_window = self.first_nonzero_window.or(Some(tcp.window));
        }
        self.max_window = self.max_window.max(Some(tcp.window));
        if flagged(SYN) {
            self.sequence.mss = self.sequence.mss.or(tcp.mss);
            self.sequence.syn = self.sequence.syn.or(Some(tcp.window_scale));
        } else {
            self.max_open_window = self.max_open_window.max(Some(tcp.window));
        }
        if tcp.window == 0 && !flagged(SYN | FIN | RST) {
            self.zero_window_packets += 1;
            segment.zero_window = true;
        }
        if !flagged(RST) {
            let keep_alive = self.sequence(tcp, payload, &mut segment);
            if payload == 0
                && !keep_alive
                && flagged(ACK)
                && !flagged(SYN | FIN)
                && self.sequence.last_ack == Some((tcp.ack, tcp.window))
                && other_next.is_some_and(|next| distance(tcp.ack, next) > 0)
            {
                self.duplicate_ack_packets += 1;
            }
        }
        if flagged(ACK) {
            self.sequence.last_ack = Some((tcp.ack, tcp.window));
        }
        segment
    }

    /// Follows the sequence numbers; whether it is a keep-alive.
    fn sequence(&mut self, tcp: &Tcp, payload: u32, segment: &mut Segment) -> bool {
        let flagged = |bits: u16| tcp.flags & bits != 0;
        let length = payload + u32::from(flagged(SYN)) + u32::from(flagged(FIN));
        let end = tcp.seq.wrapping_add(length);
        let Some(next) = self.sequence.next else {
            if length > 0 {
                self.sequence.next = Some(end);
            }
            return false;
        };
        let ahead = distance(next, tcp.seq);
        if ahead == -1 && payload <= 1 && !flagged(SYN | FIN) {
            self.keep_alive_packets += 1;
            return true;
        }
        if length == 0 {
            return false;
        }
        if ahead.unsigned_abs() >= JUMP {
            let left: u64 = self.sequence.holes.drain(..).map(size).sum();
            self.sequence.missing_bytes += left;
            self.sequence.next = Some(end);
        } else if ahead >= 0 {
            if ahead > 0 {
                segment.gap = true;
                self.sequence.holes.push((next, tcp.seq));
                self.sequence.limit_holes();
            }
            self.sequence.next = Some(end);
        } else {
            let filled = self.fill(tcp.seq, end);
            let beyond = distance(next, end) > 0;
            if beyond {
                self.sequence.next = Some(end);
            }
            if filled {
                self.out_of_order_packets += 1;
            } else if !beyond {
                self.retransmitted_packets += 1;
                self.retransmitted_bytes += i64::from(payload);
                segment.retransmission = payload > 0;
            }
        }
        false
    }

    /// Takes `[start, end)` out of the holes; whether there was any of it.
    fn fill(&mut self, start: u32, end: u32) -> bool {
        let mut filled = false;
        let mut left = Vec::with_capacity(self.sequence.holes.len());
        for &(first, last) in &self.sequence.holes {
            if distance(start, last) <= 0 || distance(first, end) <= 0 {
                left.push((first, last));
                continue;
            }
            filled = true;
            if distance(first, start) > 0 {
                left.push((first, start));
            }
            if distance(end, last) > 0 {
                left.push((end, last));
            }
        }
        if filled {
            self.sequence.holes = left;
            self.sequence.limit_holes();
        }
        filled
    }

    /// The row of the side; `other` is the other side.
    pub(super) fn row(&self, other: &Self, counts_repeats: bool) -> TcpSideRow {
        let shift = match (self.sequence.syn, other.sequence.syn) {
            (Some(WindowScale::Shift(shift)), Some(WindowScale::Shift(_))) => {
                Some(shift.min(MOST_SHIFT))
            }
            (Some(WindowScale::Absent), Some(_)) | (Some(_), Some(WindowScale::Absent)) => Some(0),
            _ => None,
        };
        let holes: u64 = self.sequence.holes.iter().copied().map(size).sum();
        let missing = self.sequence.missing_bytes.saturating_add(holes);
        TcpSideRow {
            initial_seq: self.initial_seq.map(i64::from),
            initial_window: self.initial_window.map(i32::from),
            first_nonzero_window: self.first_nonzero_window.map(i32::from),
            max_window: self.max_window.map(i32::from),
            max_window_bytes: shift
                .zip(self.max_open_window)
                .map(|(shift, window)| i64::from(window) << shift),
            window_scale: shift.map(i32::from),
            mss: self.sequence.mss.map(i32::from),
            zero_window_packets: Some(self.zero_window_packets),
            retransmitted_packets: Some(self.retransmitted_packets),
            retransmitted_bytes: Some(self.retransmitted_bytes),
            out_of_order_packets: Some(self.out_of_order_packets),
            duplicate_ack_packets: Some(self.duplicate_ack_packets),
            keep_alive_packets: Some(self.keep_alive_packets),
            missing_bytes: Some(i64::try_from(missing).unwrap_or(i64::MAX)),
            repeated_packets: counts_repeats.then_some(self.repeated_packets),
        }
    }
}

/// From `a` to `b`, modulo 2³².
fn distance(a: u32, b: u32) -> i32 {
    b.wrapping_sub(a).cast_signed()
}

fn size((first, last): (u32, u32)) -> u64 {
    last.wrapping_sub(first).into()
}

/// The row of a side that there is none of.
pub(super) const NO_SIDE: TcpSideRow = TcpSideRow {
    initial_seq: None,
    initial_window: None,
    first_nonzero_window: None,
    max_window: None,
    max_window_bytes: None,
    window_scale: None,
    mss: None,
    zero_window_packets: None,
    retransmitted_packets: None,
    retransmitted_bytes: None,
    out_of_order_packets: None,
    duplicate_ack_packets: None,
    keep_alive_packets: None,
    missing_bytes: None,
    repeated_packets: None,
};

#[cfg(test)]
mod tests {
    use super::{ACK, FIN, SYN, Segment, TcpSide};
    use crate::packet::{Tcp, WindowScale};

    fn segment(seq: u32, flags: u16) -> Tcp {
        Tcp {
            seq,
            ack: 1,
            window: 100,
            flags,
            mss: None,
            window_scale: WindowScale::Absent,
        }
    }

    /// A side whose next number is `next`.
    fn side(next: u32) -> TcpSide {
        let mut side = TcpSide::default();
        side.add(&segment(next.wrapping_sub(1), SYN), 0, None);
        side
    }

    #[test]
    fn holes_are_filled_across_the_wrap() {
        let mut side = side(u32::MAX - 9);
        assert!(side.add(&segment(10, ACK), 5, None).gap);
        // 20 left out, of which 8 come late in two pieces.
        side.add(&segment(u32::MAX - 9, ACK), 4, None);
        side.add(&segment(2, ACK), 4, None);
        let row = side.row(&TcpSide::default(), false);
        assert_eq!(row.missing_bytes, Some(12));
        assert_eq!(row.out_of_order_packets, Some(2));
        assert_eq!(row.retransmitted_packets, Some(0));
    }

    #[test]
    fn what_was_seen_before_is_a_retransmission() {
        let mut side = side(100);
        side.add(&segment(100, ACK), 50, None);
        let again = side.add(&segment(100, ACK), 50, None);
        assert!(again.retransmission);
        // Half of it is new.
        assert_eq!(side.add(&segment(125, ACK), 50, None), Segment::default());
        side.add(&segment(99, SYN), 0, None);
        let row = side.row(&TcpSide::default(), false);
        assert_eq!(
            (row.retransmitted_packets, row.retransmitted_bytes),
            (Some(2), Some(50))
        );
        assert_eq!(side.next(), Some(175));
    }

    #[test]
    fn keep_alives_are_no_retransmissions() {
        let mut side = side(100);
        side.add(&segment(100, ACK), 10, None);
        for payload in [0, 1] {
            side.add(&segment(109, ACK), payload, None);
        }
        side.add(&segment(109, ACK), 2, None);
        let row = side.row(&TcpSide::default(), false);
        assert_eq!(
            (row.keep_alive_packets, row.retransmitted_packets),
            (Some(2), Some(0))
        );
        // The FIN of a side whose next number it repeats is none.
        side.add(&segment(110, FIN | ACK), 0, None);
        assert_eq!(side.row(&side, false).keep_alive_packets, Some(2));
    }

    #[test]
    fn duplicate_acknowledgments_need_outstanding_data() {
        let mut side = side(100);
        for (window, other) in [(100, 50), (100, 50), (100, 1), (90, 50), (90, 50)] {
            let mut tcp = segment(100, ACK);
            tcp.window = window;
            side.add(&tcp, 0, Some(other));
        }
        assert_eq!(side.row(&side, false).duplicate_ack_packets, Some(2));
    }

    #[test]
    fn windows_are_scaled_if_both_sides_can() {
        use WindowScale::{Absent, Shift, Unknown};
        let side = |window_scale| {
            let mut side = TcpSide::default();
            let mut syn = segment(99, SYN);
            syn.window_scale = window_scale;
            side.add(&syn, 0, None);
            side.add(&segment(100, ACK), 0, None);
            side
        };
        for (own, other, scale) in [
            (Shift(7), Shift(2), Some(7)),
            (Shift(7), Absent, Some(0)),
            (Unknown, Absent, Some(0)),
            (Unknown, Shift(2), None),
            (Shift(7), Unknown, None),
        ] {
            let row = side(own).row(&side(other), false);
            let most = scale.map(|scale| 100 << scale);
            assert_eq!((row.window_scale, row.max_window_bytes), (scale, most));
        }
    }

    #[test]
    fn numbers_that_jump_begin_anew() {
        let mut side = side(100);
        side.add(&segment(0x7000_0000, ACK), 10, None);
        let row = side.row(&TcpSide::default(), false);
        assert_eq!(
            (row.missing_bytes, side.next()),
            (Some(0), Some(0x7000_000a))
        );
    }
}
