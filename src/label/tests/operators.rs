//! What rules can ask for beside hosts, times and ports: other names of hosts, captures, messages of ICMP, MAC
//! addresses, ids, packets, slack, grey zones, clocks that drift.

use super::*;
use crate::label::State;

/// `with`, with hosts of its own.
fn among(hosts: &str, rule: &str) -> Labeler {
    labeler(&format!(
        "netcap-labels: 1\nzone: UTC\ncovers: all\nhosts: {hosts}\nrules:\n  - id: r\n    label: X\n    {}\n",
        rule.replace('\n', "\n    ")
    ))
}

/// The states of flows, one a line: `malicious X`.
fn says(labeler: &Labeler, flows: &[Flow]) -> Vec<String> {
    flows.iter().map(|flow| flow.says(labeler)).collect()
}

const AT: &str = "2026-05-04T10:30:00Z";
const TIME: &str = "time: 2026-05-04 10:00 .. 11:00";

impl Flow {
    fn in_capture(mut self, capture: usize) -> Self {
        self.capture = capture;
        self
    }

    fn counting(mut self, sure: u64, unsure: u64, quoting: bool) -> Self {
        self.packets = vec![PacketCount {
            rule: 0,
            sure,
            unsure,
            quoting,
        }];
        self
    }
}

#[test]
fn a_host_behind_a_nat_is_the_host_where_it_is_seen_so() {
    let hosts = "{kali: 10.9.0.7, nat: {ip: 192.0.2.1, is: kali, in: 'dmz*.pcap'}, web: 10.0.1.5}";
    let rules = among(hosts, &format!("{TIME}\nattackers: kali\nvictims: web"));
    let itself = flow("10.9.0.7:40000 10.0.1.5:80", AT);
    let nat = flow("192.0.2.1:40000 10.0.1.5:80", AT);
    let found = says(
        &rules,
        &[itself.clone(), nat.clone(), nat.clone().in_capture(1)],
    );
    assert_eq!(found, ["malicious X", "malicious X", "benign benign"]);
    assert_eq!(nat.label(&rules).claims[0].alias, Some("nat"));
    assert_eq!(itself.label(&rules).claims[0].alias, None);
    // One alias that is missing loses its flows.
    let rules = among(
        "{kali: 10.9.0.7, web: 10.0.1.5}",
        &format!("{TIME}\nattackers: kali\nvictims: web"),
    );
    assert_eq!(nat.says(&rules), "benign benign");
    // The alias alone, by its name.
    let rules = among(hosts, &format!("{TIME}\nattackers: nat\nvictims: web"));
    assert_eq!(
        says(&rules, &[itself, nat]),
        ["benign benign", "malicious X"]
    );
}

#[test]
fn what_is_excluded_is_so_under_all_its_names() {
    let hosts = "{kali: 10.9.0.7, nat: {ip: 192.0.2.1, is: kali, in: 'dmz*.pcap'}}";
    let rules = among(
        hosts,
        &format!("{TIME}\nattackers: any except kali\nvictims: 10.0.1.5"),
    );
    let nat = flow("192.0.2.1:40000 10.0.1.5:80", AT);
    let flows = [
        flow("10.9.0.7:40000 10.0.1.5:80", AT),
        flow("10.9.0.8:40000 10.0.1.5:80", AT),
        nat.clone(),
        nat.in_capture(1),
    ];
    let expected = [
        "benign benign",
        "malicious X",
        "benign benign",
        "malicious X",
    ];
    assert_eq!(says(&rules, &flows), expected);
}

