//! State and history of a connection in Zeek's terms; docs/flows.md, "State and history".

use super::key::Side;
use super::tcp::{ACK, FIN, RST, SYN};
use crate::packet::Tcp;

/// The letters of a flow, small for side B until it is known who opened it.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    text: String,
    /// Letters that each side has.
    seen: [u32; 2],
    /// How often each of `G`, `T` and `W` came, by side.
    repeats: [[u64; 3]; 2],
}

impl History {
    /// Adds a letter at its first occurrence.
    pub(super) fn first(&mut self, side: Side, letter: u8) {
        let bit = 1 << (letter - b'A');
        let seen = &mut self.seen[side as usize];
        if *seen & bit == 0 {
            *seen |= bit;
            self.push(side, letter);
        }
    }

    /// Adds a letter at its 1st, 10th, 100th … occurrence. `which` is its place among those.
    pub(super) fn repeated(&mut self, side: Side, letter: u8, which: usize) {
        let count = &mut self.repeats[side as usize][which];
        *count += 1;
        if is_power_of_ten(*count) {
            self.push(side, letter);
        }
    }

    fn push(&mut self, side: Side, letter: u8) {
        self.text.push(char::from(match side {
            Side::A => letter,
            Side::B => letter.to_ascii_lowercase(),
        }));
    }

    /// The letters, upper case for `initiator`; `turned` if another side sent the first packet.
    pub(super) fn text(&self, initiator: Side, turned: bool) -> String {
        let turn = if turned { "^" } else { "" };
        let letters = self.text.chars().map(|c| match initiator {
            Side::A => c,
            Side::B if c.is_ascii_uppercase() => c.to_ascii_lowercase(),
            Side::B => c.to_ascii_uppercase(),
        });
        turn.chars().chain(letters).collect()
    }
}

fn is_power_of_ten(mut n: u64) -> bool {
    while n > 1 && n.is_multiple_of(10) {
        n /= 10;
    }
    n == 1
}

/// What happened to a TCP connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Handshake {
    /// Time of the side's first SYN without ACK.
    pub(super) syn: [Option<i64>; 2],
    /// The side sent a SYN-ACK.
    pub(super) syn_ack: [bool; 2],
    /// Time of the side's first SYN-ACK; not before the other side's SYN, if there is such a one.
    pub(super) answer: [Option<i64>; 2],
    /// Time of the side's first acknowledgment; not before the other side's answer, if there is
    /// such a one.
    pub(super) ack: [Option<i64>; 2],
    /// The side sent FIN in this flow: what closes it.
    pub(super) fin: [bool; 2],
    /// The side sent FIN in this flow or an earlier part of the connection.
    pub(super) finished: [bool; 2],
    /// Who sent the first RST, unless both had sent FIN.
    pub(super) rst: Option<Side>,
    /// Who sent the first SYN, and the first SYN-ACK.
    pub(super) first_syn: Option<Side>,
    pub(super) first_syn_ack: Option<Side>,
}

impl Handshake {
    /// For a flow that goes on with the connection.
    pub(super) fn next_part(&self) -> Self {
        Self {
            fin: [false; 2],
            ..*self
        }
    }

    /// Adds a packet.
    pub(super) fn add(&mut self, from: Side, ts_ns: i64, tcp: &Tcp) {
        let (own, other) = (from as usize, from.other() as usize);
        let flagged = |bits: u16| tcp.flags & bits != 0;
        match (flagged(SYN), flagged(ACK)) {
            (true, false) => {
                self.syn[own] = self.syn[own].or(Some(ts_ns));
                self.first_syn = self.first_syn.or(Some(from));
            }
            (true, true) => {
                self.syn_ack[own] = true;
                self.answer[own] = first_after(self.answer[own], ts_ns, self.syn[other]);
                self.first_syn_ack = self.first_syn_ack.or(Some(from));
            }
            (false, true) => {
                self.ack[own] = first_after(self.ack[own], ts_ns, self.answer[other]);
            }
            (false, false) => {}
        }
        if flagged(FIN) {
            self.fin[own] = true;
            self.finished[own] = true;
        }
        if flagged(RST) && self.finished != [true; 2] {
            self.rst = self.rst.or(Some(from));
        }
    }

