//! Captures that begin with the IP header. They have no layer of their own: the version field
//! tells which protocol follows.

use crate::packet::bytes::u8_at;
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "raw",
        table: None,
        accepts: &[
            Selector::LinkType(12),
            Selector::LinkType(14),
            Selector::LinkType(101),
            Selector::LinkType(228),
            Selector::LinkType(229),
        ],
        ports: &[],
    },
    make: |_| Box::new(Raw),
};

struct Raw;

impl Protocol for Raw {
    fn decode(&mut self, input: &Input<'_>, _: &mut Context<'_>) -> Outcome {
        match u8_at(input.bytes, 0).map(|b| b >> 4) {
            Some(4) => Outcome::then(0, Selector::EtherType(0x0800), input.length),
            Some(6) => Outcome::then(0, Selector::EtherType(0x86dd), input.length),
            Some(_) => Outcome::Malformed {
                reason: "IP version is neither 4 nor 6",
                at: 0,
            },
            None => Outcome::NeedMore { bytes: 1 },
        }
    }
}
