//! MPLS label stacks (RFC 3032), and what they carry: IP, or Ethernet in a pseudowire (RFC 4448).

use crate::packet::bytes::{u8_at, u32_at};
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector, Tunnel};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "mpls",
        table: None,
        accepts: &[Selector::EtherType(0x8847), Selector::EtherType(0x8848)],
        ports: &[],
    },
    make: |_| Box::new(Mpls),
};

struct Mpls;

impl Protocol for Mpls {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let mut at = 0;
        loop {
            let Some(label) = u32_at(input.bytes, at) else {
                return Outcome::NeedMore { bytes: at + 4 };
            };
            at += 4;
            // Bottom of the stack.
            if label & 0x100 != 0 {
                break;
            }
        }
        // What is carried is not said; the first four bits tell it (RFC 4928).
        let (header, next) = match u8_at(input.bytes, at).map(|byte| byte >> 4) {
            Some(4) => (at, Selector::EtherType(0x0800)),
            Some(6) => (at, Selector::EtherType(0x86dd)),
            // A control word.
            Some(0) => (at + 4, Selector::LinkType(1)),
            _ => return Outcome::last(at),
        };
        if input.length <= header || input.bytes.len() < header {
            return Outcome::last(at);
        }
        cx.facts.enter_tunnel(Tunnel::MPLS);
        Outcome::then(header, next, input.length - header)
    }
}
