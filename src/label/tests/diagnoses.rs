//! Each diagnostic where it is right, and where it must be silent.

use super::reports::{finding, report, report_of};
use super::*;
use crate::error::Severity;
use crate::label::{ClockSeen, Report, Sensitivity, SensitivityTally, Surroundings};

const TIME: &str = "time: 2026-05-04 10:00:00 .. 10:59:59\n";

fn attack(at: &str) -> Flow {
    flow("10.9.0.7:40000 10.0.1.5:22", &format!("2026-05-04T{at}Z"))
}

fn run(keys: &str, flows: &[Flow]) -> Report {
    report(&labeler(&with(keys)), flows)
}

/// The message of a code, about what and how many rows.
fn told(report: &Report, code: &str) -> Option<(String, Option<String>, Option<u64>)> {
    finding(report, code).map(|f| (f.message.clone(), f.subject.clone(), f.rows))
}

#[test]
fn edges_and_slack() {
    let across = attack("09:59:00").until("2026-05-04T10:01:00Z");
    let found = run(TIME, &[across, attack("10:30:00")]);
    let (message, subject, rows) = told(&found, "edge").unwrap();
    assert!(
        message.starts_with("1 of 2 flows cross a bound of its times (1 the start, 0 the end, 0 both): with `test: start` 1 would be lost"),
        "{message}"
    );
    assert_eq!((subject.as_deref(), rows), (Some("r"), Some(1)));
    assert!(told(&found, "slack-curve").is_none(), "the window is right");

    let late = [attack("10:30:00"), attack("11:00:30"), attack("11:02:00")];
    let found = run(TIME, &late);
    let (message, _, rows) = told(&found, "slack-curve").unwrap();
    assert!(
        message.contains("1 at 0 ns, 1 at 1 s, 1 at 10 s, 2 at 1 min, 2 at 2 min, 3 at 5 min"),
        "{message}"
    );
    assert_eq!(rows, Some(2));
    let (message, _, rows) = told(&found, "outside").unwrap();
    assert!(
        message.starts_with(
            "2 flows that no rule claims fit but for the time, 2 of them within an hour"
        ),
        "{message}"
    );
    assert_eq!(rows, Some(2));
    let found = run(TIME, &[attack("10:30:00")]);
    assert!(told(&found, "edge").is_none() && told(&found, "outside").is_none());
}

#[test]
fn clocks_in_the_traffic() {
    let clock = |median: i64| Surroundings {
        clocks: vec![ClockSeen {
            protocol: "http".to_owned(),
            messages: 9,
            servers: 1,
            quartiles_ns: [median - 300_000_000, median, median + 300_000_000],
            resolution_ns: 1_000_000_000,
        }],
        ..Surroundings::default()
    };
    let flows = [attack("10:30:00")];
    let one = labeler(&with(TIME));
    let off = report_of(&one, &flows, &clock(3_600_000_000_000));
    let skew = finding(&off, "clock-skew").unwrap();
    assert_eq!(skew.severity, Severity::Warning);
    assert!(
        skew.message
            .contains("by +1 h (median; 9 times of 1 servers"),
        "{}",
        skew.message
    );
    let right = report_of(&one, &flows, &clock(-50_000_000));
    assert_eq!(
        finding(&right, "clock-skew").unwrap().severity,
        Severity::Information
    );
    // Half of the servers are off by hours, each by others: that is not the capture's clock.
    let mut many = clock(3_600_000_000_000);
    many.clocks[0].quartiles_ns[0] = 1_000_000_000;
    let many = report_of(&one, &flows, &many);
    let skew = finding(&many, "clock-skew").unwrap();
    assert_eq!(skew.severity, Severity::Information);
    assert!(skew.message.contains("do not agree with each other"));
    assert!(finding(&report(&one, &flows), "clock-skew").is_none());
}

#[test]
fn duplicates_and_disorder() {
    let one = labeler(&with(TIME));
    let flows = [attack("10:30:00")];
    let around = Surroundings {
        packets: 200,
        duplicates: 1,
        disordered: 3,
        ..Surroundings::default()
    };
    let found = report_of(&one, &flows, &around);
    assert!(
        told(&found, "dup")
            .unwrap()
            .0
            .starts_with("1 packets (0.5 %)")
    );
    assert!(
        told(&found, "reorder")
            .unwrap()
            .0
            .starts_with("3 packets (1.5 %)")
    );
    let found = report(&one, &flows);
    assert!(told(&found, "dup").is_none() && told(&found, "reorder").is_none());
}

