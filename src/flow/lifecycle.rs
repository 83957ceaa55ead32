//! A flow: which packets belong to it, when it ends, who opened it.

use super::details::Details;
use super::key::{FlowPacket, PacketPlace, Side};
use super::policy::{Close, Initiator, Policy};
use super::side::SideSums;
use super::tcp::{ACK, FIN, RST, SYN};
use crate::packet::has_ports;

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
    /// Another connection with the same key began.
    Syn,
    /// More flows went on than are allowed.
    Memory,
    /// The input ended.
    EndOfInput,
}

impl EndReason {
    /// As in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Syn => "syn",
            Self::Memory => "memory",
            Self::EndOfInput => "end_of_input",
        }
    }
}

/// How the initiator was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    Syn,
    SynAck,
    Port,
    FirstPacket,
}

impl Evidence {
    /// As in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::SynAck => "syn_ack",
            Self::Port => "port",
            Self::FirstPacket => "first_packet",
        }
    }
}

/// The connection that a flow is a part of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection {
    /// Number of its first flow.
    pub(super) id: i64,
    /// Which part the flow is, from 1.
    pub(super) part: i32,
    /// Time of its earliest packet.
    pub(super) start_ns: i64,
    /// Who opened it, as the part before knew.
    initiator: Option<(Side, Evidence)>,
}

/// How far CICFlowMeter's state machine has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Teardown {
    #[default]
    Open,
    FirstFin,
    SecondFin,
    Ready,
}

/// What became of a packet with a flow's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// It belongs to no flow.
    LeftOut,
    /// Others can follow it.
    GoesOn,
    /// It ended the flow.
    AsLast,
}

/// Flows that ended. They are moved out of tables, sorted and handed on: by their addresses.
pub type Ended = Vec<Box<Flow>>;

/// A flow.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Its number: capture · 10¹⁰ + number of its first packet.
    pub id: i64,
    pub(super) last: PacketPlace,
    /// Times of the earliest and the latest packet (nanoseconds since 1970).
    pub(super) start_ns: i64,
    pub(super) end_ns: i64,
    pub(super) connection: Connection,
    pub(super) first_packet: FlowPacket,
    /// Why it ended; of a flow that goes on, why it will have ended.
    pub(super) end: EndReason,
    teardown: Teardown,
    /// From the second packet on.
    details: Option<Box<Details>>,
}

impl Flow {
    pub(super) fn new(packet: &FlowPacket) -> Self {
        let place = packet.place;
        let mut flow = Self {
            id: place.flow(),
            last: place,
            start_ns: packet.ts_ns,
            end_ns: packet.ts_ns,
            connection: Connection {
                id: place.flow(),
                part: 1,
                start_ns: packet.ts_ns,
                initiator: None,
            },
            first_packet: *packet,
            end: EndReason::EndOfInput,
            teardown: Teardown::Open,
            details: None,
        };
        flow.close(packet);
        flow
    }

    /// The flow that begins with `packet` and goes on with this one's connection.
    fn next_part(&mut self, packet: &FlowPacket, rules: &Rules) -> Self {
        let initiator = self.initiator(&rules.policy);
        let mut counted = *packet;
        if rules.policy.close == Close::Published {
            // The published tool sets the source after it has counted the packet as the source's.
            counted.from = initiator.0;
        }
        let mut details = self.details(rules).next_part();
        details.add(&counted, rules.early);
        Self {
            connection: Connection {
                part: self.connection.part.saturating_add(1),
                initiator: Some(initiator),
                ..self.connection
            },
            details: Some(Box::new(details)),
            ..Self::new(packet)
        }
    }

    /// Sums over its packets.
    pub(super) fn details(&mut self, rules: &Rules) -> &mut Details {
        self.details
            .get_or_insert_with(|| Box::new(of_first(&self.first_packet, rules)))
    }

    /// Its packets.
    pub fn packets(&self) -> i64 {
        let count = |details: &Details| details.sides.iter().map(SideSums::packets).sum();
        self.details.as_deref().map_or(1, count)
    }

    /// Gives sums over its packets to `take`. Of one packet they live no longer.
    pub(super) fn with_details<T>(&self, rules: &Rules, take: impl FnOnce(&Details) -> T) -> T {
        match &self.details {
            Some(details) => take(details),
            None => take(&of_first(&self.first_packet, rules)),
        }
    }

