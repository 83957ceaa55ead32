//! GTP-U, user data of mobile networks (3GPP TS 29.281).

use crate::packet::bytes::{u8_at, u16_at};
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector, Transport, Tunnel};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "gtpu",
        table: None,
        accepts: &[Selector::Payload(Transport::Udp)],
        ports: &[2152],
    },
    make: |_| Box::new(Gtpu),
};

struct Gtpu;

const FIXED: usize = 8;
/// Of the fixed header with sequence number, N-PDU number and type of the next extension.
const LONG: usize = 12;
/// Message type: a packet of the user.
const G_PDU: u8 = 255;

impl Protocol for Gtpu {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let fields = (
            u8_at(input.bytes, 0),
            u8_at(input.bytes, 1),
            u16_at(input.bytes, 2),
        );
        let (true, (Some(flags), Some(G_PDU), Some(stated))) = (input.on_port, fields) else {
            return Outcome::NotMine;
        };
        // Version 1, and not GTP'.
        if flags & 0xf0 != 0x30 || FIXED + usize::from(stated) > input.length {
            return Outcome::NotMine;
        }
        let mut at = if flags & 7 == 0 { FIXED } else { LONG };
        if flags & 4 != 0 {
            let mut extension = u8_at(input.bytes, LONG - 1);
            // Each has its length in words of four bytes first, and the type of the next last.
            while let Some(1..) = extension {
                match u8_at(input.bytes, at) {
                    Some(words @ 1..) => at += usize::from(words) * 4,
                    _ => return Outcome::NotMine,
                }
                extension = u8_at(input.bytes, at - 1);
            }
        }
        let end = FIXED + usize::from(stated);
        let next = match u8_at(input.bytes, at).map(|byte| byte >> 4) {
            Some(4) => Selector::EtherType(0x0800),
            Some(6) => Selector::EtherType(0x86dd),
            _ => return Outcome::NotMine,
        };
        if end <= at {
            return Outcome::NotMine;
        }
        cx.facts.enter_tunnel(Tunnel::GTPU);
        Outcome::then(at, next, end - at)
    }
}
