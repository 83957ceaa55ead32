//! The known defects of CICFlowMeter, a few packets for each: what it makes of them, in the words of
//! the literature (Engelen et al. 2021, Rosay et al. 2022, Liu et al. 2022), and what netcap does.

use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use etherparse::PacketBuilder;
use netcap::output::{Layout, read_table};
use netcap_proto::{FLOW, FLOW_CICFLOWMETER_2017, FLOW_CICFLOWMETER_ENGELEN, Table};

use crate::support::run;

const A: [u8; 4] = [10, 0, 0, 1];
const B: [u8; 4] = [10, 0, 0, 2];
const MS: u64 = 1000;
const SECOND: u64 = 1_000_000;

/// A frame, when it was captured in microseconds, and how much of it.
struct Frame {
    at: u64,
    bytes: Vec<u8>,
    captured: usize,
}

fn frame(at: u64, bytes: Vec<u8>) -> Frame {
    let captured = bytes.len();
    Frame {
        at,
        bytes,
        captured,
    }
}

/// A segment of A's connection from port 1000 to B's port 80, or back.
fn tcp(at: u64, from_a: bool, flags: &str, seq: u32, payload: usize) -> Frame {
    let (src, dst, ports) = if from_a {
        (A, B, (1000, 80))
    } else {
        (B, A, (80, 1000))
    };
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(src, dst, 64);
    let mut builder = builder.tcp(ports.0, ports.1, seq, 1024);
    for flag in flags.chars() {
        builder = match flag {
            'S' => builder.syn(),
            'A' => builder.ack(1),
            'F' => builder.fin(),
            'R' => builder.rst(),
            _ => builder.psh(),
        };
    }
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &vec![7; payload]).unwrap();
    frame(at, bytes)
}

fn udp(at: u64, src: [u8; 4], dst: [u8; 4], ports: (u16, u16), payload: usize) -> Frame {
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(src, dst, 64);
    let mut bytes = Vec::new();
    builder
        .udp(ports.0, ports.1)
        .write(&mut bytes, &vec![7; payload])
        .unwrap();
    frame(at, bytes)
}

/// Rows of a table of flows, by their first packets.
struct Flows(RecordBatch);

impl Flows {
    fn len(&self) -> usize {
        self.0.num_rows()
    }

    fn int(&self, row: usize, column: &str) -> Option<i64> {
        let column = cast(self.0.column_by_name(column).unwrap(), &DataType::Int64).unwrap();
        column
            .is_valid(row)
            .then(|| column.as_primitive::<Int64Type>().value(row))
    }

    fn float(&self, row: usize, column: &str) -> Option<f64> {
        let column = self.0.column_by_name(column).unwrap();
        column
            .is_valid(row)
            .then(|| column.as_primitive::<Float64Type>().value(row))
    }

    fn text(&self, row: usize, column: &str) -> Option<String> {
        let column = self.0.column_by_name(column).unwrap();
        column
            .is_valid(row)
            .then(|| column.as_string::<i32>().value(row).to_owned())
    }
}

fn flows_of(frames: &[Frame], table: &'static Table) -> Flows {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("made.pcap");
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for frame in frames {
        let lengths = (frame.captured as u32, frame.bytes.len() as u32);
        let time = ((frame.at / SECOND) as u32, (frame.at % SECOND) as u32);
        for word in [time.0, time.1, lengths.0, lengths.1] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&frame.bytes[..frame.captured]);
    }
    std::fs::write(&capture, file).unwrap();
    let out = folder.path().join("out");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (status, _, errors) = run(&[
        "decode",
        &path(&capture),
        "--out",
        &path(&out),
        "--tables",
        table.name,
    ]);
    assert_eq!(status, 0, "{errors}");
    let layout = Layout::plain(table);
    let rows = read_table(&out.join("tables").join(table.name), &layout).unwrap();
    let rows: Vec<RecordBatch> = rows.map(Result::unwrap).collect();
    let rows = concat_batches(&layout.schema(), &rows).unwrap();
    // Ended flows come in the order in which they ended.
    let order =
        arrow::compute::sort_to_indices(rows.column_by_name("flow").unwrap(), None, None).unwrap();
    Flows(arrow::compute::take_record_batch(&rows, &order).unwrap())
}

fn flows(frames: &[Frame]) -> Flows {
    flows_of(frames, &FLOW)
}

