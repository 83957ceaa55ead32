//! What the labels of a run came to: per rule, state and conflict, with findings for whoever has
//! to repair the ground truth. `report.json` is this, serialised; the screen is in
//! [`crate::label::summary`].

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Finding;
use crate::label::duration;
use crate::label::interval::show_utc;
use crate::label::labeler::Labeler;
use crate::label::misses::{Miss, Misses, Part};
use crate::label::model::{Direction, Rule, Variant};
use crate::label::tally::{RuleTally, Span, Tally};
use crate::label::verdict::{Edge, State};

/// What the labels of a run came to. The order of everything in it is that of the files, or of
/// names: the same flows give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Flows that were labeled.
    pub rows: u64,
    /// First start and last end of the flows.
    pub flows: Option<Range>,
    /// First start and last end of the rules that have any.
    pub labels: Option<Range>,
    /// Flows by state and class.
    pub states: Vec<StateRow>,
    /// The rules, in the order of the files.
    pub rules: Vec<RuleRow>,
    /// Pairs of rules that contradicted each other.
    pub conflicts: Vec<ConflictRow>,
    /// What a user should know of.
    pub findings: Vec<Finding>,
}

/// A range of time, RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The earliest.
    pub first: String,
    /// The latest.
    pub last: String,
}

/// Flows of one state and class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateRow {
    /// The state.
    pub state: State,
    /// The class, or the claimed class where the state is not certain.
    pub label: Option<String>,
    /// Flows.
    pub rows: u64,
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleRow {
    /// Its id.
    pub id: String,
    /// Its class.
    pub label: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// Its intervals, in capture time; none if it always applies.
    pub intervals: Vec<Range>,
    /// Flows that it matched.
    pub rows: u64,
    /// Of these, flows whose label it made.
    pub won: u64,
    /// Flows that another rule decided.
    pub lost: u64,
    /// Flows so near to a bound that the clock cannot tell.
    pub uncertain: u64,
    /// Flows that an attacker opened.
    pub forward: u64,
    /// Flows that a victim opened.
    pub reverse: u64,
    /// Flows by what the rule says of them.
    pub states: BTreeMap<State, u64>,
    /// Flows by how they lie to the interval.
    pub edges: BTreeMap<Edge, u64>,
    /// First start and last end of the flows.
    pub seen: Option<Range>,
}

/// Two rules of different classes and equal priority that matched the same flows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConflictRow {
    /// Id of the one that came first.
    pub winner: String,
    /// Id of the other.
    pub loser: String,
    /// Flows.
    pub rows: u64,
    /// Start of the first of them.
    pub first: String,
}

impl Report {
    /// Makes the report. Without `misses` empty rules are named but not explained.
    pub fn new(labeler: &Labeler, tally: &Tally, misses: Option<&Misses>) -> Self {
        let id = |rule: usize| {
            labeler
                .rule(rule)
                .map_or_else(String::new, |(r, _)| r.id.clone())
        };
        let mut report = Self {
            rows: tally.rows,
            flows: tally.span.map(|span| range(span.first, span.last)),
            labels: bounds(labeler).map(|span| range(span.first, span.last)),
            states: tally
                .states
                .iter()
                .map(|((state, label), rows)| StateRow {
                    state: *state,
                    label: label.clone(),
                    rows: *rows,
                })
                .collect(),
            rules: (0..labeler.rules().len())
                .filter_map(|number| {
                    let (rule, file) = labeler.rule(number)?;
                    Some(row(rule, file, tally.rules.get(&number)))
                })
                .collect(),
            conflicts: tally
                .conflicts
                .iter()
                .map(|((winner, loser), conflict)| ConflictRow {
                    winner: id(*winner),
                    loser: id(*loser),
                    rows: conflict.rows,
                    first: show_utc(conflict.first),
                })
                .collect(),
            findings: Vec::new(),
        };
        report.findings = findings(&report, labeler, tally, misses);
        report
    }

