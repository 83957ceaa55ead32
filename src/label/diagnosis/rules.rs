//! What single rules did: nothing, too little, something else than their class, the other way round,
//! against each other.

use std::collections::BTreeMap;

use crate::error::Finding;
use crate::label::diagnosis::Surroundings;
use crate::label::duration;
use crate::label::interval::show_utc;
use crate::label::labeler::Labeler;
use crate::label::misses::{Miss, Misses, Part};
use crate::label::model::{Direction, LeftOut, Rule, Variant};
use crate::label::report::Report;
use crate::label::service::protocol_name;
use crate::label::tally::Tally;
use crate::label::verdict::{Edge, State};
use crate::text::count;

pub(super) fn tell(
    report: &Report,
    labeler: &Labeler,
    tally: &Tally,
    misses: Option<&Misses>,
    around: &Surroundings,
    findings: &mut Vec<Finding>,
) {
    left_out(labeler, findings);
    flips(labeler, tally, findings);
    empty_rules(report, labeler, tally, misses, around, findings);
    shadowed(labeler, tally, around, findings);
    unseen_hosts(labeler, tally, misses, findings);
    conflicts(report, labeler, findings);
    ambiguous(report, tally, findings);
    edges(labeler, tally, findings);
    role_clashes(labeler, findings);
    ports(labeler, tally, findings);
    splits(labeler, tally, findings);
}

/// Lines of others' files that are no rules, though they should be, and what was decided in reading them.
fn left_out(labeler: &Labeler, findings: &mut Vec<Finding>) {
    for LeftOut { why, lines, first } in labeler.left_out() {
        let lines = count(*lines, "line");
        let message = format!("{lines} of the ground truth left out, since {why}");
        findings.push(Finding::warning("lines-left-out", message).about(first));
    }
    for (file, what) in labeler.read_as() {
        findings.push(Finding::information("read-as", what.clone()).about(file));
    }
}

fn flips(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    for (number, counts) in tally.rules.iter().filter(|(_, counts)| counts.reverse > 0) {
        if let Some((rule, _)) = labeler.rule(*number) {
            let message = format!(
                "{} of {} flows of this rule were opened by the victim; say `direction:` if only one way is meant",
                counts.reverse, counts.rows
            );
            // Who says what is meant has thought of it.
            let either = |v: &Variant| v.direction == Direction::Either;
            if rule.variants.first().is_some_and(either) {
                findings.push(Finding::information("flip", message).about(rule.id()));
            }
        }
    }
}

fn empty_rules(
    report: &Report,
    labeler: &Labeler,
    tally: &Tally,
    misses: Option<&Misses>,
    around: &Surroundings,
    findings: &mut Vec<Finding>,
) {
    for (number, row) in report
        .rules
        .iter()
        .enumerate()
        .filter(|(number, row)| row.rows == 0 && !around.packet_claims.contains_key(number))
    {
        let why = match misses.and_then(|misses| misses.rules.get(&number)) {
            Some(miss) => labeler.rule(number).map(|(rule, _)| explain(rule, miss)),
            None => None,
        };
        let is_of_packets = || {
            labeler
                .rule(number)
                .is_some_and(|(rule, _)| rule.is_of_packets())
        };
        let why = if tally.rows == 0 {
            Some("there are no flows".to_owned())
        } else if around.without_packets && is_of_packets() {
            Some("rules for packets are about flows of netcap's own policy".to_owned())
        } else {
            why
        };
        let why = why.map(|why| format!("; {why}")).unwrap_or_default();
        let message = format!("rule in {}:{} matched no flow{why}", row.file, row.line);
        findings.push(Finding::warning("rule-empty", message).about(&row.id));
    }
}

/// Rules that match, and never decide.
fn shadowed(labeler: &Labeler, tally: &Tally, around: &Surroundings, findings: &mut Vec<Finding>) {
    for (number, counts) in &tally.rules {
        let lost: u64 = counts.lost_to.values().sum();
        let packets = around.packet_claims.get(number);
        let decides = lost < counts.rows || packets.is_some_and(|packets| packets.decided > 0);
        let (Some((rule, _)), true) = (labeler.rule(*number), lost > 0 && !decides) else {
            continue;
        };
        let id = |number: usize| labeler.rule(number).map_or("", |(rule, _)| rule.id());
        let winners: Vec<String> =
            most(counts.lost_to.iter().map(|(rule, rows)| (id(*rule), *rows)));
        let message = format!(
            "decides none of the {} that it matches: others come first ({})",
            count(counts.rows, "flow"),
            winners.join(", ")
        );
        let finding = Finding::information("rule-shadowed", message).about(rule.id());
        findings.push(finding.affecting(counts.rows));
    }
}

