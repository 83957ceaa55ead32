//! What ICMP for IPv4 and IPv6 share: checksums and the packets that error messages quote.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::checksum::Sum16BitWords;
use netcap_proto::{Symbol, Symbols};

use crate::packet::bytes::{array_at, u8_at, u16_at};
use crate::packet::{Context, Extent, Input, has_ports};

/// The Internet checksum over both parts is right (RFC 1071).
pub(super) fn checksum_is_right(bytes: &[u8], pseudo_header: &[u8]) -> bool {
    Sum16BitWords::new()
        .add_slice(pseudo_header)
        .add_slice(bytes)
        .ones_complement()
        == 0
}

/// Whether the checksum of an ICMP message is right; `None` where the message is not all there.
pub(super) fn checksum_ok(input: &Input<'_>, cx: &Context<'_>) -> Option<bool> {
    if input.extent != Extent::Complete || cx.facts.is_partial() {
        return None;
    }
    let ip = cx.facts.ip?;
    let pseudo_header: Vec<u8> = match (ip.src, ip.dst) {
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let (src, dst) = match cx.checksum_ends {
                Some(ends) => (ends.src, ends.dst?),
                None => (src, dst),
            };
            let length = u32::try_from(input.length).ok()?.to_be_bytes();
            [&src.octets()[..], &dst.octets(), &length, &[0, 0, 0, 58]].concat()
        }
        _ => Vec::new(),
    };
    Some(checksum_is_right(input.bytes, &pseudo_header))
}

/// The packet that an error message quotes, as far as it is there.
#[derive(Default)]
pub(super) struct Quoted {
    pub(super) src_ip: Option<Symbol>,
    pub(super) dst_ip: Option<Symbol>,
    pub(super) protocol: Option<i32>,
    pub(super) src_port: Option<i32>,
    pub(super) dst_port: Option<i32>,
}

impl Quoted {
    /// Reads a quoted IP header and the ports after it.
    pub(super) fn read(bytes: &[u8], symbols: &mut Symbols) -> Self {
        let mut quoted = Self::default();
        let version = u8_at(bytes, 0).map(|b| b >> 4);
        let (protocol, transport) = match version {
            Some(4) => {
                let ips = (array_at::<4>(bytes, 12), array_at::<4>(bytes, 16));
                let (Some(src), Some(dst)) = ips else {
                    return quoted;
                };
                quoted.src_ip = Some(symbols.ipv4(Ipv4Addr::from(src)));
                quoted.dst_ip = Some(symbols.ipv4(Ipv4Addr::from(dst)));
                let first = u16_at(bytes, 6).is_some_and(|f| f & 0x1fff == 0);
                let header = u8_at(bytes, 0).map_or(20, |b| usize::from(b & 15) * 4);
                (u8_at(bytes, 9), first.then_some(header))
            }
            Some(6) => {
                let ips = (array_at::<16>(bytes, 8), array_at::<16>(bytes, 24));
                let (Some(src), Some(dst)) = ips else {
                    return quoted;
                };
                quoted.src_ip = Some(symbols.ipv6(Ipv6Addr::from(src)));
                quoted.dst_ip = Some(symbols.ipv6(Ipv6Addr::from(dst)));
                after_extensions(bytes)
            }
            _ => (None, None),
        };
        quoted.protocol = protocol.map(i32::from);
        if let Some(at) = transport.filter(|_| protocol.is_some_and(has_ports)) {
            quoted.src_port = u16_at(bytes, at).map(i32::from);
            quoted.dst_port = u16_at(bytes, at + 2).map(i32::from);
        }
        quoted
    }
}

/// The protocol of a quoted IPv6 packet after its extension headers, and where its header begins;
/// of one that ends before, the last that is known.
fn after_extensions(bytes: &[u8]) -> (Option<u8>, Option<usize>) {
    let (mut protocol, mut at) = (u8_at(bytes, 6), 40);
    while let Some(kind @ (0 | 43 | 44 | 51 | 60 | 135 | 139 | 140)) = protocol {
        let (Some(next), Some(words)) = (u8_at(bytes, at), u8_at(bytes, at + 1)) else {
            return (protocol, None);
        };
        let later = kind == 44 && u16_at(bytes, at + 2).is_some_and(|offset| offset >> 3 > 0);
        at += match kind {
            44 => 8,
            51 => (usize::from(words) + 2) * 4,
            _ => (usize::from(words) + 1) * 8,
        };
        protocol = Some(next);
        if later {
            return (protocol, None);
        }
    }
    (protocol, Some(at))
}
