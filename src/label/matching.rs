//! Whether one rule applies to one flow: hosts, time, ports, protocol, condition, refinements.
//!
//! Which rules are tried, and which of several decides, is in [`crate::label::labeler`].

use crate::label::interval::Interval;
use crate::label::model::{Direction, Rule, Test, Variant};
use crate::label::verdict::{Edge, FlowFacts, State};

/// A rule that applies, or may apply, to a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// A victim opened the flow.
    pub(super) reverse: bool,
    pub(super) state: State,
    pub(super) category: Option<i64>,
    pub(super) certain: bool,
    pub(super) edge: Edge,
    pub(super) distance: Option<i64>,
    /// Which interval of the rule, from 0.
    pub(super) episode: usize,
}

/// A time test that came out true or, within what the clock is unsure of, perhaps.
#[derive(Debug, Clone, Copy)]
struct Timing {
    interval: Interval,
    margin: i64,
}

impl Timing {
    fn is_certain(&self) -> bool {
        self.margin >= self.interval.unsure
    }
}

/// What a rule makes of a flow; `None` if it does not apply.
pub(super) fn rule(rule: &Rule, facts: &FlowFacts<'_>) -> Option<Hit> {
    for reverse in [false, true] {
        let (attacker, victim) = roles(facts, reverse);
        if !rule.attackers.set.contains(attacker) || !rule.victims.set.contains(victim) {
            continue;
        }
        let mut decided: Option<(&Variant, Timing)> = None;
        let mut doubt = false;
        for variant in &rule.variants {
            let Some(timing) = applies(variant, facts, reverse) else {
                continue;
            };
            if timing.is_certain() {
                decided = Some((variant, timing));
                doubt = false;
                continue;
            }
            let outcome = |v: &Variant| (v.state, v.category);
            match decided {
                Some((before, _)) if outcome(before) == outcome(variant) => {}
                Some((before, _)) if before.state.is_some() => doubt = true,
                _ => {
                    decided = Some((variant, timing));
                    doubt = true;
                }
            }
        }
        let Some((variant, timing)) = decided else {
            continue;
        };
        let state = match variant.state {
            Some(state) => state,
            None if doubt => State::Malicious,
            None => return None,
        };
        return Some(Hit {
            reverse,
            state,
            category: variant.category,
            certain: !doubt,
            edge: edge(facts, timing.interval),
            distance: timing.interval.is_bounded().then_some(timing.margin),
            episode: episode(rule, facts, timing.interval),
        });
    }
    None
}

/// The addresses of attacker and victim.
pub(super) fn roles(facts: &FlowFacts<'_>, reverse: bool) -> (std::net::IpAddr, std::net::IpAddr) {
    if reverse {
        (facts.dst_ip, facts.src_ip)
    } else {
        (facts.src_ip, facts.dst_ip)
    }
}

fn applies(variant: &Variant, facts: &FlowFacts<'_>, reverse: bool) -> Option<Timing> {
    if !direction(variant, reverse) || !protocol(variant, facts) || !ports(variant, facts, reverse)
    {
        return None;
    }
    let timing = time(variant, facts)?;
    condition(variant, facts, reverse).then_some(timing)
}

pub(super) fn direction(variant: &Variant, reverse: bool) -> bool {
    match variant.direction {
        Direction::Either => true,
        Direction::Forward => !reverse,
        Direction::Reverse => reverse,
    }
}

pub(super) fn protocol(variant: &Variant, facts: &FlowFacts<'_>) -> bool {
    variant
        .protocols
        .as_ref()
        .is_none_or(|list| list.contains(&facts.protocol))
}

/// Ports are those of the victim, whoever opened the flow.
pub(super) fn ports(variant: &Variant, facts: &FlowFacts<'_>, reverse: bool) -> bool {
    let port = if reverse {
        facts.src_port
    } else {
        facts.dst_port
    };
    let contains = |list: &Vec<crate::label::service::Ports>| {
        list.iter()
            .any(|ports| ports.contains(port, facts.protocol))
    };
    variant.ports.as_ref().is_none_or(contains)
}

