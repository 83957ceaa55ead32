//! Linux cooked captures, versions 1 and 2 (LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2): what the
//! "any" interface gives. They have no table; the packet's path shows them.

use crate::packet::bytes::u16_at;
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector};

pub(super) const SLL: Entry = Entry {
    info: Info {
        name: "sll",
        table: None,
        accepts: &[Selector::LinkType(113)],
        ports: &[],
    },
    make: |_| {
        Box::new(Sll {
            header: 16,
            hardware: 2,
            protocol: 14,
        })
    },
};

pub(super) const SLL2: Entry = Entry {
    info: Info {
        name: "sll2",
        table: None,
        accepts: &[Selector::LinkType(276)],
        ports: &[],
    },
    make: |_| {
        Box::new(Sll {
            header: 20,
            hardware: 8,
            protocol: 0,
        })
    },
};

/// The two versions differ in the places of the fields only.
struct Sll {
    header: usize,
    hardware: usize,
    protocol: usize,
}

impl Protocol for Sll {
    fn decode(&mut self, input: &Input<'_>, _: &mut Context<'_>) -> Outcome {
        /// ARPHRD_ values whose protocol field is no EtherType: IP over GRE, 802.11 with
        /// radiotap, netlink (<https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html>).
        const NO_ETHER_TYPE: [u16; 3] = [778, 803, 824];
        let (Some(hardware), Some(protocol), true) = (
            u16_at(input.bytes, self.hardware),
            u16_at(input.bytes, self.protocol),
            input.bytes.len() >= self.header,
        ) else {
            return Outcome::NeedMore { bytes: self.header };
        };
        let length = input.length.saturating_sub(self.header);
        // Below 1536 it is one of Linux' own frame types (802.3 without LLC, LLC, CAN …).
        if protocol >= 1536 && !NO_ETHER_TYPE.contains(&hardware) {
            Outcome::then(self.header, Selector::EtherType(protocol), length)
        } else {
            Outcome::last(self.header)
        }
    }
}