    /// The report as `report.json` has it: indented, with a line break at its end.
    pub fn to_json(&self) -> String {
        // Maps with keys that are no text are the only thing that could fail here.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// A summary for people: tables of at most 80 columns, texts of at most `width`, one screen.
    pub fn summary(&self, width: usize) -> String {
        crate::label::summary::write(self, width)
    }
}

fn range(first: i64, last: i64) -> Range {
    Range {
        first: show_utc(first),
        last: show_utc(last),
    }
}

fn row(rule: &Rule, file: &str, tally: Option<&RuleTally>) -> RuleRow {
    let none = RuleTally::default();
    let tally = tally.unwrap_or(&none);
    let bounded = rule.time.iter().filter(|interval| interval.is_bounded());
    RuleRow {
        id: rule.id.clone(),
        label: rule.label.clone(),
        file: file.to_owned(),
        line: rule.line,
        intervals: bounded
            .map(|interval| range(interval.start, interval.end))
            .collect(),
        rows: tally.rows,
        won: tally.won,
        lost: tally.rows - tally.won,
        uncertain: tally.uncertain,
        forward: tally.forward,
        reverse: tally.reverse,
        states: tally.states.clone(),
        edges: tally.edges.clone(),
        seen: tally.span.map(|span| range(span.first, span.last)),
    }
}

/// How many intervals the rules have, if all begin and end with a minute.
fn in_minutes(labeler: &Labeler) -> Option<usize> {
    const MINUTE: i64 = 60_000_000_000;
    let times = labeler.rules().iter().flat_map(|rule| &rule.time);
    let bounded: Vec<_> = times.filter(|time| time.is_bounded()).collect();
    let whole =
        |bound: i64| bound == i64::MIN || bound == i64::MAX || bound.rem_euclid(MINUTE) == 0;
    let all = bounded
        .iter()
        .all(|time| whole(time.start) && whole(time.end.saturating_add(1)));
    (all && !bounded.is_empty()).then_some(bounded.len())
}

/// First start and last end of all rules that have a time.
fn bounds(labeler: &Labeler) -> Option<Span> {
    let times = || {
        labeler
            .rules()
            .iter()
            .flat_map(|rule| &rule.time)
            .filter(|t| t.is_bounded())
    };
    let first = times()
        .map(|time| time.start.saturating_sub(time.unsure))
        .min()?;
    let last = times()
        .map(|time| time.end.saturating_add(time.unsure))
        .max()?;
    Some(Span { first, last })
}

fn findings(
    report: &Report,
    labeler: &Labeler,
    tally: &Tally,
    misses: Option<&Misses>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    // First, since it explains most of the others.
    if let Some(better) = tally.offsets.better() {
        let way = if better.offset_ns < 0 {
            "earlier"
        } else {
            "later"
        };
        findings.push(Finding::warning(
            "offset-hint",
            format!(
                "if all times of the rules were {} {way}, {} flows of a sample would be attacks, and {} are now; check zone, daylight saving and clock",
                duration::show(better.offset_ns),
                better.then,
                better.now,
            ),
        ));
    }
    if let (Some(labels), Some(flows)) = (bounds(labeler), tally.span)
        && (labels.last < flows.first || flows.last < labels.first)
    {
        let (side, gap) = if labels.last < flows.first {
            ("after", flows.first.saturating_sub(labels.last))
        } else {
            ("before", labels.first.saturating_sub(flows.last))
        };
        findings.push(Finding::warning(
            "range-disjoint",
            format!(
                "ground truth and flows do not meet in time: the rules are about {} .. {}, the flows are {} .. {}, {} {side} them; check zone and date",
                show_utc(labels.first),
                show_utc(labels.last),
                show_utc(flows.first),
                show_utc(flows.last),
                duration::show(gap),
            ),
        ));
    }
    if let Some(intervals) = in_minutes(labeler) {
        findings.push(Finding::information(
            "resolution",
            format!(
                "all times of the rules ({intervals}) are whole minutes: flows within a minute of a bound may be on its wrong side"
            ),
        ));
    }
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
    for (number, row) in report
        .rules
        .iter()
        .enumerate()
        .filter(|(_, row)| row.rows == 0)
    {
        let why = match misses.and_then(|misses| misses.rules.get(&number)) {
            Some(miss) => labeler.rule(number).map(|(rule, _)| explain(rule, miss)),
            None => None,
        };
        let why = if tally.rows == 0 {
            Some("there are no flows".to_owned())
        } else {
            why
        };
        let why = why.map(|why| format!("; {why}")).unwrap_or_default();
        let message = format!("rule in {}:{} matched no flow{why}", row.file, row.line);
        findings.push(Finding::warning("rule-empty", message).about(&row.id));
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
        findings.push(
            Finding::information(
                "host-unseen",
                format!("this host of the rules never appears in the flows{hint}"),
            )
            .about(text),
        );
    }
    for conflict in &report.conflicts {
        let message = format!(
            "{} flows match both `{}` and `{}`, of equal priority and different labels (the first at {})",
            conflict.rows, conflict.winner, conflict.loser, conflict.first
        );
        let subject = format!("{} / {}", conflict.winner, conflict.loser);
        // Who states how conflicts are decided has thought of them.
        findings.push(if labeler.conflicts_stated() {
            Finding::information("conflict", message).about(subject)
        } else {
            Finding::warning("conflict", format!("{message}; the one that stands first in the file decided. Say `priority:` in one, or `conflicts:` in the file")).about(subject)
        });
    }
    findings
}

/// The nearest miss of a rule, in words.
fn explain(rule: &Rule, miss: &Miss) -> String {
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
        return "no flow fits all but one of its conditions".to_owned();
    }
    let told: Vec<String> = parts
        .iter()
        .take(3)
        .map(|(rows, part)| {
            let what = match part {
                Part::Time => "the time",
                Part::Attackers => "the attackers",
                Part::Victims => "the victims",
                Part::Direction => "the direction",
                Part::Ports => "the ports",
                Part::Protocol => "the protocol",
                Part::Condition => "the condition `if:`",
            };
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

/// The three most frequent hosts.
fn most(hosts: impl Iterator<Item = (std::net::IpAddr, u64)>) -> Vec<String> {
    let mut hosts: Vec<(std::net::IpAddr, u64)> = hosts.collect();
    hosts.sort_by_key(|(host, rows)| (std::cmp::Reverse(*rows), *host));
    hosts
        .iter()
        .take(3)
        .map(|(host, rows)| format!("{host} in {rows}"))
        .collect()
}