#[test]
fn what_the_traffic_is_like() {
    let mut empty = attack("10:30:00");
    empty.traffic.payload_bytes = 0;
    let mut later = attack("10:40:00");
    later.traffic.part = 3;
    let other = flow("10.7.7.7:1 10.0.1.5:22", "2026-05-04T10:30:00Z");
    let found = run(TIME, &[empty.clone(), later.clone(), other.clone()]);
    let (message, subject, rows) = told(&found, "payloadless").unwrap();
    assert!(
        message.starts_with("50.0 % of its 2 malicious flows have no payload"),
        "{message}"
    );
    assert_eq!((subject.as_deref(), rows), (Some("X"), Some(1)));
    assert!(
        told(&found, "split")
            .unwrap()
            .0
            .starts_with("1 flows are later parts of a connection, up to part 3")
    );
    assert!(
        told(&found, "background")
            .unwrap()
            .0
            .starts_with("1 flows (33.3 %) are claimed by no rule: all of them unknown")
    );
    let (message, ..) = told(&found, "coverage").unwrap();
    assert!(
        message.starts_with("malicious 66.7 % of flows, 66.7 % of packets"),
        "{message}"
    );
    let found = run(TIME, &[attack("10:30:00")]);
    for code in ["payloadless", "split", "background"] {
        assert!(told(&found, code).is_none(), "{code}");
    }
}

#[test]
fn ports_that_the_class_does_not_have() {
    let named = |label: &str| {
        let keys = with(TIME).replace("label: X", &format!("label: {label}"));
        report(&labeler(&keys), &[attack("10:30:00"), attack("10:31:00")])
    };
    let found = named("DoS Slowloris");
    let (message, ..) = told(&found, "proto-mismatch").unwrap();
    assert!(
        message.starts_with("2 of 2 flows of \"DoS Slowloris\" go to port 22"),
        "{message}"
    );
    for right in ["SSH brute force", "Port scan"] {
        assert!(told(&named(right), "proto-mismatch").is_none(), "{right}");
    }
}

#[test]
fn scans_that_no_rule_speaks_of() {
    let attempt = |from: &str, to: &str| {
        let mut attempt = flow(&format!("{from}:1 {to}"), "2026-05-04T12:00:00Z");
        attempt.traffic.payload_bytes = 0;
        attempt.traffic.in_vain = true;
        attempt
    };
    let ports = |n: u16| {
        (1..=n)
            .map(|port| attempt("10.7.7.7", &format!("10.0.1.5:{port}")))
            .collect::<Vec<_>>()
    };
    let hosts = |n: u16| {
        (1..=n)
            .map(|host| attempt("10.7.7.8", &format!("10.0.2.{host}:445")))
            .collect::<Vec<_>>()
    };
    let found = run(TIME, &[ports(50), hosts(50)].concat());
    let all: Vec<String> = found
        .findings
        .iter()
        .filter(|f| f.code == "unexplained-scan")
        .map(|f| format!("{} {}", f.subject.clone().unwrap_or_default(), f.message))
        .collect();
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[0].starts_with("10.7.7.7 tried 50 ports of 10.0.1.5 or more in vain"));
    assert!(all[1].starts_with("10.7.7.8 tried port 445 at 50 hosts or more in vain"));
    let found = run(TIME, &[ports(49), hosts(49)].concat());
    assert!(told(&found, "unexplained-scan").is_none());
    // A rule speaks of it.
    let claimed: Vec<Flow> = (1..=60)
        .map(|port| attempt("10.9.0.7", &format!("10.0.1.5:{port}")))
        .collect();
    assert!(told(&run("time: always\n", &claimed), "unexplained-scan").is_none());
}

#[test]
fn roles_that_clash_and_labels_that_nobody_decides() {
    let rule = |id: &str, label: &str, attackers: &str, victims: &str| {
        format!(
            "  - {{id: {id}, label: {label}, time: always, attackers: {attackers}, victims: {victims}}}\n"
        )
    };
    let file = |rules: &[String]| {
        format!(
            "netcap-labels: 1\nconflicts: ambiguous\nrules:\n{}",
            rules.concat()
        )
    };
    let clash = file(&[
        rule("a", "X", "10.9.0.7", "10.0.1.5"),
        rule("b", "Y", "10.0.1.5", "10.0.1.6"),
    ]);
    let found = report(&labeler(&clash), &[attack("10:30:00")]);
    let (message, subject, _) = told(&found, "role-clash").unwrap();
    assert_eq!(message, "attacker in 1 rules (`b`) and victim in 1 (`a`)");
    assert_eq!(subject.as_deref(), Some("10.0.1.5"));
    assert!(told(&found, "ambiguous").is_none());

    let tie = file(&[
        rule("a", "X", "10.9.0.7", "10.0.1.5"),
        rule("b", "Y", "10.9.0.7", "10.0.1.5"),
    ]);
    let found = report(&labeler(&tie), &[attack("10:30:00")]);
    let (message, _, rows) = told(&found, "ambiguous").unwrap();
    assert!(
        message
            .starts_with("1 flow has no certain label: rules of different labels match 1 of them"),
        "{message}"
    );
    assert_eq!(rows, Some(1));
    assert!(told(&found, "role-clash").is_none());
}

