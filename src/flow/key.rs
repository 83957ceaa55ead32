//! What the packets of a flow have in common, and a packet as the flow table sees it.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;

use foldhash::fast::FixedState;

use super::policy::KeyRule;
use crate::packet::{Datagram, Dns, Facts, Icmp, Part, Tcp, Tunnels, Vlans};

/// One of the two ends of a flow: `A` has the smaller address (then port).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The first of the key's ends.
    A = 0,
    /// The second.
    B = 1,
}

impl Side {
    /// The other end.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Addresses, ports, protocol, VLAN stack and tunnels, the same for both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowKey {
    /// Addresses of side A and side B.
    pub addresses: [IpAddr; 2],
    /// Their ports; for ICMP type and counterpart (or code), as Community ID maps them; else 0.
    pub ports: [u16; 2],
    /// IP protocol number.
    pub protocol: u8,
    /// An ICMP message without a counterpart: its ends were not put in order.
    pub one_way: bool,
    /// Identifier of an ICMP message that has one, or index of the security association of ESP;
    /// else 0.
    pub identifier: u32,
    /// VLAN tags.
    pub vlans: Vlans,
    /// Encapsulations.
    pub tunnels: Tunnels,
}

impl FlowKey {
    /// The key's hash: the same on every machine and in every run.
    pub fn hash(&self) -> u64 {
        const STATE: FixedState = FixedState::with_seed(0x666c_6f77);
        let mut hasher = STATE.build_hasher();
        // In as few steps as there are; what most packets have not is left out.
        match self.addresses {
            [IpAddr::V4(a), IpAddr::V4(b)] => {
                hasher.write_u64(u64::from(a.to_bits()) << 32 | u64::from(b.to_bits()));
            }
            addresses => addresses.hash(&mut hasher),
        }
        let [a, b] = self.ports.map(u64::from);
        let rest = u64::from(self.protocol) << 1 | u64::from(self.one_way);
        hasher.write_u64(a << 48 | b << 32 | rest);
        if self.identifier != 0 {
            hasher.write_u32(self.identifier);
        }
        if self.vlans.depth() > 0 || !self.tunnels.is_empty() {
            (self.vlans, self.tunnels).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// How a packet was sent, whatever of it the rule of the key leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// IP protocol number.
    pub protocol: u8,
    /// Ports, or type and counterpart (or code) of an ICMP message.
    pub ports: Option<(u16, u16)>,
    /// An ICMP message without a counterpart.
    pub one_way: bool,
    /// VLAN tags.
    pub vlans: Vlans,
    /// Encapsulations.
    pub tunnels: Tunnels,
}

/// A place of a packet in the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketPlace {
    /// Capture ordinal.
    pub capture: i32,
    /// Packet number.
    pub packet: i64,
}

impl PacketPlace {
    /// Number of the flow that begins here: capture · 10¹⁰ + packet.
    pub(super) fn flow(self) -> i64 {
        i64::from(self.capture) * 10_000_000_000 + self.packet
    }
}

/// A packet as the flow table sees it.
#[derive(Debug, Clone, Copy)]
pub struct FlowPacket {
    /// Its flow's key; of a later fragment not that of its flow, whose ports are not in it.
    pub key: FlowKey,
    /// Hash of the key.
    pub hash: u64,
    /// Who sent it.
    pub from: Side,
    /// Index in its batch.
    pub index: u32,
    /// Capture and number.
    pub place: PacketPlace,
    /// Capture time, nanoseconds since 1970.
    pub ts_ns: i64,
    /// Length on the wire.
    pub wire_bytes: u32,
    /// Length of the innermost IP packet.
    pub ip_bytes: u32,
    /// Bytes after the IP header.
    pub transport_bytes: u32,
    /// Bytes of transport payload.
    pub payload_bytes: u32,
    /// Length of the transport header; `None` where there is none.
    pub header_bytes: Option<u32>,
    /// How it was sent, from sender to receiver.
    pub sent: Sent,
    /// Time to live.
    pub ttl: u8,
    /// The datagram that it is a fragment of.
    pub datagram: Option<Datagram>,
    /// The TCP header.
    pub tcp: Option<Tcp>,
    /// The ICMP message.
    pub icmp: Option<Icmp>,
    /// The DNS message.
    pub dns: Option<Dns>,
    /// Ethernet addresses of sender and receiver.
    pub macs: Option<[[u8; 6]; 2]>,
    /// Application protocol that was recognised.
    pub service: Option<&'static str>,
}

impl FlowPacket {
    /// The packet of those facts; `None` if it belongs to no flow: no IP.
    #[inline(always)]
    pub fn new(
        facts: &Facts,
        index: u32,
        place: PacketPlace,
        ts_ns: i64,
        wire_bytes: u32,
    ) -> Option<Self> {
        let ip = facts.ip.as_ref()?;
        let (ports, one_way, known) = match (facts.ports, facts.icmp) {
            (Some(ports), _) => (ports, false, true),
            (None, Some(icmp)) => {
                let (ports, one_way) = icmp_ports(ip.protocol, icmp);
                (ports, one_way, true)
            }
            (None, None) => ((0, 0), false, false),
        };
        let headless = facts.datagram.is_some_and(|d| d.part == Part::Headless);
        let icmp = facts.icmp.and_then(|icmp| icmp.identifier).map(u32::from);
        let identifier = icmp.or(facts.spi).unwrap_or(0);
        let ends = Ends {
            src: &ip.src,
            dst: &ip.dst,
            ports,
            one_way,
        };
        let (addresses, ordered, from) = ends.in_order();
        let key = FlowKey {
            addresses,
            ports: ordered,
            protocol: ip.protocol,
            one_way,
            identifier,
            vlans: facts.vlans,
            tunnels: facts.tunnels,
        };
        Some(Self {
            key,
            hash: key.hash(),
            from,
            index,
            place,
            ts_ns,
            wire_bytes,
            ip_bytes: ip.packet_bytes,
            transport_bytes: ip.payload_bytes,
            payload_bytes: match facts.payload_bytes {
                Some(payload) => payload,
                None if headless => 0,
                None => ip.payload_bytes,
            },
            header_bytes: facts.header_bytes,
            sent: Sent {
                protocol: ip.protocol,
                ports: known.then_some(ports),
                one_way,
                vlans: facts.vlans,
                tunnels: facts.tunnels,
            },
            ttl: ip.ttl,
            datagram: facts.datagram,
            tcp: facts.tcp,
            icmp: facts.icmp,
            dns: facts.dns,
            macs: facts.macs,
            service: facts.service,
        })
    }

