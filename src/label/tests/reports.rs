//! What the report says: counts, conflicts, times that do not fit.

use super::*;
use crate::error::{Finding, Severity};
use crate::label::{Misses, Report, Slacks, Surroundings, Tally};

pub(super) fn report(labeler: &Labeler, flows: &[Flow]) -> Report {
    report_of(labeler, flows, &Surroundings::default())
}

pub(super) fn report_of(labeler: &Labeler, flows: &[Flow], around: &Surroundings) -> Report {
    let slacks = Slacks::of(labeler);
    let mut tally = Tally::default();
    for flow in flows {
        flow.facts(|facts| {
            let verdict = labeler.label(facts);
            tally.add(labeler, facts, &verdict);
            tally.add_traffic(facts, &verdict, &flow.traffic);
            tally.try_times(labeler, &slacks, facts, &verdict);
        });
    }
    let mut misses = Misses::new(labeler, &tally);
    for flow in flows {
        flow.facts(|facts| misses.look(labeler, facts));
    }
    Report::new(labeler, &tally, Some(&misses), around)
}

pub(super) fn finding<'a>(report: &'a Report, code: &str) -> Option<&'a Finding> {
    report.findings.iter().find(|finding| finding.code == code)
}

pub(super) fn codes(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|f| f.code.as_str()).collect()
}

pub(super) const TIME: &str = "time: 2026-05-04 10:00 .. 10:59\n";

#[test]
fn reports_count_by_rule_and_state() {
    let one = labeler(&with(
        &format!("{TIME}covers_: 1").replace("covers_: 1", "attempted: [{if: fwd_packets = 1}]"),
    ));
    let flows = [
        flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:10:00Z").until("2026-05-04T11:10:00Z"),
        flow("10.0.1.5:1 10.9.0.7:1", "2026-05-04T10:20:00Z"),
        flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:30:00Z")
            .with("fwd_packets", Value::Integer(1)),
        flow("10.9.0.7:1 10.0.1.6:1", "2026-05-04T10:30:00Z"),
    ];
    let report = report(&one, &flows);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["rows"], 4);
    assert_eq!(json["flows"]["first"], "2026-05-04T10:10:00Z");
    assert_eq!(json["labels"]["last"], "2026-05-04T10:59:59.999999999Z");
    assert_eq!(
        json["rules"][0].to_string(),
        r#"{"edges":{"crosses_end":1,"inside":2},"file":"labels.yaml","forward":2,"id":"r","intervals":[{"first":"2026-05-04T10:00:00Z","last":"2026-05-04T10:59:59.999999999Z"}],"label":"X","line":4,"lost":0,"reverse":1,"rows":3,"seen":{"first":"2026-05-04T10:10:00Z","last":"2026-05-04T11:10:00Z"},"states":{"attempted":1,"malicious":2},"uncertain":0,"won":3}"#
    );
    assert_eq!(
        json["states"].to_string(),
        r#"[{"label":"X","rows":2,"state":"malicious"},{"label":"X","rows":1,"state":"attempted"},{"label":null,"rows":1,"state":"unknown"}]"#
    );
    let told = ["resolution", "flip", "edge", "coverage", "background"];
    assert_eq!(codes(&report), told);
    assert!(
        report
            .to_json()
            .starts_with("{\n  \"rows\": 4,\n  \"flows\": {")
    );
}

