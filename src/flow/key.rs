//! What the packets of a flow have in common, and a packet as the flow table sees it.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::packet::{Facts, Icmp, Vlans};

/// One of the two ends of a flow: `A` has the smaller address (then port).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Addresses, ports, protocol and VLAN stack, the same for both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Addresses of side A and side B.
    pub addresses: [IpAddr; 2],
    /// Their ports; for ICMP type and counterpart (or code), as Community ID maps them; else 0.
    pub ports: [u16; 2],
    /// IP protocol number.
    pub protocol: u8,
    /// An ICMP message without a counterpart: its ends were not put in order.
    pub one_way: bool,
    /// Identifier of an ICMP message that has one, else 0.
    pub identifier: u16,
    /// VLAN tags.
    pub vlans: Vlans,
}

impl FlowKey {
    /// The key's hash: the same on every machine and in every run.
    pub fn hash(&self) -> u64 {
        FixedState::with_seed(0x666c_6f77).hash_one(self)
    }
}

/// A packet as the flow table sees it.
#[derive(Debug, Clone, Copy)]
pub struct FlowPacket {
    /// Its flow's key.
    pub key: FlowKey,
    /// Hash of the key.
    pub hash: u64,
    /// Who sent it.
    pub from: Side,
    /// Index in its batch.
    pub index: u32,
    /// Capture time, nanoseconds since 1970.
    pub ts_ns: i64,
    /// Length on the wire.
    pub wire_bytes: u32,
    /// Length of the innermost IP packet.
    pub ip_bytes: u32,
    /// Bytes of transport payload.
    pub payload_bytes: u32,
    /// TCP flags.
    pub tcp_flags: u16,
    /// The ICMP message.
    pub icmp: Option<Icmp>,
    /// Application protocol that was recognised.
    pub service: Option<&'static str>,
}

impl FlowPacket {
    /// The packet of those facts; `None` if it belongs to no flow: no IP, or a later fragment,
    /// whose ports are not known.
    pub fn new(facts: &Facts, index: u32, ts_ns: i64, wire_bytes: u32) -> Option<Self> {
        let ip = facts.ip?;
        if ip.later_fragment {
            return None;
        }
        let (ports, one_way) = match (facts.ports, facts.icmp) {
            (Some(ports), _) => (ports, false),
            (None, Some(icmp)) => icmp_ports(ip.protocol, icmp),
            (None, None) => ((0, 0), false),
        };
        let from = if !one_way && (ip.src, ports.0) > (ip.dst, ports.1) {
            Side::B
        } else {
            Side::A
        };
        let (addresses, ports) = match from {
            Side::A => ([ip.src, ip.dst], [ports.0, ports.1]),
            Side::B => ([ip.dst, ip.src], [ports.1, ports.0]),
        };
        let key = FlowKey {
            addresses,
            ports,
            protocol: ip.protocol,
            one_way,
            identifier: facts.icmp.and_then(|icmp| icmp.identifier).unwrap_or(0),
            vlans: facts.vlans,
        };
        Some(Self {
            key,
            hash: key.hash(),
            from,
            index,
            ts_ns,
            wire_bytes,
            ip_bytes: ip.packet_bytes,
            payload_bytes: facts.payload_bytes.unwrap_or(ip.payload_bytes),
            tcp_flags: facts.tcp_flags,
            icmp: facts.icmp,
            service: facts.service,
        })
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
