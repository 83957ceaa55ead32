//! Why rules matched nothing: a second look at the flows, for those rules only, that drops one
//! condition after the other. A first pass cannot tell, since it does not know yet which rules
//! will stay empty, and to test every rule on every flow is what the index exists to avoid.
//!
//! At most [`RULES`] rules and as many hosts are looked for; each costs one test a flow.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::label::labeler::Labeler;
use crate::label::matching;
use crate::label::model::Rule;
use crate::label::tally::Tally;
use crate::label::verdict::FlowFacts;

/// More empty rules than this are named, but not explained.
const RULES: usize = 32;

/// Sides with more addresses are of any host.
const FEW: usize = 16;

/// Other hosts that are remembered of a rule: those of the same /24 (or /64) first, then by
/// address. Taking the least keeps the result independent of the order of flows.
const HOSTS: usize = 32;

/// What came near to the rules that matched nothing, and to the hosts that were not seen.
#[derive(Debug, Clone, Default)]
pub struct Misses {
    pub(super) rules: BTreeMap<usize, Miss>,
    /// For each unseen host the addresses of its /24 (or /64) that were seen.
    pub(super) hosts: BTreeMap<usize, BTreeMap<IpAddr, u64>>,
    /// The rules that name a host: what fails no more than one condition has one of them.
    by_host: HashMap<IpAddr, Vec<usize>, FixedState>,
    /// The rules that may come near to flows of whatever hosts.
    of_any: Vec<usize>,
}

/// What came near to one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Miss {
    /// Flows that match; a refinement says that the rule does not apply to them.
    pub(super) exempt: u64,
    /// Flows that would match without one condition.
    pub(super) without: BTreeMap<Part, u64>,
    /// Flows that would match without two conditions; nothing if there are some that one keeps out.
    pub(super) without_two: BTreeMap<[Part; 2], u64>,
    /// Of those that only the time keeps out, the nearest.
    pub(super) nearest: Option<Nearest>,
    /// Of those that only one host keeps out, that host; `true` if it is of another network.
    pub(super) instead: BTreeMap<Part, BTreeMap<(bool, IpAddr), u64>>,
    /// Of those that only the ports keep out, the victim's port and the protocol.
    pub(super) ports: BTreeMap<(u16, u8), u64>,
    /// Of these, the flows whose attacker has one of the ports.
    pub(super) turned: u64,
    /// Of those that attackers and victims together keep out, the flows whose attacker is a victim, and the other way round.
    pub(super) exchanged: u64,
}

impl Miss {
    fn add_two(&mut self, parts: [Part; 2]) {
        *self.without_two.entry(parts).or_default() += 1;
    }
}

/// A condition of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Time,
    Captures,
    Attackers,
    Victims,
    Direction,
    Ports,
    Protocol,
    Icmp,
    Condition,
}

/// The flow nearest to a rule's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nearest {
    /// Nanoseconds that its time is off.
    pub(super) distance: i64,
    pub(super) start: i64,
    /// It is before the interval, and not after.
    pub(super) is_before: bool,
}

/// The conditions in the order in which they are tested: first those that most flows fail.
const TESTED: [Part; 8] = [
    Part::Time,
    Part::Attackers,
    Part::Victims,
    Part::Captures,
    Part::Direction,
    Part::Ports,
    Part::Protocol,
    Part::Icmp,
];

impl Misses {
    /// What is to be looked for after all flows were counted.
    pub fn new(labeler: &Labeler, tally: &Tally) -> Self {
        let rules = labeler.rules().iter().enumerate();
        let has_none = |number: &usize| {
            tally
                .rules
                .get(number)
                .is_none_or(|counts| counts.rows == 0)
        };
        let empty = rules.filter(|(number, _)| has_none(number));
        let empty: Vec<(usize, &Rule)> = empty.take(RULES).collect();
        let unseen = labeler.mentions().unseen(&tally.seen);
        let mut by_host: HashMap<IpAddr, Vec<usize>, FixedState> = HashMap::default();
        let mut of_any = Vec::new();
        for (number, rule) in &empty {
            let sides = [&rule.attackers, &rule.victims];
            let addresses = sides.map(|side| side.addresses().addresses(FEW));
            let [Some(attackers), Some(victims)] = addresses else {
                of_any.push(*number);
                continue;
            };
            for address in attackers.into_iter().chain(victims) {
                let rules = by_host.entry(address).or_default();
                if !rules.contains(number) {
                    rules.push(*number);
                }
            }
        }
        Self {
            by_host,
            of_any,
            rules: empty
                .iter()
                .map(|(rule, _)| (*rule, Miss::default()))
                .collect(),
            hosts: unseen
                .take(RULES)
                .map(|(n, _)| (n, BTreeMap::new()))
                .collect(),
        }
    }

