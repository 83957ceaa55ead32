//! A share of the flow table: the flows whose keys hash to it.
//!
//! Packets reach a shard in order, and a flow is touched by one shard only, so nothing here
//! depends on the number of threads.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::key::{FlowKey, FlowPacket, Side};
use super::policy::Policy;
use crate::packet::Icmp;

/// FIN, SYN, RST, PSH, ACK, URG, ECE, CWR: the bits of the lower byte of the flags.
pub(super) const FLAGS: usize = 8;
const FIN: u16 = 1;
const SYN: u16 = 2;
const RST: u16 = 4;
const ACK: u16 = 16;

/// Sums over the packets of one direction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Packets.
    pub packets: i64,
    /// Bytes on the wire.
    pub wire_bytes: i64,
    /// Bytes of IP packets.
    pub ip_bytes: i64,
    /// Bytes of payload.
    pub payload_bytes: i64,
    /// Packets with each of the eight TCP flags, lowest bit first.
    pub flags: [i64; FLAGS],
}

/// Why a flow ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// FIN in both directions.
    Fin,
    /// RST.
    Rst,
    /// No packet for the idle time-out.
    Idle,
    /// The active time-out.
    Active,
    /// The input ended.
    EndOfInput,
}

impl EndReason {
    /// As in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Idle => "idle",
            Self::Active => "active",
            Self::EndOfInput => "end_of_input",
        }
    }
}

/// A place of a packet in the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketPlace {
    /// Capture ordinal.
    pub capture: i32,
    /// Packet number.
    pub packet: i64,
}

/// A flow.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Its number: capture · 10¹⁰ + number of its first packet.
    pub id: i64,
    /// What its packets have in common.
    pub key: FlowKey,
    /// First packet.
    pub first: PacketPlace,
    /// Last packet.
    pub last: PacketPlace,
    /// Time of the earliest packet (nanoseconds since 1970).
    pub start_ns: i64,
    /// Time of the latest packet.
    pub end_ns: i64,
    /// Sums for what side A and what side B sent.
    pub sums: [Sums; 2],
    /// The ICMP message of the first packet.
    pub icmp: Option<Icmp>,
    /// Application protocol.
    pub service: Option<&'static str>,
    /// Why it ended; of a flow that goes on, why it will have ended.
    pub end: EndReason,
    first_from: Side,
    syn_from: Option<Side>,
    syn_ack_from: Option<Side>,
    fin_from: [bool; 2],
}

impl Flow {
    fn new(packet: &FlowPacket, place: PacketPlace) -> Self {
        Self {
            id: i64::from(place.capture) * 10_000_000_000 + place.packet,
            key: packet.key,
            first: place,
            last: place,
            start_ns: packet.ts_ns,
            end_ns: packet.ts_ns,
            sums: [Sums::default(); 2],
            icmp: packet.icmp,
            service: None,
            end: EndReason::EndOfInput,
            first_from: packet.from,
            syn_from: None,
            syn_ack_from: None,
            fin_from: [false; 2],
        }
    }

    fn add(&mut self, packet: &FlowPacket, place: PacketPlace) {
        self.last = place;
        self.start_ns = self.start_ns.min(packet.ts_ns);
        self.end_ns = self.end_ns.max(packet.ts_ns);
        self.service = self.service.or(packet.service);
        let sums = &mut self.sums[packet.from as usize];
        sums.packets += 1;
        sums.wire_bytes += i64::from(packet.wire_bytes);
        sums.ip_bytes += i64::from(packet.ip_bytes);
        sums.payload_bytes += i64::from(packet.payload_bytes);
        let flags = packet.tcp_flags;
        if flags == 0 {
            return;
        }
        for (bit, count) in sums.flags.iter_mut().enumerate() {
            *count += i64::from(flags >> bit & 1);
        }
        match flags & (SYN | ACK) {
            SYN => self.syn_from = self.syn_from.or(Some(packet.from)),
            both if both == SYN | ACK => {
                self.syn_ack_from = self.syn_ack_from.or(Some(packet.from));
            }
            _ => {}
        }
        if flags & FIN != 0 {
            self.fin_from[packet.from as usize] = true;
        }
        if flags & RST != 0 {
            self.end = EndReason::Rst;
        } else if self.fin_from == [true; 2] && self.end != EndReason::Rst {
            self.end = EndReason::Fin;
        }
    }

    fn closed(&self) -> bool {
        matches!(self.end, EndReason::Fin | EndReason::Rst)
    }

    /// Whether it ends before `packet`, which has its key, and why.
    fn ends_before(&self, packet: &FlowPacket, policy: &Policy) -> Option<EndReason> {
        if packet.ts_ns.saturating_sub(self.end_ns) > policy.idle_ns {
            Some(EndReason::Idle)
        } else if packet.ts_ns.saturating_sub(self.start_ns) >= policy.active_ns {
            Some(EndReason::Active)
        } else if self.closed() && packet.tcp_flags & (SYN | ACK) == SYN {
            // Another connection with the same ports; this one was closed already.
            Some(self.end)
        } else {
            None
        }
    }

    fn ended(mut self, reason: EndReason) -> Self {
        if !self.closed() {
            self.end = reason;
        }
        self
    }

    /// Who opened it: the sender of the SYN, else the receiver of the SYN-ACK, else the sender of
    /// the first packet.
    pub fn initiator(&self) -> Side {
        self.syn_from
            .or(self.syn_ack_from.map(Side::other))
            .unwrap_or(self.first_from)
    }
}

/// Flows by key.
#[derive(Debug)]
pub(super) struct Shard {
    flows: HashMap<FlowKey, Flow, FixedState>,
}

impl Shard {
    pub(super) fn new() -> Self {
        Self {
            flows: HashMap::with_hasher(FixedState::with_seed(0x7368_6172)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.flows.len()
    }

    /// Adds a packet; gives the number of its flow. A flow that ends before it goes to `ended`.
    pub(super) fn add(
        &mut self,
        packet: &FlowPacket,
        place: PacketPlace,
        policy: &Policy,
        ended: &mut Vec<Flow>,
    ) -> i64 {
        let flow = self
            .flows
            .entry(packet.key)
            .or_insert_with(|| Flow::new(packet, place));
        if let Some(reason) = flow.ends_before(packet, policy) {
            let old = std::mem::replace(flow, Flow::new(packet, place));
            ended.push(old.ended(reason));
        }
        flow.add(packet, place);
        flow.id
    }

    /// Takes out the flows that have been idle at `now`.
    pub(super) fn expire(&mut self, now: i64, policy: &Policy, ended: &mut Vec<Flow>) {
        let idle = self
            .flows
            .extract_if(|_, flow| now.saturating_sub(flow.end_ns) > policy.idle_ns)
            .map(|(_, flow)| flow.ended(EndReason::Idle));
        ended.extend(idle);
    }

    /// Takes out all flows. Those that have been idle at `now` ended for that reason, whether they
    /// were looked for before or not.
    pub(super) fn finish(&mut self, now: i64, policy: &Policy, ended: &mut Vec<Flow>) {
        self.expire(now, policy, ended);
        ended.extend(
            self.flows
                .drain()
                .map(|(_, flow)| flow.ended(EndReason::EndOfInput)),
        );
    }
}