#[test]
fn a_port_of_another_address_is_a_port_of_the_host() {
    let hosts = "{web: {ip: 10.0.1.5, is_also: ['192.0.2.10:8443/tcp -> 443', 192.0.2.11]}}";
    let rule = format!("{TIME}\nattackers: 10.9.0.7\nvictims: web\nports: 443/tcp");
    let rules = among(hosts, &rule);
    let flows = [
        flow("10.9.0.7:40000 10.0.1.5:443", AT),
        flow("10.9.0.7:40000 192.0.2.10:8443", AT),
        // The other way round: the port is the victim's, whoever opened the flow.
        flow("192.0.2.10:8443 10.9.0.7:40000", AT),
        flow("10.9.0.7:40000 192.0.2.10:443", AT),
        flow("10.9.0.7:40000 192.0.2.10:8443", AT).protocol(17),
        flow("10.9.0.7:40000 192.0.2.11:443", AT),
        flow("10.9.0.7:40000 192.0.2.11:8443", AT),
    ];
    let expected = [
        "malicious X",
        "malicious X",
        "malicious X",
        "benign benign",
        "benign benign",
        "malicious X",
        "benign benign",
    ];
    assert_eq!(says(&rules, &flows), expected);
}

#[test]
fn hosts_are_known_by_mac_addresses() {
    let hosts = "{evil: {mac: '02:42:AC:11:00:02'}}";
    let rules = among(
        hosts,
        &format!("{TIME}\nattackers: evil\nvictims: 02-42-ac-11-00-03"),
    );
    assert!(rules.asks().macs && !labeler(&with(TIME)).asks().macs);
    let mut one = flow("10.9.0.7:40000 10.0.1.5:80", AT);
    assert_eq!(one.says(&rules), "benign benign");
    one.macs = [Some(0x0242_ac11_0002), Some(0x0242_ac11_0003)];
    assert_eq!(one.says(&rules), "malicious X");
    one.macs[1] = Some(0x0242_ac11_0004);
    assert_eq!(one.says(&rules), "benign benign");
}

#[test]
fn rules_and_covers_are_of_captures() {
    let text = "netcap-labels: 1\nzone: UTC\ncovers: [{in: lan.pcap}]\nrules:\n  - {id: r, label: X, attackers: any, time: always, in: [dmz1.pcap, other.pcap]}\n";
    let one = flow("10.9.0.7:40000 10.0.1.5:80", AT);
    let rules = labeler(text);
    let flows = [one.clone(), one.clone().in_capture(1), one.in_capture(2)];
    assert_eq!(
        says(&rules, &flows),
        ["malicious X", "benign benign", "unknown -"]
    );
}

#[test]
fn captures_that_are_not_there_are_told() {
    let told = |captures: &str| {
        let rules = labeler(&with(&format!("{TIME}\nin: {captures}")));
        let found = super::reports::report(&rules, &[flow("10.9.0.7:40000 10.0.1.5:80", AT)]);
        let mut messages = found.findings.iter().map(|finding| &finding.message);
        messages.any(|message| message.contains("captures that are not in the output: nope*.pcap"))
    };
    assert!(told("nope*.pcap"));
    assert!(!told("dmz1.pcap"));
}

#[test]
fn icmp_messages() {
    let rules = labeler(&with(&format!(
        "{TIME}\nicmp: [8, 3/1]\nattempted:\n  - {{icmp: 3/1}}"
    )));
    let mut one = flow("10.9.0.7 10.0.1.5", AT).protocol(1);
    let mut say = |message| {
        one.icmp = message;
        one.says(&rules)
    };
    assert_eq!(say(Some((8, 0))), "malicious X");
    assert_eq!(say(Some((3, 1))), "attempted X");
    assert_eq!(say(Some((3, 2))), "unknown -");
    assert_eq!(say(None), "unknown -");
}

#[test]
fn flows_by_what_they_are_known_by() {
    let rule = "netcap-labels: 1\nzone: UTC\nrules:\n  - {id: a, label: A, flow_uid: [00ff, 0abc]}\n  - {id: b, label: B, community_id: '1:xyz=', time: 2026-05-04 10:00 .. 11:00}\n";
    let rules = labeler(rule);
    assert!(rules.asks().ids);
    let mut one = flow("10.9.0.7:40000 10.0.1.5:80", AT);
    for (ids, expected) in [
        ([Some("0abc"), None], "malicious A"),
        ([Some("0abd"), Some("1:xyz=")], "malicious B"),
        ([Some("0abd"), Some("1:xyy=")], "unknown -"),
        ([None, None], "unknown -"),
    ] {
        one.ids = ids;
        assert_eq!(one.says(&rules), expected, "{ids:?}");
    }
    let mut late = flow("10.9.0.7:40000 10.0.1.5:80", "2026-05-04T12:00:00Z");
    late.ids = [None, Some("1:xyz=")];
    assert_eq!(late.says(&rules), "unknown -");
}

