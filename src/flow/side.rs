//! What one side of a flow sent.

use netcap_proto::TimeToLiveRow;

use super::activity::Bulk;
use super::key::FlowPacket;
use super::numbers::{Distribution, Gaps};

/// FIN, SYN, RST, PSH, ACK, URG, ECE, CWR: the bits of the lower byte of the flags.
const FLAGS: usize = 8;

/// Sums over the packets of one side.
#[derive(Debug, Clone, Default)]
pub(super) struct SideSums {
    pub(super) wire: Distribution,
    pub(super) ip: Distribution,
    pub(super) transport: Distribution,
    pub(super) payload: Distribution,
    pub(super) gaps: Gaps,
    pub(super) bulk: Bulk,
    /// Earliest and latest packet.
    span: Option<(i64, i64)>,
    /// Packets with each of the eight TCP flags, lowest bit first.
    pub(super) flags: [i64; FLAGS],
    pub(super) data_packets: i64,
    pub(super) fragment_packets: i64,
    /// Transport headers, added up, and the least.
    pub(super) header_bytes: i64,
    header: Option<u32>,
    /// Time to live of the first packet, the least and the greatest.
    ttl: Option<[u8; 3]>,
    /// Sender and receiver of the first packet.
    pub(super) macs: Option<[[u8; 6]; 2]>,
}

impl SideSums {
    /// Adds a packet. `other_data` is when the other side last sent payload.
    #[inline]
    pub(super) fn add(&mut self, packet: &FlowPacket, other_data: Option<i64>) {
        if self.span.is_none() {
            self.macs = packet.macs;
        }
        self.wire.add(packet.wire_bytes.into());
        self.ip.add(packet.ip_bytes.into());
        self.transport.add(packet.transport_bytes.into());
        self.payload.add(packet.payload_bytes.into());
        self.gaps.add(packet.ts_ns);
        let (first, last) = self.span.unwrap_or((packet.ts_ns, packet.ts_ns));
        self.span = Some((first.min(packet.ts_ns), last.max(packet.ts_ns)));
        let flags = packet.tcp_flags();
        if flags != 0 {
            for (bit, count) in self.flags.iter_mut().enumerate() {
                *count += i64::from(flags >> bit & 1);
            }
        }
        if packet.payload_bytes > 0 {
            self.data_packets += 1;
            self.bulk
                .add(packet.ts_ns, packet.payload_bytes.into(), other_data);
        }
        if packet.datagram.is_some() {
            self.fragment_packets += 1;
        }
        if let Some(header) = packet.header_bytes {
            self.header_bytes += i64::from(header);
            self.header = Some(self.header.unwrap_or(header).min(header));
        }
        let [first, least, greatest] = self.ttl.unwrap_or([packet.ttl; 3]);
        self.ttl = Some([first, least.min(packet.ttl), greatest.max(packet.ttl)]);
    }

    /// Packets.
    pub(super) fn packets(&self) -> i64 {
        self.wire.count.cast_signed()
    }

    /// From `start` to the earliest packet.
    pub(super) fn start(&self, start_ns: i64) -> Option<i64> {
        self.span.map(|(first, _)| first.saturating_sub(start_ns))
    }

    /// From the earliest to the latest packet.
    pub(super) fn duration(&self) -> Option<i64> {
        self.span.map(|(first, last)| last.saturating_sub(first))
    }

    pub(super) fn header_min(&self) -> Option<i64> {
        self.header.map(i64::from)
    }

    pub(super) fn ttl_row(&self) -> TimeToLiveRow {
        let field = |i: usize| self.ttl.and_then(|t| t.get(i).copied()).map(i32::from);
        TimeToLiveRow {
            first: field(0),
            min: field(1),
            max: field(2),
        }
    }
}