#[test]
fn labels_that_sound_like_no_attack() {
    let label = |label: &str, more: &str| {
        let text = with(&format!("{TIME}{more}")).replace("label: X", &format!("label: {label}"));
        told(
            &report(&labeler(&text), &[attack("10:30:00")]),
            "label-name",
        )
    };
    let (message, subject, rows) = label("Normal", "").unwrap();
    assert_eq!(
        message,
        "1 rule with this label, which is a class of attacks like any other; if it is none, call it `benign`"
    );
    assert_eq!((subject.as_deref(), rows), (Some("Normal"), Some(1)));
    assert!(
        label("unknown", "")
            .unwrap()
            .0
            .ends_with("leave the rules out")
    );
    assert!(
        label("attempted", "")
            .unwrap()
            .0
            .contains("`state: attempted`")
    );
    assert!(label("Normalizer", "").is_none() && label("Benign", "").is_none());
    assert!(label("background", "state: excluded\n").is_none());
}

#[test]
fn what_is_near_and_excluded_is_told_apart() {
    let late = [attack("10:30:00"), attack("11:00:30"), attack("11:02:00")];
    let found = run(&format!("{TIME}grey: 10min\n"), &late);
    let rule = &found.rules[0];
    assert_eq!((rule.rows, rule.won, rule.grey), (1, 1, 2));
    // As if they were not excluded.
    let (message, ..) = told(&found, "slack-curve").unwrap();
    assert!(
        message.contains("1 at 0 ns") && message.contains("3 at 5 min"),
        "{message}"
    );
    let found = run(&format!("{TIME}grey: 10min\n"), &late[1..]);
    let (message, ..) = told(&found, "rule-empty").unwrap();
    assert!(
        message.contains("2 would match but for the time"),
        "{message}"
    );
}

#[test]
fn offsets_are_told_of_the_rules_that_have_them() {
    // Rules: of a time, with and without an attack; and always.
    let file = |rules: &[(&str, &str, &str)]| {
        let rules = rules.iter().map(|(id, victim, more)| {
            format!(
                "  - {{id: {id}, label: {id}, victims: {victim}, attackers: 10.9.0.7, {more}}}\n"
            )
        });
        labeler(&format!(
            "netcap-labels: 1\nzone: UTC\nrules:\n{}",
            rules.collect::<String>()
        ))
    };
    let hint = |rules: &[(&str, &str, &str)], flows: &[Flow]| {
        told(&report(&file(rules), flows), "offset-hint").map(|(message, ..)| message)
    };
    let at = |hour: u32, host: &str| -> Vec<Flow> {
        let time = |minute: u32| format!("2026-05-04T{hour}:{minute}:00Z");
        (10..14)
            .map(|m| flow(&format!("10.9.0.7:1 {host}:1"), &time(m)))
            .collect()
    };
    const TEN: &str = "time: 2026-05-04 10:00 .. 10:59";
    // What is right: a rule at all times takes what others leave to it, wherever they are.
    for state in ["excluded", "attempted", "malicious"] {
        let timed = format!("{TEN}, priority: 1, state: {state}");
        let rules = [
            ("timed", "10.0.1.5", timed.as_str()),
            ("rest", "10.0.1.5", "time: always"),
        ];
        assert_eq!(hint(&rules, &at(10, "10.0.1.5")), None, "{state}");
    }
    // One of two rules is off, and the other one is not.
    let rules = [("off", "10.0.1.5", TEN), ("right", "10.0.1.6", TEN)];
    let flows = [at(15, "10.0.1.5"), at(15, "10.0.1.5"), at(10, "10.0.1.6")].concat();
    let message = hint(&rules, &flows).unwrap();
    assert!(
        message.starts_with("if the times of `off` were 5 h later, 8 flows would be attacks, and 0 are now; those of `right` fit better as they are"),
        "{message}"
    );
}