fn unseen_hosts(
    labeler: &Labeler,
    tally: &Tally,
    misses: Option<&Misses>,
    findings: &mut Vec<Finding>,
) {
    for rule in labeler.rules() {
        if let Some(captures) = rule.captures.as_ref().filter(|c| c.are_missing()) {
            let message =
                format!("the rule is about captures that are not in the output: {captures}");
            findings.push(Finding::information("host-unseen", message).about(rule.id()));
        }
    }
    // Without flows nothing was seen, and that was said.
    let unseen = labeler
        .mentions()
        .unseen(&tally.seen)
        .filter(|_| tally.rows > 0);
    for (number, text) in unseen {
        let near = misses.and_then(|misses| misses.hosts.get(&number));
        let near: Vec<String> = near
            .map(|near| most(near.iter().map(|(h, n)| (*h, *n))))
            .unwrap_or_default();
        let hint = match (near.as_slice(), misses) {
            ([], Some(_)) => "; nor did any other host of its network".to_owned(),
            ([], None) => String::new(),
            (near, _) => format!("; of its network there are {}", near.join(", ")),
        };
        let message = match labeler.mentions().seen_beside(number, &tally.seen) {
            Some(other) => {
                format!("this address of the host never appears in the flows; {other} does")
            }
            None => format!("this host of the rules never appears in the flows{hint}"),
        };
        findings.push(Finding::information("host-unseen", message).about(text));
    }
}

fn conflicts(report: &Report, labeler: &Labeler, findings: &mut Vec<Finding>) {
    for conflict in &report.conflicts {
        let flows_match = match conflict.rows {
            1 => "1 flow matches".to_owned(),
            rows => format!("{rows} flows match"),
        };
        let message = format!(
            "{flows_match} both `{}` and `{}`, of equal priority and different labels (the first at {})",
            conflict.winner, conflict.loser, conflict.first
        );
        let subject = format!("{} / {}", conflict.winner, conflict.loser);
        // Who states how conflicts are decided has thought of them.
        findings.push(if labeler.conflicts_stated() {
            Finding::information("conflict", message).about(subject)
        } else {
            let remedy = match labeler.files().iter().all(|file| file.contains(".csv")) {
                true => "Give one a higher `priority`, in a column of that name",
                false => "Say `priority:` in one, or `conflicts:` in the file",
            };
            let message =
                format!("{message}; the one that stands first in the file decided. {remedy}");
            Finding::warning("conflict", message).about(subject)
        });
    }
}

/// Flows that no rule could decide.
fn ambiguous(report: &Report, tally: &Tally, findings: &mut Vec<Finding>) {
    let rows = report
        .states
        .iter()
        .filter(|row| row.state == State::Ambiguous);
    let flows: u64 = rows.map(|row| row.rows).sum();
    if flows == 0 {
        return;
    }
    let rules: Vec<String> = report
        .rules
        .iter()
        .filter(|rule| rule.uncertain > 0)
        .map(|rule| format!("{} of `{}`", rule.uncertain, rule.id))
        .collect();
    let disputed = tally.disputed.min(flows);
    let mut why = Vec::new();
    if disputed > 0 {
        why.push(format!(
            "rules of different labels match {disputed} of them"
        ));
    }
    if flows > disputed {
        why.push(format!(
            "{} so near to a bound that the clock cannot tell (of what rules match: {})",
            flows - disputed,
            rules.join(", ")
        ));
    }
    let flows_have = match flows {
        1 => "1 flow has".to_owned(),
        _ => format!("{flows} flows have"),
    };
    let message = format!("{flows_have} no certain label: {}", why.join("; "));
    findings.push(Finding::information("ambiguous", message).affecting(flows));
}

