//! Whether one rule applies to one flow: captures, hosts, time, ports, protocol, condition, refinements.
//!
//! Which rules are tried, and which of several decides, is in [`crate::label::labeler`].

use crate::label::interval::Interval;
use crate::label::model::{Direction, Rule, Test, Variant};
use crate::label::side::Place;
use crate::label::verdict::{Edge, End, FlowFacts, PacketCount, State};

/// A rule that applies, or may apply, to a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit<'a> {
    /// A victim opened the flow.
    pub(super) reverse: bool,
    pub(super) state: State,
    pub(super) category: Option<i64>,
    pub(super) certain: bool,
    pub(super) edge: Edge,
    pub(super) distance: Option<i64>,
    /// Which interval of the rule, from 0.
    pub(super) episode: usize,
    /// The name by which a host of the rule was seen, if that is another one.
    pub(super) alias: Option<&'a str>,
    /// Near the times of the rule, not in them.
    pub(super) grey: bool,
}

/// The hosts of a rule in a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Met<'a> {
    /// The port of the victim, as the victim itself has it.
    pub(super) port: Option<u16>,
    /// The name by which one of them was seen, if that is another one.
    pub(super) alias: Option<&'a str>,
}

/// A time test that came out true or, within what the clock is unsure of, perhaps.
#[derive(Debug, Clone, Copy)]
struct Timing {
    interval: Interval,
    margin: i64,
    certain: bool,
}

/// What a rule makes of a flow; `None` if it does not apply. `number` is its place among the rules.
pub(super) fn rule<'a>(number: usize, rule: &'a Rule, facts: &FlowFacts<'_>) -> Option<Hit<'a>> {
    if !is_eligible(rule, facts) {
        return None;
    }
    let counts = packets(number, rule, facts);
    for reverse in [false, true] {
        let Some(met) = hosts(rule, facts, reverse) else {
            continue;
        };
        let mut decided: Option<(&Variant, Timing)> = None;
        let mut doubt = false;
        for variant in &rule.variants {
            let Some(timing) = applies(variant, facts, (reverse, met.port), counts) else {
                continue;
            };
            if timing.certain {
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
            if let Some(grey) = grey(rule, facts, reverse, met) {
                return Some(grey);
            }
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
            alias: met.alias,
            grey: false,
        });
    }
    quoting(rule, facts, counts)
}

/// Whether a rule speaks of flows of such a capture and with such an id at all.
pub(super) fn is_eligible(rule: &Rule, facts: &FlowFacts<'_>) -> bool {
    rule.captures
        .as_ref()
        .is_none_or(|captures| captures.contains(facts.capture))
        && rule.ids.as_ref().is_none_or(|ids| ids.contain(facts.ids))
}

/// Attacker and victim, if they were that.
pub(super) fn ends<'f>(facts: &'f FlowFacts<'_>, reverse: bool) -> (&'f End, &'f End) {
    if reverse {
        (&facts.dst, &facts.src)
    } else {
        (&facts.src, &facts.dst)
    }
}

/// Where the hosts of a flow were seen.
pub(super) fn place(facts: &FlowFacts<'_>) -> Place {
    Place {
        capture: facts.capture,
        protocol: facts.protocol,
    }
}

/// The hosts of a rule, if the two ends of a flow are them.
#[inline]
pub(super) fn hosts<'a>(rule: &'a Rule, facts: &FlowFacts<'_>, reverse: bool) -> Option<Met<'a>> {
    let (attacker, victim) = ends(facts, reverse);
    let attacker = rule.attackers.find(attacker, place(facts))?;
    let victim = rule.victims.find(victim, place(facts))?;
    Some(Met {
        port: victim.port,
        alias: attacker.alias.or(victim.alias),
    })
}

/// What a rule claims of the packets of a flow.
fn packets<'f>(number: usize, rule: &Rule, facts: &FlowFacts<'f>) -> Option<&'f PacketCount> {
    if !rule.is_of_packets() && !rule.icmp_errors {
        return None;
    }
    facts.packets.iter().find(|count| count.rule == number)
}

fn applies(
    variant: &Variant,
    facts: &FlowFacts<'_>,
    (reverse, port): (bool, Option<u16>),
    counts: Option<&PacketCount>,
) -> Option<Timing> {
    if !looks_so(variant, facts, reverse, port) {
        return None;
    }
    let timing = match variant.test {
        Test::Packet => of_packets(variant, facts, counts.filter(|count| !count.quoting)),
        _ => time(variant, facts),
    }?;
    condition(variant, facts, reverse).then_some(timing)
}

