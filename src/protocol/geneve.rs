//! Geneve (RFC 8926).

use crate::packet::bytes::{u16_at, u32_at};
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector, Transport, Tunnel};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "geneve",
        table: None,
        accepts: &[Selector::Payload(Transport::Udp)],
        ports: &[6081],
    },
    make: |_| Box::new(Geneve),
};

struct Geneve;

const FIXED: usize = 8;
/// Transparent Ethernet bridging.
const ETHERNET: u16 = 0x6558;

impl Protocol for Geneve {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let fields = (
            u16_at(input.bytes, 0),
            u16_at(input.bytes, 2),
            u32_at(input.bytes, 4),
        );
        let (true, (Some(first), Some(carried), Some(network))) = (input.on_port, fields) else {
            return Outcome::NotMine;
        };
        // Version 0; the reserved bits are 0.
        let header = FIXED + usize::from(first >> 8) * 4;
        if first & 0xc03f != 0 || network & 0xff != 0 || input.length <= header {
            return Outcome::NotMine;
        }
        let next = match carried {
            ETHERNET => Selector::LinkType(1),
            0x0800 | 0x86dd => Selector::EtherType(carried),
            _ => return Outcome::NotMine,
        };
        cx.facts.enter_tunnel(Tunnel::geneve(network >> 8));
        Outcome::then(header, next, input.length - header)
    }
}
