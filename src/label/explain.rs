//! Why a flow has its label: for each rule, whether it applies, and what keeps it from applying.
//!
//! As [`matching`] decides, but told in words, for one flow; slow, and never used for labeling.

use jiff::Timestamp;

use crate::label::duration;
use crate::label::labeler::Labeler;
use crate::label::matching::{self, Hit};
use crate::label::model::{Conflicts, Direction, Rule, Test, Variant};
use crate::label::service::{self, Ports};
use crate::label::side::Hosts;
use crate::label::verdict::{FlowFacts, Verdict};

/// A rule, seen from one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// Its place among the rules.
    pub rule: usize,
    /// What it has to do with the label.
    pub role: Role,
    /// What keeps it from applying or from deciding, a sentence each; what a refinement says, if it applies.
    pub because: Vec<String>,
}

/// What a rule has to do with the label of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It makes the label.
    Decides,
    /// It counts as well, as `conflicts: all` says.
    Joins,
    /// It contradicts others of its priority, so that none decides, as `conflicts: ambiguous` says.
    Contradicts,
    /// It applies, and another one goes before it.
    Applies,
    /// It does not apply.
    No,
}

impl Role {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decides => "decides",
            Self::Joins => "counts",
            Self::Contradicts => "disputes",
            Self::Applies => "applies",
            Self::No => "no",
        }
    }
}

/// What each rule makes of a flow: those that apply first, the deciding one at their head, then those that fewest
/// conditions keep from it, the nearest in time first.
pub(super) fn explain(
    labeler: &Labeler,
    facts: &FlowFacts<'_>,
    verdict: &Verdict<'_>,
) -> Vec<Considered> {
    let place = |number: usize| verdict.claims.iter().position(|claim| claim.rule == number);
    let mut all: Vec<Considered> = labeler
        .rules()
        .iter()
        .enumerate()
        .map(|(number, rule)| {
            let mut considered = consider(number, rule, facts);
            if let Some(nth) = place(number) {
                let (role, why) = role(labeler, verdict, nth);
                considered.role = role;
                considered.because.splice(0..0, why);
            }
            considered
        })
        .collect();
    all.sort_by_key(|c| {
        let place = place(c.rule).unwrap_or(usize::MAX);
        let misses = match c.role {
            Role::No => c.because.len(),
            _ => 0,
        };
        (place, misses, away(labeler, c.rule, facts))
    });
    all
}

/// What the nth of the rules that apply has to do with the label, and why.
fn role(labeler: &Labeler, verdict: &Verdict<'_>, nth: usize) -> (Role, Option<String>) {
    let (Some(first), Some(own)) = (verdict.claims.first(), verdict.claims.get(nth)) else {
        return (Role::No, None);
    };
    let (Some((winner, _)), Some((rule, _))) = (labeler.rule(first.rule), labeler.rule(own.rule))
    else {
        return (Role::No, None);
    };
    let ranks_with_first = rule.priority == winner.priority && own.grey == first.grey;
    let unsure = (!own.certain).then(|| {
        "it may apply: the flow is nearer to a bound of it than its clock is sure".to_owned()
    });
    // With `conflicts: ambiguous` nothing has won where labels differ.
    if !first.won && ranks_with_first {
        let why = "rules of equal priority have different labels, and `conflicts: ambiguous` lets none of them decide";
        return (Role::Contradicts, Some(why.to_owned()));
    }
    if nth == 0 {
        return (Role::Decides, unsure);
    }
    if own.won {
        let why = format!(
            "`conflicts: all` counts it beside {}, which the columns of labels show since it stands before it",
            winner.id()
        );
        return (Role::Joins, Some(why));
    }
    let before = if own.grey != first.grey {
        "since the flow is within its times, and only near to those of this one".to_owned()
    } else if !ranks_with_first {
        format!(
            "since its `priority:` is {}, and here it is {}",
            winner.priority, rule.priority
        )
    } else {
        match labeler.conflicts() {
            Conflicts::Last => {
                "since of equal priority the last one decides (`conflicts: last`)".to_owned()
            }
            Conflicts::First | Conflicts::Ambiguous => {
                "since of equal priority the first one decides".to_owned()
            }
            Conflicts::All => return (Role::Applies, unsure),
        }
    };
    (
        Role::Applies,
        Some(format!("{} goes before it, {before}", winner.id())),
    )
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
    let hit = matching::rule(number, rule, facts);
    let because = match &hit {
        Some(hit) => said(rule, facts, hit),
        None => [false, true]
            .into_iter()
            .map(|reverse| failures(rule, facts, reverse))
            // Both ways fail; the one that is nearer to applying says more.
            .min_by_key(Vec::len)
            .unwrap_or_default(),
    };
    Considered {
        rule: number,
        role: match hit {
            Some(_) => Role::Applies,
            None => Role::No,
        },
        because,
    }
}