#[test]
fn summaries_fit_a_screen() {
    let mut text =
        "netcap-labels: 1\nzone: UTC\ndefaults: {time: 2026-05-04 10:00 .. 10:59}\nrules:\n"
            .to_owned();
    for n in 0..40 {
        text += &format!(
            "  - {{id: a-rule-with-quite-a-long-name-{n}, label: A class with quite a long name indeed {n}, victims: 10.0.1.{n}}}\n"
        );
    }
    let flows: Vec<Flow> = (0..30)
        .map(|n| flow(&format!("10.9.0.7:1 10.0.1.{n}:1"), "2026-05-04T10:10:00Z"))
        .collect();
    let many = report(&labeler(&text), &flows);
    for width in [60, 80, 120] {
        let summary = many.summary(width);
        let fits = |line: &str| line.chars().count() <= width;
        assert!(summary.lines().all(fits), "{summary}");
        assert!(width < 80 || summary.lines().count() <= 36, "{summary}");
        assert!(
            summary.contains("and 30 more rules in report.json"),
            "{summary}"
        );
    }
    let small = report(
        &labeler(&with("time: 2026-05-04 10:00:00 .. 10:58:30\n")),
        &[flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:10:00Z")],
    )
    .summary(80);
    assert_eq!(
        small,
        "\
1 flow labeled, 2026-05-04 10:10:00..10:10:00 (UTC)

state       label          flows   share
malicious   X                  1 100.0 %

rule     flows      won  forward  reverse  first .. last
r            1        1        1        0  05-04 10:10:00..10:10:00

0 warnings, 1 note
  coverage malicious 100.0 % of flows, 100.0 % of packets, 100.0 % of bytes
"
    );
}

#[test]
fn disjoint_ranges_show_both() {
    let labeler = labeler(&with(TIME));
    let report_of = |time| report(&labeler, &[flow("10.9.0.7:1 10.0.1.5:1", time)]);
    let after = report_of("2026-05-05T10:59:59.999999999Z");
    assert_eq!(
        finding(&after, "range-disjoint").unwrap().message,
        "ground truth and flows do not meet in time: the rules are about 2026-05-04T10:00:00Z .. 2026-05-04T10:59:59.999999999Z, the flows are 2026-05-05T10:59:59.999999999Z .. 2026-05-05T10:59:59.999999999Z, 1 d after them; check zone and date"
    );
    let before = report_of("2026-05-04T09:00:00Z");
    assert!(
        finding(&before, "range-disjoint")
            .unwrap()
            .message
            .contains("1 h before them")
    );
    for (time, hint) in [
        (
            "2025-05-04T10:00:00Z",
            "; on 2025-05-04 they would meet: check the year",
        ),
        (
            "2026-04-05T10:00:00Z",
            "; on 2026-04-05 they would meet: check whether day and month are exchanged",
        ),
        (
            "2025-04-05T10:00:00Z",
            "; on 2025-04-05 they would meet: check whether day and month are exchanged, and the year",
        ),
        (
            "2026-04-05T15:00:00Z",
            "; on 2026-04-05 they would nearly meet: check whether day and month are exchanged, and the zone",
        ),
    ] {
        let told = report_of(time);
        let message = &finding(&told, "range-disjoint").unwrap().message;
        assert!(message.ends_with(hint), "{message}");
    }
    assert!(finding(&report_of("2026-05-04T10:00:00Z"), "range-disjoint").is_none());
}

#[test]
fn exchanged_days_of_several_rules_are_told_by_the_one_that_meets() {
    let rule = |id, day| {
        format!("{{id: {id}, label: A, victims: 10.0.1.5, time: 2026-{day} 10:00 .. 11:00}}")
    };
    // The 3rd, 4th and 5th of May, as somebody in the USA writes them.
    let rules = [rule("a", "03-05"), rule("b", "04-05"), rule("c", "05-05")].join(", ");
    let labeler = labeler(&format!("netcap-labels: 1\nzone: UTC\nrules: [{rules}]\n"));
    for (time, hint) in [
        (
            "2026-05-04T10:30:00Z",
            "on 2026-05-04 they would meet: check whether day and month",
        ),
        (
            "2026-05-03T10:30:00Z",
            "on 2026-05-03 they would meet: check whether day and month",
        ),
        ("2026-05-06T10:30:00Z", "; check zone and date"),
        (
            "2027-05-05T10:30:00Z",
            "; on 2027-05-05 they would meet: check the year",
        ),
    ] {
        let told = report(&labeler, &[flow("10.9.0.7:1 10.0.1.5:1", time)]);
        let Some(found) = finding(&told, "range-disjoint") else {
            // The rules go on to the 5th.
            assert!(time < "2026-05-05", "{time}");
            continue;
        };
        assert!(found.message.contains(hint), "{}", found.message);
    }
}

#[test]
fn rules_that_never_decide_are_told() {
    let text = "netcap-labels: 1\ndefaults: {time: always}\nrules: [{id: a, label: A, victims: 10.0.1.5, priority: 1}, {id: b, label: A, victims: 10.0.1.5}, {id: c, label: A, victims: any}]\n";
    let flows = [
        flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:00:00Z"),
        flow("10.9.0.7:1 10.0.1.6:1", "2026-05-04T09:00:00Z"),
    ];
    let report = report(&labeler(text), &flows);
    let of: Vec<_> = report
        .findings
        .iter()
        .filter(|f| f.code == "rule-shadowed")
        .collect();
    let [shadowed] = of.as_slice() else {
        panic!("{of:?}")
    };
    assert_eq!(shadowed.subject.as_deref(), Some("b"));
    assert_eq!(
        shadowed.message,
        "decides none of the 1 flow that it matches: others come first (a in 1)"
    );
}

#[test]
fn conflicts_are_counted_and_warned_of_unless_decided() {
    let text = "netcap-labels: 1\ndefaults: {time: always, victims: any}\nrules: [{id: a, label: A}, {id: b, label: B}, {id: c, label: A}]\n";
    let flows = [
        flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:00:00Z"),
        flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T09:00:00Z"),
    ];
    let silent = report(&labeler(text), &flows);
    let warning = finding(&silent, "conflict").unwrap();
    assert_eq!(
        (warning.severity, warning.subject.as_deref()),
        (Severity::Warning, Some("a / b"))
    );
    assert!(warning.message.starts_with("2 flows match both `a` and `b`, of equal priority and different labels (the first at 2026-05-04T09:00:00Z)"));
    assert_eq!(silent.conflicts.len(), 1);
    assert_eq!(
        (
            silent.rules[0].won,
            silent.rules[1].lost,
            silent.rules[2].lost
        ),
        (2, 2, 2)
    );
    let stated = report(
        &labeler(&text.replace("defaults", "conflicts: first\ndefaults")),
        &flows,
    );
    assert_eq!(
        finding(&stated, "conflict").unwrap().severity,
        Severity::Information
    );
    let ranked = report(
        &labeler(&text.replace("label: B", "label: B, priority: 1")),
        &flows,
    );
    assert!(ranked.conflicts.is_empty());
}

#[test]
fn tallies_and_misses_merge_in_any_order() {
    let one = labeler(
        &(with(TIME)
            + "  - {id: s, label: Y, time: 2026-05-04 10:00 .. 12:00, attackers: 10.9.0.7, victims: 10.0.1.0/24}\n  - {id: t, label: Z, time: 2026-05-04 09:00 .. 09:01, victims: 10.0.1.5}\n"),
    );
    let flows: Vec<Flow> = (0..60)
        .map(|n| {
            let ends = format!("10.9.0.{}:1 10.0.1.{}:1", n % 8 + 5, n % 50);
            flow(&ends, &format!("2026-05-04T1{}:{:02}:00Z", n % 3, n % 60))
        })
        .collect();
    let (mut all, mut parts) = (Tally::default(), vec![Tally::default(); 3]);
    for (n, flow) in flows.iter().enumerate() {
        flow.facts(|facts| {
            all.add(&one, facts, &one.label(facts));
            parts[n % 3].add(&one, facts, &one.label(facts));
        });
    }
    let mut merged = Tally::default();
    parts.iter().rev().for_each(|part| merged.merge(part));
    assert_eq!(all, merged);
    let mut misses = Misses::new(&one, &all);
    let mut others = vec![misses.clone(); 3];
    assert!(!misses.is_empty());
    for (n, flow) in flows.iter().enumerate() {
        flow.facts(|facts| {
            misses.look(&one, facts);
            others[n % 3].look(&one, facts);
        });
    }
    let mut merged = others.pop().unwrap();
    others.iter().for_each(|other| merged.merge(other));
    assert_eq!((misses.rules, misses.hosts), (merged.rules, merged.hosts));
}

#[test]
fn a_better_offset_is_told() {
    let hourly = |hour: u32| -> Vec<Flow> {
        (10..14)
            .map(|minute| {
                flow(
                    "10.9.0.7:1 10.0.1.5:1",
                    &format!("2026-05-04T{hour}:{minute}:00Z"),
                )
            })
            .collect()
    };
    let rule = labeler(&with(TIME));
    // The rule is about ten o'clock; the flows are of eighteen.
    let report_of = |flows: &[Flow]| report(&rule, flows);
    let early = report_of(&hourly(18));
    let hint = finding(&early, "offset-hint").unwrap();
    assert_eq!(hint.severity, Severity::Warning);
    assert_eq!(
        hint.message,
        "if all times of the rules were 8 h later, 4 flows would be attacks, and 0 are now; check zone, daylight saving and clock"
    );
    // Half of them are inside: no hint. Nor for few flows, nor for other hosts.
    let both = [hourly(10), hourly(12)].concat();
    assert!(finding(&report_of(&both), "offset-hint").is_none());
    assert!(finding(&report_of(&hourly(18)[..2]), "offset-hint").is_none());
    let others: Vec<Flow> = (0..9)
        .map(|_| flow("10.9.0.8:1 10.0.1.5:1", "2026-05-04T18:10:00Z"))
        .collect();
    assert!(finding(&report_of(&others), "offset-hint").is_none());
}

#[test]
fn whole_minutes_and_turned_flows_are_told() {
    let turned = [flow("10.0.1.5:1 10.9.0.7:1", "2026-05-04T10:20:00Z")];
    let found = report(&labeler(&with(TIME)), &turned);
    let flip = finding(&found, "flip").unwrap();
    assert_eq!(
        (flip.severity, flip.subject.as_deref()),
        (Severity::Information, Some("r"))
    );
    assert!(
        flip.message
            .starts_with("1 of 1 flows of this rule were opened by the victim")
    );
    let resolution = finding(&found, "resolution").unwrap();
    assert_eq!(resolution.severity, Severity::Information);
    // Said, or to the second: nothing to tell.
    let exact = "time: 2026-05-04 10:00:00 .. 10:58:30\ndirection: reverse\n";
    let found = report(&labeler(&with(exact)), &turned);
    assert_eq!(codes(&found), ["coverage"]);
}
