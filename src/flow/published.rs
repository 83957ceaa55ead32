//! What only CICFlowMeter as published looks at, to calculate as it did, with its defects; docs/flows.md,
//! "CICFlowMeter as published".

use netcap_proto::PublishedRow;

use super::activity::Bulk;
use super::key::{FlowPacket, Side};

/// Of the packets of a flow.
#[derive(Debug, Clone, Default)]
pub(super) struct Published {
    /// Payload and flags of the first packet.
    first: Option<(u32, u16)>,
    /// Window of the last TCP packet of side A and B.
    windows: [Option<u16>; 2],
    /// Transfers by both sides together: none interrupts the other.
    bulk: Bulk,
}

impl Published {
    /// Adds a packet.
    pub(super) fn add(&mut self, packet: &FlowPacket) {
        self.first
            .get_or_insert((packet.payload_bytes, packet.tcp_flags()));
        if let Some(tcp) = &packet.tcp {
            self.windows[packet.from as usize] = Some(tcp.window);
        }
        if packet.payload_bytes > 0 {
            self.bulk
                .add(packet.ts_ns, packet.payload_bytes.into(), None);
        }
    }

    /// As columns.
    pub(super) fn row(&self, responder: Side) -> PublishedRow {
        let bulk = self.bulk.row();
        PublishedRow {
            first_payload_bytes: self.first.map(|(payload, _)| payload.into()),
            first_tcp_flags: self.first.map(|(_, flags)| flags.into()),
            last_bwd_window: self.windows[responder as usize].map(i32::from),
            bulk_count: Some(bulk.count),
            bulk_packets: Some(bulk.packets),
            bulk_bytes: Some(bulk.bytes),
            bulk_duration_ns: Some(bulk.duration_ns),
        }
    }
}

/// Of flows under other policies.
pub(super) const NOT_PUBLISHED: PublishedRow = PublishedRow {
    first_payload_bytes: None,
    first_tcp_flags: None,
    last_bwd_window: None,
    bulk_count: None,
    bulk_packets: None,
    bulk_bytes: None,
    bulk_duration_ns: None,
};