pub(super) fn condition(variant: &Variant, facts: &FlowFacts<'_>, reverse: bool) -> bool {
    variant
        .conditions
        .iter()
        .all(|condition| condition.holds(facts.values, reverse))
}

/// How far a flow is from the times of a rule (nanoseconds), if they are all that keeps it out; its refinements
/// are not asked.
pub(super) fn outside(rule: &Rule, facts: &FlowFacts<'_>) -> Option<i64> {
    let base = rule.variants.first()?;
    let fits = |reverse| {
        let (attacker, victim) = roles(facts, reverse);
        rule.attackers.set.contains(attacker)
            && rule.victims.set.contains(victim)
            && direction(base, reverse)
            && protocol(base, facts)
            && ports(base, facts, reverse)
            && condition(base, facts, reverse)
    };
    if !fits(false) && !fits(true) {
        return None;
    }
    let margins = base
        .time
        .iter()
        .map(|interval| margin(base.test, facts, *interval).saturating_add(interval.unsure));
    let best = margins.max()?;
    (best < 0).then(|| best.saturating_neg())
}

/// The first interval that surely fits, else the first that perhaps does.
fn time(variant: &Variant, facts: &FlowFacts<'_>) -> Option<Timing> {
    let mut perhaps = None;
    for interval in &variant.time {
        let timing = Timing {
            interval: *interval,
            margin: margin(variant.test, facts, *interval),
        };
        if timing.is_certain() {
            return Some(timing);
        }
        if timing.margin >= interval.unsure.saturating_neg() && perhaps.is_none() {
            perhaps = Some(timing);
        }
    }
    perhaps
}

/// By how much the bounds of an interval could close in before the test fails; negative if it
/// fails already. Shrinking both ends by u takes u away, which is how an unsure clock is treated.
pub(super) fn margin(test: Test, facts: &FlowFacts<'_>, interval: Interval) -> i64 {
    let (start, end) = span(facts);
    if test == Test::Majority && end > start {
        return majority(start, end, interval);
    }
    let (after_start, before_end) = match test {
        Test::Overlap => (end, start),
        Test::Start | Test::Majority => (start, start),
        Test::End => (end, end),
        Test::Contained => (start, end),
    };
    after_start
        .saturating_sub(interval.start)
        .min(interval.end.saturating_sub(before_end))
}

/// As [`margin`], where more than half of the time from `start` to `end` has to be inside.
fn majority(start: i64, end: i64, interval: Interval) -> i64 {
    let [start, end, first, last] = [start, end, interval.start, interval.end].map(i128::from);
    let holds = |by: i64| {
        let by = i128::from(by);
        let inside = end.min(last - by) - start.max(first + by);
        inside * 2 > end - start
    };
    // The greatest that holds; beyond one that does not, none does.
    let (mut low, mut high) = (i64::MIN / 4, i64::MAX / 4);
    while low < high {
        let middle = low + (high - low) / 2 + 1;
        if holds(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// First and last nanosecond of a flow, in order.
pub(super) fn span(facts: &FlowFacts<'_>) -> (i64, i64) {
    (facts.start_ns, facts.end_ns.max(facts.start_ns))
}

fn edge(facts: &FlowFacts<'_>, interval: Interval) -> Edge {
    let (start, end) = span(facts);
    if end < interval.start || start > interval.end {
        return Edge::Outside;
    }
    match (start < interval.start, end > interval.end) {
        (false, false) => Edge::Inside,
        (true, false) => Edge::CrossesStart,
        (false, true) => Edge::CrossesEnd,
        (true, true) => Edge::Covers,
    }
}

/// The interval of the rule itself that the flow belongs to: the one that was matched, or, where a
/// refinement has a time of its own, the nearest.
fn episode(rule: &Rule, facts: &FlowFacts<'_>, matched: Interval) -> usize {
    if let Some(n) = rule.time.iter().position(|interval| *interval == matched) {
        return n;
    }
    let gap = |interval: &Interval| {
        margin(Test::Overlap, facts, *interval)
            .min(0)
            .saturating_neg()
    };
    let nearest = rule
        .time
        .iter()
        .enumerate()
        .min_by_key(|(n, interval)| (gap(interval), *n));
    nearest.map_or(0, |(n, _)| n)
}