/// X1: a FIN of the server closes the flow at once, and the rest of the teardown is a second one.
/// Wrong: 2 flows. X2: what a side sends after its FIN is not counted. Wrong: 2 forward packets.
#[test]
fn x1_x2_a_teardown_is_one_flow_with_all_packets() {
    let flows = flows(&[
        tcp(0, true, "S", 1, 0),
        tcp(1, false, "SA", 1, 0),
        tcp(2, true, "FA", 2, 0),
        tcp(3, false, "A", 2, 100),
        tcp(4, true, "A", 3, 0),
        tcp(5, false, "FA", 102, 0),
        tcp(6, true, "A", 3, 0),
    ]);
    assert_eq!(flows.len(), 1);
    assert_eq!(flows.int(0, "fwd_packets"), Some(4));
    assert_eq!(flows.int(0, "bwd_packets"), Some(3));
    assert_eq!(flows.text(0, "end_reason").as_deref(), Some("fin"));
    assert_eq!(flows.text(0, "connection_state").as_deref(), Some("SF"));
}

/// The policy that does as the published tool: the responder's FIN is the last packet, a further FIN of the
/// initiator belongs to no flow, and the acknowledgment that is left is a flow of one packet, which has no row.
#[test]
fn x1_x2_x6_as_published() {
    let flows = flows_of(
        &[
            tcp(0, true, "SP", 1, 0),
            tcp(1, false, "SA", 1, 0),
            tcp(2, true, "FA", 2, 9),
            tcp(3, true, "FA", 2, 9),
            tcp(4, false, "A", 2, 100),
            tcp(5, true, "A", 3, 0),
            tcp(6, false, "FA", 102, 0),
            tcp(7, true, "A", 3, 0),
        ],
        &FLOW_CICFLOWMETER_2017,
    );
    assert_eq!(flows.len(), 1);
    assert_eq!(flows.int(0, "fwd_packets"), Some(3));
    assert_eq!(flows.int(0, "bwd_packets"), Some(3));
    assert_eq!(flows.text(0, "end_reason").as_deref(), Some("fin"));
    assert_eq!(flows.int(0, "cic_first_payload_bytes"), Some(0));
    assert_eq!(flows.int(0, "cic_first_tcp_flags"), Some(0b1010));
}

/// X5 as published: the first packet after the time-out counts as the initiator's, whoever sent it; under
/// the same address on both ends (X12) all are the initiator's. X3: an RST ends a flow at once.
#[test]
fn x3_x5_x12_as_published() {
    let cut = flows_of(
        &[
            tcp(0, true, "A", 1, 10),
            tcp(1, false, "A", 1, 10),
            tcp(121 * SECOND, false, "A", 11, 10),
            tcp(122 * SECOND, false, "R", 21, 10),
            tcp(123 * SECOND, false, "A", 21, 10),
            tcp(124 * SECOND, true, "A", 21, 10),
        ],
        &FLOW_CICFLOWMETER_2017,
    );
    let sides = |row| (cut.int(row, "fwd_packets"), cut.int(row, "bwd_packets"));
    assert_eq!(cut.len(), 3);
    assert_eq!(sides(1), (Some(1), Some(1)));
    assert_eq!(cut.int(1, "src_port"), Some(1000));
    assert_eq!(cut.text(1, "end_reason").as_deref(), Some("rst"));
    // A new flow, of whoever comes first.
    assert_eq!(cut.int(2, "src_port"), Some(80));

    let own = flows_of(
        &[udp(0, A, A, (9, 5), 10), udp(1, A, A, (5, 9), 10)],
        &FLOW_CICFLOWMETER_2017,
    );
    assert_eq!(own.int(0, "fwd_packets"), Some(2));
    assert_eq!(own.int(0, "src_port"), Some(9));
}

/// X3: RST closes the flow, and late acknowledgments make another. Wrong: 2 flows.
#[test]
fn x3_late_packets_after_a_reset_belong_to_the_flow() {
    let flows = flows(&[
        tcp(0, true, "S", 1, 0),
        tcp(1, false, "SA", 1, 0),
        tcp(2, true, "A", 2, 50),
        tcp(3, false, "R", 2, 0),
        tcp(4, true, "A", 52, 0),
    ]);
    assert_eq!(flows.len(), 1);
    assert_eq!(flows.int(0, "packets"), Some(5));
    assert_eq!(flows.text(0, "connection_state").as_deref(), Some("RSTR"));
}

