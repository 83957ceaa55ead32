//! PPPoE sessions (RFC 2516) with IP in them.

use crate::packet::bytes::{u8_at, u16_at};
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector, Tunnel};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "pppoe",
        table: None,
        accepts: &[Selector::EtherType(0x8864)],
        ports: &[],
    },
    make: |_| Box::new(Pppoe),
};

struct Pppoe;

const HEADER: usize = 6;

impl Protocol for Pppoe {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let fields = u16_at(input.bytes, 0).zip(u16_at(input.bytes, 2));
        let (Some((version, session)), Some(stated)) = (fields, u16_at(input.bytes, 4)) else {
            return Outcome::NeedMore { bytes: HEADER };
        };
        // Version 1, type 1, code 0: session data.
        if version != 0x1100 {
            return Outcome::last(HEADER);
        }
        // Behind the stated length there is padding.
        let length = usize::from(stated).min(input.length.saturating_sub(HEADER));
        let Some((bytes, next)) = ppp_selector(input.bytes.get(HEADER..).unwrap_or_default())
        else {
            return Outcome::last(HEADER);
        };
        if length <= bytes {
            return Outcome::last(HEADER);
        }
        cx.facts.enter_tunnel(Tunnel::pppoe(session));
        Outcome::then(HEADER + bytes, next, length - bytes)
    }
}

/// How long the header of a PPP frame is, and which IP follows it (RFC 1661): address and control
/// may be left out, and the protocol be one byte long.
pub(super) fn ppp_selector(frame: &[u8]) -> Option<(usize, Selector)> {
    let start = if u16_at(frame, 0) == Some(0xff03) {
        2
    } else {
        0
    };
    let (bytes, protocol) = match u8_at(frame, start)? {
        odd if odd & 1 == 1 => (1, odd.into()),
        _ => (2, u16_at(frame, start)?),
    };
    let next = match protocol {
        0x0021 => Selector::EtherType(0x0800),
        0x0057 => Selector::EtherType(0x86dd),
        _ => return None,
    };
    Some((start + bytes, next))
}