#[test]
fn slack_and_bounds_move_the_ends() {
    let at = |time: &str| flow("10.9.0.7:40000 10.0.1.5:80", &format!("2026-05-04T{time}Z"));
    let times = [
        "09:59:29",
        "09:59:30",
        "10:00:00",
        "10:59:59.999999999",
        "11:00:00",
        "11:00:59",
        "11:01:00",
        "11:01:29",
        "11:01:30",
    ];
    for (keys, inside) in [
        ("", 2..=5),
        ("bounds: half-open", 2..=3),
        ("slack: 30s", 1..=7),
        ("slack: [30s, 0s]", 1..=5),
        ("bounds: half-open\nslack: [0s, 1min]", 2..=5),
    ] {
        let rules = labeler(&with(&format!("{TIME}\n{keys}")));
        for (n, time) in times.iter().enumerate() {
            let expected = if inside.contains(&n) {
                "malicious X"
            } else {
                "unknown -"
            };
            assert_eq!(at(time).says(&rules), expected, "{keys} at {time}");
        }
    }
}

#[test]
fn near_an_attack_is_neither() {
    let at = |time: &str| flow("10.9.0.7:40000 10.0.1.5:80", &format!("2026-05-04T{time}Z"));
    let rules = labeler(&with(&format!(
        "{TIME}\ngrey: 10min\nports: 80/tcp\nattempted:\n  - {{if: fwd_packets = 7}}"
    )));
    assert_eq!(at("09:49:59").says(&rules), "unknown -");
    assert_eq!(at("09:50:00").says(&rules), "excluded X");
    assert_eq!(at("10:00:00").says(&rules), "malicious X");
    assert_eq!(at("11:10:59").says(&rules), "excluded X");
    assert_eq!(at("11:11:00").says(&rules), "unknown -");
    let other = flow("10.9.0.7:40000 10.0.1.5:81", "2026-05-04T09:55:00Z");
    assert_eq!(
        other.says(&rules),
        "unknown -",
        "it would not be claimed in its times either"
    );
    assert!(at("09:50:00").label(&rules).claims[0].grey);
    // Another rule's claim counts more, wherever it stands.
    let two = with(&format!("{TIME}\ngrey: always\n"))
        + "  - {id: s, label: Y, attackers: 10.9.0.7, time: 2026-05-04 12:00 .. 12:10}\n";
    let rules = labeler(&two);
    assert_eq!(at("12:05:00").says(&rules), "malicious Y");
    assert_eq!(at("23:05:00").says(&rules), "excluded X");
    // A refinement that exempts a flow does so everywhere.
    let rules = labeler(&with(&format!(
        "{TIME}\ngrey: 10min\nrefine:\n  - {{state: none, if: true}}"
    )));
    assert_eq!(at("10:30:00").says(&rules), "unknown -");
}

#[test]
fn a_day_is_a_time() {
    let truth = truth(&with("time: 2026-05-04"));
    let found: Vec<_> = truth.rules()[0].intervals().collect();
    let day = (
        ns("2026-05-04T00:00:00Z"),
        ns("2026-05-04T23:59:59.999999999Z"),
    );
    assert_eq!(found, [day]);
    assert_eq!(errors(&with("time: 2026-05-34")).len(), 1);
}

#[test]
fn a_rule_has_a_state() {
    let one = flow("10.9.0.7:40000 10.0.1.5:80", AT);
    for state in [State::Attempted, State::Excluded, State::Ambiguous] {
        let rules = labeler(&with(&format!("{TIME}\nstate: {}", state.as_str())));
        assert_eq!(one.says(&rules), format!("{} X", state.as_str()));
    }
}