/// X4: a flow leaves only with another packet of its key, or at the end. Wrong: `end_of_input`.
#[test]
fn x4_idle_flows_end_by_themselves() {
    let mut frames = vec![udp(0, A, B, (1, 2), 10)];
    frames.extend((0..3).map(|n| udp(500 * SECOND + n, A, B, (3, 4), 10)));
    let flows = flows(&frames);
    assert_eq!(flows.text(0, "end_reason").as_deref(), Some("idle"));
    assert_eq!(flows.text(1, "end_reason").as_deref(), Some("end_of_input"));
}

/// X5: a connection is cut 120 s after its start, however busy it is. Wrong: 3 flows, as under the
/// policy that does the same, where they are parts of one connection.
#[test]
fn x5_long_connections_are_not_chopped() {
    let frames = |_| -> Vec<Frame> {
        (0..6)
            .map(|n| tcp(n * 60 * SECOND, true, "A", 1 + 10 * n as u32, 10))
            .collect()
    };
    assert_eq!(flows(&frames(())).len(), 1);
    let cut = flows_of(&frames(()), &FLOW_CICFLOWMETER_ENGELEN);
    assert_eq!(cut.len(), 2);
    assert_eq!(cut.int(0, "packets"), Some(3));
    assert_eq!(cut.int(1, "connection"), cut.int(0, "flow"));
    assert_eq!(cut.int(1, "connection_part"), Some(2));
}

/// X6: flows of one packet are dropped. Wrong: none. X11: without duration, rates and gaps are NaN or
/// Infinity. Right: null.
#[test]
fn x6_x11_flows_of_one_packet_are_kept_and_have_nulls() {
    let flows = flows(&[tcp(0, true, "S", 1, 0)]);
    assert_eq!(flows.len(), 1);
    assert_eq!(flows.int(0, "duration_ns"), Some(0));
    assert_eq!(flows.float(0, "iat_mean_ns"), None);
    assert_eq!(flows.float(0, "payload_stddev_bytes"), None);
    assert_eq!(flows.float(0, "payload_mean_bytes"), Some(0.0));
    assert_eq!(flows.int(0, "bwd_payload_max_bytes"), None);
}

/// X7: IPv6 flows have times in milliseconds, no flags and no window. Wrong: 1, 0, none.
#[test]
fn x7_ipv6_is_as_ipv4() {
    let segment = |at, from: u8, to: u8, ports: (u16, u16), seq| {
        let (mut src, mut dst) = ([0; 16], [0; 16]);
        (src[15], dst[15]) = (from, to);
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv6(src, dst, 64);
        let mut bytes = Vec::new();
        let builder = builder.tcp(ports.0, ports.1, seq, 4242).syn();
        builder.write(&mut bytes, &[]).unwrap();
        frame(at, bytes)
    };
    let flows = flows(&[
        segment(0, 1, 2, (1000, 80), 5),
        segment(1500, 1, 2, (1000, 80), 5),
    ]);
    assert_eq!(flows.int(0, "duration_ns"), Some(1_500_000));
    assert_eq!(flows.int(0, "fwd_syn_packets"), Some(2));
    assert_eq!(flows.int(0, "fwd_tcp_initial_window"), Some(4242));
}

/// X8: other protocols than TCP and UDP are one flow with ports 0 and protocol 0. Wrong: 1 flow.
#[test]
fn x8_other_protocols_have_flows_of_their_own() {
    let ping = |at, id| {
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(A, B, 64);
        let mut bytes = Vec::new();
        let builder = builder.icmpv4_echo_request(id, 1);
        builder.write(&mut bytes, &[1; 32]).unwrap();
        frame(at, bytes)
    };
    let flows = flows(&[ping(0, 7), ping(1, 8)]);
    assert_eq!(flows.len(), 2);
    assert_eq!(flows.int(0, "protocol"), Some(1));
    assert_eq!(flows.int(0, "src_port"), None);
    assert_eq!(flows.int(0, "icmp_type"), Some(8));
}