/// Flows across a bound, whose label depends on the time test.
fn edges(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    for (number, counts) in &tally.rules {
        let at = |edge| counts.edges.get(&edge).copied().unwrap_or(0);
        let (start, end, both) = (
            at(Edge::CrossesStart),
            at(Edge::CrossesEnd),
            at(Edge::Covers),
        );
        let crossing = start + end + both;
        let Some((rule, _)) = labeler.rule(*number).filter(|_| crossing > 0) else {
            continue;
        };
        let message = format!(
            "{crossing} of {} flows cross a bound of its times ({start} the start, {end} the end, {both} both): with `test: start` {} would be lost, with `test: contained` {crossing}",
            counts.rows,
            start + both
        );
        findings.push(
            Finding::information("edge", message)
                .about(rule.id())
                .affecting(crossing),
        );
    }
}

/// Sets with more addresses have no roles that clash.
const FEW: usize = 16;
/// Clashes that are told one by one.
const MOST_CLASHES: usize = 5;

/// Addresses that are attackers here and victims there.
fn role_clashes(labeler: &Labeler, findings: &mut Vec<Finding>) {
    let mut roles: BTreeMap<std::net::IpAddr, [Vec<&str>; 2]> = BTreeMap::new();
    for rule in labeler.rules() {
        for (side, hosts) in [&rule.attackers, &rule.victims].into_iter().enumerate() {
            for address in hosts.addresses().addresses(FEW).unwrap_or_default() {
                if let Some(rules) = roles.entry(address).or_default().get_mut(side) {
                    rules.push(rule.id());
                }
            }
        }
    }
    roles.retain(|_, roles| roles.iter().all(|rules| !rules.is_empty()));
    if let Some(more) = roles
        .len()
        .checked_sub(MOST_CLASHES)
        .filter(|more| *more > 0)
    {
        let message = format!("and {more} more hosts that are attackers and victims");
        findings.push(Finding::information("role-clash", message));
    }
    for (address, [attacks, suffers]) in roles.into_iter().take(MOST_CLASHES) {
        let (Some(attack), Some(suffer)) = (attacks.first(), suffers.first()) else {
            continue;
        };
        let message = format!(
            "attacker in {} rules (`{attack}`) and victim in {} (`{suffer}`)",
            attacks.len(),
            suffers.len()
        );
        findings.push(Finding::information("role-clash", message).about(address.to_string()));
    }
}

/// Ports at which the class of an attack is expected.
const USUAL: [(&[&str], &[u16]); 8] = [
    (&["ssh"], &[22]),
    (&["ftp"], &[20, 21]),
    (&["telnet"], &[23]),
    (&["smtp"], &[25, 465, 587]),
    (&["dns"], &[53]),
    (&["ntp"], &[123]),
    (&["rdp"], &[3389]),
    (
        &[
            "http",
            "web",
            "xss",
            "sql injection",
            "sqli",
            "slowloris",
            "hulk",
            "goldeneye",
        ],
        &[80, 443, 8000, 8008, 8080, 8443],
    ),
];

/// Rules whose flows go elsewhere than the name of their class says.
fn ports(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    for (number, counts) in &tally.rules {
        let (Some((rule, _)), Some(((protocol, Some(port)), flows))) =
            (labeler.rule(*number), tally.traffic.usual_port(*number))
        else {
            continue;
        };
        let class = rule.label().to_lowercase();
        let usual = USUAL
            .iter()
            .find(|(words, _)| words.iter().any(|word| class.contains(word)));
        let Some((_, ports)) = usual.filter(|(_, ports)| !ports.contains(&port)) else {
            continue;
        };
        if flows.saturating_mul(2) <= counts.rows {
            continue;
        }
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let message = format!(
            "{flows} of {} flows of \"{}\" go to port {port} (protocol {protocol}), where {} would be usual",
            counts.rows,
            rule.label(),
            ports.join(", ")
        );
        findings.push(
            Finding::information("proto-mismatch", message)
                .about(rule.id())
                .affecting(flows),
        );
    }
}

/// Connections in several flows.
fn splits(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    for (number, traffic) in tally
        .traffic
        .rules
        .iter()
        .filter(|(_, t)| t.later_parts > 0)
    {
        if let Some((rule, _)) = labeler.rule(*number) {
            let message = format!(
                "{} flows are later parts of a connection, up to part {}: count connections by `connection` to compare",
                traffic.later_parts, traffic.parts
            );
            let finding = Finding::information("split", message).about(rule.id());
            findings.push(finding.affecting(traffic.later_parts));
        }
    }
}

