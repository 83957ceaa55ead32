//! Any bytes as a batch of packets, through every protocol of the registry, into every table.
//!
//! It knows no protocol by name: a protocol that is added to the registry is fuzzed from then on.
//! An input is a row of packets, each behind a head of four bytes: two for link type and time, two
//! for the lengths (see [`Packet::take`]). `fuzz/seeds` makes inputs of that form from a capture.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use libfuzzer_sys::fuzz_target;
use netcap::flow::{
    Close, Ended, FlowPacket, FlowPackets, FlowRows, FlowTable, Fragments, PacketPlace, Policy,
};
use netcap::packet::{Class, Found, Frame, Reassembly, Selector, Walker};
use netcap::protocol::REGISTRY;
use netcap_proto::{
    At, Finish, MalformedColumns, MalformedRow, NO_FLOW, PacketColumns, PacketRow, Symbols,
    TableColumns,
};

/// More would only make an input slow.
const MOST_PACKETS: usize = 512;
/// What IP can say of one.
const LONGEST_DATAGRAM: usize = 65_535;
/// 2026-01-01, in nanoseconds.
const START_NS: i64 = 1_767_225_600_000_000_000;

fuzz_target!(|data: &[u8]| {
    let packets = Packet::all(data);
    let mut all = Tables::new(&|_| true);
    let flow_packets = all.decode(&packets, &[]);
    let found = all.reassemble(&packets);
    let flow = flows(&packets, &flow_packets, &all.firsts);
    all.finish(&packets, &flow);
    let flow_packets = all.decode(&packets, &found);
    let flow = flows(&packets, &flow_packets, &all.firsts);
    let first = all.finish(&packets, &flow);
    all.decode(&packets, &found);
    let second = all.finish(&packets, &flow);
    assert_eq!(
        first, second,
        "a batch leaves something behind in the walker"
    );
    // What a packet is does not depend on the tables that somebody wants of it.
    let mut none = Tables::new(&|_| false);
    none.decode(&packets, &found);
    let none = none.finish(&packets, &flow);
    for ((name, one), (_, other)) in first.iter().zip(&none) {
        assert_eq!(one, other, "tables that are not wanted change {name}");
        if *name == "malformed" {
            break;
        }
    }
});

struct Packet<'a> {
    link_type: u32,
    ts_ns: i64,
    bytes: &'a [u8],
    /// Length on the wire, as a capture says it; it need not be true.
    length: u32,
}

impl<'a> Packet<'a> {
    fn all(mut data: &'a [u8]) -> Vec<Self> {
        let mut packets = Vec::new();
        let mut ts_ns = START_NS;
        while packets.len() < MOST_PACKETS {
            let Some(packet) = Self::take(&mut data, &mut ts_ns) else {
                break;
            };
            packets.push(packet);
        }
        packets
    }

    /// The next packet. Its head: a byte for the link type (by its place in the registry; from
    /// 0xf0, one that is not there), a byte for the time since the packet before (from 0xf0,
    /// minutes; else microseconds), two bytes, the least significant first, with the number of
    /// bytes (twelve bits) and how the length on the wire differs from it (four bits: 0 not at
    /// all, up to 0xd that many bytes more, 0xe much more, 0xf less).
    fn take(data: &mut &'a [u8], ts_ns: &mut i64) -> Option<Self> {
        let (head, rest) = data.split_first_chunk::<4>()?;
        let [kind, pause, low, high] = *head;
        let bytes = rest
            .get(..usize::from(low) | usize::from(high & 0xf) << 8)
            .unwrap_or(rest);
        *data = rest.get(bytes.len()..)?;
        *ts_ns += match pause {
            0xf0.. => i64::from(pause & 0xf) * 60_000_000_000,
            _ => i64::from(pause) * 1_000,
        };
        let captured = u32::try_from(bytes.len()).ok()?;
        let length = match high >> 4 {
            0xf => captured / 2,
            0xe => captured + 100_000,
            more => captured + u32::from(more),
        };
        Some(Self {
            link_type: link_type(kind),
            ts_ns: *ts_ns,
            bytes,
            length,
        })
    }
}

/// A link type that some protocol accepts, or one that none does.
fn link_type(kind: u8) -> u32 {
    let accepted = || {
        let selectors = REGISTRY.iter().flat_map(|entry| entry.info.accepts);
        selectors.filter_map(|selector| match selector {
            Selector::LinkType(link_type) => Some(*link_type),
            _ => None,
        })
    };
    match kind {
        0xf0.. => 0x1000 + u32::from(kind),
        _ => accepted()
            .nth(usize::from(kind) % accepted().count())
            .unwrap_or(u32::MAX),
    }
}

