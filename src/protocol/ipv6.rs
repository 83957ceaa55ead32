//! IPv6 (RFC 8200) with its extension headers, also inside of IPv4 and IPv6.

use std::net::Ipv6Addr;

use etherparse::Ipv6HeaderSlice;
use etherparse::err::ipv6::HeaderSliceError;
use netcap_proto::{Ipv6Columns, Ipv6ExtensionHeaderRow, Ipv6OptionRow, Ipv6Row, TableColumns};

use crate::packet;
use crate::packet::bytes::{array_at, int, u8_at, u16_at, u32_at};
use crate::packet::{
    ChecksumEnds, Context, Entry, Info, Input, Ip, Outcome, Protocol, Rows, Selector,
};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "ipv6",
        table: Some("ipv6"),
        accepts: &[Selector::EtherType(0x86dd), Selector::IpProtocol(41)],
        ports: &[],
    },
    make: |wanted| {
        Box::new(Ipv6 {
            rows: Rows::new(wanted),
        })
    },
};

struct Ipv6 {
    rows: Rows<Ipv6Columns>,
}

const FIXED: usize = 40;

impl Protocol for Ipv6 {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let header = match Ipv6HeaderSlice::from_slice(input.bytes) {
            Ok(header) => header,
            Err(HeaderSliceError::Len(_)) => return Outcome::NeedMore { bytes: FIXED },
            Err(HeaderSliceError::Content(_)) => {
                return Outcome::Malformed {
                    reason: "IP version is not 6",
                    at: 0,
                };
            }
        };
        let first = header.next_header().0;
        let extensions = Extensions::read(input.bytes, first);
        let stated = usize::from(header.payload_length());
        let mut packet_bytes = match (stated, extensions.jumbo) {
            (0, Some(jumbo)) => FIXED + jumbo,
            _ => FIXED + stated,
        };
        if packet_bytes > input.length {
            if !cx.facts.is_partial() {
                cx.anomaly("payload length is greater than the packet", 4);
            }
            packet_bytes = input.length;
        }
        // Extension headers that reach beyond the payload length were read from padding.
        let extensions = if extensions.end > packet_bytes {
            Extensions::read(
                input.bytes.get(..packet_bytes).unwrap_or(input.bytes),
                first,
            )
        } else {
            extensions
        };
        let payload_bytes = packet_bytes.saturating_sub(extensions.end);
        let (src, dst) = (header.source_addr(), header.destination_addr());
        let (src_symbol, dst_symbol) = (cx.symbols.ipv6(src), cx.symbols.ipv6(dst));
        if let Some(rows) = self.rows.wanted() {
            rows.push(&Ipv6Row {
                id: cx.at(),
                src_ip: src_symbol,
                dst_ip: dst_symbol,
                dscp: header.dscp().value().into(),
                ecn: header.ecn().value().into(),
                flow_label: i32::try_from(header.flow_label().value()).unwrap_or(0),
                payload_length: header.payload_length().into(),
                next_header: first.into(),
                hop_limit: header.hop_limit().into(),
                protocol: extensions
                    .missing
                    .is_none()
                    .then(|| extensions.protocol.into()),
                header_bytes: int(extensions.end),
                extension_headers: &extensions.headers,
                options: &extensions.options,
                fragment_offset: extensions.fragment.map(|f| f.offset),
                more_fragments: extensions.fragment.map(|f| f.more),
                fragment_id: extensions.fragment.map(|f| f.id.into()),
                routing_type: extensions.routing.map(|r| r.0),
                segments_left: extensions.routing.map(|r| r.1),
                payload_bytes: int(payload_bytes),
            });
        }
        let later_fragment = extensions.fragment.is_some_and(|f| f.offset > 0);
        let fragment = extensions
            .fragment
            .filter(|f| f.offset > 0 || f.more)
            .map(|f| packet::Fragment {
                id: f.id,
                offset: f.offset.unsigned_abs(),
                more: f.more,
            });
        if let (Some(fragment), Some(of)) = (fragment, extensions.fragment) {
            let addresses = (src.into(), dst.into());
            let part = (of.end, packet_bytes.saturating_sub(of.end));
            cx.fragment(input, addresses, extensions.protocol, fragment, part);
        }
        if input.selector == Selector::IpProtocol(41) {
            cx.facts.enter_ip_in_ip(6);
        }
        cx.enter_ip(Ip {
            src: src.into(),
            dst: dst.into(),
            src_symbol,
            dst_symbol,
            protocol: extensions.protocol,
            packet_bytes: u32::try_from(packet_bytes).unwrap_or(u32::MAX),
            payload_bytes: u32::try_from(payload_bytes).unwrap_or(u32::MAX),
            ttl: header.hop_limit(),
            fragment,
        });
        if extensions.home.is_some() || extensions.last.is_some() {
            cx.checksum_ends = Some(ChecksumEnds {
                src: extensions.home.unwrap_or(src),
                dst: extensions.last.unwrap_or(Some(dst)),
            });
        }
        if let Some(bytes) = extensions.missing {
            return Outcome::NeedMore { bytes };
        }
        if let Some((reason, at)) = extensions.bad {
            cx.anomaly(reason, at);
        }
        if later_fragment {
            return Outcome::last(extensions.end);
        }
        Outcome::then(
            extensions.end,
            Selector::IpProtocol(extensions.protocol),
            payload_bytes,
        )
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}

