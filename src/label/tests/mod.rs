//! Tests of ground truth as a user meets it: files in, errors, labels and reports out.

mod conditions;
mod diagnoses;
mod faults;
mod format;
mod fuzz;
mod labels;
mod misses;
mod operators;
mod reports;
mod tables;
mod times;

use std::net::IpAddr;
use std::path::Path;

use crate::label::{
    ColumnType, Columns, End, FlowFacts, GroundTruth, Labeler, PacketCount, Traffic, Value,
    Verdict, parse,
};

/// The columns of the tests, with types.
const COLUMNS: &[(&str, ColumnType)] = &[
    ("src_ip", ColumnType::Text),
    ("dst_ip", ColumnType::Text),
    ("src_port", ColumnType::Integer),
    ("dst_port", ColumnType::Integer),
    ("fwd_packets", ColumnType::Integer),
    ("bwd_packets", ColumnType::Integer),
    ("fwd_payload_bytes", ColumnType::Integer),
    ("bwd_payload_bytes", ColumnType::Integer),
    ("duration_ns", ColumnType::Integer),
    ("packets_per_s", ColumnType::Float),
    ("service", ColumnType::Text),
    ("is_cut", ColumnType::Boolean),
];

fn columns() -> Columns {
    Columns::new(COLUMNS.iter().map(|(name, kind)| (*name, *kind)))
}

fn truth(text: &str) -> GroundTruth {
    parse(text, Path::new("lab/labels.yaml"), &columns())
        .unwrap_or_else(|errors| panic!("{errors}"))
}

/// The errors of a text, each as `line:column: message`, with the help behind ` | `.
fn errors(text: &str) -> Vec<String> {
    match parse(text, Path::new("f"), &columns()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .iter()
            .map(|e| {
                e.to_string()
                    .trim_start_matches("f:")
                    .replace("\n  help: ", " | ")
            })
            .collect(),
    }
}

fn labeler(text: &str) -> Labeler {
    let names = ["dmz1.pcap", "lan.pcap"].map(str::to_owned);
    Labeler::new(&[truth(text)])
        .unwrap()
        .with_captures(&names)
        .unwrap()
}

/// A time in UTC as nanoseconds.
fn ns(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>()
        .unwrap()
        .as_nanosecond()
        .try_into()
        .unwrap()
}

/// A flow of the tests.
#[derive(Debug, Clone)]
struct Flow {
    src: (IpAddr, Option<u16>),
    dst: (IpAddr, Option<u16>),
    protocol: u8,
    start: i64,
    end: i64,
    values: Vec<(usize, Value<'static>)>,
    traffic: Traffic,
    macs: [Option<u64>; 2],
    icmp: Option<(u8, u8)>,
    capture: usize,
    ids: [Option<&'static str>; 2],
    packets: Vec<PacketCount>,
}

/// A TCP flow of one nanosecond, `10.0.0.1:40000 10.0.0.2:80`.
fn flow(ends: &str, start: &str) -> Flow {
    let (src, dst) = ends.split_once(' ').unwrap();
    let end = |text: &str| match text.rsplit_once(':') {
        Some((host, port)) => (host.parse().unwrap(), Some(port.parse().unwrap())),
        None => (text.parse().unwrap(), None),
    };
    let start = ns(start);
    Flow {
        src: end(src),
        dst: end(dst),
        protocol: 6,
        start,
        end: start,
        values: vec![],
        macs: [None; 2],
        icmp: None,
        capture: 0,
        ids: [None; 2],
        packets: vec![],
        traffic: Traffic {
            packets: 10,
            wire_bytes: 1000,
            payload_bytes: 100,
            malicious_packets: 0,
            part: 1,
            in_vain: false,
        },
    }
}

impl Flow {
    fn until(mut self, end: &str) -> Self {
        self.end = ns(end);
        self
    }

    fn protocol(mut self, protocol: u8) -> Self {
        self.protocol = protocol;
        self
    }

    fn with(mut self, column: &str, value: Value<'static>) -> Self {
        self.values.push((
            COLUMNS
                .iter()
                .position(|(name, _)| *name == column)
                .unwrap(),
            value,
        ));
        self
    }

    fn value(&self, index: usize) -> Value<'static> {
        let port = |port: Option<u16>| port.map_or(Value::Null, |p| Value::Integer(p.into()));
        match COLUMNS[index].0 {
            "src_port" => port(self.src.1),
            "dst_port" => port(self.dst.1),
            "duration_ns" => Value::Integer(self.end - self.start),
            _ => self
                .values
                .iter()
                .find(|(n, _)| *n == index)
                .map_or(Value::Null, |(_, v)| *v),
        }
    }

    fn facts<R>(&self, with: impl FnOnce(&FlowFacts<'_>) -> R) -> R {
        let end = |(ip, port), mac| End { ip, port, mac };
        let ends = (end(self.src, self.macs[0]), end(self.dst, self.macs[1]));
        let values = |index| self.value(index);
        let span = (self.start, self.end);
        with(&FlowFacts {
            icmp: self.icmp,
            capture: Some(self.capture),
            ids: self.ids,
            packets: &self.packets,
            ..FlowFacts::new(ends, self.protocol, span, &values)
        })
    }

    fn label<'a>(&self, labeler: &'a Labeler) -> Verdict<'a> {
        self.facts(|facts| labeler.label(facts))
    }