    /// There is nothing to look for: the flows need not be read again.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.hosts.is_empty()
    }

    /// Looks at a flow.
    pub fn look(&mut self, labeler: &Labeler, facts: &FlowFacts<'_>) {
        let of = |host: IpAddr| self.by_host.get(&host.to_canonical());
        let (of_src, of_dst) = (of(facts.src.ip), of(facts.dst.ip));
        let of_src = of_src.into_iter().flatten();
        // A rule of both hosts is looked at once.
        let of_dst = of_dst
            .into_iter()
            .flatten()
            .filter(|number| !of_src.clone().any(|other| other == *number));
        for number in self.of_any.iter().chain(of_src.clone()).chain(of_dst) {
            if let Some(((rule, _), miss)) = labeler.rule(*number).zip(self.rules.get_mut(number)) {
                look(rule, miss, facts);
            }
        }
        for (number, near) in &mut self.hosts {
            let Some(set) = labeler.mentions().get(*number) else {
                continue;
            };
            for host in [facts.src.ip, facts.dst.ip] {
                if set.has_neighbour(host) {
                    count(near, host.to_canonical(), 1);
                }
            }
        }
    }

    /// Adds what was seen in other flows, looked at for the same rules.
    pub fn merge(&mut self, other: &Self) {
        for (number, theirs) in &other.rules {
            let mine = self.rules.entry(*number).or_default();
            mine.exempt += theirs.exempt;
            mine.turned += theirs.turned;
            mine.exchanged += theirs.exchanged;
            count_all(&mut mine.ports, &theirs.ports);
            for (part, rows) in &theirs.without {
                *mine.without.entry(*part).or_default() += rows;
            }
            for (parts, rows) in &theirs.without_two {
                *mine.without_two.entry(*parts).or_default() += rows;
            }
            if !mine.without.is_empty() {
                mine.without_two.clear();
            }
            mine.nearest = [mine.nearest, theirs.nearest].into_iter().flatten().min();
            for (part, hosts) in &theirs.instead {
                count_all(mine.instead.entry(*part).or_default(), hosts);
            }
        }
        for (number, theirs) in &other.hosts {
            count_all(self.hosts.entry(*number).or_default(), theirs);
        }
    }
}

/// Counts rows of a key, and keeps the least keys.
fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, rows: u64) {
    *counts.entry(key).or_default() += rows;
    while counts.len() > HOSTS {
        counts.pop_last();
    }
}

fn count_all<K: Ord + Copy>(mine: &mut BTreeMap<K, u64>, theirs: &BTreeMap<K, u64>) {
    for (key, rows) in theirs {
        count(mine, *key, *rows);
    }
}

fn look(rule: &Rule, miss: &mut Miss, facts: &FlowFacts<'_>) {
    let Some(base) = rule.variants.first() else {
        return;
    };
    let nearest = base
        .time
        .iter()
        .map(|interval| {
            // What the unsure clock allows is no miss.
            let margin = matching::margin(base.test, facts, *interval);
            let distance = margin.saturating_add(interval.unsure).saturating_neg();
            Nearest {
                distance,
                start: facts.start_ns,
                is_before: facts.start_ns < interval.start,
            }
        })
        .min();
    let Some(nearest) = nearest else { return };
    let place = matching::place(facts);
    for reverse in [false, true] {
        let (attacker, victim) = matching::ends(facts, reverse);
        let fails = |part| match part {
            Part::Time => nearest.distance > 0,
            Part::Attackers => rule.attackers.find(attacker, place).is_none(),
            Part::Victims => rule.victims.find(victim, place).is_none(),
            Part::Captures => !matching::is_eligible(rule, facts),
            Part::Direction => !matching::direction(base, reverse),
            Part::Ports => {
                let found = rule.victims.find(victim, place);
                let port = found.map_or(victim.port, |found| found.port);
                !matching::ports(base, facts, port)
            }
            Part::Protocol => !matching::protocol(base, facts),
            Part::Icmp => !matching::icmp(base, facts),
            Part::Condition => false,
        };
        // One after the other, since most flows fail two of them at once.
        let mut failed = TESTED.into_iter().filter(|part| fails(*part));
        let (first, second, third) = (failed.next(), failed.next(), failed.next());
        // Told only if nothing comes nearer.
        let two_are_told = miss.without.is_empty() && third.is_none();
        if second.is_some() && !two_are_told {
            continue;
        }
        // The condition is tested last, as it costs most.
        let holds = matching::condition(base, facts, reverse);
        let part = match (first, second, holds) {
            (None, _, true) => {
                miss.exempt += 1;
                return;
            }
            (None, _, false) => Part::Condition,
            (Some(part), None, true) => part,
            (Some(first), None, false) => {
                if two_are_told {
                    miss.add_two([first, Part::Condition]);
                }
                continue;
            }
            (Some(first), Some(second), true) => {
                let are_sides = [first, second] == [Part::Attackers, Part::Victims];
                if are_sides
                    && rule.attackers.find(victim, place).is_some()
                    && rule.victims.find(attacker, place).is_some()
                {
                    miss.exchanged += 1;
                }
                miss.add_two([first, second]);
                continue;
            }
            (Some(_), Some(_), false) => continue,
        };
        *miss.without.entry(part).or_default() += 1;
        miss.without_two.clear();
        if let (Part::Ports, Some(port)) = (part, victim.port) {
            count(&mut miss.ports, (port, facts.protocol), 1);
            miss.turned += u64::from(matching::ports(base, facts, attacker.port));
        }
        let other = match part {
            Part::Attackers => Some((attacker.ip, rule.attackers.addresses())),
            Part::Victims => Some((victim.ip, rule.victims.addresses())),
            _ => None,
        };
        if let Some((host, set)) = other {
            let kept = miss.instead.entry(part).or_default();
            let key = (!set.has_neighbour(host), host.to_canonical());
            count(kept, key, 1);
        }
        if part == Part::Time {
            miss.nearest = Some(miss.nearest.map_or(nearest, |other| other.min(nearest)));
        }
        return;
    }
}
