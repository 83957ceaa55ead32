//! ARP (RFC 826). Addresses are columns where they are Ethernet and IPv4; other sizes keep the
//! rest of the row.

use std::net::Ipv4Addr;

use netcap_proto::{ArpColumns, ArpRow, TableColumns};

use crate::packet::bytes::{array_at, u8_at, u16_at};
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Rows, Selector};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "arp",
        table: Some("arp"),
        accepts: &[Selector::EtherType(0x0806), Selector::EtherType(0x8035)],
        ports: &[],
    },
    make: |wanted| {
        Box::new(Arp {
            rows: Rows::new(wanted),
        })
    },
};

struct Arp {
    rows: Rows<ArpColumns>,
}

const FIXED: usize = 8;

impl Protocol for Arp {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let bytes = input.bytes;
        let (
            Some(hardware_type),
            Some(protocol_type),
            Some(hardware),
            Some(protocol),
            Some(operation),
        ) = (
            u16_at(bytes, 0),
            u16_at(bytes, 2),
            u8_at(bytes, 4),
            u8_at(bytes, 5),
            u16_at(bytes, 6),
        )
        else {
            return Outcome::NeedMore { bytes: FIXED };
        };
        let (hardware_size, protocol_size) = (usize::from(hardware), usize::from(protocol));
        let total = FIXED + 2 * (hardware_size + protocol_size);
        if bytes.len() < total {
            return Outcome::NeedMore { bytes: total };
        }
        if let Some(rows) = self.rows.wanted() {
            let mac_at = |at| {
                if hardware == 6 {
                    array_at(bytes, at)
                } else {
                    None
                }
            };
            let ip_at = |at| {
                let is_ipv4 = protocol == 4 && protocol_type == 0x0800;
                if is_ipv4 {
                    array_at::<4>(bytes, at).map(Ipv4Addr::from)
                } else {
                    None
                }
            };
            let target = FIXED + hardware_size + protocol_size;
            let src_ip = ip_at(FIXED + hardware_size);
            let dst_ip = ip_at(target + hardware_size);
            rows.push(&ArpRow {
                id: cx.at(),
                hardware_type: hardware_type.into(),
                protocol_type: protocol_type.into(),
                hardware_size: hardware.into(),
                protocol_size: protocol.into(),
                operation: operation.into(),
                src_mac: mac_at(FIXED).map(|a| cx.symbols.mac(a)),
                src_ip: src_ip.map(|a| cx.symbols.ipv4(a)),
                dst_mac: mac_at(target).map(|a| cx.symbols.mac(a)),
                dst_ip: dst_ip.map(|a| cx.symbols.ipv4(a)),
                gratuitous: src_ip.is_some() && src_ip == dst_ip,
            });
        }
        Outcome::last(total)
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}