    /// Takes a packet after the first, as the policy has it.
    pub(super) fn join(&mut self, packet: &FlowPacket, rules: &Rules) -> Joined {
        if rules.policy.close == Close::Published {
            return self.join_as_published(packet, rules);
        }
        self.add(packet, rules);
        Joined::GoesOn
    }

    /// Adds a packet after the first.
    fn add(&mut self, packet: &FlowPacket, rules: &Rules) {
        self.details(rules).add(packet, rules.early);
        self.last = packet.place;
        self.start_ns = self.start_ns.min(packet.ts_ns);
        self.end_ns = self.end_ns.max(packet.ts_ns);
        self.connection.start_ns = self.connection.start_ns.min(packet.ts_ns);
        self.close(packet);
        if rules.policy.close == Close::Engelen {
            self.tear_down(packet.tcp_flags());
        }
    }

    fn close(&mut self, packet: &FlowPacket) {
        let flags = packet.tcp_flags();
        if flags & (FIN | RST) == 0 {
            return;
        }
        let fins = self.details.as_ref().map(|d| d.handshake.fin);
        if flags & RST != 0 {
            self.end = EndReason::Rst;
        } else if fins == Some([true; 2]) && self.end != EndReason::Rst {
            self.end = EndReason::Fin;
        }
    }

    /// What a packet after the first does to CICFlowMeter's state.
    fn tear_down(&mut self, flags: u16) {
        let fins = self.details.as_ref().map(|d| d.handshake.fin);
        self.teardown = match self.teardown {
            Teardown::Open if flags & FIN != 0 => Teardown::FirstFin,
            Teardown::FirstFin if flags & FIN != 0 && fins == Some([true; 2]) => {
                Teardown::SecondFin
            }
            state if flags & FIN != 0 => state,
            _ if flags & RST != 0 => Teardown::Ready,
            Teardown::SecondFin if flags & ACK != 0 => Teardown::Ready,
            state => state,
        };
    }

    /// Under the rules of CICFlowMeter as published, which leave some packets out.
    fn join_as_published(&mut self, packet: &FlowPacket, rules: &Rules) -> Joined {
        let (initiator, _) = self.initiator(&rules.policy);
        let mut packet = *packet;
        if packet.key.addresses[0] == packet.key.addresses[1] {
            // Who sent it is told by the address alone.
            packet.from = initiator;
        }
        let flags = packet.tcp_flags();
        let forward = packet.from == initiator;
        if flags & FIN != 0 && forward {
            if self.teardown != Teardown::Open {
                return Joined::LeftOut;
            }
            self.teardown = Teardown::FirstFin;
        }
        self.add(&packet, rules);
        if flags & FIN != 0 && !forward {
            self.end(EndReason::Fin);
            Joined::AsLast
        } else if flags & FIN == 0 && flags & RST != 0 {
            Joined::AsLast
        } else {
            Joined::GoesOn
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.end, EndReason::Fin | EndReason::Rst)
    }

    /// If the flow ends before `packet`, which has its key: why, and the flow that begins with it.
    pub(super) fn successor(
        &mut self,
        packet: &FlowPacket,
        rules: &Rules,
    ) -> Option<(EndReason, Self)> {
        let policy = &rules.policy;
        if policy.is_idle(self.end_ns, packet.ts_ns) {
            return Some((EndReason::Idle, Self::new(packet)));
        }
        let another = match policy.close {
            Close::Linger => self.is_another_connection(packet, rules),
            Close::Never | Close::Published => false,
            Close::Engelen => self.teardown == Teardown::Ready && packet.tcp_flags() & SYN != 0,
        };
        if another {
            return Some((EndReason::Syn, Self::new(packet)));
        }
        if policy.is_too_long(self.start_ns, packet.ts_ns) {
            let goes_on = match policy.close {
                Close::Linger | Close::Published => true,
                Close::Never => false,
                Close::Engelen => match packet.key.protocol {
                    6 => true,
                    17 => !policy.is_too_long(self.end_ns, packet.ts_ns),
                    _ => false,
                },
            };
            let next = if goes_on {
                self.next_part(packet, rules)
            } else {
                Self::new(packet)
            };
            return Some((EndReason::Active, next));
        }
        (policy.close == Close::Engelen && self.is_another_message(packet))
            .then(|| (EndReason::Syn, Self::new(packet)))
    }

