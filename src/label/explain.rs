//! Why a flow has its label: for each rule, whether it applies, and what keeps it from applying.
//!
//! As [`matching`] decides, but told in words, for one flow; slow, and never used for labeling.

use jiff::Timestamp;

use crate::label::duration;
use crate::label::labeler::Labeler;
use crate::label::matching;
use crate::label::model::{Direction, Rule, Test, Variant};
use crate::label::names::Hosts;
use crate::label::verdict::FlowFacts;

/// A rule, seen from one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// Its place among the rules.
    pub rule: usize,
    /// Whether it applies, or may apply.
    pub applies: bool,
    /// What keeps it from applying, a sentence each; what a refinement says, if it applies.
    pub because: Vec<String>,
}

/// What each rule makes of a flow: those that apply first, then those that fewest conditions keep from it, the nearest in time
/// first.
pub(super) fn explain(labeler: &Labeler, facts: &FlowFacts<'_>) -> Vec<Considered> {
    let mut all: Vec<Considered> = labeler
        .rules()
        .iter()
        .enumerate()
        .map(|(number, rule)| consider(number, rule, facts))
        .collect();
    all.sort_by_key(|c| {
        let misses = if c.applies { 0 } else { c.because.len() };
        (!c.applies, misses, away(labeler, c.rule, facts))
    });
    all
}

/// How far a flow is from the time of a rule, in nanoseconds.
fn away(labeler: &Labeler, number: usize, facts: &FlowFacts<'_>) -> u64 {
    let base = labeler
        .rule(number)
        .and_then(|(rule, _)| rule.variants.first());
    let margins = base.iter().flat_map(|base| {
        let margin = |interval| matching::margin(base.test, facts, interval);
        base.time.iter().map(move |interval| margin(*interval))
    });
    let nearest = margins.max().unwrap_or(0);
    nearest.min(0).unsigned_abs()
}

fn consider(number: usize, rule: &Rule, facts: &FlowFacts<'_>) -> Considered {
    let hit = matching::rule(rule, facts);
    let because = match &hit {
        Some(hit) => refined(rule, facts, hit.reverse),
        None => [false, true]
            .into_iter()
            .map(|reverse| failures(rule, facts, reverse))
            // Both ways fail; the one that is nearer to applying says more.
            .min_by_key(Vec::len)
            .unwrap_or_default(),
    };
    Considered {
        rule: number,
        applies: hit.is_some(),
        because,
    }
}

/// The refinements that apply to a flow that the rule applies to.
fn refined(rule: &Rule, facts: &FlowFacts<'_>, reverse: bool) -> Vec<String> {
    let applying = rule.variants.iter().skip(1).filter(|variant| {
        conditions(variant, facts, reverse).is_empty() && time(variant, facts).is_none()
    });
    applying
        .map(|variant| {
            let state = variant.state.map_or("none", |state| state.as_str());
            let category = variant
                .category
                .map_or_else(String::new, |n| format!(" (category {n})"));
            let own = variant.conditions.iter().map(|c| c.text.as_str());
            let own: Vec<&str> = own.collect();
            let why = match own.is_empty() {
                true => String::new(),
                false => format!(", since {}", own.join(" and ")),
            };
            format!("a refinement makes it {state}{category}{why}")
        })
        .collect()
}

/// What keeps a rule from a flow that an attacker opened, or, with `reverse`, a victim.
fn failures(rule: &Rule, facts: &FlowFacts<'_>, reverse: bool) -> Vec<String> {
    let Some(base) = rule.variants.first() else {
        return Vec::new();
    };
    let (attacker, victim) = matching::roles(facts, reverse);
    let mut out = Vec::new();
    for (who, host, hosts) in [
        ("attackers", attacker, &rule.attackers),
        ("victims", victim, &rule.victims),
    ] {
        if !hosts.set.contains(host) {
            out.push(format!("{who}: {host} is not among {}", names(hosts)));
        }
    }
    out.extend(time(base, facts));
    out.extend(conditions(base, facts, reverse));
    if out.is_empty() {
        out.push("a refinement says that the rule does not apply".to_owned());
    }
    out
}

fn names(hosts: &Hosts) -> String {
    let names: Vec<&str> = hosts.parts.iter().map(|(name, _)| name.as_str()).collect();
    match names.is_empty() {
        true => "them".to_owned(),
        false => names.join(", "),
    }
}

/// What keeps a variant from a flow, beside hosts and time.
fn conditions(variant: &Variant, facts: &FlowFacts<'_>, reverse: bool) -> Vec<String> {
    let mut out = Vec::new();
    if !matching::direction(variant, reverse) {
        let opened = if reverse {
            "the victim"
        } else {
            "the attacker"
        };
        let asked = match variant.direction {
            Direction::Forward => "forward",
            Direction::Reverse => "reverse",
            Direction::Either => "either",
        };
        out.push(format!(
            "direction: {opened} opened the flow, and {asked} is asked for"
        ));
    }
    if !matching::protocol(variant, facts) {
        out.push(format!("protocol: {} is another one", facts.protocol));
    }
    if !matching::ports(variant, facts, reverse) {
        let port = if reverse {
            facts.src_port
        } else {
            facts.dst_port
        };
        out.push(match port {
            Some(port) => format!(
                "ports: {port} of the victim, protocol {}, is another one",
                facts.protocol
            ),
            None => "ports: the flow has none".to_owned(),
        });
    }
    for condition in &variant.conditions {
        if !condition.holds(facts.values, reverse) {
            out.push(format!("if: {} does not hold", condition.text));
        }
    }
    out
}

/// How far a flow is from the time of a variant; `None` if it is in it, or may be.
fn time(variant: &Variant, facts: &FlowFacts<'_>) -> Option<String> {
    let nearest = variant
        .time
        .iter()
        .map(|interval| {
            let margin = matching::margin(variant.test, facts, *interval);
            (margin.saturating_add(interval.unsure), interval)
        })
        .max_by_key(|(margin, _)| *margin);
    let (margin, interval) = nearest?;
    if margin >= 0 {
        return None;
    }
    let what = match variant.test {
        Test::Overlap => "the flow",
        Test::Start => "its start",
        Test::End => "its end",
        Test::Contained => "part of the flow",
        Test::Majority => "most of the flow",
    };
    let (start, _) = matching::span(facts);
    let (side, bound) = if start < interval.start {
        ("before", interval.start)
    } else {
        ("after", interval.end)
    };
    let bound =
        Timestamp::from_nanosecond(bound.into()).map_or_else(|_| String::new(), |t| t.to_string());
    Some(format!(
        "time: {what} is {} {side} {bound}",
        duration::show(margin)
    ))
}
