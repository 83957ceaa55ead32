//! What the layers of a packet tell each other, and what the flow table needs of them.

use std::net::{IpAddr, Ipv6Addr};

use netcap_proto::{At, EndpointsRow, Symbol, Symbols};

use super::bytes::u16_at;
use super::encapsulation::{Tunnel, Tunnels, Vlans};
use super::fragment::{Datagram, Fragment, FragmentSeen, Part};

/// The packet being decoded, as its protocols see it.
#[derive(Debug)]
pub struct Context<'a> {
    /// The batch's texts.
    pub symbols: &'a mut Symbols,
    /// Capture time, nanoseconds since 1970.
    pub ts_ns: i64,
    /// What the layers so far have found.
    pub facts: &'a mut Facts,
    /// By which addresses checksums above the innermost IP header are made, where not by its own.
    pub checksum_ends: Option<ChecksumEnds>,
    pub(super) packet: u32,
    pub(super) layer: i32,
    pub(super) index: i32,
    /// Where the current layer begins in the packet.
    pub(super) start: usize,
    pub(super) protocol: &'static str,
    pub(super) anomalies: &'a mut Vec<Anomaly>,
    pub(super) fragments: &'a mut Vec<FragmentSeen>,
    /// Index of the packet and hash of the datagram of each first fragment, also of those within a
    /// datagram that is not complete.
    pub(super) firsts: &'a mut Vec<(u32, u64)>,
    /// Facts of the packets around tunnels, with the index of their packet, where they are wanted.
    pub(super) outer: Option<&'a mut Vec<(u32, Facts)>>,
    pub(super) malformed: bool,
}

/// Addresses of a pseudo-header (RFC 8200, 8.1) that are not those of the header.
#[derive(Debug, Clone, Copy)]
pub struct ChecksumEnds {
    /// Source.
    pub src: Ipv6Addr,
    /// Destination; `None` if it is in a form that is not read.
    pub dst: Option<Ipv6Addr>,
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
    /// A new innermost IP header.
    #[inline(always)]
    pub fn enter_ip(&mut self, ip: Ip) {
        if let (Some(outer), Some(_)) = (&mut self.outer, &self.facts.ip) {
            outer.push((self.packet, *self.facts));
        }
        self.checksum_ends = None;
        let is_first = ip.fragment.is_some_and(|fragment| fragment.offset == 0);
        self.facts.enter_ip(ip);
        if let Some(datagram) = self.facts.datagram.filter(|_| is_first) {
            self.firsts.push((self.packet, datagram.hash));
        }
    }

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
        let ip = self.facts.ip.as_ref()?;
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

/// Protocols of IP whose headers begin with ports: TCP, UDP, DCCP, SCTP, UDP-Lite.
pub fn has_ports(protocol: u8) -> bool {
    matches!(protocol, 6 | 17 | 33 | 132 | 136)
}

/// What the layers of a packet have found so far; the innermost IP header counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    /// The innermost IP header.
    pub ip: Option<Ip>,
    /// The datagram that the packet is a fragment of: the innermost one, be it that of a tunnel.
    pub datagram: Option<Datagram>,
    /// Source and destination port.
    pub ports: Option<(u16, u16)>,
    /// The ICMP message.
    pub icmp: Option<Icmp>,
    /// Index of the security association of ESP.
    pub spi: Option<u32>,
    /// The TCP header.
    pub tcp: Option<Tcp>,
    /// The first DNS message.
    pub dns: Option<Dns>,
    /// Length of the transport header, if there is one.
    pub header_bytes: Option<u32>,
    /// Bytes of transport payload in this packet, by the lengths in the headers.
    pub payload_bytes: Option<u32>,
    /// Source and destination of the outermost Ethernet header.
    pub macs: Option<[[u8; 6]; 2]>,
    /// The VLAN tags.
    pub vlans: Vlans,
    /// The encapsulations around the innermost IP header.
    pub tunnels: Tunnels,
    /// Those entered so far: without an IP header in them, the last are around nothing.
    pub(super) entered: Tunnels,
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

/// A TCP header, as far as flows need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Window, as sent.
    pub window: u16,
    /// The twelve bits after the data offset.
    pub flags: u16,
    /// Maximum segment size option.
    pub mss: Option<u16>,
    /// Window scale option.
    pub window_scale: WindowScale,
}

/// The window scale option of a segment (RFC 7323, 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowScale {
    /// It is not there.
    Absent,
    /// Its shift count.
    Shift(u8),
    /// The options were cut, and it was not among those that are left.
    Unknown,
}

