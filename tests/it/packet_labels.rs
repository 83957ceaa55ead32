//! Labels of packets, on the quickstart capture: by number, by their own time, without a flow, and what ICMP errors quote.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::support::{root, run};

/// 2026-11-25 00:39:59.382 UTC and so on: the attack with which the second rule is about.
const RULES: &str = "\
netcap-labels: 1
zone: UTC
clocks:
  watch: {anchor: packet 1 of quickstart.pcapng is 2026-11-25 10:00:00.000}
hosts: {attacker: 10.77.0.66}
covers: all
rules:
  - {id: neighbour, label: ARP, attackers: attacker, time: always, priority: -1, protocol: any, ports: any}
  - {id: numbers, label: Numbered, packets: '18-40, 77'}
  - {id: moment, label: Moment, test: packet, attackers: attacker, victims: 10.77.0.20, clock: watch, time: 2026-11-25 10:00:30 .. 2026-11-25 10:00:31.5}
  - {id: errors, label: Errors, attackers: 10.77.0.10, ports: 1-65535/udp, time: always, direction: forward, icmp_errors: yes, if: packets < 0}
";

/// Rows of a query, as texts.
fn query(input: &str, sql: &str) -> Vec<Vec<String>> {
    let (status, out, errors) = run(&["query", sql, "--input", input, "--format", "csv"]);
    assert_eq!(status, 0, "{errors}");
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    out.lines().skip(1).map(cells).collect()
}

fn number(text: &str) -> i64 {
    text.parse().unwrap()
}