/// What the extension headers say.
#[derive(Default)]
struct Extensions<'a> {
    headers: Vec<Ipv6ExtensionHeaderRow>,
    options: Vec<Ipv6OptionRow<'a>>,
    fragment: Option<Fragment>,
    /// Routing type and segments left.
    routing: Option<(i32, i32)>,
    /// Where the packet goes at last, if it is on its way; `None` within if that is not in a known form.
    last: Option<Option<Ipv6Addr>>,
    /// Home address of a mobile sender (RFC 6275, 6.3).
    home: Option<Ipv6Addr>,
    /// Payload length of a jumbogram (RFC 2675).
    jumbo: Option<usize>,
    /// The protocol after them, or the one whose header is missing.
    protocol: u8,
    /// Where the payload begins, from the start of the fixed header.
    end: usize,
    /// The bytes end before the headers do: how many are needed.
    missing: Option<usize>,
    bad: Option<(&'static str, usize)>,
}

#[derive(Clone, Copy)]
struct Fragment {
    offset: i32,
    more: bool,
    id: u32,
    /// Where the fragment header ends, from the start of the fixed header.
    end: usize,
}

impl<'a> Extensions<'a> {
    /// Follows the chain that begins with `first` after the fixed header (RFC 8200, section 4).
    fn read(bytes: &'a [u8], first: u8) -> Self {
        let mut found = Self {
            protocol: first,
            end: FIXED,
            ..Self::default()
        };
        // Hop-by-hop, routing, fragment, authentication, destination options, mobility, host
        // identity, shim6. Anything else is the payload.
        while matches!(found.protocol, 0 | 43 | 44 | 51 | 60 | 135 | 139 | 140) {
            let at = found.end;
            let length = match (found.protocol, u8_at(bytes, at + 1)) {
                (44, _) => 8,
                (51, Some(words)) => (usize::from(words) + 2) * 4,
                (_, Some(words)) => (usize::from(words) + 1) * 8,
                (_, None) => 8,
            };
            let (Some(header), Some(next)) = (bytes.get(at..at + length), u8_at(bytes, at)) else {
                found.missing = Some(at + length);
                return found;
            };
            found.headers.push(Ipv6ExtensionHeaderRow {
                r#type: found.protocol.into(),
                length: int(length),
            });
            match found.protocol {
                0 | 60 => found.read_options(header, at),
                43 => {
                    let field = |i| u8_at(header, i).unwrap_or(0).into();
                    found.routing = Some((field(2), field(3)));
                    if u8_at(header, 3).is_some_and(|left| left > 0) {
                        found.last = Some(last_destination(header));
                    }
                }
                44 => {
                    let offset = u16_at(header, 2).unwrap_or(0);
                    found.fragment = Some(Fragment {
                        offset: i32::from(offset & 0xfff8),
                        more: offset & 1 == 1,
                        id: u32_at(header, 4).unwrap_or(0),
                        end: at + length,
                    });
                }
                _ => {}
            }
            found.end = at + length;
            let later = found.protocol == 44 && found.fragment.is_some_and(|f| f.offset > 0);
            found.protocol = next;
            if later {
                // What follows is the middle of the datagram, whatever it looks like.
                return found;
            }
        }
        found
    }

    /// Type-length-value options (RFC 8200, 4.2), without padding.
    fn read_options(&mut self, header: &'a [u8], start: usize) {
        let mut at = 2;
        while let Some(kind) = u8_at(header, at) {
            if kind == 0 {
                at += 1;
                continue;
            }
            let length = usize::from(u8_at(header, at + 1).unwrap_or(0));
            let Some(data) = header.get(at + 2..at + 2 + length) else {
                self.bad = Some(("an option has an impossible length", start + at));
                return;
            };
            if kind == 0xc9 {
                self.home = array_at::<16>(data, 0).map(Ipv6Addr::from);
            }
            if kind == 0xc2 {
                self.jumbo = u32_at(data, 0).and_then(|n| usize::try_from(n).ok());
            }
            if kind != 1 {
                self.options.push(Ipv6OptionRow {
                    r#type: kind.into(),
                    data,
                });
            }
            at += 2 + length;
        }
    }
}

/// The last address of a routing header: of those of type 0 and 2 the last one (RFC 2460, RFC 6275), of segment
/// routing the first (RFC 8754).
fn last_destination(header: &[u8]) -> Option<Ipv6Addr> {
    let at = match u8_at(header, 2)? {
        0 | 2 => header.len().checked_sub(16).filter(|at| *at >= 8)?,
        4 => 8,
        _ => return None,
    };
    array_at::<16>(header, at).map(Ipv6Addr::from)
}

#[cfg(test)]
mod tests {
    use super::Extensions;

    /// A fixed header with a routing header of that type, and two addresses in it.
    fn routed(kind: u8, segments_left: u8) -> Vec<u8> {
        let mut bytes = vec![0; 40];
        bytes.extend_from_slice(&[59, 4, kind, segments_left, 1, 0, 0, 0]);
        bytes.extend_from_slice(&[1; 16]);
        bytes.extend_from_slice(&[2; 16]);
        bytes
    }

    #[test]
    fn packets_on_their_way_tell_where_they_go_at_last() {
        let last = |kind, left| Extensions::read(&routed(kind, left), 43).last;
        let address = |byte: u8| Some(Some([byte; 16].into()));
        assert_eq!(last(0, 1), address(2));
        assert_eq!(last(4, 1), address(1));
        assert_eq!(last(3, 1), Some(None));
        assert_eq!(last(0, 0), None, "it is there");
        assert!(Extensions::read(&routed(0, 1)[..50], 43).last.is_none());
        let mut mobile = vec![0; 40];
        mobile.extend_from_slice(&[59, 2, 1, 2, 0, 0, 0xc9, 16]);
        mobile.extend_from_slice(&[3; 16]);
        assert_eq!(Extensions::read(&mobile, 60).home, Some([3; 16].into()));
    }
}
