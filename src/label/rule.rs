//! Reads one rule, from YAML or from a line of CSV: the same keys, the same checks.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::label::clock::Clock;
use crate::label::columns::Columns;
use crate::label::condition;
use crate::label::fields::Fields;
use crate::label::interval::{Frame, Interval};
use crate::label::keys;
use crate::label::model::{Direction, Ids, Rule, Test, Variant};
use crate::label::names::Names;
use crate::label::packets::{self, Numbers};
use crate::label::problems::{At, Problems};
use crate::label::service::{self, Ports};
use crate::label::side::Hosts;
use crate::label::values;
use crate::label::verdict::State;
use crate::label::yaml::{Kind, Node, Text};

/// What the rules of a file have in common.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) columns: &'a Columns,
    pub(super) names: Names,
    pub(super) clocks: BTreeMap<String, Clock>,
    pub(super) frame: Frame,
}

/// The two ends of a rule's time where they stand apart, as in CSV, each with its place.
pub(super) type Ends<'a> = [(&'a str, At); 2];

/// Reads a rule whose keys were found; `None` if something essential is wrong.
pub(super) fn read(
    fields: &Fields<'_>,
    ends: Option<Ends<'_>>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<Rule> {
    let before = problems.len();
    let id = fields.get("id").and_then(|node| id(node, problems));
    let label = fields.get("label").and_then(|node| label(node, problems));
    let mut frame = values::frame(fields, true, &context.frame, &context.clocks, problems);
    frame.half_open = fields
        .get("bounds")
        .and_then(|node| values::choice("bounds", node, keys::BOUNDS, problems))
        == Some("half-open");
    frame.slack = fields
        .get("slack")
        .map_or([0; 2], |node| slack(node, problems));
    let ids = ids(fields, problems);
    let packets = fields.get("packets").map(|node| numbers(node, problems));
    let names_rows = ids.is_some() || packets.is_some();
    let (time, day) = match (ends, fields.get("time")) {
        (Some([start, end]), _) => match values::range(start, end, &frame, problems) {
            Some((interval, _)) => (vec![interval], None),
            None => (vec![], None),
        },
        (None, Some(node)) => values::times(node, &frame, problems),
        (None, None) => {
            if !names_rows && !fields.meant("time") {
                problems.add_help(
                    fields.at,
                    "a rule needs `time:`",
                    "write `10:20 .. 11:05`, or `always`",
                );
            }
            (vec![Interval::ALWAYS], frame.date)
        }
    };
    let attackers = side("attackers", fields, context, problems);
    let victims = side("victims", fields, context, problems);
    let hosts_meant = fields.meant("attackers") || fields.meant("victims");
    if attackers.is_none() && victims.is_none() && !names_rows && !hosts_meant {
        problems.add_help(
            fields.at,
            "a rule needs `attackers:` or `victims:`",
            "for all hosts write `attackers: any`",
        );
    }
    let mut base = base(fields, &time, context, problems);
    if packets.is_some() {
        base.test = Test::Packet;
    }
    let grey = fields.get("grey").and_then(|node| grey(node, problems));
    let icmp_errors = fields
        .get("icmp_errors")
        .and_then(|node| values::choice("icmp_errors", node, keys::YES_NO, problems));
    let label = label?;
    let stated = fields
        .get("state")
        .and_then(|node| values::choice("state", node, keys::RULE_STATES, problems));
    let state = match stated.and_then(State::from_name) {
        _ if label.eq_ignore_ascii_case("benign") => State::Benign,
        Some(state) => state,
        None => State::Malicious,
    };
    let mut variants = vec![Variant {
        state: Some(state),
        ..base
    }];
    refinements(fields, &frame, day, context, &mut variants, problems);
    let mitre = fields
        .get("mitre")
        .map(|node| mitre(node, problems))
        .unwrap_or_default();
    let priority = fields
        .get("priority")
        .and_then(|node| values::integer("priority", node, problems))
        .unwrap_or(0);
    let capture_packets = fields
        .get("capture_packets")
        .and_then(|node| values::integer("capture_packets", node, problems))
        .and_then(|number| u64::try_from(number).ok());
    let expected = fields
        .get("expected_flows")
        .map(|node| expected(node, problems))
        .unwrap_or_default();
    let id = id?;
    let episodes = (1..=time.len()).map(|n| format!("{id}#{n}")).collect();
    (problems.len() == before && !time.is_empty()).then(|| Rule {
        label: if state == State::Benign {
            "benign".to_owned()
        } else {
            label
        },
        line: fields.at.line,
        priority,
        attackers: attackers.unwrap_or_else(Hosts::any),
        victims: victims.unwrap_or_else(Hosts::any),
        captures: fields
            .get("in")
            .map(|node| values::captures(node, problems)),
        ids,
        packets,
        capture_packets,
        icmp_errors: icmp_errors == Some("yes"),
        grey: grey.unwrap_or(0),
        slack: frame.slack,
        time,
        variants,
        episodes,
        mitre,
        expected,
        extra: fields.get("extra").map(Node::to_json),
        id,
    })
}

