//! What the packets of a flow add up to. A flow has it from its second packet on.

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::activity::Activity;
use super::history::{Handshake, History};
use super::key::{FlowPacket, Side};
use super::numbers::Gaps;
use super::policy::Close;
use super::published::Published;
use super::side::SideSums;
use super::tcp::{ACK, FIN, RST, SYN, TcpSide};
use crate::packet::{Dns, Icmp};

/// Upper bounds of the ranges of IP lengths that are counted; the last range has none.
const IP_LENGTHS: [u32; 5] = [128, 256, 512, 1024, 1514];

/// SYNs that are remembered; who sends more with ever other numbers scans or floods.
const MOST_SYNS: usize = 16;

/// Sums, and the state that they need.
#[derive(Debug, Clone, Default)]
pub(super) struct Details {
    /// What side A and what side B sent.
    pub(super) sides: [SideSums; 2],
    /// Of a TCP connection.
    pub(super) tcp: Option<Box<[TcpSide; 2]>>,
    /// Sender and sequence number of the first SYNs without ACK.
    syns: Vec<(Side, u32)>,
    pub(super) handshake: Handshake,
    pub(super) history: History,
    pub(super) gaps: Gaps,
    pub(super) activity: Activity,
    pub(super) disordered_packets: i64,
    /// Packets by IP length.
    pub(super) lengths: [i64; IP_LENGTHS.len() + 1],
    pub(super) icmp: Option<Icmp>,
    pub(super) dns: Option<Dns>,
    pub(super) service: Option<&'static str>,
    /// The first packets, as many as are wanted.
    pub(super) early: Vec<EarlyPacket>,
    /// Segments seen, where repeated ones are to be counted.
    pub(super) segments: Option<Box<Segments>>,
    /// What only CICFlowMeter as published looks at.
    pub(super) published: Option<Box<Published>>,
}

/// Sender, sequence and acknowledgment number, payload and window of segments.
pub(super) type Segments = HashSet<(Side, u32, u32, u32, u16), FixedState>;

/// One of the first packets of a flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct EarlyPacket {
    pub(super) packet: FlowPacket,
    pub(super) gap: Option<u64>,
}

impl Details {
    /// Of no packet yet, of a flow that ends by that rule.
    pub(super) fn new(close: Close) -> Self {
        let segments = || Box::new(Segments::with_hasher(FixedState::with_seed(0x7365_676d)));
        Self {
            segments: (close == Close::Engelen).then(segments),
            published: (close == Close::Published).then(Box::default),
            ..Self::default()
        }
    }

    /// For a flow that goes on with the connection.
    pub(super) fn next_part(&mut self) -> Self {
        let tcp = self.tcp.as_deref();
        Self {
            tcp: tcp.map(|[a, b]| Box::new([a.next_part(), b.next_part()])),
            handshake: self.handshake.next_part(),
            syns: self.syns.clone(),
            segments: self.segments.take(),
            published: self.published.as_ref().map(|_| Box::default()),
            ..Self::default()
        }
    }

    /// Adds a packet, of which `early` are to be kept.
    pub(super) fn add(&mut self, packet: &FlowPacket, early: usize) {
        let first = self.sides.iter().all(|side| side.packets() == 0);
        if first {
            self.icmp = packet.icmp;
        }
        let gap = self.gaps.add(packet.ts_ns);
        match gap {
            Some(gap) => self.activity.add(gap),
            None if first => {}
            None => self.disordered_packets += 1,
        }
        if let Some(published) = &mut self.published {
            published.add(packet);
        }
        let [a, b] = &mut self.sides;
        let (own, other) = match packet.from {
            Side::A => (a, b),
            Side::B => (b, a),
        };
        own.add(packet, other.bulk.last_data());
        let range = IP_LENGTHS
            .iter()
            .position(|most| packet.ip_bytes <= *most)
            .unwrap_or(IP_LENGTHS.len());
        self.lengths[range] += 1;
        self.service = self.service.or(packet.service);
        self.dns = match (self.dns, packet.dns) {
            (Some(known), Some(new)) => Some(known.and(new)),
            (known, new) => known.or(new),
        };
        match packet.key.protocol {
            6 => self.add_tcp(packet),
            17 if packet.payload_bytes > 0 => self.history.first(packet.from, b'D'),
            _ => {}
        }
        if self.early.len() < early {
            self.early.push(EarlyPacket {
                packet: *packet,
                gap,
            });
        }
    }

    /// A SYN without ACK with that sequence number was seen.
    pub(super) fn has_syn(&self, from: Side, seq: u32) -> bool {
        self.syns.contains(&(from, seq))
    }

    fn add_tcp(&mut self, packet: &FlowPacket) {
        let (from, to) = (packet.from as usize, packet.from.other() as usize);
        let sides = self.tcp.get_or_insert_default();
        let Some(tcp) = &packet.tcp else {
            sides[from].later_fragment(packet.payload_bytes);
            if packet.payload_bytes > 0 {
                self.history.first(packet.from, b'D');
            }
            return;
        };
        let other_next = sides[to].next();
        let segment = sides[from].add(tcp, packet.payload_bytes, other_next);
        if let Some(segments) = &mut self.segments
            && !segments.insert((
                packet.from,
                tcp.seq,
                tcp.ack,
                packet.payload_bytes,
                tcp.window,
            ))
        {
            sides[from].repeated_packets += 1;
        }
        self.handshake.add(packet.from, packet.ts_ns, tcp);
        if tcp.flags & (SYN | ACK) == SYN
            && self.syns.len() < MOST_SYNS
            && !self.has_syn(packet.from, tcp.seq)
        {
            self.syns.push((packet.from, tcp.seq));
        }

        let flagged = |bits: u16| tcp.flags & bits != 0;
        let history = &mut self.history;
        if flagged(SYN) && flagged(FIN | RST) {
            history.first(packet.from, b'Q');
        } else if flagged(SYN) {
            history.first(packet.from, if flagged(ACK) { b'H' } else { b'S' });
        }
        if flagged(FIN) {
            history.first(packet.from, b'F');
        }
        if flagged(RST) {
            history.first(packet.from, b'R');
        }
        if segment.gap {
            history.repeated(packet.from, b'G', 0);
        }
        if segment.retransmission {
            history.repeated(packet.from, b'T', 1);
        }
        if packet.payload_bytes > 0 {
            history.first(packet.from, b'D');
        }
        if segment.zero_window {
            history.repeated(packet.from, b'W', 2);
        }
        if flagged(ACK) && !flagged(SYN | FIN | RST) && packet.payload_bytes == 0 {
            history.first(packet.from, b'A');
        }
    }
}