    /// State, class and category in short: `attempted X 0`.
    fn says(&self, labeler: &Labeler) -> String {
        let verdict = self.label(labeler);
        assert_eq!(
            verdict.label.is_some(),
            matches!(verdict.state.as_str(), "malicious" | "benign")
        );
        let class = verdict.label.or(verdict.attack).unwrap_or("-");
        let category = verdict
            .category
            .map(|c| format!(" {c}"))
            .unwrap_or_default();
        format!("{} {class}{category}", verdict.state.as_str())
    }
}

/// The first example of the format.
const LAB: &str = "\
netcap-labels: 1
zone: Europe/Berlin                    # of every time below that names no other
clocks:
  notebook: {offset: +37s, unsure: 60s}
hosts:
  kali: 10.9.0.7
  nat: {ip: 192.0.2.1, is: kali, in: dmz*.pcap}        # what the firewall makes of kali, as seen in these captures
  web: {ip: 10.0.1.5, is_also: [\"192.0.2.10:8443 -> 443\"]}
  office: 10.0.2.0/24
covers:
  - {hosts: [office, web], time: 2026-05-04 09:00 .. 17:00}
defaults: {clock: notebook, date: 2026-05-04, attackers: [kali, nat], victims: web}
rules:
  - id: ssh-brute
    label: SSH brute force
    time: 10:20 .. 11:05
    ports: 22/tcp
    mitre: T1110.001                   # keys that netcap does not know go under `extra:` or fail
  - id: scan
    label: Port scan
    time: [13:00 .. 13:04, 13:10 .. 13:12]
    victims: office except web
";

/// The second example, as it stands, with a head.
const CIC: &str = "\
netcap-labels: 1
zone: America/Moncton
hosts: {nat: [172.16.0.1, 205.174.165.73], web: 192.168.10.50}
rules:
  - id: wed-slowloris
    label: DoS Slowloris
    time: 2017-07-05 09:48:54.539220 .. 10:11:18.500956
    test: flow-start
    direction: forward
    attackers: nat
    victims: web
    ports: 80/tcp
    attempted:                         # the last that matches decides
      - category: 2
        if: src_port in (33358, 33360, 33362)
      - category: 6
        direction: reverse
        if: dst_port not in (33358, 33360, 33362, 54114) and bwd_payload_bytes = 0 and duration >= 199.8 ms
  - id: thu-web-bf
    label: Web Attack - Brute Force
    time: 2017-07-06 09:19:27.660566 .. 10:00:11.622209
    attackers: nat
    victims: web
    refine:                            # the general form of `attempted:`
      - state: none                    # this rule does not apply
        if: fwd_packets <= 20 and src_port <> 44464
      - state: attempted
        category: 0
        if: fwd_payload_bytes = 0 and fwd_packets <= 20 and src_port <> 44464
      - {state: attempted, category: 4, time: 09:19 .. 09:21, if: \"src_port = 44464\"}
";

/// A file with one rule whose attackers are 10.9.0.7 and whose victims are 10.0.1.5.
fn with(rule: &str) -> String {
    format!(
        "netcap-labels: 1\nzone: UTC\nrules:\n  - id: r\n    label: X\n    attackers: 10.9.0.7\n    victims: 10.0.1.5\n    {}\n",
        rule.replace('\n', "\n    ")
    )
}