    /// It is a fragment after the first.
    pub fn is_later_fragment(&self) -> bool {
        let part = self.datagram.map(|datagram| datagram.part);
        matches!(part, Some(Part::Later | Part::Headed))
    }

    /// A fragment after the first, as a part of its datagram and nothing more.
    #[must_use]
    pub fn as_later_fragment(&self) -> Option<Self> {
        let datagram = self.datagram.filter(|_| self.is_later_fragment())?;
        Some(Self {
            datagram: Some(Datagram {
                part: Part::Later,
                ..datagram
            }),
            payload_bytes: self.transport_bytes,
            header_bytes: None,
            tcp: None,
            icmp: None,
            dns: None,
            service: None,
            ..*self
        })
    }

    /// TCP flags; none for other protocols.
    pub fn tcp_flags(&self) -> u16 {
        self.tcp.map_or(0, |tcp| tcp.flags)
    }

    /// Sender and receiver, as addresses.
    pub(super) fn ends(&self) -> (IpAddr, IpAddr) {
        let addresses = &self.key.addresses;
        (
            addresses[self.from as usize],
            addresses[self.from.other() as usize],
        )
    }

    /// The packet of the flow with that key, sent by that side.
    #[must_use]
    pub(super) fn of_flow(&self, key: FlowKey, from: Side) -> Self {
        Self {
            key,
            hash: key.hash(),
            from,
            ..*self
        }
    }

    /// The packet with the key of another rule than netcap's; `None` if it has no flow under that.
    #[must_use]
    pub fn under(&self, rule: KeyRule) -> Option<Self> {
        let key = &self.key;
        match rule {
            KeyRule::Full => return Some(*self),
            KeyRule::Published if key.addresses[0].is_ipv6() => return None,
            KeyRule::Published | KeyRule::Cicflowmeter | KeyRule::Nfstream => {}
        }
        let (from, to) = (self.from as usize, self.from.other() as usize);
        let ports = if matches!(key.protocol, 6 | 17) {
            (key.ports[from], key.ports[to])
        } else {
            (0, 0)
        };
        let ends = Ends {
            src: &key.addresses[from],
            dst: &key.addresses[to],
            ports,
            one_way: false,
        };
        let (addresses, ports, side) = ends.in_order();
        let key = FlowKey {
            addresses,
            ports,
            protocol: match (key.protocol, rule) {
                (6 | 17, _) | (_, KeyRule::Full | KeyRule::Nfstream) => key.protocol,
                (1 | 2 | 132, KeyRule::Cicflowmeter) => key.protocol,
                _ => 0,
            },
            one_way: false,
            identifier: 0,
            vlans: if rule == KeyRule::Nfstream {
                key.vlans.outermost()
            } else {
                Vlans::default()
            },
            tunnels: Tunnels::default(),
        };
        Some(self.of_flow(key, side))
    }
}

/// Sender and receiver of a packet.
pub(super) struct Ends<'a> {
    pub(super) src: &'a IpAddr,
    pub(super) dst: &'a IpAddr,
    pub(super) ports: (u16, u16),
    pub(super) one_way: bool,
}

impl Ends<'_> {
    /// Addresses and ports of side A and B, and which of them is the sender.
    #[inline]
    pub(super) fn in_order(&self) -> ([IpAddr; 2], [u16; 2], Side) {
        let (src_port, dst_port) = self.ports;
        let turned = match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                (src.to_bits(), src_port) > (dst.to_bits(), dst_port)
            }
            (src, dst) => (src, src_port) > (dst, dst_port),
        };
        if turned && !self.one_way {
            ([*self.dst, *self.src], [dst_port, src_port], Side::B)
        } else {
            ([*self.src, *self.dst], [src_port, dst_port], Side::A)
        }
    }
}

/// Type and counterpart of ICMP messages that come in pairs; type and code of others, which go
/// one way (Community ID specification, "ICMP").
fn icmp_ports(protocol: u8, icmp: Icmp) -> ((u16, u16), bool) {
    let Icmp { kind, code, .. } = icmp;
    let counterpart = match (protocol, kind) {
        (1, 8) => 0,
        (1, 0) => 8,
        (1, 13) => 14,
        (1, 14) => 13,
        (1, 15) => 16,
        (1, 16) => 15,
        (1, 17) => 18,
        (1, 18) => 17,
        (1, 10) => 9,
        (1, 9) => 10,
        (58, 128) => 129,
        (58, 129) => 128,
        (58, 133) => 134,
        (58, 134) => 133,
        (58, 135) => 136,
        (58, 136) => 135,
        (58, 130) => 131,
        (58, 131) => 130,
        (58, 144) => 145,
        (58, 145) => 144,
        // Who-are-you request and reply of RFC 4620.
        (58, 139) => 140,
        (58, 140) => 139,
        _ => return ((kind.into(), code.into()), true),
    };
    ((kind.into(), counterpart), false)
}
