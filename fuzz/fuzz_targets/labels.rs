//! Any text as a label file, YAML or CSV; what is read is then applied to a few flows.
//!
//! A file that is wrong gives errors with places in it; one that is right gives labels that keep to
//! the rule that a label is only what is certain.

#![no_main]

use std::net::IpAddr;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use netcap::label::{
    self, ColumnType, Columns, End, FlowFacts, GroundTruth, Labeler, PacketCount, State, Value,
};

/// Longer files only make an input slow.
const MOST_BYTES: usize = 16 << 10;
/// 2026-11-26 15:52:00 UTC, the time of the lab's capture, in nanoseconds.
const LAB_NS: i64 = 1_795_708_320_000_000_000;
const SECOND: i64 = 1_000_000_000;

const HOSTS: [&str; 6] = [
    "10.77.0.10",
    "10.77.0.20",
    "10.77.0.66",
    "fd77::20",
    "fd77::66",
    "192.0.2.1",
];
/// Protocol, port of the initiator and of the responder.
const PORTS: [(u8, Option<u16>, Option<u16>); 4] = [
    (6, Some(40_000), Some(80)),
    (6, Some(80), Some(8080)),
    (17, Some(5353), Some(53)),
    (1, None, None),
];
/// First and last packet.
const TIMES: [(i64, i64); 5] = [
    (LAB_NS, LAB_NS + 60 * SECOND),
    (LAB_NS + 9 * SECOND, LAB_NS + 9 * SECOND),
    (LAB_NS + 30 * SECOND, LAB_NS + 31 * SECOND),
    (0, 1),
    (i64::MIN, i64::MAX),
];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if data.len() > MOST_BYTES {
        return;
    }
    let columns = Columns::new([
        ("duration_ns", ColumnType::Integer),
        ("fwd_payload_bytes", ColumnType::Integer),
        ("fwd_packets", ColumnType::Integer),
        ("bytes_per_second", ColumnType::Float),
        ("end_reason", ColumnType::Text),
        ("is_encrypted", ColumnType::Boolean),
    ]);
    let read = |text| label::parse(text, Path::new("fuzz.labels"), &columns);
    let lines = text.split('\n').count();
    let truth = match read(text) {
        Ok(truth) => truth,
        Err(errors) => {
            let mut some = false;
            for error in &errors {
                some = true;
                let place = error.place();
                assert!(place.file.is_some() && !error.to_string().is_empty());
                if let Some((line, column)) = place.line_column {
                    assert!(line >= 1 && column >= 1, "{error}");
                    // YAML has more kinds of line ends than this.
                    assert!(line <= lines + text.matches('\r').count() + 1, "{error}");
                }
            }
            assert!(some, "an error says what it is");
            return;
        }
    };
    let again = read(text).expect("it was right the first time");
    assert_eq!(format!("{truth:?}"), format!("{again:?}"));
    apply(truth);
});

fn apply(truth: GroundTruth) {
    let captures = ["dmz1.pcap".to_owned()];
    let labeler = match Labeler::new(&[truth]).and_then(|l| l.with_captures(&captures)) {
        Ok(labeler) => labeler,
        Err(errors) => {
            assert!(errors.iter().next().is_some());
            return;
        }
    };
    let addresses = HOSTS.map(|host| host.parse::<IpAddr>().expect("an address"));
    for (from, to) in (0..addresses.len()).flat_map(|a| (0..addresses.len()).map(move |b| (a, b))) {
        for ((protocol, src_port, dst_port), (start_ns, end_ns)) in
            PORTS.iter().flat_map(|p| TIMES.map(|t| (*p, t)))
        {
            let values = |column| match column {
                0 => Value::Integer(end_ns.saturating_sub(start_ns)),
                1 => Value::Integer(i64::from(protocol) - 6),
                2 => Value::Integer(i64::MAX),
                3 => Value::Float(f64::NAN),
                4 => Value::Text("idle"),
                _ => Value::Null,
            };
            let ends = (
                End::new(addresses[from], src_port),
                End::new(addresses[to], dst_port),
            );
            let mut facts = FlowFacts::new(ends, protocol, (start_ns, end_ns), &values);
            facts.icmp = (protocol == 1).then_some((8, 0));
            facts.capture = Some(0);
            facts.ids = [Some("00ff"), Some("1:abc")];
            check(&labeler, &facts);
            let counts: Vec<PacketCount> = (0..labeler.rules().len().min(8))
                .map(|rule| PacketCount {
                    rule,
                    sure: u64::from(rule % 2 == 0),
                    unsure: 1,
                    quoting: rule % 3 == 0,
                })
                .collect();
            facts.packets = &counts;
            check(&labeler, &facts);
        }
    }
}

fn check(labeler: &Labeler, facts: &FlowFacts<'_>) {
    let verdict = labeler.label(facts);
    let certain = matches!(verdict.state, State::Malicious | State::Benign);
    assert_eq!(verdict.label.is_some(), certain, "{verdict:?}");
    if verdict.state == State::Benign {
        assert_eq!(verdict.attack, None);
    }
    assert_eq!(
        verdict.rule.is_some(),
        !verdict.claims.is_empty(),
        "{verdict:?}"
    );
    let mut seen = std::collections::BTreeSet::new();
    for claim in &verdict.claims {
        assert!(labeler.rule(claim.rule).is_some());
        assert!(
            seen.insert(claim.rule),
            "a rule claims a flow once: {verdict:?}"
        );
    }
    assert_eq!(labeler.label(facts), verdict);
}
