//! What the layers of a packet tell each other, and what the flow table needs of them.

use std::net::IpAddr;

use netcap_proto::{At, EndpointsRow, Symbol, Symbols};

use super::bytes::u16_at;

/// The packet being decoded, as its protocols see it.
#[derive(Debug)]
pub struct Context<'a> {
    /// The batch's texts.
    pub symbols: &'a mut Symbols,
    /// Capture time, nanoseconds since 1970.
    pub ts_ns: i64,
    /// What the layers so far have found.
    pub facts: Facts,
    pub(super) packet: u32,
    pub(super) layer: i32,
    pub(super) index: i32,
    /// Where the current layer begins in the packet.
    pub(super) start: usize,
    pub(super) protocol: &'static str,
    pub(super) anomalies: &'a mut Vec<Anomaly>,
    pub(super) malformed: bool,
}

/// A layer that contradicts its specification; becomes a row of `malformed`.
#[derive(Debug, Clone, Copy)]
pub struct Anomaly {
    /// Where the row belongs.
    pub at: At,
    /// The protocol that says so.
    pub protocol: &'static str,
    /// What is wrong.
    pub reason: &'static str,
    /// Byte offset in the packet.
    pub offset: usize,
}

impl Context<'_> {
    /// The key of a row of the current layer.
    #[inline]
    pub fn at(&self) -> At {
        At {
            packet: self.packet,
            layer: self.layer,
            index: self.index,
        }
    }

    /// Notes that the layer contradicts its specification at `offset` from its start; decoding
    /// may go on.
    pub fn anomaly(&mut self, reason: &'static str, offset: usize) {
        self.malformed = true;
        self.anomalies.push(Anomaly {
            at: At {
                index: i32::try_from(self.anomalies_of_layer()).unwrap_or(i32::MAX),
                ..self.at()
            },
            protocol: self.protocol,
            reason,
            offset: self.start + offset,
        });
    }

    /// Several anomalies of a layer have their own index, so that the key stays unique.
    fn anomalies_of_layer(&self) -> usize {
        self.anomalies
            .iter()
            .rev()
            .take_while(|a| a.at.packet == self.packet && a.at.layer == self.layer)
            .count()
    }

    /// Notes the ports at the start of a transport header, which are worth having even where the
    /// rest of it is missing.
    #[inline]
    pub fn ports(&mut self, header: &[u8]) {
        self.facts.ports = u16_at(header, 0).zip(u16_at(header, 2));
    }

    /// The addresses of the innermost IP header, with ports.
    #[inline]
    pub fn endpoints(&self, src_port: u16, dst_port: u16) -> Option<EndpointsRow> {
        let ip = self.facts.ip?;
        Some(EndpointsRow {
            src_ip: ip.src_symbol,
            dst_ip: ip.dst_symbol,
            src_port: src_port.into(),
            dst_port: dst_port.into(),
        })
    }

    /// The endpoints of a message, from the transport layer below it.
    #[inline]
    pub fn message_endpoints(&self) -> Option<EndpointsRow> {
        let (src, dst) = self.facts.ports?;
        self.endpoints(src, dst)
    }
}

/// What the layers of a packet have found so far; the innermost IP header counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    /// The innermost IP header.
    pub ip: Option<Ip>,
    /// Source and destination port.
    pub ports: Option<(u16, u16)>,
    /// The ICMP message.
    pub icmp: Option<Icmp>,
    /// TCP flags (twelve bits).
    pub tcp_flags: u16,
    /// Bytes of transport payload by the lengths in the headers.
    pub payload_bytes: Option<u32>,
    /// The VLAN tags.
    pub vlans: Vlans,
    /// The application protocol that was recognised.
    pub service: Option<&'static str>,
}

/// An ICMP message, as far as flows need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Identifier of a message that has one: it tells the pings of two programs apart.
    pub identifier: Option<u16>,
}

/// An IP header.
#[derive(Debug, Clone, Copy)]
pub struct Ip {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source address as a text of the batch.
    pub src_symbol: Symbol,
    /// Destination address as a text of the batch.
    pub dst_symbol: Symbol,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Length of the packet, headers included.
    pub packet_bytes: u32,
    /// Length of the payload.
    pub payload_bytes: u32,
    /// It is a fragment (the first or a later one).
    pub fragment: bool,
    /// It is a fragment that does not begin with the transport header.
    pub later_fragment: bool,
}

impl Facts {
    /// A new innermost IP header: what was known of the transport belongs to the outer one.
    pub fn enter_ip(&mut self, ip: Ip) {
        *self = Self {
            ip: Some(ip),
            vlans: self.vlans,
            ..Self::default()
        };
    }
}

/// A stack of VLAN identifiers, outermost first: up to five exactly, of more the first five and
/// their number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Vlans(u64);

impl Vlans {
    const BITS: u32 = 12;
    const MOST: u32 = 5;

    /// Adds an inner tag.
    pub fn push(&mut self, id: u16) {
        let depth = self.depth();
        if depth < Self::MOST {
            self.0 |= u64::from(id & 0xfff) << (depth * Self::BITS);
        }
        if depth < 15 {
            self.0 += 1 << 60;
        }
    }

    /// Number of tags, at most 15.
    pub fn depth(self) -> u32 {
        u32::try_from(self.0 >> 60).unwrap_or(0)
    }

    /// The identifiers, outermost first.
    pub fn ids(self) -> impl Iterator<Item = u16> {
        (0..self.depth().min(Self::MOST))
            .map(move |i| u16::try_from((self.0 >> (i * Self::BITS)) & 0xfff).unwrap_or(0))
    }

    /// As one number, for keys and hashes.
    pub fn bits(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Vlans;

    #[test]
    fn vlans_keep_order_and_depth() {
        let mut vlans = Vlans::default();
        for id in [100, 42, 4095] {
            vlans.push(id);
        }
        assert_eq!(vlans.ids().collect::<Vec<_>>(), [100, 42, 4095]);
        for _ in 0..40 {
            vlans.push(1);
        }
        assert_eq!(vlans.depth(), 15);
        assert_eq!(vlans.ids().count(), 5);
    }
}