/// The nearest miss of a rule, in words.
fn explain(rule: &Rule, miss: &Miss) -> String {
    if let Some(captures) = rule.captures.as_ref().filter(|c| c.are_missing()) {
        return format!("it is about captures that are not in the output: {captures}");
    }
    if miss.exempt > 0 && rule.is_of_packets() {
        return format!(
            "{} flows fit, but it claims none of their packets",
            miss.exempt
        );
    }
    if miss.exempt > 0 {
        return format!(
            "{} flows fit, but its refinements take all of them out",
            miss.exempt
        );
    }
    let mut parts: Vec<(u64, Part)> = miss
        .without
        .iter()
        .map(|(part, rows)| (*rows, *part))
        .collect();
    parts.sort_by_key(|(rows, part)| (std::cmp::Reverse(*rows), *part));
    if parts.is_empty() {
        return explain_two(miss);
    }
    let told: Vec<String> = parts
        .iter()
        .take(3)
        .map(|(rows, part)| {
            let what = name(*part);
            let detail = match part {
                Part::Time => miss.nearest.map(|nearest| {
                    let side = if nearest.is_before { "before" } else { "after" };
                    format!(
                        " (the nearest is {} {side} it, at {})",
                        duration::show(nearest.distance),
                        show_utc(nearest.start)
                    )
                }),
                Part::Direction => Some(match rule.variants.first().map(|base| base.direction) {
                    Some(crate::label::model::Direction::Forward) => {
                        " (the victims opened them)".to_owned()
                    }
                    _ => " (the attackers opened them)".to_owned(),
                }),
                Part::Ports if miss.turned == *rows => Some(
                    " (the attackers have these: attackers and victims may be exchanged)"
                        .to_owned(),
                ),
                Part::Ports if !miss.ports.is_empty() => {
                    let shown = |(port, protocol): &(u16, u8)| {
                        format!("{port}/{}", protocol_name(*protocol))
                    };
                    let ports: Vec<(String, u64)> = miss
                        .ports
                        .iter()
                        .map(|(port, rows)| (shown(port), *rows))
                        .collect();
                    let ports = ports.iter().map(|(port, rows)| (port.as_str(), *rows));
                    let of_attackers = match miss.turned {
                        0 => String::new(),
                        flows => format!(
                            "; in {flows} it is the attackers' port, of which `ports:` says nothing"
                        ),
                    };
                    let there = most(ports).join(", ");
                    Some(format!(" (there: {there}{of_attackers})"))
                }
                _ => miss.instead.get(part).map(|hosts| {
                    format!(
                        " (there: {})",
                        most(hosts.iter().map(|((_, host), rows)| (*host, *rows))).join(", ")
                    )
                }),
            };
            format!(
                "{rows} would match but for {what}{}",
                detail.unwrap_or_default()
            )
        })
        .collect();
    format!("nearest miss: {}", told.join("; "))
}

/// What comes nearest to a rule, if no flow fails only one of its conditions.
fn explain_two(miss: &Miss) -> String {
    let most = miss
        .without_two
        .iter()
        .max_by_key(|(parts, rows)| (**rows, std::cmp::Reverse(**parts)));
    match most {
        Some((parts @ [first, second], rows)) => format!(
            "no flow fits all but one of its conditions; {rows} would match but for {} and {}{}",
            name(*first),
            name(*second),
            match parts {
                [Part::Attackers, Part::Victims] if miss.exchanged == *rows =>
                    " (each is where the other should be: they may be exchanged)",
                _ => "",
            }
        ),
        None => "no flow fits all but two of its conditions".to_owned(),
    }
}

fn name(part: Part) -> &'static str {
    match part {
        Part::Time => "the time",
        Part::Captures => "the captures or ids",
        Part::Icmp => "the ICMP message",
        Part::Attackers => "the attackers",
        Part::Victims => "the victims",
        Part::Direction => "the direction",
        Part::Ports => "the ports",
        Part::Protocol => "the protocol",
        Part::Condition => "the condition `if:`",
    }
}

/// The three most frequent.
fn most<T: Ord + Copy + std::fmt::Display>(found: impl Iterator<Item = (T, u64)>) -> Vec<String> {
    let mut found: Vec<(T, u64)> = found.collect();
    found.sort_by_key(|(what, rows)| (std::cmp::Reverse(*rows), *what));
    found
        .iter()
        .take(3)
        .map(|(what, rows)| format!("{what} in {rows}"))
        .collect()
}