/// A DNS message, as far as flows need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dns {
    /// Transaction identifier.
    pub id: u16,
    /// Type of the first question.
    pub query_type: Option<u16>,
    /// Time to live of the first answer of a response, in seconds.
    pub answer_ttl: Option<u32>,
}

impl Dns {
    /// What this and a later message say together: the first of each.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self {
            id: self.id,
            query_type: self.query_type.or(later.query_type),
            answer_ttl: self.answer_ttl.or(later.answer_ttl),
        }
    }
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
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Length of the packet, headers included.
    pub packet_bytes: u32,
    /// Length of the payload.
    pub payload_bytes: u32,
    /// Which part of a datagram it is, if it is not the whole.
    pub fragment: Option<Fragment>,
}

impl Facts {
    /// A new innermost IP header: what was known of the transport belongs to the outer one.
    ///
    /// Inlined and field by field, so that `ip` is written where it belongs. To copy a struct that has just
    /// been written in pieces makes the processor wait until they have left its store buffer.
    #[inline(always)]
    pub(crate) fn enter_ip(&mut self, new: Ip) {
        if let Some(fragment) = new.fragment {
            self.datagram = Some(Datagram::of(fragment, new.src, new.dst, new.protocol, self));
        }
        let Self {
            ip,
            datagram: _,
            ports,
            icmp,
            spi,
            tcp,
            dns,
            header_bytes,
            payload_bytes,
            macs: _,
            vlans: _,
            tunnels,
            entered,
            service,
        } = self;
        *ip = Some(new);
        (*ports, *icmp, *spi) = (None, None, None);
        (*tcp, *dns, *service) = (None, None, None);
        (*header_bytes, *payload_bytes) = (None, None);
        *tunnels = *entered;
    }

    /// The packet has only a part of what the headers say, since a datagram around it came in
    /// fragments.
    pub fn is_partial(&self) -> bool {
        self.datagram.is_some()
    }

    /// The first fragment ends before its transport header does.
    pub(super) fn behead(&mut self) {
        if let Some(datagram) = self.datagram.as_mut().filter(|d| d.part == Part::First) {
            datagram.part = Part::Headless;
        }
    }

    /// What these facts of a fragment become when its datagram is complete with it: `whole` are
    /// those of the datagram, `known` what of them came with the first fragment.
    #[must_use]
    pub(super) fn completed(self, known: &Self, whole: &Self) -> Self {
        if whole.tunnels != known.tunnels {
            // Another packet lay in it.
            return *whole;
        }
        let mut facts = Self {
            dns: whole.dns,
            service: whole.service,
            ..self
        };
        if known.header_bytes.is_none() && whole.header_bytes.is_some() {
            facts = Self {
                // The packet that the header belongs to, with the lengths of this part.
                ip: self.ip.zip(whole.ip).map(|(part, ip)| Ip {
                    packet_bytes: part.packet_bytes,
                    payload_bytes: part.payload_bytes,
                    fragment: part.fragment,
                    ..ip
                }),
                tunnels: whole.tunnels,
                datagram: self.datagram.map(|datagram| Datagram {
                    part: Part::Headed,
                    ..datagram
                }),
                ports: whole.ports,
                icmp: whole.icmp,
                spi: whole.spi,
                tcp: whole.tcp,
                header_bytes: whole.header_bytes,
                payload_bytes: whole.payload_bytes,
                ..facts
            };
        }
        facts
    }

    /// A transport header of that length, and the bytes of its payload in this packet.
    pub fn enter_transport(&mut self, header_bytes: usize, payload_bytes: usize) {
        let int = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.header_bytes = Some(int(header_bytes));
        self.payload_bytes = Some(int(payload_bytes));
    }

    /// What follows is encapsulated.
    pub fn enter_tunnel(&mut self, tunnel: Tunnel) {
        self.entered.push(tunnel);
    }

    /// An IP header of that version follows right in another one.
    pub fn enter_ip_in_ip(&mut self, version: u8) {
        if let Some(outer) = self.ip {
            self.entered.push(match (version, outer.src.is_ipv4()) {
                (4, true) => Tunnel::IPIP,
                (4, false) => Tunnel::IP4_IN_IP6,
                (_, true) => Tunnel::IP6_IN_IP4,
                (_, false) => Tunnel::IP6_IN_IP6,
            });
        }
    }
}
