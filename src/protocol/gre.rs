//! GRE (RFC 2784, 2890), and its version 1 of PPTP (RFC 2637).

use super::pppoe::ppp_selector;
use crate::packet::bytes::{u8_at, u16_at};
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector, Tunnel};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "gre",
        table: None,
        accepts: &[Selector::IpProtocol(47)],
        ports: &[],
    },
    make: |_| Box::new(Gre),
};

struct Gre;

/// Transparent Ethernet bridging.
const ETHERNET: u16 = 0x6558;
/// PPP, in version 1.
const PPP: u16 = 0x880b;

impl Protocol for Gre {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let fields = u16_at(input.bytes, 0).zip(u16_at(input.bytes, 2));
        let Some((flags, carried)) = fields else {
            return Outcome::NeedMore { bytes: 4 };
        };
        let optional = |bit: u16| if flags & bit != 0 { 4 } else { 0 };
        let (header, next) = match flags & 7 {
            // Checksum, key, sequence number. With source routes (RFC 1701) nothing is followed.
            0 if flags & 0x4000 == 0 => {
                let header = 4 + optional(0x8000) + optional(0x2000) + optional(0x1000);
                let next = match carried {
                    ETHERNET => Selector::LinkType(1),
                    other => Selector::EtherType(other),
                };
                (header, Some(next))
            }
            // Payload length and call, sequence and acknowledgment number.
            1 if carried == PPP => {
                let header = 8 + optional(0x1000) + optional(0x0080);
                let ppp = input.bytes.get(header..).unwrap_or_default();
                match ppp_selector(ppp) {
                    Some((bytes, next)) => (header + bytes, Some(next)),
                    None => (header, None),
                }
            }
            _ => (4, None),
        };
        if u8_at(input.bytes, header.saturating_sub(1)).is_none() {
            return Outcome::NeedMore { bytes: header };
        }
        let length = input.length.saturating_sub(header);
        match next {
            Some(next) if length > 0 => {
                cx.facts.enter_tunnel(Tunnel::GRE);
                Outcome::then(header, next, length)
            }
            _ => Outcome::last(header),
        }
    }
}