    /// State of a TCP connection that `initiator` opened.
    pub(super) fn state(&self, initiator: Side) -> &'static str {
        let (from, to) = (initiator as usize, initiator.other() as usize);
        let (syn, syn_ack) = (self.syn[from].is_some(), self.syn_ack[to]);
        let (fin, fin_back) = (self.finished[from], self.finished[to]);
        let aborted = self.rst.map(|side| side == initiator);
        match (syn, syn_ack) {
            (true, true) => match aborted {
                Some(true) => "RSTO",
                Some(false) => "RSTR",
                None if fin && fin_back => "SF",
                None if fin => "S2",
                None if fin_back => "S3",
                None => "S1",
            },
            (true, false) => match aborted {
                Some(true) => "RSTOS0",
                Some(false) => "REJ",
                None if fin => "SH",
                None => "S0",
            },
            (false, true) => match aborted {
                Some(true) => "RSTO",
                Some(false) => "RSTRH",
                None if fin_back => "SHR",
                None => "OTH",
            },
            (false, false) => "OTH",
        }
    }

    /// From SYN to SYN-ACK, and from there to the acknowledgment.
    pub(super) fn times(&self, initiator: Side) -> (Option<i64>, Option<i64>) {
        let (from, to) = (initiator as usize, initiator.other() as usize);
        let between = |a: Option<i64>, b: Option<i64>| {
            let time = b?.saturating_sub(a?);
            (time >= 0).then_some(time)
        };
        let answered = between(self.syn[from], self.answer[to]);
        let acknowledged = answered.and(between(self.answer[to], self.ack[from]));
        (answered, acknowledged)
    }
}

/// The first time, or this one if the first is before what it should be after. Times and not the
/// order of packets count, since an answer may have been captured before the question.
fn first_after(first: Option<i64>, ts_ns: i64, after: Option<i64>) -> Option<i64> {
    match (first, after) {
        (Some(first), Some(after)) if first < after => Some(ts_ns),
        (Some(first), _) => Some(first),
        (None, _) => Some(ts_ns),
    }
}

#[cfg(test)]
mod tests {
    use super::{Handshake, History};
    use crate::flow::Side;

    #[test]
    fn letters_come_once_or_at_powers_of_ten() {
        let mut history = History::default();
        for _ in 0..150 {
            history.first(Side::A, b'D');
            history.repeated(Side::B, b'T', 1);
        }
        assert_eq!(history.text(Side::A, false), "Dttt");
        assert_eq!(history.text(Side::B, true), "^dTTT");
    }

    #[test]
    fn states_of_connections() {
        let seen = |syn: bool, syn_ack: bool, fin: [bool; 2], rst: Option<Side>| {
            let handshake = Handshake {
                syn: [syn.then_some(0), None],
                syn_ack: [false, syn_ack],
                finished: fin,
                rst,
                ..Handshake::default()
            };
            handshake.state(Side::A)
        };
        let no = [false; 2];
        assert_eq!(seen(true, false, no, None), "S0");
        assert_eq!(seen(true, true, no, None), "S1");
        assert_eq!(seen(true, true, [true; 2], None), "SF");
        assert_eq!(seen(true, false, no, Some(Side::B)), "REJ");
        assert_eq!(seen(true, true, [true, false], None), "S2");
        assert_eq!(seen(true, true, [false, true], None), "S3");
        assert_eq!(seen(true, true, no, Some(Side::A)), "RSTO");
        assert_eq!(seen(true, true, no, Some(Side::B)), "RSTR");
        assert_eq!(seen(true, false, no, Some(Side::A)), "RSTOS0");
        assert_eq!(seen(false, true, no, Some(Side::B)), "RSTRH");
        assert_eq!(seen(true, false, [true, false], None), "SH");
        assert_eq!(seen(false, true, [false, true], None), "SHR");
        assert_eq!(seen(false, false, no, None), "OTH");
    }
}
