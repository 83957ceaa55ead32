//! The parts of netcap, each alone: reading records, walking over layers, flows, joining labels.
//! `cargo bench`; the whole program is measured by `scripts/bench`.
//!
//! With the tests each runs once, to see that it still works.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netcap::capture::{PacketMeta, Reader};
use netcap::flow::{FlowPacket, FlowPackets, FlowTable, PacketPlace, Policy};
use netcap::label::{Columns, End, FlowFacts, Labeler, Value, parse};
use netcap::packet::{Frame, Walker};
use netcap::protocol::REGISTRY;
use netcap_proto::Symbols;

fn capture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/quickstart.pcapng")
}

fn packets() -> Vec<(PacketMeta, Vec<u8>)> {
    let mut reader = Reader::open(&capture()).unwrap();
    let mut all = Vec::new();
    while let Some((meta, bytes)) = reader.next().unwrap() {
        all.push((*meta, bytes.to_vec()));
    }
    all
}

fn walk(packets: &[(PacketMeta, Vec<u8>)]) -> Vec<FlowPacket> {
    let mut walker = Walker::new(REGISTRY, &|_| false);
    let mut symbols = Symbols::default();
    let mut found = Vec::with_capacity(packets.len());
    for (index, (meta, bytes)) in (0..).zip(packets) {
        let frame = Frame {
            index,
            ts_ns: meta.ts_ns,
            link_type: meta.link_type.into(),
            bytes,
            length: meta.original as usize,
            datagrams: &[],
        };
        let seen = walker.packet(&mut symbols, &frame);
        let place = PacketPlace {
            capture: 0,
            packet: meta.number,
        };
        let (facts, length) = (seen.facts, meta.original);
        found.extend(FlowPacket::new(facts, index, place, meta.ts_ns, length));
    }
    found
}

fn of_packets(c: &mut Criterion) {
    let packets = packets();
    let mut group = c.benchmark_group("packets");
    group.throughput(Throughput::Elements(packets.len() as u64));
    group.bench_function("read", |b| {
        b.iter(|| {
            let mut reader = Reader::open(&capture()).unwrap();
            while let Some((meta, bytes)) = reader.next().unwrap() {
                black_box((meta, bytes.len()));
            }
        });
    });
    group.bench_function("walk", |b| b.iter(|| walk(black_box(&packets))));
    let found = FlowPackets::of_flows(walk(&packets));
    let times: Vec<i64> = packets.iter().map(|(meta, _)| meta.ts_ns).collect();
    group.bench_function("flows", |b| {
        b.iter(|| {
            let mut table = FlowTable::new(Policy::default(), 0);
            black_box(table.batch(&found, &times));
            let ended = table.finish(|flows| {
                black_box(flows);
                Ok::<(), std::convert::Infallible>(())
            });
            ended.unwrap();
        });
    });
    group.finish();
}

const START_NS: i64 = 1_767_225_600_000_000_000;
const RULES: u32 = 30_000;
const FLOWS: u32 = 100_000;
const SECOND_NS: i64 = 1_000_000_000;

/// Alerts of a day: each of one host against one of a thousand, at a second.
fn many_rules() -> Labeler {
    let mut text = "id,label,start,end,attackers,victims,ports\n".to_owned();
    for n in 0..RULES {
        let start = START_NS + i64::from(n) * 86_400 / i64::from(RULES) * SECOND_NS;
        let time = jiff::Timestamp::from_nanosecond(start.into()).unwrap();
        let (a, b) = (n % 251, n % 1000);
        writeln!(
            text,
            "r{n},Alert {},{time},{time},10.1.0.{a},10.2.{}.{},{}/tcp",
            n % 40,
            b / 250,
            b % 250,
            80 + n % 3
        )
        .unwrap();
    }
    let columns = Columns::new(std::iter::empty::<(&str, _)>());
    Labeler::new(&[parse(&text, "alerts.csv".as_ref(), &columns).unwrap()]).unwrap()
}

fn labels(c: &mut Criterion) {
    let labeler = many_rules();
    let flows: Vec<(IpAddr, IpAddr, i64)> = (0..FLOWS)
        .map(|n| {
            let mixed = n.wrapping_mul(2_654_435_761);
            let host = |net: u8, n: u32| {
                IpAddr::V4(Ipv4Addr::new(10, net, (n / 250 % 4) as u8, (n % 250) as u8))
            };
            let at = START_NS + i64::from(mixed % 86_400) * SECOND_NS;
            (host(1, mixed % 250), host(2, mixed / 7 % 1000), at)
        })
        .collect();
    let mut group = c.benchmark_group("labels");
    group.throughput(Throughput::Elements(FLOWS.into()));
    group.bench_function("30000 rules", |b| {
        b.iter(|| {
            for (src_ip, dst_ip, at) in &flows {
                let ends = (End::new(*src_ip, Some(40_000)), End::new(*dst_ip, Some(80)));
                let facts = FlowFacts::new(ends, 6, (*at, *at + 5 * SECOND_NS), &|_| Value::Null);
                black_box(labeler.label(&facts));
            }
        });
    });
    group.finish();
}

criterion_group!(parts, of_packets, labels);
criterion_main!(parts);