/// `30s`, or a list of two: before and after.
fn slack(node: &Node, problems: &mut Problems) -> [i64; 2] {
    let mut one = |node: &Node| values::length("slack", node, problems).unwrap_or(0);
    match &node.kind {
        Kind::List(items) => match items.as_slice() {
            [before, after] => [one(before), one(after)],
            _ => {
                problems.add(
                    node.at,
                    "`slack:` is one length of time, or a list of two: before and after",
                );
                [0; 2]
            }
        },
        _ => [one(node); 2],
    }
}

/// A length of time, or `always`.
fn grey(node: &Node, problems: &mut Problems) -> Option<i64> {
    match &node.kind {
        Kind::Text(text) if text.value.trim().eq_ignore_ascii_case("always") => Some(i64::MAX),
        _ => values::length("grey", node, problems),
    }
}

fn ids(fields: &Fields<'_>, problems: &mut Problems) -> Option<Ids> {
    let mut of = [const { Vec::new() }; 2];
    for (key, known) in ["flow_uid", "community_id"].into_iter().zip(&mut of) {
        let Some(node) = fields.get(key) else {
            continue;
        };
        for text in values::texts(key, node, problems) {
            known.extend(text.value.split_whitespace().map(str::to_owned));
        }
        known.sort();
        known.dedup();
    }
    of.iter()
        .any(|known| !known.is_empty())
        .then_some(Ids { of })
}

fn numbers(node: &Node, problems: &mut Problems) -> Numbers {
    let read = |text: &Text| packets::parse(&text.value);
    Numbers::new(values::each("packets", node, problems, read).concat())
}

/// Names of rules go into file names, columns and episodes (`id#1`).
fn id(node: &Node, problems: &mut Problems) -> Option<String> {
    let text = values::text("id", node, problems)?;
    let id = text.value.trim();
    if id
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '#')
    {
        problems.add_help(
            node.at,
            format!("the id `{id}` has a space or `#` in it"),
            format!(
                "write `{}`",
                id.replace(|c: char| c.is_whitespace() || c == '#', "-")
            ),
        );
        return None;
    }
    Some(id.to_owned())
}

fn label(node: &Node, problems: &mut Problems) -> Option<String> {
    let text = values::text("label", node, problems)?;
    let label = text.value.trim();
    if label.chars().any(char::is_control) {
        problems.add(
            node.at,
            "the label has a line break or another control character in it",
        );
        return None;
    }
    Some(label.to_owned())
}

fn side(
    key: &str,
    fields: &Fields<'_>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<Hosts> {
    fields
        .get(key)
        .map(|node| context.names.side(node, problems))
}

/// The conditions of the rule itself.
fn base(
    fields: &Fields<'_>,
    time: &[Interval],
    context: &Context<'_>,
    problems: &mut Problems,
) -> Variant {
    let test = fields
        .get("test")
        .and_then(|n| values::choice("test", n, keys::TESTS, problems));
    let variant = Variant {
        state: None,
        category: None,
        time: time.to_vec(),
        test: match test {
            Some("start" | "flow-start") => Test::Start,
            Some("end" | "flow-end") => Test::End,
            Some("contained") => Test::Contained,
            Some("majority") => Test::Majority,
            Some("packet") => Test::Packet,
            _ => Test::Overlap,
        },
        direction: Direction::Either,
        ports: None,
        protocols: None,
        icmp: None,
        conditions: Vec::new(),
    };
    narrowed(variant, fields, context, problems)
}

/// A variant with the ports, protocol and direction of a mapping in place of its own, and with its
/// condition besides.
fn narrowed(
    mut variant: Variant,
    fields: &Fields<'_>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Variant {
    let direction = fields
        .get("direction")
        .and_then(|node| values::choice("direction", node, keys::DIRECTIONS, problems));
    match direction {
        Some("forward") => variant.direction = Direction::Forward,
        Some("reverse") => variant.direction = Direction::Reverse,
        Some(_) => variant.direction = Direction::Either,
        None => {}
    }
    let known = problems.len();
    if let Some(node) = fields.get("protocol") {
        variant.protocols = all("protocol", node, problems, service::parse_protocols);
    }
    if let Some(node) = fields.get("ports") {
        variant.ports = all("ports", node, problems, service::parse_ports);
    }
    if let Some(node) = fields.get("icmp") {
        variant.icmp = all("icmp", node, problems, service::parse_icmp);
    }
    if let Some(node) = fields.get("ports").or_else(|| fields.get("protocol"))
        && problems.len() == known
    {
        contradiction(node, &variant, problems);
    }
    if let Some(node) = fields.get("if") {
        let condition = values::parsed("if", node, problems, |text| {
            condition::parse(text, context.columns)
        });
        variant.conditions.extend(condition);
    }
    variant
}

