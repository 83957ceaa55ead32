//! Which rules match a flow, and which of several decides.

use super::*;
use crate::label::State;

const AT: &str = "2026-05-04T10:00:00Z";

fn rule(keys: &str) -> Labeler {
    labeler(&with(&format!("time: always\n{keys}")))
}

#[test]
fn direction_is_who_opened_the_flow() {
    let there = flow("10.9.0.7:40000 10.0.1.5:22", AT);
    let back = flow("10.0.1.5:22 10.9.0.7:40000", AT);
    for (direction, says_there, says_back) in [
        ("either", true, true),
        ("forward", true, false),
        ("reverse", false, true),
    ] {
        let labeler = rule(&format!("direction: {direction}"));
        assert_eq!(
            there.label(&labeler).rule.is_some(),
            says_there,
            "{direction}"
        );
        assert_eq!(
            back.label(&labeler).rule.is_some(),
            says_back,
            "{direction}"
        );
    }
    let claims = |flow: &Flow| {
        flow.label(&rule("priority: 1")).claims[0]
            .direction
            .as_str()
    };
    assert_eq!((claims(&there), claims(&back)), ("forward", "reverse"));
}

#[test]
fn both_ends_must_have_their_roles() {
    for ends in [
        "10.9.0.7:1 10.9.0.7:2",
        "10.0.1.5:1 10.0.1.5:2",
        "10.9.0.7:1 10.0.1.6:2",
    ] {
        assert_eq!(
            flow(ends, AT).says(&rule("priority: 0")),
            "unknown -",
            "{ends}"
        );
    }
}

#[test]
fn ports_are_those_of_the_victim() {
    let labeler = rule("ports: [22/tcp, 6000-6100]");
    for (ends, protocol, says) in [
        ("10.9.0.7:40000 10.0.1.5:22", 6, "malicious X"),
        ("10.9.0.7:40000 10.0.1.5:22", 17, "unknown -"),
        ("10.9.0.7:22 10.0.1.5:40000", 6, "unknown -"),
        ("10.0.1.5:22 10.9.0.7:40000", 6, "malicious X"),
        ("10.0.1.5:40000 10.9.0.7:22", 6, "unknown -"),
        ("10.9.0.7:1 10.0.1.5:6000", 17, "malicious X"),
        ("10.9.0.7:1 10.0.1.5:6100", 6, "malicious X"),
        ("10.9.0.7:1 10.0.1.5:5999", 6, "unknown -"),
        ("10.9.0.7:1 10.0.1.5:6101", 6, "unknown -"),
        ("10.9.0.7 10.0.1.5", 1, "unknown -"),
    ] {
        assert_eq!(
            flow(ends, AT).protocol(protocol).says(&labeler),
            says,
            "{ends}"
        );
    }
    let icmp = rule("protocol: [icmp, 47]");
    assert_eq!(
        flow("10.9.0.7 10.0.1.5", AT).protocol(47).says(&icmp),
        "malicious X"
    );
    assert_eq!(flow("10.9.0.7:1 10.0.1.5:2", AT).says(&icmp), "unknown -");
}

#[test]
fn last_refinement_that_matches_decides() {
    let labeler = rule(
        "attempted:\n  - {category: 1}\n  - {category: 2, if: fwd_packets < 9}\n  - {category: 3, ports: 80}\n  - {category: 4, direction: reverse}",
    );
    let packets = |n| flow("10.9.0.7:1 10.0.1.5:81", AT).with("fwd_packets", Value::Integer(n));
    assert_eq!(packets(9).says(&labeler), "attempted X 1");
    assert_eq!(packets(8).says(&labeler), "attempted X 2");
    let mut web = packets(8);
    web.dst.1 = Some(80);
    assert_eq!(web.says(&labeler), "attempted X 3");
    assert_eq!(
        flow("10.0.1.5:80 10.9.0.7:1", AT).says(&labeler),
        "attempted X 4"
    );
}

