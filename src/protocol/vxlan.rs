//! VXLAN (RFC 7348).

use crate::packet::bytes::u32_at;
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector, Transport, Tunnel};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "vxlan",
        table: None,
        accepts: &[Selector::Payload(Transport::Udp)],
        // Assigned, and that of Linux.
        ports: &[4789, 8472],
    },
    make: |_| Box::new(Vxlan),
};

struct Vxlan;

const HEADER: usize = 8;
const ETHERNET: usize = 14;

impl Protocol for Vxlan {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let fields = u32_at(input.bytes, 0).zip(u32_at(input.bytes, 4));
        // Only the flag that says that the identifier counts; all that is reserved is 0.
        let (true, Some((0x0800_0000, network))) = (input.on_port, fields) else {
            return Outcome::NotMine;
        };
        if network & 0xff != 0 || input.length < HEADER + ETHERNET {
            return Outcome::NotMine;
        }
        cx.facts.enter_tunnel(Tunnel::vxlan(network >> 8));
        Outcome::then(HEADER, Selector::LinkType(1), input.length - HEADER)
    }
}
