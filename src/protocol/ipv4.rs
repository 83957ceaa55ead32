//! IPv4 (RFC 791), also inside of IPv4 and IPv6.

use etherparse::Ipv4HeaderSlice;
use etherparse::err::ipv4::{HeaderError, HeaderSliceError};
use netcap_proto::{Ipv4Columns, Ipv4OptionRow, Ipv4Row, TableColumns};

use super::icmp::checksum_is_right;
use crate::packet::bytes::int;
use crate::packet::{Context, Entry, Fragment, Info, Input, Ip, Outcome, Protocol, Rows, Selector};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "ipv4",
        table: Some("ipv4"),
        accepts: &[Selector::EtherType(0x0800), Selector::IpProtocol(4)],
        ports: &[],
    },
    make: |wanted| {
        Box::new(Ipv4 {
            rows: Rows::new(wanted),
        })
    },
};

struct Ipv4 {
    rows: Rows<Ipv4Columns>,
}

impl Protocol for Ipv4 {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let header = match Ipv4HeaderSlice::from_slice(input.bytes) {
            Ok(header) => header,
            Err(HeaderSliceError::Len(e)) => {
                return Outcome::NeedMore {
                    bytes: e.required_len,
                };
            }
            Err(HeaderSliceError::Content(HeaderError::UnexpectedVersion { .. })) => {
                return Outcome::Malformed {
                    reason: "IP version is not 4",
                    at: 0,
                };
            }
            Err(HeaderSliceError::Content(HeaderError::HeaderLengthSmallerThanHeader {
                ..
            })) => {
                return Outcome::Malformed {
                    reason: "header length is less than 20",
                    at: 0,
                };
            }
        };
        let header_bytes = header.slice().len();
        let total = usize::from(header.total_len());
        // Zero is left by network cards that cut large buffers into packets after the capture.
        let mut packet_bytes = if total == 0 { input.length } else { total };
        let impossible = packet_bytes < header_bytes;
        if impossible {
            packet_bytes = header_bytes;
        } else if packet_bytes > input.length {
            if !cx.facts.is_partial() {
                cx.anomaly("total length is greater than the packet", 2);
            }
            packet_bytes = input.length.max(header_bytes);
        }
        let payload_bytes = packet_bytes - header_bytes;
        let fragment_offset = i32::from(header.fragments_offset().value()) * 8;
        let (src, dst) = (header.source_addr(), header.destination_addr());
        let (src_symbol, dst_symbol) = (cx.symbols.ipv4(src), cx.symbols.ipv4(dst));
        let protocol = header.protocol().0;
        let (options, bad) = options(header.options());
        if let Some(rows) = self.rows.wanted() {
            rows.push(&Ipv4Row {
                id: cx.at(),
                src_ip: src_symbol,
                dst_ip: dst_symbol,
                header_bytes: int(header_bytes),
                dscp: header.dcp().value().into(),
                ecn: header.ecn().value().into(),
                total_bytes: header.total_len().into(),
                identification: header.identification().into(),
                reserved_flag: header.slice().get(6).is_some_and(|b| b & 0x80 != 0),
                dont_fragment: header.dont_fragment(),
                more_fragments: header.more_fragments(),
                fragment_offset,
                ttl: header.ttl().into(),
                protocol: protocol.into(),
                checksum: header.header_checksum().into(),
                checksum_ok: checksum_is_right(header.slice(), &[]),
                options: &options,
                payload_bytes: int(payload_bytes),
            });
        }
        if impossible {
            return Outcome::Malformed {
                reason: "total length is less than the header",
                at: 2,
            };
        }
        if let Some(at) = bad {
            cx.anomaly("an option has an impossible length", 20 + at);
        }
        let fragment = header.is_fragmenting_payload().then(|| Fragment {
            id: header.identification().into(),
            offset: u32::from(header.fragments_offset().value()) * 8,
            more: header.more_fragments(),
        });
        if let Some(fragment) = fragment {
            let addresses = (src.into(), dst.into());
            let part = (header_bytes, payload_bytes);
            cx.fragment(input, addresses, protocol, fragment, part);
        }
        if input.selector == Selector::IpProtocol(4) {
            cx.facts.enter_ip_in_ip(4);
        }
        cx.enter_ip(Ip {
            src: src.into(),
            dst: dst.into(),
            src_symbol,
            dst_symbol,
            protocol,
            packet_bytes: u32::try_from(packet_bytes).unwrap_or(u32::MAX),
            payload_bytes: u32::try_from(payload_bytes).unwrap_or(u32::MAX),
            ttl: header.ttl(),
            fragment,
        });
        if fragment_offset > 0 {
            return Outcome::last(header_bytes);
        }
        Outcome::then(header_bytes, Selector::IpProtocol(protocol), payload_bytes)
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}

/// The options (RFC 791, 3.1), and where one with an impossible length ended the list.
fn options(mut bytes: &[u8]) -> (Vec<Ipv4OptionRow<'_>>, Option<usize>) {
    let whole = bytes.len();
    let mut found = Vec::new();
    while let Some(kind) = bytes.first().copied() {
        let length = match kind {
            0 => break,
            1 => 1,
            _ => bytes.get(1).map_or(0, |l| usize::from(*l)),
        };
        let data = if kind == 1 {
            Some(&[][..])
        } else {
            bytes.get(2..length)
        };
        let (Some(data), Some(rest)) = (data, bytes.get(length..)) else {
            return (found, Some(whole - bytes.len()));
        };
        found.push(Ipv4OptionRow {
            r#type: kind.into(),
            data,
        });
        bytes = rest;
    }
    (found, None)
}