#[test]
fn refinements_give_any_state() {
    for (state, says) in [
        ("none", "unknown -"),
        ("malicious", "malicious X 7"),
        ("attempted", "attempted X 7"),
        ("benign", "benign benign 7"),
        ("unknown", "unknown - 7"),
        ("ambiguous", "ambiguous X 7"),
        ("excluded", "excluded X 7"),
    ] {
        let labeler = rule(&format!(
            "refine: [{{state: {state}, category: 7, if: fwd_packets = 1}}]"
        ));
        let flow = flow("10.9.0.7:1 10.0.1.5:2", AT);
        assert_eq!(flow.says(&labeler), "malicious X", "{state}");
        assert_eq!(
            flow.clone()
                .with("fwd_packets", Value::Integer(1))
                .says(&labeler),
            says
        );
    }
}

#[test]
fn a_refinement_narrows_the_condition_of_its_rule() {
    let labeler = rule("if: fwd_packets > 3\nattempted: [{category: 1, if: bwd_packets = 0}]");
    let packets = |fwd, bwd| {
        flow("10.9.0.7:1 10.0.1.5:2", AT)
            .with("fwd_packets", Value::Integer(fwd))
            .with("bwd_packets", Value::Integer(bwd))
    };
    assert_eq!(packets(4, 1).says(&labeler), "malicious X");
    assert_eq!(packets(4, 0).says(&labeler), "attempted X 1");
    assert_eq!(packets(3, 0).says(&labeler), "unknown -");
}

#[test]
fn a_refinement_of_the_rule_replaces_that_of_the_defaults() {
    let text = "netcap-labels: 1\ndefaults: {label: X, time: always, victims: any, attempted: [{category: 1}]}\nrules: [{id: a, refine: [{state: excluded}]}]\n";
    assert_eq!(
        flow("10.9.0.7:1 10.0.1.5:2", AT).says(&labeler(text)),
        "excluded X"
    );
}

#[test]
fn a_rule_may_claim_benign() {
    let text = with("time: always").replace("label: X", "label: Benign");
    let labeler = labeler(&text);
    let verdict = flow("10.9.0.7:1 10.0.1.5:2", AT).label(&labeler);
    assert_eq!(
        (verdict.label, verdict.attack, verdict.rule),
        (Some("benign"), None, Some("r"))
    );
}

/// Two rules that match the same flows.
fn two(conflicts: &str, first: &str, second: &str) -> Labeler {
    labeler(&format!(
        "netcap-labels: 1\nzone: UTC\n{conflicts}\ndefaults: {{time: always, victims: any}}\nrules:\n  - {{id: a, {first}}}\n  - {{id: b, {second}}}\n"
    ))
}

#[test]
fn conflicts_are_decided_by_priority_then_order() {
    let flow = flow("10.9.0.7:1 10.0.1.5:2", AT);
    for (mode, first, second, says, won) in [
        ("", "label: A", "label: B", "malicious A", "a"),
        (
            "conflicts: first",
            "label: A",
            "label: B",
            "malicious A",
            "a",
        ),
        (
            "conflicts: last",
            "label: A",
            "label: B",
            "malicious B",
            "b",
        ),
        (
            "conflicts: all",
            "label: A",
            "label: B",
            "malicious A",
            "ab",
        ),
        (
            "conflicts: ambiguous",
            "label: A",
            "label: B",
            "ambiguous A",
            "",
        ),
        (
            "conflicts: ambiguous",
            "label: A",
            "label: A",
            "malicious A",
            "a",
        ),
        ("", "label: A", "label: B, priority: 1", "malicious B", "b"),
        (
            "conflicts: last",
            "label: A, priority: 1",
            "label: B",
            "malicious A",
            "a",
        ),
        (
            "conflicts: all",
            "label: A, priority: 1",
            "label: B",
            "malicious A",
            "a",
        ),
        (
            "conflicts: ambiguous",
            "label: A, priority: -1",
            "label: B",
            "malicious B",
            "b",
        ),
    ] {
        let labeler = two(mode, first, second);
        assert_eq!(flow.says(&labeler), says, "{mode} {first} {second}");
        let verdict = flow.label(&labeler);
        assert_eq!(verdict.claims.len(), 2);
        let mut winners: Vec<&str> = verdict
            .claims
            .iter()
            .filter(|claim| claim.won)
            .map(|claim| labeler.rule(claim.rule).unwrap().0.id())
            .collect();
        winners.sort_unstable();
        assert_eq!(winners.concat(), won, "{mode} {first} {second}");
    }
}

