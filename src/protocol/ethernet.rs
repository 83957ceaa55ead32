//! Ethernet (IEEE 802.3), with SNAP where it announces an EtherType. Other LLC payloads are not
//! followed.

use etherparse::Ethernet2HeaderSlice;
use netcap_proto::{EthernetColumns, EthernetRow, TableColumns};

use crate::packet::bytes::{array_at, int, u16_at};
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Rows, Selector};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "ethernet",
        table: Some("ethernet"),
        accepts: &[Selector::LinkType(1)],
        ports: &[],
    },
    make: |wanted| {
        Box::new(Ethernet {
            rows: Rows::new(wanted),
        })
    },
};

struct Ethernet {
    rows: Rows<EthernetColumns>,
}

const HEADER: usize = 14;

impl Protocol for Ethernet {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let Ok(header) = Ethernet2HeaderSlice::from_slice(input.bytes) else {
            return Outcome::NeedMore { bytes: HEADER };
        };
        let tag = header.ether_type().0;
        // The outermost counts.
        let macs = [header.source(), header.destination()];
        cx.facts.macs = cx.facts.macs.or(Some(macs));
        if let Some(rows) = self.rows.wanted() {
            let (ether_type, length) = type_or_length(tag);
            rows.push(&EthernetRow {
                id: cx.at(),
                src_mac: cx.symbols.mac(header.source()),
                dst_mac: cx.symbols.mac(header.destination()),
                ether_type,
                length,
                payload_bytes: int(input.length.saturating_sub(HEADER)),
            });
        }
        next(input, HEADER, tag)
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}

/// The field after the addresses: an EtherType, or the length of an 802.3 frame (at most 1,500;
/// IEEE 802.3, 3.2.6).
pub(super) fn type_or_length(tag: u16) -> (Option<i32>, Option<i32>) {
    if tag > 1500 {
        (Some(tag.into()), None)
    } else {
        (None, Some(tag.into()))
    }
}

/// What follows a header of `header` bytes that ends with `tag`.
pub(super) fn next(input: &Input<'_>, header: usize, tag: u16) -> Outcome {
    /// LLC for SNAP, unnumbered, with the organisation of EtherTypes (RFC 1042).
    const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
    let length = input.length.saturating_sub(header);
    if tag > 1500 {
        return Outcome::then(header, Selector::EtherType(tag), length);
    }
    // Beyond the 802.3 length there is padding only.
    let length = length.min(usize::from(tag));
    match (
        array_at(input.bytes, header),
        u16_at(input.bytes, header + SNAP.len()),
    ) {
        (Some(SNAP), Some(ether_type)) => Outcome::then(
            header + SNAP.len() + 2,
            Selector::EtherType(ether_type),
            length.saturating_sub(SNAP.len() + 2),
        ),
        _ => Outcome::last(header),
    }
}
