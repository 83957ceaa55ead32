//! Reads a whole label file in YAML: version, zone, hosts, covers, defaults, rules.
//!
//! A single rule is read in [`crate::label::rule`], clocks in [`crate::label::clock`].

use std::collections::BTreeMap;

use crate::label::clock::{self, Captured};
use crate::label::columns::Columns;
use crate::label::fields::Fields;
use crate::label::interval::{Frame, Interval};
use crate::label::keys;
use crate::label::model::{Conflicts, Cover, GroundTruth, Rule, Unit};
use crate::label::moment;
use crate::label::names::Names;
use crate::label::problems::{At, Problems};
use crate::label::rule::{self, Context};
use crate::label::side::Hosts;
use crate::label::values;
use crate::label::yaml::{Kind, Node};

/// Reads the tree of a file; what is wrong goes to `problems`.
pub(super) fn read(
    root: &Node,
    file: &str,
    columns: &Columns,
    captured: Option<&dyn Captured>,
    problems: &mut Problems,
) -> Option<GroundTruth> {
    let says_so = match &root.kind {
        Kind::Map(entries) => entries.iter().any(|entry| entry.key == "netcap-labels"),
        _ => false,
    };
    if !says_so {
        problems.add_help(
            root.at,
            "this does not say that it is a label file",
            "the first line of one is `netcap-labels: 1`",
        );
        return None;
    }
    let fields = Fields::read(root, &keys::FILE, problems);
    let version = fields.get("netcap-labels")?;
    if !matches!(&version.kind, Kind::Text(text) if text.value == "1") {
        problems.add(
            version.at,
            "this version of netcap reads version 1 of label files",
        );
        return None;
    }
    let zone = fields.get("zone").and_then(|node| {
        // A wrong zone is reported once; UTC keeps each time from being reported for it.
        let zone = values::parsed("zone", node, problems, moment::parse_zone);
        zone.or(Some(jiff::tz::TimeZone::UTC))
    });
    let frame = Frame {
        zone,
        ..Frame::default()
    };
    let context = Context {
        columns,
        names: fields
            .get("hosts")
            .map(|node| Names::read(node, problems))
            .unwrap_or_default(),
        clocks: fields
            .get("clocks")
            .map(|node| clock::read(node, &frame, captured, problems))
            .unwrap_or_default(),
        frame,
    };
    let covers = fields
        .get("covers")
        .map(|node| covers(node, &context, problems))
        .unwrap_or_default();
    let stated = fields
        .get("conflicts")
        .and_then(|node| values::choice("conflicts", node, keys::CONFLICTS, problems));
    let unit = fields
        .get("unit")
        .and_then(|node| values::choice("unit", node, keys::UNITS, problems));
    let rules = rules(&fields, &context, problems);
    Some(GroundTruth {
        file: file.to_owned(),
        conflicts: match stated {
            Some("last") => Conflicts::Last,
            Some("all") => Conflicts::All,
            Some("ambiguous") => Conflicts::Ambiguous,
            _ => Conflicts::First,
        },
        conflicts_stated: stated.is_some(),
        rules,
        covers,
        unit: unit.map(|unit| match unit {
            "connection" => Unit::Connection,
            _ => Unit::Flow,
        }),
        left_out: Vec::new(),
        read_as: Vec::new(),
        extra: fields.get("extra").map(Node::to_json),
    })
}

fn covers(node: &Node, context: &Context<'_>, problems: &mut Problems) -> Vec<Cover> {
    let everything = || Cover {
        hosts: Hosts::any(),
        time: vec![Interval::ALWAYS],
        captures: None,
    };
    match &node.kind {
        Kind::Text(text) if text.value.trim().eq_ignore_ascii_case("all") => vec![everything()],
        Kind::List(items) => {
            let mut covers = Vec::new();
            for item in items {
                let fields = Fields::read(item, &keys::COVERS, problems);
                let frame = values::frame(&fields, true, &context.frame, &context.clocks, problems);
                let mut cover = everything();
                if let Some(node) = fields.get("hosts") {
                    cover.hosts = context.names.side(node, problems);
                }
                cover.captures = fields
                    .get("in")
                    .map(|node| values::captures(node, problems));
                if let Some(node) = fields.get("time") {
                    cover.time = values::times(node, &frame, problems).0;
                }
                covers.push(cover);
            }
            covers
        }
        _ => {
            problems.add_help(
                node.at,
                format!(
                    "`covers:` must be a list or `all`, and this is {}",
                    node.what()
                ),
                "write `- {hosts: [office], time: 2026-05-04 09:00 .. 17:00}`",
            );
            Vec::new()
        }
    }
}

fn rules(file: &Fields<'_>, context: &Context<'_>, problems: &mut Problems) -> Vec<Rule> {
    let defaults = match file.get("defaults") {
        Some(node) => {
            let fields = Fields::read(node, &keys::RULE, problems);
            if let Some(id) = fields.get("id") {
                problems.add(id.at, "`id:` differs from rule to rule and has no default");
            }
            fields
        }
        None => Fields::empty(file.at, &keys::RULE),
    };
    let Some(node) = file.get("rules") else {
        return Vec::new();
    };
    let Kind::List(items) = &node.kind else {
        if node.kind != Kind::Null {
            problems.add_help(
                node.at,
                format!("`rules:` must be a list, and this is {}", node.what()),
                "begin each rule with `- id: …`",
            );
        }
        return Vec::new();
    };
    let mut rules = Vec::with_capacity(items.len());
    let mut ids: BTreeMap<String, At> = BTreeMap::new();
    for item in items {
        let own = Fields::read(item, &keys::RULE, problems);
        if !matches!(item.kind, Kind::Map(_)) {
            continue;
        }
        if let Some(Node {
            kind: Kind::Text(id),
            at,
        }) = own.get("id")
        {
            unique(&id.value, *at, &mut ids, problems);
        }
        let fields = own.with_defaults(&defaults);
        fields.require(problems);
        rules.extend(rule::read(&fields, None, context, problems));
    }
    rules
}

/// Reports an id that an earlier rule has.
pub(super) fn unique(id: &str, at: At, ids: &mut BTreeMap<String, At>, problems: &mut Problems) {
    if let Some(first) = ids.get(id) {
        problems.add(
            at,
            format!("the id `{id}` is used twice; first in line {}", first.line),
        );
    } else {
        ids.insert(id.to_owned(), at);
    }
}
