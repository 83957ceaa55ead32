//! ICMP for IPv4 (RFC 792, 950, 1191).

use netcap_proto::{Icmpv4Columns, Icmpv4Row, TableColumns};

use super::icmp::{Quoted, checksum_ok};
use crate::packet::bytes::{array_at, int, u8_at, u16_at};
use crate::packet::{Context, Entry, Icmp, Info, Input, Outcome, Protocol, Rows, Selector};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "icmpv4",
        table: Some("icmpv4"),
        accepts: &[Selector::IpProtocol(1)],
        ports: &[],
    },
    make: |wanted| {
        Box::new(Icmpv4 {
            rows: Rows::new(wanted),
        })
    },
};

struct Icmpv4 {
    rows: Rows<Icmpv4Columns>,
}

const HEADER: usize = 8;

impl Protocol for Icmpv4 {
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
        // Echo, timestamp, information, address mask.
        let has_identifier = matches!(kind, 0 | 8 | 13..=18);
        let identifier = u16_at(bytes, 4).filter(|_| has_identifier);
        cx.facts.icmp = Some(Icmp {
            kind,
            code,
            identifier,
        });
        cx.facts.enter_transport(HEADER, payload_bytes);
        if let Some(rows) = self.rows.wanted() {
            let quotes = matches!(kind, 3 | 4 | 5 | 11 | 12);
            let quoted = match bytes.get(HEADER..) {
                Some(packet) if quotes => Quoted::read(packet, cx.symbols),
                _ => Quoted::default(),
            };
            let gateway = if kind == 5 {
                array_at::<4>(bytes, 4)
            } else {
                None
            };
            rows.push(&Icmpv4Row {
                id: cx.at(),
                src_ip: ip.src_symbol,
                dst_ip: ip.dst_symbol,
                r#type: kind.into(),
                code: code.into(),
                checksum: checksum.into(),
                checksum_ok: checksum_ok(input, cx),
                identifier: identifier.map(i32::from),
                sequence: u16_at(bytes, 6).filter(|_| has_identifier).map(i32::from),
                gateway_ip: gateway.map(|a| cx.symbols.ipv4(a.into())),
                next_hop_mtu: u16_at(bytes, 6)
                    .filter(|_| kind == 3 && code == 4)
                    .map(i32::from),
                pointer: u8_at(bytes, 4).filter(|_| kind == 12).map(i32::from),
                payload_bytes: int(payload_bytes),
                quoted_src_ip: quoted.src_ip,
                quoted_dst_ip: quoted.dst_ip,
                quoted_protocol: quoted.protocol,
                quoted_src_port: quoted.src_port,
                quoted_dst_port: quoted.dst_port,
            });
        }
        if bytes.len() < HEADER {
            return Outcome::NeedMore { bytes: HEADER };
        }
        Outcome::last(HEADER)
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}
