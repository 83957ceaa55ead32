//! VLAN tags: 802.1Q, 802.1ad (service tags) and the older 0x9100, stacked to any depth.

use etherparse::SingleVlanHeaderSlice;
use netcap_proto::{TableColumns, VlanColumns, VlanRow};

use super::ethernet::{next, type_or_length};
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Rows, Selector};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "vlan",
        table: Some("vlan"),
        accepts: &[
            Selector::EtherType(0x8100),
            Selector::EtherType(0x88a8),
            Selector::EtherType(0x9100),
        ],
        ports: &[],
    },
    make: |wanted| {
        Box::new(Vlan {
            rows: Rows::new(wanted),
        })
    },
};

struct Vlan {
    rows: Rows<VlanColumns>,
}

const HEADER: usize = 4;

impl Protocol for Vlan {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let Ok(header) = SingleVlanHeaderSlice::from_slice(input.bytes) else {
            return Outcome::NeedMore { bytes: HEADER };
        };
        let vlan_id = header.vlan_identifier().value();
        let tag = header.ether_type().0;
        // Identifier 0 is that of no VLAN: the tag is there for its priority (IEEE 802.1Q, 9.6), often in one direction only.
        if vlan_id != 0 {
            cx.facts.vlans.push(vlan_id);
        }
        if let Some(rows) = self.rows.wanted() {
            let tpid = match input.selector {
                Selector::EtherType(tpid) => i32::from(tpid),
                _ => 0x8100,
            };
            let (ether_type, length) = type_or_length(tag);
            rows.push(&VlanRow {
                id: cx.at(),
                tpid,
                priority: header.priority_code_point().value().into(),
                drop_eligible: header.drop_eligible_indicator(),
                vlan_id: vlan_id.into(),
                ether_type,
                length,
            });
        }
        next(input, HEADER, tag)
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}