/// The values of a text or list; `None` (any) if one of them is `any`.
fn all<T>(
    key: &str,
    node: &Node,
    problems: &mut Problems,
    read: impl Fn(&str) -> Result<Option<Vec<T>>, crate::label::problems::Fault>,
) -> Option<Vec<T>> {
    let mut list = Some(Vec::new());
    for text in values::texts(key, node, problems) {
        match (read(&text.value), &mut list) {
            (Ok(Some(more)), Some(list)) => list.extend(more),
            (Ok(_), _) => list = None,
            (Err(fault), _) => problems.add_fault(text.place(fault.offset), fault),
        }
    }
    list
}

/// `ports: 22/tcp` with `protocol: udp` never matches, and nobody means that.
fn contradiction(node: &Node, variant: &Variant, problems: &mut Problems) {
    let (Some(ports), Some(protocols)) = (&variant.ports, &variant.protocols) else {
        return;
    };
    let never = |port: &Ports| port.protocol.is_some_and(|own| !protocols.contains(&own));
    if let Some(own) = ports
        .iter()
        .find(|port| never(port))
        .and_then(|port| port.protocol)
    {
        let names: Vec<String> = protocols
            .iter()
            .map(|p| service::protocol_name(*p))
            .collect();
        let own = service::protocol_name(own);
        problems.add_help(
            node.at,
            format!(
                "these ports are of {own}, and the protocol is {}",
                names.join(" or ")
            ),
            "such a flow does not exist; leave one of the two out",
        );
    }
}

fn refinements(
    fields: &Fields<'_>,
    frame: &Frame,
    day: Option<Date>,
    context: &Context<'_>,
    variants: &mut Vec<Variant>,
    problems: &mut Problems,
) {
    let (node, section) = match (fields.get("attempted"), fields.get("refine")) {
        (Some(_), Some(refine)) => {
            problems.add_help(
                refine.at,
                "a rule has `attempted:` or `refine:`, and this one has both",
                "their order would not be known; write the entries under `refine:` with `state: attempted`",
            );
            return;
        }
        (Some(node), None) => (node, &keys::ATTEMPTED),
        (None, Some(node)) => (node, &keys::REFINE),
        (None, None) => return,
    };
    let Kind::List(items) = &node.kind else {
        problems.add_help(
            node.at,
            format!("refinements must be a list, and this is {}", node.what()),
            "begin each entry with `- `",
        );
        return;
    };
    let Some(base) = variants.first().cloned() else {
        return;
    };
    for item in items {
        let entry = Fields::read(item, section, problems);
        if matches!(item.kind, Kind::Map(_)) {
            entry.require(problems);
        }
        let state = match fields.get("refine") {
            Some(_) => entry
                .get("state")
                .and_then(|node| values::choice("state", node, keys::STATES, problems)),
            None => Some("attempted"),
        };
        let mut variant = narrowed(
            Variant {
                category: None,
                ..base.clone()
            },
            &entry,
            context,
            problems,
        );
        variant.state = state.and_then(State::from_name);
        variant.category = entry
            .get("category")
            .and_then(|n| values::integer("category", n, problems));
        if let Some(time) = entry.get("time") {
            if base.test == Test::Packet {
                problems.add_help(
                    time.at,
                    "an entry has no time of its own where the rule claims packets",
                    "make it a rule of its own",
                );
            }
            // A clock time in an entry is one of the day that the rule is about.
            let around = Frame {
                date: day.or(frame.date),
                ..frame.clone()
            };
            let around = values::frame(&entry, false, &around, &context.clocks, problems);
            variant.time = values::times(time, &around, problems).0;
        }
        variants.push(variant);
    }
}

fn expected(node: &Node, problems: &mut Problems) -> BTreeMap<State, u64> {
    let fields = Fields::read(node, &keys::EXPECTED, problems);
    let mut expected = BTreeMap::new();
    for state in [State::Malicious, State::Attempted] {
        let Some(node) = fields.get(state.as_str()) else {
            continue;
        };
        let flows = values::integer(state.as_str(), node, problems);
        match flows.map(u64::try_from) {
            Some(Ok(flows)) => {
                expected.insert(state, flows);
            }
            Some(Err(_)) => problems.add(node.at, "a number of flows is not negative"),
            None => {}
        }
    }
    expected
}

fn mitre(node: &Node, problems: &mut Problems) -> Vec<String> {
    let mut list = Vec::new();
    for text in values::texts("mitre", node, problems) {
        for word in text
            .value
            .split([',', ';', ' '])
            .filter(|word| !word.is_empty())
        {
            if is_technique(word) {
                list.push(word.to_owned());
            } else {
                problems.add_help(
                    text.place(0),
                    format!("`{word}` is no technique or tactic of MITRE ATT&CK"),
                    "write it as T1110, T1110.001 or TA0006",
                );
            }
        }
    }
    list
}

fn is_technique(word: &str) -> bool {
    let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    if let Some(tactic) = word.strip_prefix("TA") {
        return digits(tactic, 4);
    }
    let Some(technique) = word.strip_prefix('T') else {
        return false;
    };
    match technique.split_once('.') {
        Some((main, sub)) => digits(main, 4) && digits(sub, 3),
        None => digits(technique, 4),
    }
}