/// What is to be said of a rule that applies.
fn said(rule: &Rule, facts: &FlowFacts<'_>, hit: &Hit<'_>) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(alias) = hit.alias {
        out.push(format!("a host was seen as {alias}"));
    }
    if hit.grey {
        let away = hit.distance.map_or_else(String::new, duration::show);
        out.push(format!(
            "{away} outside of its times, which `grey:` excludes"
        ));
        return out;
    }
    if let Some(count) = facts
        .packets
        .iter()
        .find(|count| count.sure + count.unsure > 0)
        && rule.is_of_packets()
    {
        out.push(format!(
            "it claims {} of its packets",
            count.sure + count.unsure
        ));
    }
    if let Some(met) = matching::hosts(rule, facts, hit.reverse) {
        out.extend(refined(rule, facts, hit.reverse, met.port));
    }
    out
}

/// The refinements that apply to a flow that the rule applies to.
fn refined(rule: &Rule, facts: &FlowFacts<'_>, reverse: bool, port: Option<u16>) -> Vec<String> {
    let applying = rule.variants.iter().skip(1).filter(|variant| {
        conditions(variant, facts, reverse, port).is_empty() && time(variant, facts).is_none()
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
    let (attacker, victim) = matching::ends(facts, reverse);
    let place = matching::place(facts);
    let mut out = Vec::new();
    if let Some(captures) = &rule.captures
        && !captures.contains(facts.capture)
    {
        out.push(format!(
            "in: the flow is of another capture than {captures}"
        ));
    }
    if rule.ids.as_ref().is_some_and(|ids| !ids.contain(facts.ids)) {
        out.push("the flow is none of those that the rule names".to_owned());
    }
    for (who, end, hosts) in [
        ("attackers", attacker, &rule.attackers),
        ("victims", victim, &rule.victims),
    ] {
        if hosts.find(end, place).is_none() {
            out.push(format!("{who}: {} is not among {}", end.ip, names(hosts)));
        }
    }
    out.extend(time(base, facts));
    if rule.is_of_packets() && out.is_empty() {
        out.push("it claims none of the packets".to_owned());
    }
    let port = rule
        .victims
        .find(victim, place)
        .map_or(victim.port, |found| found.port);
    out.extend(conditions(base, facts, reverse, port));
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
fn conditions(
    variant: &Variant,
    facts: &FlowFacts<'_>,
    reverse: bool,
    port: Option<u16>,
) -> Vec<String> {
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
        let wanted = variant.protocols.iter().flatten();
        let wanted: Vec<String> = wanted.map(|p| service::protocol_name(*p)).collect();
        out.push(format!(
            "protocol: {} is none of {}",
            service::protocol_name(facts.protocol),
            wanted.join(", ")
        ));
    }
    if !matching::icmp(variant, facts) {
        out.push(match facts.icmp {
            Some((kind, code)) => format!("icmp: {kind}/{code} is another message"),
            None => "icmp: the flow has no message".to_owned(),
        });
    }
    if !matching::ports(variant, facts, port) {
        let wanted = variant.ports.iter().flatten();
        let wanted: Vec<String> = wanted.map(Ports::to_string).collect();
        out.push(match port {
            Some(port) => format!(
                "ports: {port}/{} of the victim is none of {}",
                service::protocol_name(facts.protocol),
                wanted.join(", ")
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
        Test::Overlap | Test::Packet => "the flow",
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
