//! Transport protocols that have no table yet and begin with their ports: SCTP (RFC 9260), DCCP
//! (RFC 4340) and UDP-Lite (RFC 3828). The ports are read for the flows.

use crate::packet::bytes::u8_at;
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector};

pub(super) const SCTP: Entry = Entry {
    info: Info {
        name: "sctp",
        table: None,
        accepts: &[Selector::IpProtocol(132)],
        ports: &[],
    },
    make: |_| Box::new(Ports { header: 12 }),
};

pub(super) const DCCP: Entry = Entry {
    info: Info {
        name: "dccp",
        table: None,
        accepts: &[Selector::IpProtocol(33)],
        ports: &[],
    },
    make: |_| Box::new(Ports { header: 12 }),
};

pub(super) const UDP_LITE: Entry = Entry {
    info: Info {
        name: "udplite",
        table: None,
        accepts: &[Selector::IpProtocol(136)],
        ports: &[],
    },
    make: |_| Box::new(Ports { header: 8 }),
};

struct Ports {
    /// Length of the fixed header.
    header: usize,
}

impl Protocol for Ports {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        cx.ports(input.bytes);
        if input.bytes.len() < self.header {
            return Outcome::NeedMore { bytes: self.header };
        }
        // Only DCCP has headers of several lengths, in words of four bytes.
        let header = match input.selector {
            Selector::IpProtocol(33) => {
                u8_at(input.bytes, 4).map_or(0, |words| usize::from(words) * 4)
            }
            _ => self.header,
        };
        let payload_bytes = input.length.saturating_sub(header);
        cx.facts.enter_transport(header, payload_bytes);
        Outcome::last(self.header)
    }
}