/// What a worker of the engine has.
struct Tables {
    walker: Walker,
    symbols: Symbols,
    packet: PacketColumns,
    malformed: MalformedColumns,
    firsts: Vec<(u32, u64)>,
}

impl Tables {
    fn new(wanted: &dyn Fn(&str) -> bool) -> Self {
        Self {
            walker: Walker::new(REGISTRY, wanted).with_outer(),
            symbols: Symbols::default(),
            packet: PacketColumns::default(),
            malformed: MalformedColumns::default(),
            firsts: Vec::new(),
        }
    }

    /// Decodes a batch; gives what the flow table needs of it.
    fn decode(&mut self, packets: &[Packet<'_>], mut found: &[Found]) -> Vec<FlowPacket> {
        self.walker.take_outer();
        self.walker.take_fragments();
        let mut flow_packets = Vec::new();
        let mut malformed = BTreeSet::new();
        for (index, packet) in (0u32..).zip(packets) {
            let here = found.iter().take_while(|f| f.index == index).count();
            let datagrams;
            (datagrams, found) = found.split_at(here);
            let frame = Frame {
                index,
                ts_ns: packet.ts_ns,
                link_type: packet.link_type,
                bytes: packet.bytes,
                length: packet.length as usize,
                datagrams,
            };
            let seen = self.walker.packet(&mut self.symbols, &frame);
            if seen.class == Class::Malformed {
                malformed.insert(index);
            }
            assert_ne!(
                seen.class,
                Class::Filtered,
                "nobody asked for other packets"
            );
            self.packet.push(&PacketRow {
                id: At {
                    packet: index,
                    layer: 0,
                    index: 0,
                },
                ts_ns: packet.ts_ns,
                wire_bytes: int(packet.length as usize),
                captured_bytes: int(packet.bytes.len()),
                interface: 0,
                link_type: int(packet.link_type as usize),
                path: seen.path,
                class: seen.class as i32,
                offset: 0,
                payload_bytes: seen.facts.payload_bytes.map(|n| int(n as usize)),
            });
            let place = PacketPlace {
                capture: 0,
                packet: i64::from(index) + 1,
            };
            let (time, length) = (packet.ts_ns, packet.length);
            flow_packets.extend(FlowPacket::new(&seen.facts, index, place, time, length));
        }
        self.firsts = self.walker.take_firsts();
        let mut anomalous = BTreeSet::new();
        for anomaly in self.walker.take_anomalies() {
            anomalous.insert(anomaly.at.packet);
            let packet = &packets[anomaly.at.packet as usize];
            // A datagram counts from where its fragment begins.
            let length = packet.bytes.len().max(packet.length as usize) + LONGEST_DATAGRAM;
            assert!(
                anomaly.offset <= length,
                "{}: {} at {} of {length} bytes",
                anomaly.protocol,
                anomaly.reason,
                anomaly.offset
            );
            self.malformed.push(&MalformedRow {
                id: anomaly.at,
                protocol: self.symbols.text(anomaly.protocol),
                reason: self.symbols.text(anomaly.reason),
                offset: int(anomaly.offset),
            });
        }
        assert_eq!(
            malformed, anomalous,
            "a packet is malformed when a layer of it is"
        );
        flow_packets
    }

    /// What is known of datagrams once their fragments were seen.
    fn reassemble(&mut self, packets: &[Packet<'_>]) -> Vec<Found> {
        let mut reassembly = Reassembly::new(REGISTRY);
        let mut found = Vec::new();
        for seen in self.walker.take_fragments() {
            let packet = &packets[seen.index as usize];
            reassembly.add(seen, packet.ts_ns, packet.bytes, &mut found);
        }
        found
    }

    /// The tables of the batch, all of them checked: `packet`, `malformed`, those of the protocols.
    fn finish(&mut self, packets: &[Packet<'_>], flow: &[i64]) -> Vec<(&'static str, RecordBatch)> {
        let number: Vec<i64> = (1..).take(packets.len()).collect();
        let ts: Vec<i64> = packets
            .iter()
            .map(|packet| packet.ts_ns.div_euclid(1000))
            .collect();
        let symbols = self.symbols.finish();
        let capture = vec![0; packets.len()];
        let cx = Finish {
            capture: &capture,
            packet: &number,
            flow,
            ts: &ts,
            symbols: &symbols,
        };
        let own: [&mut dyn TableColumns; 2] = [&mut self.packet, &mut self.malformed];
        let mut batches = Vec::new();
        for columns in own.into_iter().chain(self.walker.tables()) {
            let rows = columns.len();
            if rows == 0 {
                continue;
            }
            let batch = columns.finish_batch(&cx).expect("columns of one length");
            assert_eq!(batch.num_rows(), rows, "{}", columns.table().name);
            assert!(columns.is_empty(), "{}", columns.table().name);
            check_keys(columns.table().name, &batch);
            check_arrays(columns.table().name, &batch);
            batches.push((columns.table().name, batch));
        }
        self.walker.end_batch();
        batches
    }
}

/// Arrays whose parts fit together, and texts that are UTF-8.
fn check_arrays(name: &str, batch: &RecordBatch) {
    for column in batch.columns() {
        column
            .to_data()
            .validate_full()
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

/// Rows come in the order of their keys, and no key comes twice.
fn check_keys(name: &str, batch: &RecordBatch) {
    let packets = batch["packet"].as_primitive::<Int64Type>();
    let layers = batch["layer"].as_primitive::<Int32Type>();
    let indices = batch["index"].as_primitive::<Int32Type>();
    let key = |row: usize| (packets.value(row), layers.value(row), indices.value(row));
    for row in 1..batch.num_rows() {
        assert!(
            key(row - 1) < key(row),
            "{name}: {:?} before {:?}",
            key(row - 1),
            key(row)
        );
    }
}

/// The flow of each packet by netcap's own policy. Under each policy every packet that has a flow is counted
/// once, in it; no duration is negative, and no float is other than finite.
fn flows(packets: &[Packet<'_>], flow_packets: &[FlowPacket], firsts: &[(u32, u64)]) -> Vec<i64> {
    let times: Vec<i64> = packets.iter().map(|packet| packet.ts_ns).collect();
    let mut own = Vec::new();
    for (_, policy) in Policy::of_tables(Policy::default()) {
        let keyed = flow_packets
            .iter()
            .filter_map(|packet| packet.under(policy.key));
        let mut keyed: Vec<FlowPacket> = keyed.collect();
        let mut shared = FlowPackets::default();
        keyed.iter().for_each(|packet| shared.push(*packet));
        shared.resolve(&mut Fragments::default(), firsts);
        Fragments::default().resolve(&mut keyed, firsts);
        let mut table = FlowTable::new(policy, EARLY);
        let (flow, mut ended) = table.batch(&shared, &times);
        let rest = table.finish(|mut flows| {
            ended.append(&mut flows);
            Ok::<(), std::convert::Infallible>(())
        });
        assert!(rest.is_ok());
        ended.sort_unstable_by_key(|flow| flow.id);

        let mut counts = BTreeMap::<i64, i64>::new();
        // A FIN that CICFlowMeter as published drops.
        let mut left_out = 0;
        for packet in &keyed {
            let id = flow[packet.index as usize];
            if id == NO_FLOW && policy.close == Close::Published {
                left_out += 1;
                continue;
            }
            assert!(
                id > 0 && id <= i64::from(packet.index) + 1,
                "a flow begins with its first packet"
            );
            *counts.entry(id).or_default() += 1;
        }
        let others = flow.iter().filter(|id| **id == NO_FLOW).count();
        assert_eq!(others + keyed.len() - left_out, flow.len());
        if !ended.is_empty() {
            let rows = flow_rows(&mut ended, policy);
            check_flows(&rows, &counts);
        }
        if own.is_empty() {
            own = flow;
        }
    }
    own
}

/// First packets that are kept of each flow.
const EARLY: usize = 3;

fn check_flows(rows: &RecordBatch, counts: &BTreeMap<i64, i64>) {
    check_arrays("flow", rows);
    let column = |name: &str| {
        rows[name]
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .copied()
    };
    let sums = column("flow").zip(column("packets"));
    assert!(
        sums.eq(counts.iter().map(|(id, n)| (*id, *n))),
        "flows do not add up"
    );
    for (field, array) in rows.schema().fields().iter().zip(rows.columns()) {
        if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
            assert!(
                floats.iter().flatten().all(|f| f.is_finite() && f >= 0.0),
                "{}",
                field.name()
            );
        }
        let counted = field.name() != "ts_ns" && field.name() != "flow";
        if let (true, Some(ints)) = (counted, array.as_primitive_opt::<Int64Type>()) {
            assert!(ints.iter().flatten().all(|n| n >= 0), "{}", field.name());
        }
    }
}

fn flow_rows(flows: &mut Ended, policy: Policy) -> RecordBatch {
    let mut rows = FlowRows::default();
    let mut symbols = Symbols::default();
    let number = flows.len();
    for flow in flows {
        rows.push(flow, policy, EARLY, &mut symbols);
    }
    let symbols = symbols.finish();
    let cx = Finish::without_packets(&symbols);
    let packets = rows
        .packets
        .finish_batch(&cx)
        .expect("columns of one length");
    assert!(packets.num_rows() >= number);
    let batch = rows.flows.finish_batch(&cx).expect("columns of one length");
    assert_eq!(batch.num_rows(), number);
    batch
}

fn int(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