#[test]
fn classes_that_depend_on_what_nobody_wrote_down() {
    let one = labeler(&with(TIME));
    let sensitivity = Sensitivity::new(&one);
    let stability = |flows: &[Flow]| {
        let mut tally = SensitivityTally::default();
        for flow in flows {
            // Merged from parts, as a parallel run does.
            let mut part = SensitivityTally::default();
            flow.facts(|facts| sensitivity.look(&one, facts, &mut part));
            tally.merge(&part);
        }
        sensitivity.stability(&tally)
    };
    let inside = attack("10:30:00");
    let across = attack("09:59:00").until("2026-05-04T10:01:00Z");
    let turned = flow("10.0.1.5:22 10.9.0.7:40000", "2026-05-04T10:30:00Z");
    let late = attack("11:00:30");
    let found = stability(&[inside.clone(), inside.clone(), across, turned, late]);
    let [class] = found.classes.as_slice() else {
        panic!("{found}");
    };
    assert_eq!((class.flows, class.least.0, class.most.0), (4, 2, 5));
    assert_eq!(
        (class.least.1.test, class.least.1.direction),
        ("start", "forward")
    );
    assert_eq!(class.most.1.to_string(), "overlap, either, ±1 min");
    assert!((class.jaccard - 0.5).abs() < 1e-12 && class.unstable);
    let found = stability(&[inside.clone(), inside]);
    assert!(!found.classes[0].unstable, "{found}");
    assert_eq!(found.to_string().lines().count(), 4);
    assert_eq!(found.classes[0].settings.len(), 24);
    // Classes without flows are there as well.
    assert_eq!(stability(&[]).classes.len(), 1);
    let of_packets = Sensitivity::new(&labeler(&with("time: always\ntest: packet")));
    let told = of_packets
        .stability(&SensitivityTally::default())
        .to_string();
    assert!(told.contains("1 rule for packets not varied"), "{told}");
}

#[test]
fn packets_that_the_capture_does_not_have() {
    let one = labeler(&with("packets: 1-9 12\nin: lan.pcap"));
    let of = |packets| Surroundings {
        captures: vec![Some(3), packets],
        ..Surroundings::default()
    };
    let (message, ..) = told(&report_of(&one, &[], &of(Some(11))), "range-disjoint").unwrap();
    assert_eq!(
        message,
        "ground truth names packets up to 12, and the capture has 11: it may not be the one that was labeled"
    );
    // Rows for all packets of another capture.
    let counted = labeler(&with("packets: 1-9\nin: lan.pcap\ncapture_packets: 12"));
    let (message, ..) = told(&report_of(&counted, &[], &of(Some(13))), "range-disjoint").unwrap();
    assert!(
        message.contains("a capture of 12 packets, and this one has 13"),
        "{message}"
    );
    assert!(told(&report_of(&counted, &[], &of(Some(12))), "range-disjoint").is_none());
    // All of them are there, or it is not known.
    for packets in [Some(12), None] {
        assert!(told(&report_of(&one, &[], &of(packets)), "range-disjoint").is_none());
    }
}

#[test]
fn what_the_authors_report() {
    let keys = "time: 2026-05-04 10:00:00 .. 10:59:59\nattempted: [{if: fwd_packets = 1}]\nexpected_flows: {malicious: 4, attempted: 1}";
    let small = attack("10:30:00").with("fwd_packets", Value::Integer(1));
    let found = run(keys, &[attack("10:30:00"), small.clone()]);
    let (message, subject, rows) = told(&found, "rule-thin").unwrap();
    assert_eq!(message, "2 flows, where 5 are expected");
    assert_eq!((subject.as_deref(), rows), (Some("r"), Some(3)));
    let compared: Vec<&str> = found
        .findings
        .iter()
        .filter(|f| f.code == "count-compare")
        .map(|f| f.message.as_str())
        .collect();
    assert_eq!(
        compared,
        [
            "1 malicious flow, where the authors report 4 (25.0 %); of the flows of the class, 2 without length (authors drop rows whose rates are infinite)",
            "1 attempted flow, where the authors report 1 (100.0 %)",
        ]
    );
    // One of the states is not there at all.
    let found = run(keys, std::slice::from_ref(&small));
    assert_eq!(
        told(&found, "rule-thin").unwrap().0,
        "1 flow, where 5 are expected"
    );
    let (message, ..) = told(&found, "count-compare").unwrap();
    assert!(
        message.starts_with("0 malicious flows, where the authors report 4 (0.0 %)"),
        "{message}"
    );
    let all = vec![attack("10:30:00"); 4];
    let found = run(keys, &[all, vec![small]].concat());
    assert!(told(&found, "rule-thin").is_none());
    assert!(told(&run(TIME, &[attack("10:30:00")]), "count-compare").is_none());
    // A flow across the end, which opened the other way round, and one that would fit a minute later.
    let turned =
        flow("10.0.1.5:22 10.9.0.7:40000", "2026-05-04T10:59:30Z").until("2026-05-04T11:00:10Z");
    let late = attack("11:00:20").until("2026-05-04T11:00:40Z");
    let found = run(keys, &[turned, late]);
    let (message, ..) = told(&found, "count-compare").unwrap();
    for cause in [
        "1 ended after their rule's times",
        "1 opened by the victim",
        "1 more if times were a minute longer",
    ] {
        assert!(message.contains(cause), "{message}");
    }
    // Nothing of the class is there: another part of the dataset.
    assert!(told(&run(keys, &[attack("12:30:00")]), "count-compare").is_none());
}
