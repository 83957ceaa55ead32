//! ICMP for IPv6 (RFC 4443) with neighbour discovery (RFC 4861) and multicast listener messages
//! (RFC 2710, the group of a query or version 1 report).

use std::net::Ipv6Addr;

use netcap_proto::{Icmpv6Columns, Icmpv6OptionRow, Icmpv6Row, TableColumns};

use super::icmp::{Quoted, checksum_ok};
use crate::packet::bytes::{array_at, int, u8_at, u16_at, u32_at};
use crate::packet::{Context, Entry, Icmp, Info, Input, Outcome, Protocol, Rows, Selector};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "icmpv6",
        table: Some("icmpv6"),
        accepts: &[Selector::IpProtocol(58)],
        ports: &[],
    },
    make: |wanted| {
        Box::new(Icmpv6 {
            rows: Rows::new(wanted),
        })
    },
};

struct Icmpv6 {
    rows: Rows<Icmpv6Columns>,
}

const HEADER: usize = 4;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
const REDIRECT: u8 = 137;

impl Protocol for Icmpv6 {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let bytes = input.bytes;
        let (Some(kind), Some(code), Some(checksum)) =
            (u8_at(bytes, 0), u8_at(bytes, 1), u16_at(bytes, 2))
        else {
            return Outcome::NeedMore { bytes: HEADER };
        };
        let Some(ip) = cx.facts.ip else {
            return Outcome::NotMine;
        };
        let payload_bytes = input.length.saturating_sub(HEADER);
        let echo = matches!(kind, 128 | 129);
        let identifier = u16_at(bytes, 4).filter(|_| echo);
        cx.facts.icmp = Some(Icmp {
            kind,
            code,
            identifier,
        });
        // As for IPv4, payload begins after eight bytes.
        let header_bytes = input.length.min(HEADER + 4);
        cx.facts
            .enter_transport(header_bytes, payload_bytes.saturating_sub(4));
        // Where the options begin, and the least length of the message.
        let fixed = match kind {
            133 => 8,
            ROUTER_ADVERTISEMENT => 16,
            130..=132 | 135 | NEIGHBOR_ADVERTISEMENT => 24,
            REDIRECT => 40,
            1..=4 | 128 | 129 => 8,
            _ => HEADER,
        };
        let (options, bad) = match (kind, bytes.get(fixed..)) {
            (133..=REDIRECT, Some(options)) => discovery_options(options),
            _ => (Vec::new(), None),
        };
        if let Some(rows) = self.rows.wanted() {
            let quoted = match bytes.get(8..) {
                Some(packet) if (1..=4).contains(&kind) => Quoted::read(packet, cx.symbols),
                _ => Quoted::default(),
            };
            let mut address = |at, kinds: &[u8]| {
                let octets = if kinds.contains(&kind) {
                    array_at::<16>(bytes, at)
                } else {
                    None
                };
                octets.map(|a| cx.symbols.ipv6(Ipv6Addr::from(a)))
            };
            let target_ip = address(8, &[135, NEIGHBOR_ADVERTISEMENT, REDIRECT]);
            let destination_ip = address(24, &[REDIRECT]);
            let multicast_ip = address(8, &[130, 131, 132]);
            let mut mac = |wanted| {
                let option = options.iter().find(|o| o.r#type == wanted)?;
                Some(cx.symbols.mac(option.data.try_into().ok()?))
            };
            let (source_mac, target_mac) = (mac(1), mac(2));
            let flags = u8_at(bytes, 4).unwrap_or(0);
            let neighbor = |bit: u8| {
                (kind == NEIGHBOR_ADVERTISEMENT && bytes.len() > 4).then_some(flags & bit != 0)
            };
            let router = kind == ROUTER_ADVERTISEMENT;
            let router_flags = u8_at(bytes, 5).filter(|_| router);
            rows.push(&Icmpv6Row {
                id: cx.at(),
                src_ip: ip.src_symbol,
                dst_ip: ip.dst_symbol,
                r#type: kind.into(),
                code: code.into(),
                checksum: checksum.into(),
                checksum_ok: checksum_ok(input, cx),
                identifier: identifier.map(i32::from),
                sequence: u16_at(bytes, 6).filter(|_| echo).map(i32::from),
                mtu: u32_at(bytes, 4).filter(|_| kind == 2).map(i64::from),
                pointer: u32_at(bytes, 4).filter(|_| kind == 4).map(i64::from),
                target_ip,
                destination_ip,
                router_flag: neighbor(0x80),
                solicited_flag: neighbor(0x40),
                override_flag: neighbor(0x20),
                router_hop_limit: u8_at(bytes, 4).filter(|_| router).map(i32::from),
                managed_flag: router_flags.map(|f| f & 0x80 != 0),
                other_flag: router_flags.map(|f| f & 0x40 != 0),
                router_lifetime: u16_at(bytes, 6).filter(|_| router).map(i32::from),
                reachable_time: u32_at(bytes, 8).filter(|_| router).map(i64::from),
                retransmission_timer: u32_at(bytes, 12).filter(|_| router).map(i64::from),
                multicast_ip,
                source_mac,
                target_mac,
                options: &options,
                payload_bytes: int(payload_bytes),
                quoted_src_ip: quoted.src_ip,
                quoted_dst_ip: quoted.dst_ip,
                quoted_protocol: quoted.protocol,
                quoted_src_port: quoted.src_port,
                quoted_dst_port: quoted.dst_port,
            });
        }
        if bytes.len() < fixed {
            return Outcome::NeedMore { bytes: fixed };
        }
        if let Some(at) = bad
            && bytes.len() == input.length
        {
            cx.anomaly("an option has an impossible length", fixed + at);
        }
        Outcome::last(fixed)
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}

/// Options of neighbour discovery (RFC 4861, 4.6), and where one with an impossible length ended
/// the list.
fn discovery_options(mut bytes: &[u8]) -> (Vec<Icmpv6OptionRow<'_>>, Option<usize>) {
    let whole = bytes.len();
    let mut found = Vec::new();
    while let Some(kind) = bytes.first() {
        let length = bytes.get(1).map_or(0, |l| usize::from(*l) * 8);
        let (Some(data), Some(rest)) = (bytes.get(2..length), bytes.get(length..)) else {
            return (found, Some(whole - bytes.len()));
        };
        found.push(Icmpv6OptionRow {
            r#type: (*kind).into(),
            data,
        });
        bytes = rest;
    }
    (found, None)
}
