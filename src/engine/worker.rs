//! Decodes batches: one worker has its own protocols, tables and texts.

use std::collections::BTreeMap;

use netcap_proto::{
    At, FLOW_OUTER, Finish, MALFORMED, MalformedColumns, MalformedRow, NO_FLOW, PACKET,
    PacketColumns, PacketRow, Symbols, TableColumns,
};

use super::batch::Batch;
use super::rows::Rows;
use super::{Counts, Selection};
use crate::error::Result;
use crate::flow::{FlowPacket, FlowPackets};
use crate::packet::{Class, Found, FragmentSeen, Frame, Walker};
use crate::protocol::REGISTRY;

/// Packets whose headers are fetched from memory at once.
const FETCH: u32 = 16;

pub(super) struct Worker {
    walker: Walker,
    symbols: Symbols,
    packet: Option<PacketColumns>,
    malformed: Option<MalformedColumns>,
    time: Option<(i64, i64)>,
    /// Memory for the packets of the next batch.
    flow_packets: FlowPackets,
}

/// What a batch came to, before its flows are known.
#[derive(Default)]
pub(super) struct Decoded {
    pub(super) batch: Batch,
    pub(super) flow_packets: FlowPackets,
    /// The packets around tunnels.
    pub(super) outer_packets: Vec<FlowPacket>,
    /// Time of each packet, nanoseconds since 1970.
    pub(super) times: Vec<i64>,
    /// Fragments, in order.
    pub(super) fragments: Vec<FragmentSeen>,
    /// Packet and datagram of each first fragment.
    pub(super) firsts: Vec<(u32, u64)>,
    pub(super) counts: Counts,
    /// Packets of each link type that was skipped.
    pub(super) skipped: BTreeMap<u16, u64>,
}

impl Worker {
    pub(super) fn new(tables: &Selection, time: Option<(i64, i64)>) -> Self {
        let walker = Walker::new(REGISTRY, &|table| tables.has(table));
        let own = REGISTRY.iter().filter_map(|entry| entry.info.table);
        let has_rows = own
            .chain([PACKET.name, MALFORMED.name])
            .any(|table| tables.has(table));
        Self {
            walker: if tables.has(FLOW_OUTER.name) {
                walker.with_outer()
            } else {
                walker
            },
            symbols: if has_rows {
                Symbols::default()
            } else {
                Symbols::unread()
            },
            packet: tables.has(PACKET.name).then(PacketColumns::default),
            malformed: tables.has(MALFORMED.name).then(MalformedColumns::default),
            time,
            flow_packets: FlowPackets::default(),
        }
    }

    /// Takes back what a batch came to, and gives its packets.
    pub(super) fn give_back(&mut self, decoded: Decoded) -> Batch {
        self.flow_packets = decoded.flow_packets;
        decoded.batch
    }

    /// Decodes a batch once more, now that it is known which of its packets complete a datagram.
    ///
    /// Whether they do depends on batches before, which are decoded at the same time; few batches
    /// have such packets.
    pub(super) fn decode_again(&mut self, decoded: &mut Decoded, found: &[Found]) -> Result<()> {
        // The rows so far are made and forgotten.
        self.finish(decoded, &vec![NO_FLOW; decoded.times.len()])?;
        let batch = std::mem::take(&mut decoded.batch);
        self.flow_packets = std::mem::take(&mut decoded.flow_packets);
        *decoded = self.decode(batch, found);
        Ok(())
    }

