//! What the authors of a dataset report, against what was found: by rule where fewer were found, and by
//! class, with what is known to make such counts differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Finding;
use crate::label::labeler::Labeler;
use crate::label::tally::Tally;
use crate::label::verdict::{Edge, State};
use crate::text::{count, percent};

pub(super) fn tell(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    let mut classes: BTreeMap<(&str, State), (u64, u64)> = BTreeMap::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut why: BTreeMap<&str, Causes> = BTreeMap::new();
    for (number, rule) in labeler.rules().iter().enumerate() {
        let counts = tally.rules.get(&number);
        let found = |state| {
            counts
                .and_then(|c| c.states.get(state))
                .copied()
                .unwrap_or(0)
        };
        if counts.is_some_and(|counts| counts.rows > 0) {
            seen.insert(rule.label());
        }
        for (state, expected) in &rule.expected {
            let class = classes.entry((rule.label(), *state)).or_default();
            class.0 += expected;
            class.1 += found(state);
        }
        why.entry(rule.label()).or_default().add(tally, number);
        let expected: u64 = rule.expected.values().sum();
        let there: u64 = rule.expected.keys().map(found).sum();
        // What matched nothing is told as such.
        if counts.is_some_and(|counts| counts.rows > 0) && there < expected {
            let message = format!("{}, where {expected} are expected", count(there, "flow"));
            let finding = Finding::information("rule-thin", message).about(rule.id());
            findings.push(finding.affecting(expected - there));
        }
    }
    // A part of the dataset has not the classes of the rest.
    classes.retain(|(label, _), _| seen.contains(label));
    for ((label, state), (expected, found)) in classes {
        let share = match expected {
            0 => String::new(),
            _ => format!(" ({})", percent(found, expected)),
        };
        let causes = why.get(label).filter(|_| found != expected);
        let message = format!(
            "{}, where the authors report {expected}{share}{}",
            count(found, &format!("{} flow", state.as_str())),
            causes.map_or_else(String::new, Causes::text)
        );
        let finding = Finding::information("count-compare", message).about(label);
        findings.push(finding.affecting(found.abs_diff(expected)));
    }
}

/// Flows of a class that other tools, times or orders of rules would count otherwise.
#[derive(Default)]
struct Causes {
    instants: u64,
    later_parts: u64,
    early: u64,
    late: u64,
    reverse: u64,
    lost: u64,
    uncertain: u64,
    /// Flows more with times a minute longer at each end, in the sample.
    beyond: u64,
}

impl Causes {
    fn add(&mut self, tally: &Tally, rule: usize) {
        if let Some(traffic) = tally.traffic.rules.get(&rule) {
            self.instants += traffic.instants;
            self.later_parts += traffic.later_parts;
        }
        if let Some(counts) = tally.rules.get(&rule) {
            let edge = |edge| counts.edges.get(&edge).copied().unwrap_or(0);
            self.early += edge(Edge::CrossesStart) + edge(Edge::Covers);
            self.late += edge(Edge::CrossesEnd) + edge(Edge::Covers);
            self.reverse += counts.reverse;
            self.lost += counts.rows - counts.won;
            self.uncertain += counts.uncertain;
        }
        if let Some((now, longer)) = tally.slack.a_minute_more(rule) {
            self.beyond += longer.saturating_sub(now);
        }
    }

    /// Those that there are, most flows first.
    fn text(&self) -> String {
        let mut causes = [
            (
                self.instants,
                "without length (authors drop rows whose rates are infinite)",
            ),
            (
                self.later_parts,
                "later parts of a connection (tools cut connections at different times)",
            ),
            (
                self.early,
                "begun before their rule's times (with `test: start` they would not count)",
            ),
            (
                self.late,
                "ended after their rule's times (with `test: contained` they would not count)",
            ),
            (
                self.reverse,
                "opened by the victim (with `direction: forward` they would not count)",
            ),
            (self.lost, "claimed by another rule as well, which decided"),
            (self.uncertain, "within a clock's `unsure` of a bound"),
            (self.beyond, "more if times were a minute longer"),
        ];
        causes.sort_by_key(|(flows, _)| std::cmp::Reverse(*flows));
        let there = causes.iter().filter(|(flows, _)| *flows > 0);
        let there: Vec<String> = there
            .map(|(flows, what)| format!("{flows} {what}"))
            .collect();
        if there.is_empty() {
            return "; none of the known causes is there".to_owned();
        }
        format!("; of the flows of the class, {}", there.join(", "))
    }
}
