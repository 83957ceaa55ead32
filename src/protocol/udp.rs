//! UDP (RFC 768).

use etherparse::UdpHeaderSlice;
use netcap_proto::{TableColumns, UdpColumns, UdpRow};

use crate::packet::bytes::int;
use crate::packet::{
    Context, Entry, Info, Input, Outcome, Protocol, Rows, Selector, Transport, entropy,
};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "udp",
        table: Some("udp"),
        accepts: &[Selector::IpProtocol(17)],
        ports: &[],
    },
    make: |wanted| {
        Box::new(Udp {
            rows: Rows::new(wanted),
        })
    },
};

struct Udp {
    rows: Rows<UdpColumns>,
}

const HEADER: usize = 8;

impl Protocol for Udp {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        cx.ports(input.bytes);
        let Ok(header) = UdpHeaderSlice::from_slice(input.bytes) else {
            return Outcome::NeedMore { bytes: HEADER };
        };
        let (src_port, dst_port) = (header.source_port(), header.destination_port());
        let Some(endpoints) = cx.endpoints(src_port, dst_port) else {
            return Outcome::NotMine;
        };
        let fragment = cx.facts.is_partial();
        let length = usize::from(header.length());
        let available = input.length.saturating_sub(HEADER);
        // Zero stands for the length of a jumbogram (RFC 2675).
        let stated = if length == 0 {
            available
        } else {
            length.saturating_sub(HEADER)
        };
        // The length of a fragmented datagram is that of the whole.
        let payload_bytes = if fragment {
            stated
        } else {
            stated.min(available)
        };
        // This packet's share of it.
        cx.facts
            .enter_transport(HEADER, payload_bytes.min(available));
        if let Some(rows) = self.rows.wanted() {
            let payload = input.bytes.get(HEADER..).unwrap_or_default();
            rows.push(&UdpRow {
                id: cx.at(),
                endpoints,
                length: header.length().into(),
                checksum: header.checksum().into(),
                payload_bytes: int(payload_bytes),
                payload_entropy: entropy(payload.get(..payload_bytes).unwrap_or(payload)),
            });
        }
        let jumbogram = length == 0 && cx.facts.ip.is_some_and(|ip| ip.src.is_ipv6());
        if length < HEADER && !jumbogram {
            return Outcome::Malformed {
                reason: "length is less than the header",
                at: 4,
            };
        }
        if stated > available && !fragment {
            cx.anomaly("length is greater than the packet", 4);
        }
        if fragment || payload_bytes == 0 {
            return Outcome::last(HEADER);
        }
        Outcome::then(HEADER, Selector::Payload(Transport::Udp), payload_bytes)
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}