    /// Decodes the packets of a batch into the worker's tables. `found` is what is known of the
    /// datagrams of fragments, in the order of their packets.
    pub(super) fn decode(&mut self, batch: Batch, mut found: &[Found]) -> Decoded {
        let mut decoded = Decoded {
            times: batch.metas.iter().map(|m| m.ts_ns).collect(),
            flow_packets: std::mem::take(&mut self.flow_packets),
            ..Decoded::default()
        };
        decoded.flow_packets.clear();
        let (left_out, kept) = batch.duplicates;
        decoded.counts.read = left_out;
        decoded.counts.duplicates = left_out;
        decoded.counts.kept_duplicates = kept;
        for (index, (meta, bytes)) in (0u32..).zip(batch.packets()) {
            if index.is_multiple_of(FETCH) {
                batch.fetch(index, FETCH);
            }
            let counts = &mut decoded.counts;
            counts.read += 1;
            if self
                .time
                .is_some_and(|(from, to)| meta.ts_ns < from || meta.ts_ns >= to)
            {
                counts.filtered += 1;
                continue;
            }
            let of_packet = found.iter().take_while(|f| f.index == index).count();
            let datagrams;
            (datagrams, found) = found.split_at(of_packet);
            let frame = Frame {
                index,
                ts_ns: meta.ts_ns,
                link_type: meta.link_type.into(),
                bytes,
                length: meta.original as usize,
                datagrams,
            };
            let seen = self.walker.packet(&mut self.symbols, &frame);
            match seen.class {
                Class::Decoded => counts.decoded += 1,
                Class::Truncated => counts.truncated += 1,
                Class::Malformed => counts.malformed += 1,
                Class::Filtered => counts.filtered += 1,
                Class::Skipped => {
                    counts.skipped += 1;
                    *decoded.skipped.entry(meta.link_type).or_default() += 1;
                }
            }
            if let Some(columns) = &mut self.packet {
                let int = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
                columns.push(&PacketRow {
                    id: At {
                        packet: index,
                        layer: 0,
                        index: 0,
                    },
                    ts_ns: meta.ts_ns,
                    wire_bytes: int(meta.original),
                    captured_bytes: int(meta.captured),
                    interface: int(meta.interface),
                    link_type: meta.link_type.into(),
                    path: seen.path,
                    class: seen.class as i32,
                    offset: meta.offset,
                    payload_bytes: seen.facts.payload_bytes.map(int),
                });
            }
            let (place, ts_ns) = (batch.place(index), meta.ts_ns);
            if let Some(packet) = FlowPacket::new(seen.facts, index, place, ts_ns, meta.original) {
                decoded.flow_packets.push(packet);
            }
        }
        let outer = self.walker.take_outer().into_iter();
        decoded.outer_packets = outer
            .filter_map(|(index, facts)| {
                let meta = batch.metas.get(index as usize)?;
                let place = batch.place(index);
                FlowPacket::new(&facts, index, place, meta.ts_ns, meta.original)
            })
            .collect();
        decoded.fragments = self.walker.take_fragments();
        decoded.firsts = self.walker.take_firsts();
        decoded.counts.fragments = decoded.fragments.len() as u64;
        let anomalies = self.walker.take_anomalies();
        if let Some(columns) = &mut self.malformed {
            for anomaly in anomalies {
                columns.push(&MalformedRow {
                    id: anomaly.at,
                    protocol: self.symbols.text(anomaly.protocol),
                    reason: self.symbols.text(anomaly.reason),
                    offset: i32::try_from(anomaly.offset).unwrap_or(i32::MAX),
                });
            }
        }
        decoded.batch = batch;
        decoded
    }

    /// The batch's rows of each table, now that its flows are known.
    pub(super) fn finish(&mut self, decoded: &Decoded, flows: &[i64]) -> Result<Rows> {
        let packet: Vec<i64> = decoded.batch.metas.iter().map(|m| m.number).collect();
        let ts: Vec<i64> = decoded.times.iter().map(|ts| ts.div_euclid(1000)).collect();
        let symbols = self.symbols.finish();
        let cx = Finish {
            capture: &decoded.batch.captures,
            packet: &packet,
            flow: flows,
            ts: &ts,
            symbols: &symbols,
        };
        let own: [Option<&mut dyn TableColumns>; 2] = [
            self.packet.as_mut().map(|c| c as &mut dyn TableColumns),
            self.malformed.as_mut().map(|c| c as &mut dyn TableColumns),
        ];
        let mut batches = Rows::new();
        for columns in own.into_iter().flatten().chain(self.walker.tables()) {
            if !columns.is_empty() {
                batches.push((columns.table().name, columns.finish_batch(&cx)?));
            }
        }
        self.walker.end_batch();
        Ok(batches)
    }
}
