//! BSD loopback: an address family before the packet, in the byte order of the capturing host
//! (LINKTYPE_NULL) or in network order (LINKTYPE_LOOP). It has no table.

use crate::packet::bytes::u32_at;
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "null",
        table: None,
        accepts: &[Selector::LinkType(0), Selector::LinkType(108)],
        ports: &[],
    },
    make: |_| Box::new(Null),
};

struct Null;

const HEADER: usize = 4;

impl Protocol for Null {
    fn decode(&mut self, input: &Input<'_>, _: &mut Context<'_>) -> Outcome {
        let Some(family) = u32_at(input.bytes, 0) else {
            return Outcome::NeedMore { bytes: HEADER };
        };
        // Families are small: the order in which the number is small is the right one.
        let family = if family > 0xffff {
            family.swap_bytes()
        } else {
            family
        };
        let length = input.length.saturating_sub(HEADER);
        match family {
            2 => Outcome::then(HEADER, Selector::EtherType(0x0800), length),
            // Linux, NetBSD and OpenBSD, FreeBSD, Darwin.
            10 | 24 | 28 | 30 => Outcome::then(HEADER, Selector::EtherType(0x86dd), length),
            _ => Outcome::last(HEADER),
        }
    }
}
