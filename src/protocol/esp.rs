//! The encapsulating security payload of IPsec (RFC 4303): the index of its security association,
//! by which flows are told apart. The rest is encrypted.

use crate::packet::bytes::u32_at;
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Selector};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "esp",
        table: None,
        accepts: &[Selector::IpProtocol(50)],
        ports: &[],
    },
    make: |_| Box::new(Esp),
};

struct Esp;

/// Security parameters index and sequence number.
const HEADER: usize = 8;

impl Protocol for Esp {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        cx.facts.spi = u32_at(input.bytes, 0);
        if input.bytes.len() < HEADER {
            return Outcome::NeedMore { bytes: HEADER };
        }
        Outcome::last(HEADER)
    }
}