/// X9: fragments, tunnels and stacked VLAN tags are wrong or dropped. Wrong: 1, 0 and 0 packets.
#[test]
fn x9_fragments_tunnels_and_vlans_are_followed() {
    // A datagram in two fragments: more to come, then at 1,480 bytes.
    let mut first = udp(0, A, B, (5, 6), 1472);
    first.bytes[20] |= 0x20;
    let mut second = udp(1, A, B, (5, 6), 92);
    (second.bytes[20], second.bytes[21]) = (0, 185);
    let whole = flows(&[first, second]);
    assert_eq!(whole.len(), 1);
    assert_eq!(whole.int(0, "packets"), Some(2));
    assert_eq!(whole.int(0, "payload_bytes"), Some(1472 + 100));
    assert_eq!(whole.int(0, "fragment_packets"), Some(2));

    // The IP packet of a frame in GRE, and behind two tags.
    let inner = udp(0, A, B, (5, 6), 10).bytes;
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(B, A, 64);
    let mut tunnelled = Vec::new();
    let gre = [&[0, 0, 8, 0], &inner[14..]].concat();
    let builder = builder.write(&mut tunnelled, etherparse::IpNumber::GRE, &gre);
    builder.unwrap();
    let tags = [0x88, 0xa8, 0, 5, 0x81, 0, 0, 6];
    let tagged = [&inner[..12], &tags, &inner[12..]].concat();
    let flows = flows(&[frame(0, tunnelled), frame(1, tagged)]);
    assert_eq!(flows.len(), 2);
    assert_eq!(flows.text(0, "tunnel").as_deref(), Some("gre"));
    assert_eq!(flows.int(0, "src_port"), Some(5));
    assert_eq!(flows.text(1, "vlan").as_deref(), Some("5,6"));
}

/// A tag for the priority alone, as often in one direction only, is no VLAN.
#[test]
fn priority_tags_split_no_connection() {
    let mut request = tcp(0, true, "S", 100, 0);
    let tag = [0x81, 0, 0xa0, 0];
    request.bytes = [&request.bytes[..12], &tag, &request.bytes[12..]].concat();
    request.captured = request.bytes.len();
    let flows = flows(&[request, tcp(1, false, "SA", 200, 0)]);
    assert_eq!(flows.len(), 1);
    assert_eq!(flows.text(0, "vlan"), None);
}

/// X10: packets out of order give negative durations and gaps. Wrong: -2 ms.
#[test]
fn x10_no_time_is_negative() {
    let flows = flows(&[
        udp(5 * MS, A, B, (1, 2), 1),
        udp(3 * MS, A, B, (1, 2), 1),
        udp(6 * MS, A, B, (1, 2), 1),
    ]);
    assert_eq!(flows.int(0, "duration_ns"), Some(3_000_000));
    assert_eq!(flows.int(0, "iat_min_ns"), Some(1_000_000));
    assert_eq!(flows.int(0, "disordered_packets"), Some(1));
}

/// X12: with one address on both ends everything is forward. Wrong: 3 and 0.
#[test]
fn x12_one_address_on_both_ends_has_two_directions() {
    let flows = flows(&[
        udp(0, A, A, (4000, 53), 1),
        udp(1, A, A, (53, 4000), 1),
        udp(2, A, A, (4000, 53), 1),
    ]);
    assert_eq!(flows.len(), 1);
    assert_eq!(flows.int(0, "fwd_packets"), Some(2));
    assert_eq!(flows.int(0, "bwd_packets"), Some(1));
    assert_eq!(flows.int(0, "dst_port"), Some(53));
}

/// X13: the time is that of the machine, without AM and PM. Right: UTC, as the capture has it.
#[test]
fn x13_times_are_utc() {
    let at = 1_499_434_200; // 2017-07-07 13:30:00 UTC
    let flows = flows(&[udp(at * SECOND, A, B, (1, 2), 1)]);
    assert_eq!(flows.int(0, "ts_ns"), Some(at as i64 * 1_000_000_000));
    let field = flows.0.schema().field_with_name("ts").unwrap().clone();
    assert_eq!(field.data_type().to_string(), "Timestamp(µs, \"UTC\")");
}

/// X14: payload is what was captured, padding included. Wrong: 6 bytes of an acknowledgment, and 46
/// of a segment with 1,000.
#[test]
fn x14_payload_is_by_the_ip_length() {
    let mut padded = tcp(0, true, "A", 1, 0);
    padded.bytes.resize(60, 0);
    padded.captured = 60;
    let mut cut = tcp(1, true, "A", 1, 1000);
    cut.captured = 100;
    let flows = flows(&[padded, cut]);
    assert_eq!(flows.int(0, "payload_min_bytes"), Some(0));
    assert_eq!(flows.int(0, "payload_max_bytes"), Some(1000));
    assert_eq!(flows.int(0, "data_packets"), Some(1));
}