/// Whether a flow may have packets that a rule for packets claims.
pub(super) fn looks_as_of(rule: &Rule, facts: &FlowFacts<'_>) -> bool {
    let one = |reverse| {
        hosts(rule, facts, reverse).is_some_and(|met| {
            rule.variants.iter().any(|variant| {
                looks_so(variant, facts, reverse, met.port) && condition(variant, facts, reverse)
            })
        })
    };
    is_eligible(rule, facts) && (one(false) || one(true))
}

/// Whether an ICMP error that quotes such a packet belongs to a rule, but for the time.
pub(super) fn is_quoted(rule: &Rule, facts: &FlowFacts<'_>) -> bool {
    let Some(base) = rule.variants.first().filter(|_| rule.icmp_errors) else {
        return false;
    };
    let one = |reverse| {
        hosts(rule, facts, reverse)
            .is_some_and(|met| protocol(base, facts) && ports(base, facts, met.port))
    };
    is_eligible(rule, facts) && (one(false) || one(true))
}

/// Whether a flow is what a variant speaks of, but for time and condition.
fn looks_so(variant: &Variant, facts: &FlowFacts<'_>, reverse: bool, port: Option<u16>) -> bool {
    direction(variant, reverse)
        && protocol(variant, facts)
        && icmp(variant, facts)
        && ports(variant, facts, port)
}

/// How the packets lie that a rule claims: the flow has one, or perhaps.
fn of_packets(
    variant: &Variant,
    facts: &FlowFacts<'_>,
    counts: Option<&PacketCount>,
) -> Option<Timing> {
    let counts = counts?;
    let margin = |interval: &Interval| margin(Test::Overlap, facts, *interval);
    let interval = variant
        .time
        .iter()
        .max_by_key(|interval| margin(interval))?;
    (counts.sure + counts.unsure > 0).then(|| Timing {
        interval: *interval,
        margin: margin(interval),
        certain: counts.sure > 0,
    })
}

/// An ICMP flow, of whose errors some quote packets of the attack.
fn quoting<'a>(
    rule: &'a Rule,
    facts: &FlowFacts<'_>,
    counts: Option<&PacketCount>,
) -> Option<Hit<'a>> {
    let counts = counts.filter(|count| count.quoting)?;
    let base = rule.variants.first()?;
    let timing = of_packets(base, facts, Some(counts))?;
    Some(Hit {
        reverse: rule.attackers.find(&facts.src, place(facts)).is_none(),
        state: base.state?,
        category: base.category,
        certain: timing.certain,
        edge: edge(facts, timing.interval),
        distance: timing.interval.is_bounded().then_some(timing.margin),
        episode: episode(rule, facts, timing.interval),
        alias: None,
        grey: false,
    })
}

/// A flow that the rule itself would claim, but that it is not quite in its times.
fn grey<'a>(rule: &Rule, facts: &FlowFacts<'_>, reverse: bool, met: Met<'a>) -> Option<Hit<'a>> {
    let base = rule.variants.first().filter(|_| rule.grey > 0)?;
    if !looks_so(base, facts, reverse, met.port) {
        return None;
    }
    let margin = |interval: &Interval| margin(base.test, facts, *interval);
    let interval = base.time.iter().max_by_key(|interval| margin(interval))?;
    let margin = margin(interval);
    let near = margin.saturating_add(rule.grey) >= 0 && condition(base, facts, reverse);
    near.then(|| Hit {
        reverse,
        state: State::Excluded,
        category: None,
        certain: true,
        edge: edge(facts, *interval),
        distance: Some(margin),
        episode: episode(rule, facts, *interval),
        alias: met.alias,
        grey: true,
    })
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

/// Whether the ICMP message that a flow began with fits.
pub(super) fn icmp(variant: &Variant, facts: &FlowFacts<'_>) -> bool {
    let one =
        |list: &Vec<crate::label::service::Icmp>| list.iter().any(|icmp| icmp.contains(facts.icmp));
    variant.icmp.as_ref().is_none_or(one)
}

/// Ports are those of the victim, whoever opened the flow.
pub(super) fn ports(variant: &Variant, facts: &FlowFacts<'_>, port: Option<u16>) -> bool {
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
        let met = hosts(rule, facts, reverse);
        met.is_some_and(|met| looks_so(base, facts, reverse, met.port))
            && condition(base, facts, reverse)
    };
    if !is_eligible(rule, facts) || (!fits(false) && !fits(true)) {
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
        let margin = margin(variant.test, facts, *interval);
        let timing = Timing {
            interval: *interval,
            margin,
            certain: margin >= interval.unsure,
        };
        if timing.certain {
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
        // A packet lies in an interval only if its flow meets it.
        Test::Overlap | Test::Packet => (end, start),
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