#[test]
fn an_unsure_winner_is_certain_if_all_others_say_the_same() {
    let clock = "clocks: {c: {unsure: 1h}}";
    let time = "clock: c, time: 2026-05-04 10:00 .. 10:01";
    let flow = flow("10.9.0.7:1 10.0.1.5:2", AT);
    let unsure = format!("label: A, {time}");
    assert_eq!(flow.says(&two(clock, &unsure, "label: A")), "malicious A");
    assert_eq!(flow.says(&two(clock, &unsure, "label: B")), "ambiguous A");
    assert_eq!(flow.says(&two(clock, "label: B", &unsure)), "malicious B");
    assert_eq!(flow.says(&two(clock, &unsure, &unsure)), "ambiguous A");
}

#[test]
fn an_unsure_refinement_makes_the_state_ambiguous() {
    let text =
        with("time: always\nattempted: [{category: 3, time: 2026-05-04 10:00 .. 10:30}]\nclock: c")
            .replace("zone: UTC\n", "zone: UTC\nclocks: {c: {unsure: 10 s}}\n");
    let labeler = labeler(&text);
    let at = |time: &str| flow("10.9.0.7:1 10.0.1.5:2", time).says(&labeler);
    assert_eq!(at("2026-05-04T10:00:05Z"), "ambiguous X");
    assert_eq!(at("2026-05-04T10:00:10Z"), "attempted X 3");
    assert_eq!(at("2026-05-04T09:59:49.999999999Z"), "malicious X");
}

#[test]
fn order_of_rules_does_not_matter_without_conflict() {
    let a = "  - {id: a, label: A, time: 2026-05-04 10:00 .. 10:09, victims: 10.0.1.0/24}\n";
    let b = "  - {id: b, label: B, time: 2026-05-04 10:10 .. 10:19, victims: 10.0.1.0/24}\n";
    let head = "netcap-labels: 1\nzone: UTC\nrules:\n";
    let (one, two) = (
        labeler(&format!("{head}{a}{b}")),
        labeler(&format!("{head}{b}{a}")),
    );
    for minute in 0..25 {
        let flow = flow(
            "10.9.0.7:1 10.0.1.5:2",
            &format!("2026-05-04T10:{minute:02}:30Z"),
        );
        assert_eq!(flow.says(&one), flow.says(&two));
    }
}

#[test]
fn index_finds_what_trying_every_rule_finds() {
    // Many rules of few hosts and some networks; the index must not lose one.
    let mut text = "netcap-labels: 1\nzone: UTC\nconflicts: all\nrules:\n".to_owned();
    for n in 0..300 {
        let victim = match n % 7 {
            0 => "10.0.0.0/16".to_owned(),
            1 => format!("10.0.{}.0-10.0.{}.255", n % 5, n % 5 + 3),
            _ => format!("10.0.{}.{}", n % 5, n % 11),
        };
        let attackers = if n % 3 == 0 {
            "any".to_owned()
        } else {
            format!("10.9.0.{}", n % 4)
        };
        text += &format!(
            "  - {{id: r{n}, label: L{}, attackers: {attackers}, victims: {victim}, time: 2026-05-04 {:02}:{:02} .. {:02}:59}}\n",
            n % 9,
            n % 24,
            n % 60,
            n % 24
        );
    }
    let labeler = labeler(&text);
    let mut matches = 0;
    for n in 0..500 {
        let flow = flow(
            &format!("10.9.0.{}:1 10.0.{}.{}:2", n % 4, n % 5, n % 11),
            &format!("2026-05-04T{:02}:{:02}:00Z", n % 24, n * 7 % 60),
        );
        let mut found: Vec<usize> = flow.label(&labeler).claims.iter().map(|c| c.rule).collect();
        found.sort_unstable();
        let all: Vec<usize> = (0..labeler.rules().len())
            .filter(|n| {
                let rule = labeler.rule(*n).unwrap().0;
                flow.facts(|facts| crate::label::matching::rule(0, rule, facts))
                    .is_some()
            })
            .collect();
        assert_eq!(found, all);
        matches += found.len();
    }
    assert!(matches > 800, "{matches}");
}