#[test]
fn packets_have_labels_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let capture = root().join("tests/lab/quickstart.pcapng");
    let (out, rules) = (path("out"), path("rules.yaml"));
    std::fs::write(&rules, RULES).unwrap();
    let decode = run(&["decode", capture.to_str().unwrap(), "--out", &out]);
    assert_eq!(decode.0, 0, "{}", decode.2);
    let label = [
        "label",
        "--labels",
        &rules,
        "--input",
        &out,
        "--materialize",
        "packet,arp,icmpv4",
    ];
    let made = run(&label);
    assert!(made.0 < 2, "{}", made.2);

    let flows = query(
        &out,
        "SELECT flow, src_ip, dst_ip, packets, malicious_packets, label FROM flow_rules",
    );
    let flows: BTreeMap<String, Vec<String>> =
        flows.into_iter().map(|row| (row[0].clone(), row)).collect();
    let packets = query(
        &out,
        "SELECT packet, flow, ts_ns, label, label_state FROM packet_rules ORDER BY packet",
    );
    let first = number(&packets[0][2]);
    let errors: Vec<i64> = query(
        &out,
        "SELECT packet FROM icmpv4 WHERE quoted_src_ip = '10.77.0.10' AND quoted_protocol = 17",
    )
    .iter()
    .map(|row| number(&row[0]))
    .collect();
    assert_eq!(errors.len(), 2, "the lab has two");
    let attacker = |row: &Vec<String>| row[1] == "10.77.0.66" || row[2] == "10.77.0.66";
    let mut claimed: BTreeMap<String, i64> = BTreeMap::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &packets {
        let (packet, at) = (number(&row[0]), number(&row[2]) - first);
        let flow = flows.get(&row[1]);
        // What the rules say, in the order of the file; packets by themselves before their flow.
        let pair = flow.is_some_and(|flow| {
            let ends: [&str; 2] = [&flow[1], &flow[2]];
            ends.contains(&"10.77.0.66") && ends.contains(&"10.77.0.20")
        });
        let expected = if (18..=40).contains(&packet) || packet == 77 {
            "Numbered"
        } else if pair && (30_000_000_000..=31_500_000_000).contains(&at) {
            "Moment"
        } else if errors.contains(&packet) {
            "Errors"
        } else if flow.is_some_and(attacker) {
            "ARP"
        } else if flow.is_some() {
            "benign"
        } else {
            continue;
        };
        assert_eq!(row[3], expected, "packet {packet} of flow {}", row[1]);
        *seen.entry(expected).or_default() += 1;
        if matches!(expected, "Numbered" | "Moment" | "Errors") && flow.is_some() {
            *claimed.entry(row[1].clone()).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 5, "each kind is there: {seen:?}");
    let mut mixed = 0;
    for (flow, row) in &flows {
        let expected = claimed.get(flow).copied().unwrap_or(0);
        assert_eq!(number(&row[4]), expected, "flow {flow}");
        mixed += usize::from(expected > 0 && expected < number(&row[3]));
    }
    let report =
        std::fs::read_to_string(folder.path().join("out/labels/rules/report.json")).unwrap();
    assert!(
        report.contains(&format!("of {mixed} flows some packets are claimed")),
        "{mixed}"
    );

    let findings = query(
        &out,
        "SELECT severity FROM findings_rules WHERE code = 'mixed'",
    );
    assert_eq!(findings, [["information"]]);

    // ARP has no flow: by its own addresses, unless a packet is named.
    let arp = query(&out, "SELECT packet, src_ip, dst_ip, label FROM arp_rules");
    for row in &arp {
        let ends: [IpAddr; 2] = [row[1].parse().unwrap(), row[2].parse().unwrap()];
        let named = (18..=40).contains(&number(&row[0])) || number(&row[0]) == 77;
        let expected = match ends.contains(&IpAddr::from([10, 77, 0, 66])) {
            _ if named => "Numbered",
            true => "ARP",
            false => "benign",
        };
        assert_eq!(row[3], expected, "{row:?}");
    }
    assert!(arp.iter().any(|row| row[3] == "ARP") && arp.iter().any(|row| row[3] == "benign"));

    // Extracted, a packet has the claims on its flow and those on itself as its comment.
    let part = path("part.pcapng");
    let flow = &packets[17][1];
    let extract = [
        "extract",
        capture.to_str().unwrap(),
        "--input",
        &out,
        "--flow",
        flow,
        "--labels",
        "rules",
        "--out",
        &part,
    ];
    assert_eq!(run(&extract).0, 0);
    let bytes = std::fs::read(&part).unwrap();
    let told = b"this packet: malicious Numbered: rule numbers (rules.yaml:9)";
    assert!(bytes.windows(told.len()).any(|part| part == told));

    // The same bytes again, and without the packets it is said what is missing.
    let bytes = |set: &str| crate::support::files(&folder.path().join("out/labels").join(set));
    let before = bytes("rules");
    assert!(run(&[&label[..], &["--force"]].concat()).0 < 2);
    assert_eq!(bytes("rules"), before);
    let flows = path("flows");
    run(&[
        "decode",
        capture.to_str().unwrap(),
        "--out",
        &flows,
        "--tables",
        "flow",
    ]);
    let (status, _, errors) = run(&["label", "--labels", &rules, "--input", &flows]);
    assert_eq!(status, 2);
    assert!(
        errors.contains("decode with `--tables +packet`"),
        "{errors}"
    );
}

#[test]
fn packets_without_a_flow_are_of_the_rules_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let capture = root().join("tests/lab/quickstart.pcapng");
    let (out, rules) = (path("out"), path("rules.yaml"));
    let decode = run(&["decode", capture.to_str().unwrap(), "--out", &out]);
    assert_eq!(decode.0, 0, "{}", decode.2);
    let arp = query(&out, "SELECT packet FROM arp ORDER BY packet LIMIT 1");
    let packet = &arp[0][0];
    // A rule of hosts stands first, and is about all that has an address.
    let text = format!(
        "netcap-labels: 1\nconflicts: first\nrules:\n  - {{id: hosts, label: Hosts, attackers: any, time: always}}\n  - {{id: arp, label: Spoofing, packets: '{packet}'}}\n"
    );
    std::fs::write(&rules, text).unwrap();
    // Neither matched nothing nor never decides.
    let (status, _, told) = run(&["label", "--labels", &rules, "--input", &out, "--strict"]);
    assert!(status < 2 && !told.contains("rule-empty"), "{told}");
    let sql = format!("SELECT label FROM packet_label_rules WHERE packet = {packet}");
    assert_eq!(query(&out, &sql), [["Spoofing"]]);
}
