//! Why rules matched nothing: what comes near to them, and to hosts that are not seen.

use super::reports::{TIME, codes, finding, report};
use super::*;
use crate::error::Severity;

/// The message for the one rule, which matches nothing.
fn empty(keys: &str, flows: &[Flow]) -> String {
    let report = report(&labeler(&with(keys)), flows);
    let finding = finding(&report, "rule-empty").unwrap();
    assert_eq!(
        (finding.severity, finding.subject.as_deref()),
        (Severity::Warning, Some("r"))
    );
    finding.message.clone()
}

#[test]
fn empty_rules_tell_their_nearest_miss() {
    let at = |ends: &str, time: &str| flow(ends, &format!("2026-05-04T{time}Z"));
    let head = "rule in labels.yaml:4 matched no flow; ";
    for (keys, flows, wanted) in [
        ("", vec![], "there are no flows"),
        (
            "",
            vec![at("10.9.0.8:1 10.0.1.6:1", "10:10:00")],
            "no flow fits all but two of its conditions",
        ),
        (
            "ports: 22\n",
            vec![
                at("10.9.0.9:1 10.0.1.5:2222", "10:10:00"),
                at("10.9.0.7:1 10.0.1.5:2222", "12:10:00"),
                at("10.9.0.7:1 10.0.1.5:2222", "12:20:00"),
            ],
            "no flow fits all but one of its conditions; 2 would match but for the time and the ports",
        ),
        (
            "if: fwd_packets > 1000000\nports: 22\n",
            vec![
                at("10.9.0.7:1 10.0.1.5:2222", "10:10:00"),
                at("10.9.0.7:1 10.0.1.5:2222", "12:20:00"),
            ],
            "no flow fits all but one of its conditions; 1 would match but for the ports and the condition `if:`",
        ),
        (
            "ports: 22\n",
            vec![
                at("10.9.0.7:1 10.0.1.5:2222", "12:10:00"),
                at("10.9.0.7:1 10.0.1.5:2222", "10:10:00"),
            ],
            "nearest miss: 1 would match but for the ports (there: 2222/tcp in 1)",
        ),
        (
            "",
            vec![
                at("10.9.0.7:1 10.0.1.5:1", "12:00:00"),
                at("10.9.0.7:1 10.0.1.5:1", "11:30:00"),
            ],
            "nearest miss: 2 would match but for the time (the nearest is 30 min after it, at 2026-05-04T11:30:00Z)",
        ),
        (
            "",
            vec![at("10.9.0.7:1 10.0.1.5:1", "09:59:00").until("2026-05-04T09:59:59Z")],
            "nearest miss: 1 would match but for the time (the nearest is 1 s before it, at 2026-05-04T09:59:00Z)",
        ),
        (
            "",
            vec![
                at("172.16.0.1:1 10.0.1.5:1", "10:10:00"),
                at("10.9.0.9:1 10.0.1.5:1", "10:10:00"),
                at("10.9.0.9:1 10.0.1.5:1", "10:11:00"),
            ],
            "nearest miss: 3 would match but for the attackers (there: 10.9.0.9 in 2, 172.16.0.1 in 1)",
        ),
        (
            "",
            vec![at("10.9.0.7:1 10.0.1.6:1", "10:10:00")],
            "nearest miss: 1 would match but for the victims (there: 10.0.1.6 in 1)",
        ),
        (
            "ports: 50000\n",
            vec![
                at("10.9.0.7:50000 10.0.1.5:22", "10:10:00"),
                at("10.9.0.7:50001 10.0.1.5:22", "10:10:00"),
            ],
            "nearest miss: 2 would match but for the ports (there: 22/tcp in 2; in 1 it is the attackers' port, of which `ports:` says nothing)",
        ),
        (
            "direction: forward\nports: 22\n",
            vec![at("10.0.1.5:1 10.9.0.7:22", "10:10:00")],
            "no flow fits all but one of its conditions; 1 would match but for the attackers and the victims (each is where the other should be: they may be exchanged)",
        ),
        (
            "direction: forward\n",
            vec![at("10.0.1.5:1 10.9.0.7:1", "10:10:00")],
            "nearest miss: 1 would match but for the direction (the victims opened them)",
        ),
        (
            "ports: 22\n",
            vec![at("10.9.0.7:1 10.0.1.5:2222", "10:10:00")],
            "nearest miss: 1 would match but for the ports (there: 2222/tcp in 1)",
        ),
        (
            "ports: 22\n",
            vec![at("10.0.1.5:4000 10.9.0.7:22", "10:10:00")],
            "nearest miss: 1 would match but for the ports (the attackers have these: attackers and victims may be exchanged)",
        ),
        (
            "protocol: udp\n",
            vec![at("10.9.0.7:1 10.0.1.5:2222", "10:10:00")],
            "nearest miss: 1 would match but for the protocol",
        ),
        (
            "if: fwd_packets > 3\n",
            vec![at("10.9.0.7:1 10.0.1.5:2222", "10:10:00")],
            "nearest miss: 1 would match but for the condition `if:`",
        ),
        (
            "refine: [{state: none}]\n",
            vec![at("10.9.0.7:1 10.0.1.5:2222", "10:10:00")],
            "1 flows fit, but its refinements take all of them out",
        ),
    ] {
        assert_eq!(
            empty(&format!("{keys}{TIME}"), &flows),
            format!("{head}{wanted}"),
            "{keys}"
        );
    }
}

#[test]
fn unseen_hosts_are_named_with_their_neighbours() {
    let text = "netcap-labels: 1\nhosts: {kali: 10.9.0.7, nat: 192.0.2.1}\nrules: [{id: r, label: X, time: always, attackers: [kali, nat], victims: 10.0.1.5}]\n";
    let one = labeler(text);
    let unseen = report(
        &one,
        &[flow("10.9.0.9:1 10.0.1.5:1", "2026-05-04T10:00:00Z")],
    );
    let found: Vec<(&str, &str)> = unseen
        .findings
        .iter()
        .filter(|f| f.code == "host-unseen")
        .map(|f| (f.subject.as_deref().unwrap(), f.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (
                "kali (10.9.0.7)",
                "this host of the rules never appears in the flows; of its network there are 10.9.0.9 in 1"
            ),
            (
                "nat (192.0.2.1)",
                "this host of the rules never appears in the flows; nor did any other host of its network"
            ),
        ]
    );
    let seen = report(
        &one,
        &[
            flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:00:00Z"),
            flow("192.0.2.1:1 10.0.1.5:1", "2026-05-04T10:00:00Z"),
        ],
    );
    assert_eq!(codes(&seen), ["coverage"]);
    // One address of two was seen.
    let both = labeler(&text.replace("kali: 10.9.0.7", "kali: [10.9.0.7, 10.9.0.9]"));
    let seen = report(
        &both,
        &[flow("10.9.0.9:1 10.0.1.5:1", "2026-05-04T10:00:00Z")],
    );
    let told = seen
        .findings
        .iter()
        .find(|f| f.code == "host-unseen")
        .unwrap();
    assert_eq!(told.subject.as_deref(), Some("kali (10.9.0.7)"));
    assert_eq!(
        told.message,
        "this address of the host never appears in the flows; 10.9.0.9 does"
    );
}