    /// A SYN that is not this connection's.
    fn is_another_connection(&mut self, packet: &FlowPacket, rules: &Rules) -> bool {
        let Some(tcp) = packet.tcp.filter(|tcp| tcp.flags & (SYN | ACK) == SYN) else {
            return false;
        };
        if self.is_closed() {
            return true;
        }
        let details = self.details(rules);
        let both = details.sides.iter().all(|side| side.packets() > 0);
        both && !details.has_syn(packet.from, tcp.seq)
    }

    /// An ICMP message whose type and code both differ from the first's.
    fn is_another_message(&self, packet: &FlowPacket) -> bool {
        let (known, new) = (self.first_packet.icmp, packet.icmp);
        packet.key.protocol == 1
            && known.map(|i| i.kind) != new.map(|i| i.kind)
            && known.map(|i| i.code) != new.map(|i| i.code)
    }

    /// No packet can join it or its connection any more at `now`.
    pub(super) fn is_over(&self, now: i64, policy: &Policy) -> bool {
        match policy.idle_ns {
            Some(_) => policy.is_idle(self.end_ns, now),
            // The next packet has its addresses as they are, however late.
            None if policy.close == Close::Published => false,
            // The next packet of a TCP connection goes on with it, however late.
            None => policy.is_too_long(self.end_ns, now) && self.first_packet.key.protocol != 6,
        }
    }

    /// Notes why it ended, unless that was known before.
    pub(super) fn end(&mut self, reason: EndReason) {
        if !self.is_closed() {
            self.end = reason;
        }
    }

    /// Who opened it, and how that is known.
    pub(super) fn initiator(&self, policy: &Policy) -> (Side, Evidence) {
        if let Some(known) = self.connection.initiator {
            return known;
        }
        let first = self.first_packet.from;
        let flags = self.first_packet.tcp_flags();
        match policy.initiator {
            Initiator::FirstPacket => return (first, Evidence::FirstPacket),
            Initiator::FirstPacketUnlessSynAck if flags & (SYN | ACK) == SYN | ACK => {
                return (first.other(), Evidence::SynAck);
            }
            Initiator::FirstPacketUnlessSynAck => return (first, Evidence::FirstPacket),
            Initiator::Evidence => {}
        }
        let (syn, syn_ack) = match &self.details {
            Some(details) => (details.handshake.first_syn, details.handshake.first_syn_ack),
            None => (
                (flags & (SYN | ACK) == SYN).then_some(first),
                (flags & (SYN | ACK) == SYN | ACK).then_some(first),
            ),
        };
        if let Some(side) = syn {
            (side, Evidence::Syn)
        } else if let Some(side) = syn_ack {
            (side.other(), Evidence::SynAck)
        } else if let Some(side) = self.by_port() {
            (side, Evidence::Port)
        } else {
            (first, Evidence::FirstPacket)
        }
    }

    /// The side without a system port (RFC 6335: 0 to 1023, of which 0 is none), if the other has
    /// one.
    fn by_port(&self) -> Option<Side> {
        let key = &self.first_packet.key;
        if !has_ports(key.protocol) {
            return None;
        }
        let system = key.ports.map(|port| (1..1024).contains(&port));
        let side = match system {
            [false, true] => Side::A,
            [true, false] => Side::B,
            _ => return None,
        };
        let address = key.addresses[side as usize];
        let silent = match address {
            std::net::IpAddr::V4(address) => address.is_broadcast() || address.is_multicast(),
            std::net::IpAddr::V6(address) => address.is_multicast(),
        };
        (!silent).then_some(side)
    }
}

/// Sums over the first packet.
fn of_first(packet: &FlowPacket, rules: &Rules) -> Details {
    let mut details = Details::new(rules.policy.close);
    details.add(packet, rules.early);
    details
}

/// What all flows of a table go by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) policy: Policy,
    /// How many of the first packets are kept.
    pub(super) early: usize,
}