#[test]
fn states_have_names() {
    for state in State::ALL {
        assert_eq!(State::from_name(state.as_str()), Some(state));
    }
    assert_eq!(State::from_name("none"), None);
}

/// Some flows of some hosts over some hours, always the same ones.
fn many_flows() -> Vec<Flow> {
    let mut seed = 11_u64;
    let mut next = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    (0..400)
        .map(|_| {
            let (src, dst) = (next(6) + 5, next(6) + 5);
            let (port, minute, length) = (next(3) + 21, next(180), next(40));
            let mut flow = flow(
                &format!("10.0.0.{src}:40000 10.0.0.{dst}:{port}"),
                "2026-05-04T09:00:00Z",
            );
            flow.start += i64::try_from(minute).unwrap() * 60_000_000_000;
            flow.end = flow.start + i64::try_from(length).unwrap() * 60_000_000_000;
            flow.with(
                "fwd_packets",
                Value::Integer(i64::try_from(next(4)).unwrap()),
            )
        })
        .collect()
}

const THREE: [&str; 3] = [
    "  - {id: a, label: A, time: 2026-05-04 09:30 .. 10:15, attackers: 10.0.0.5, victims: 10.0.0.6-10.0.0.8, attempted: [{if: fwd_packets < 2}]}\n",
    "  - {id: b, label: B, time: 2026-05-04 10:40 .. 11:20, attackers: 10.0.0.9, victims: any, ports: 22/tcp, direction: forward}\n",
    "  - {id: c, label: C, time: 2026-05-04 09:00 .. 12:00, attackers: 10.0.0.10, victims: 10.0.0.6, test: start}\n",
];

fn of_rules(rules: &[&str]) -> Labeler {
    labeler(&format!(
        "netcap-labels: 1\nzone: UTC\nrules:\n{}",
        rules.concat()
    ))
}

#[test]
fn the_order_of_rules_does_not_matter_without_conflict() {
    let [a, b, c] = THREE;
    let orders = [[a, b, c], [c, b, a], [b, a, c]].map(|rules| of_rules(&rules));
    let mut attacks = 0;
    for flow in many_flows() {
        let verdicts = orders.each_ref().map(|labeler| {
            let verdict = flow.label(labeler);
            let alone = verdict.claims.len() < 2;
            (alone, verdict.rule.map(str::to_owned), flow.says(labeler))
        });
        assert!(!verdicts[0].0 || verdicts.iter().all(|v| *v == verdicts[0]));
        attacks += usize::from(verdicts[0].1.is_some());
    }
    assert!(attacks > 20, "{attacks}");
}

#[test]
fn rules_and_flows_moved_together_are_as_before() {
    let before = of_rules(&THREE);
    for by in [-86_400_000_000_000, 1, 3_600_000_000_000] {
        let moved = before.altered(|rule| {
            let variants = rule
                .variants
                .iter_mut()
                .flat_map(|variant| &mut variant.time);
            for interval in rule.time.iter_mut().chain(variants) {
                interval.start += by;
                interval.end += by;
            }
        });
        for flow in many_flows() {
            let mut later = flow.clone();
            later.start += by;
            later.end += by;
            assert_eq!(flow.says(&before), later.says(&moved));
        }
    }
}