#[test]
fn flows_have_what_their_packets_are() {
    let long = |time: &str| flow("10.9.0.7:40000 10.0.1.5:80", "2026-05-04T09:00:00Z").until(time);
    let late = "2026-05-04T12:00:00Z";
    let rules = labeler(&with(&format!(
        "{TIME}\ntest: packet\nattempted:\n  - {{if: fwd_packets = 7}}"
    )));
    assert!(rules.asks().packets);
    assert_eq!(
        long(late).says(&rules),
        "unknown -",
        "all its packets are elsewhere"
    );
    assert_eq!(long(late).counting(1, 0, false).says(&rules), "malicious X");
    assert_eq!(long(late).counting(0, 3, false).says(&rules), "ambiguous X");
    let tried = long(late)
        .counting(1, 0, false)
        .with("fwd_packets", Value::Integer(7));
    assert_eq!(tried.says(&rules), "attempted X");
    // By number; the hosts need not be known.
    let rules = labeler(
        "netcap-labels: 1\nrules:\n  - {id: r, label: X, packets: '18-40, 77', in: dmz1.pcap}\n",
    );
    assert_eq!(long(late).counting(2, 0, false).says(&rules), "malicious X");
    // Where a flow goes on in another capture, its packets there are not those of the rule: that was counted.
    let several = truth("netcap-labels: 1\nrules:\n  - {id: r, label: X, packets: 5}\n");
    let names = ["a.pcap", "b.pcap"].map(str::to_owned);
    let errors = Labeler::new(&[several])
        .unwrap()
        .with_captures(&names)
        .unwrap_err();
    assert!(
        errors
            .to_string()
            .contains("rule `r` names packets, and there are 2 captures"),
        "{errors}"
    );
}

#[test]
fn errors_that_quote_an_attack_belong_to_it() {
    let keys = format!("{TIME}\nports: 53/udp\nicmp_errors: yes");
    let rules = labeler(&with(&keys));
    assert!(rules.asks().icmp_errors);
    let from_router = flow("10.0.9.1 10.9.0.7", AT).protocol(1);
    assert_eq!(from_router.says(&rules), "unknown -");
    assert_eq!(from_router.counting(1, 0, true).says(&rules), "malicious X");
    assert!(!labeler(&with(TIME)).asks().icmp_errors);
}

#[test]
fn clocks_drift_and_are_anchored() {
    // 10 s fast at nine and 20 s fast at eleven: 15 s at ten.
    let head = "netcap-labels: 1\nzone: UTC\nclocks:\n  watch: {offset: [+10s at 2026-05-04 09:00, +20s at 2026-05-04 11:00]}\n";
    let rule = "rules:\n  - {id: r, label: X, attackers: any, clock: watch, time: '2026-05-04 10:00:00.0 .. 11:00:00.0'}\n";
    let of = |head: &str| {
        let truth = truth(&format!("{head}{rule}"));
        truth.rules()[0].intervals().collect::<Vec<_>>()
    };
    assert_eq!(
        of(head),
        [(ns("2026-05-04T09:59:45Z"), ns("2026-05-04T10:59:40Z"))]
    );

    struct Lab;
    impl crate::label::Captured for Lab {
        fn ts_ns(&self, capture: &str, packet: u64) -> crate::error::Result<i64> {
            match (capture, packet) {
                ("lab.pcap", 18234) => Ok(ns("2026-05-04T09:59:55Z")),
                _ => Err(crate::error::Error::new("there is no such packet")),
            }
        }
    }
    let anchored = |packet: u32| {
        let text = format!(
            "netcap-labels: 1\nzone: UTC\nclocks:\n  watch: {{anchor: packet {packet} of lab.pcap is 2026-05-04 10:00:05}}\n{rule}"
        );
        crate::label::parse_in(&text, Path::new("f"), &columns(), Some(&Lab))
    };
    let known = anchored(18234).unwrap();
    let found: Vec<_> = known.rules()[0].intervals().collect();
    assert_eq!(
        found,
        [(ns("2026-05-04T09:59:50Z"), ns("2026-05-04T10:59:50Z"))]
    );
    assert!(
        anchored(5)
            .unwrap_err()
            .to_string()
            .contains("there is no such packet")
    );
}
