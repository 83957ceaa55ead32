//! Whether one rule applies to one flow: captures, hosts, time, ports, protocol, condition, refinements.
//!
//! Which rules are tried, and which of several decides, is in [`crate::label::labeler`].

use crate::label::captures::Captures;
use crate::label::interval::Interval;
use crate::label::model::{Direction, Rule, Test, Variant};
use crate::label::packets::Numbers;
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
    let mets = [false, true].map(|reverse| hosts(rule, facts, reverse));
    if mets.iter().any(Option::is_some) {
        if let Some(decided) = decide(rule, facts, mets, counts, 0) {
            return decided.hit(rule, facts);
        }
        if rule.grey > 0
            && let Some(decided) = decide(rule, facts, mets, counts, rule.grey)
        {
            // What a refinement exempts is so near the times, too.
            return decided.hit(rule, facts).map(|hit| Hit {
                state: State::Excluded,
                category: None,
                certain: true,
                grey: true,
                ..hit
            });
        }
    }
    quoting(rule, facts, counts)
}

/// The variant that decides about a flow, and how the flow fits it.
struct Decided<'a> {
    variant: &'a Variant,
    timing: Timing,
    /// Another variant may decide in its place: the clock cannot tell.
    doubt: bool,
    reverse: bool,
    met: Met<'a>,
}

/// Finds the last variant that applies; `mets` are the hosts if an attacker opened the flow, and if a victim did. Times are
/// taken for `grey` longer at both ends.
fn decide<'a>(
    rule: &'a Rule,
    facts: &FlowFacts<'_>,
    mets: [Option<Met<'a>>; 2],
    counts: Option<&PacketCount>,
    grey: i64,
) -> Option<Decided<'a>> {
    let mut decided: Option<Decided<'a>> = None;
    for variant in &rule.variants {
        let mut found: Option<(bool, Met<'a>, Timing)> = None;
        for (reverse, met) in [false, true].into_iter().zip(mets) {
            let Some(met) = met else { continue };
            let timing = applies(variant, facts, (reverse, met.port), counts, grey);
            if let Some(timing) = timing
                && found.is_none_or(|(.., other)| timing.certain && !other.certain)
            {
                found = Some((reverse, met, timing));
            }
        }
        let Some((reverse, met, timing)) = found else {
            continue;
        };
        let this = |doubt| Decided {
            variant,
            timing,
            doubt,
            reverse,
            met,
        };
        let outcome = |v: &Variant| (v.state, v.category);
        match &mut decided {
            _ if timing.certain => decided = Some(this(false)),
            Some(before) if outcome(before.variant) == outcome(variant) => {}
            Some(before) if before.variant.state.is_some() => before.doubt = true,
            _ => decided = Some(this(true)),
        }
    }
    decided
}

impl<'a> Decided<'a> {
    /// What it makes of the flow; nothing if the rule does not apply.
    fn hit(&self, rule: &Rule, facts: &FlowFacts<'_>) -> Option<Hit<'a>> {
        let state = match self.variant.state {
            Some(state) => state,
            None if self.doubt => State::Malicious,
            None => return None,
        };
        let interval = self.timing.interval;
        Some(Hit {
            reverse: self.reverse,
            state,
            category: self.variant.category,
            certain: !self.doubt,
            edge: edge(facts, interval),
            distance: interval.is_bounded().then_some(self.timing.margin),
            episode: episode(rule, facts, interval),
            alias: self.met.alias,
            grey: false,
        })
    }
}

/// Whether a rule speaks of flows of such a capture and with such an id at all, or of a packet with such a number.
pub(super) fn is_eligible(rule: &Rule, facts: &FlowFacts<'_>) -> bool {
    let here = |captures: &Captures| captures.contains(facts.capture);
    // Of the packets of a flow each is of its own capture.
    let by_packet = rule.is_of_packets() && facts.packet.is_none();
    let numbered = |numbers: &Numbers| facts.packet.is_none_or(|packet| numbers.contains(packet));
    (by_packet || rule.captures.as_ref().is_none_or(here))
        && rule.ids.as_ref().is_none_or(|ids| ids.contain(facts.ids))
        && rule.packets.as_ref().is_none_or(numbered)
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
    grey: i64,
) -> Option<Timing> {
    if !looks_so(variant, facts, reverse, port) {
        return None;
    }
    let timing = match variant.test {
        Test::Packet if facts.packet.is_none() => {
            of_packets(variant, facts, counts.filter(|count| !count.quoting))
        }
        _ => time(variant, facts, grey),
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

/// The first interval that surely fits, else the first that perhaps does; if they are taken for `grey` longer, the one
/// that fits best.
fn time(variant: &Variant, facts: &FlowFacts<'_>, grey: i64) -> Option<Timing> {
    if grey > 0 {
        let all = variant.time.iter().map(|interval| Timing {
            interval: *interval,
            margin: margin(variant.test, facts, *interval),
            certain: true,
        });
        let best = all.max_by_key(|timing| timing.margin)?;
        return (best.margin.saturating_add(grey) >= 0).then_some(best);
    }
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
