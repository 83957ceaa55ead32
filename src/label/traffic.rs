//! What the labeled flows are like, beside their times and hosts: what a report needs to say whether
//! a label and the traffic under it fit together.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use indexmap::map::Entry;

use crate::label::verdict::{FlowDirection, FlowFacts, State, Verdict};

/// What of a flow is counted, but decides nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traffic {
    /// Packets in both directions.
    pub packets: u64,
    /// Bytes on the wire.
    pub wire_bytes: u64,
    /// Bytes of transport payload.
    pub payload_bytes: u64,
    /// Which part of its connection it is, from 1.
    pub part: u32,
    /// Packets that are claimed as an attack by themselves, if there are rules for packets.
    pub malicious_packets: u64,
    /// An attempt at a TCP connection that came to nothing: no answer, or a refusal.
    pub in_vain: bool,
}

/// Ports of victims that are told apart for each rule.
const MOST_PORTS: usize = 64;
/// So many ports of a host, or hosts with one port, are a scan.
pub(super) const SCAN: usize = 50;
/// Pairs that are watched for scans; of more the first stay.
const MOST_PAIRS: usize = 200_000;

/// Sums over flows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TrafficTally {
    pub(super) states: BTreeMap<State, Sums>,
    /// Malicious flows by class: all, and those without payload.
    pub(super) classes: BTreeMap<String, (u64, u64)>,
    pub(super) rules: BTreeMap<usize, RuleTraffic>,
    /// Flows of which some packets are claimed as an attack and others are not.
    pub(super) mixed: u64,
    /// Ports that a host tried in vain at another, in flows that no rule claims.
    vertical: Watched<(IpAddr, IpAddr), u16>,
    /// Hosts at which a host tried a port in vain.
    horizontal: Watched<(IpAddr, u16), IpAddr>,
}

/// What was tried by whom: at most [`SCAN`] of each, in order. Found by hash, since every flow may be an attempt, and gone
/// through as it came, since only the first stay.
type Watched<K, V> = IndexMap<K, Vec<V>, FixedState>;

/// Flows and what is in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) flows: u64,
    pub(super) packets: u64,
    pub(super) wire_bytes: u64,
}

/// What the flows of a rule are like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RuleTraffic {
    /// The greatest number of parts of one connection.
    pub(super) parts: u32,
    /// Flows that are later parts of a connection.
    pub(super) later_parts: u64,
    /// Flows without length: of one packet, or of several at one moment.
    pub(super) instants: u64,
    /// Flows by protocol and port of the victim.
    pub(super) ports: BTreeMap<(u8, Option<u16>), u64>,
}

impl TrafficTally {
    /// Counts a flow and what was said of it.
    pub(super) fn add(&mut self, facts: &FlowFacts<'_>, verdict: &Verdict<'_>, traffic: &Traffic) {
        let sums = self.states.entry(verdict.state).or_default();
        sums.add(&Sums {
            flows: 1,
            packets: traffic.packets,
            wire_bytes: traffic.wire_bytes,
        });
        if let (State::Malicious, Some(label)) = (verdict.state, verdict.label) {
            if !self.classes.contains_key(label) {
                self.classes.insert(label.to_owned(), (0, 0));
            }
            if let Some((all, empty)) = self.classes.get_mut(label) {
                *all += 1;
                *empty += u64::from(traffic.payload_bytes == 0);
            }
        }
        self.mixed += u64::from((1..traffic.packets).contains(&traffic.malicious_packets));
        for claim in &verdict.claims {
            let rule = self.rules.entry(claim.rule).or_default();
            rule.parts = rule.parts.max(traffic.part);
            rule.later_parts += u64::from(traffic.part > 1);
            rule.instants += u64::from(facts.start_ns >= facts.end_ns);
            let port = match claim.direction {
                FlowDirection::Forward => facts.dst.port,
                FlowDirection::Reverse => facts.src.port,
            };
            rule.count_port((facts.protocol, port), 1);
        }
        if traffic.in_vain && verdict.claims.is_empty() {
            self.watch(facts);
        }
    }

    fn watch(&mut self, facts: &FlowFacts<'_>) {
        let (src, dst) = (&facts.src, &facts.dst);
        let Some(port) = dst.port else {
            return;
        };
        insert(&mut self.vertical, (src.ip, dst.ip), port);
        insert(&mut self.horizontal, (src.ip, port), dst.ip);
    }

    /// Adds those of later flows.
    pub(super) fn merge(&mut self, other: &Self) {
        for (state, sums) in &other.states {
            self.states.entry(*state).or_default().add(sums);
        }
        self.mixed += other.mixed;
        for (class, (all, empty)) in &other.classes {
            let mine = self.classes.entry(class.clone()).or_default();
            mine.0 += all;
            mine.1 += empty;
        }
        for (number, theirs) in &other.rules {
            let mine = self.rules.entry(*number).or_default();
            mine.parts = mine.parts.max(theirs.parts);
            mine.later_parts += theirs.later_parts;
            mine.instants += theirs.instants;
            for (port, flows) in &theirs.ports {
                mine.count_port(*port, *flows);
            }
        }
        for (pair, ports) in &other.vertical {
            for port in ports {
                insert(&mut self.vertical, *pair, *port);
            }
        }
        for (pair, hosts) in &other.horizontal {
            for host in hosts {
                insert(&mut self.horizontal, *pair, *host);
            }
        }
    }

    /// Pairs of hosts with a scan of ports that no rule claims.
    pub(super) fn port_scans(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        scans(&self.vertical)
    }

    /// Hosts that look for a port at many others, in flows that no rule claims.
    pub(super) fn sweeps(&self) -> impl Iterator<Item = (IpAddr, u16)> {
        scans(&self.horizontal)
    }

    /// The protocol and port of a rule's victims in most of its flows, and in how many.
    pub(super) fn usual_port(&self, rule: usize) -> Option<((u8, Option<u16>), u64)> {
        let ports = &self.rules.get(&rule)?.ports;
        let most = ports
            .iter()
            .max_by_key(|(port, flows)| (**flows, std::cmp::Reverse(**port)));
        most.map(|(port, flows)| (*port, *flows))
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.flows += other.flows;
        self.packets += other.packets;
        self.wire_bytes += other.wire_bytes;
    }
}

impl RuleTraffic {
    fn count_port(&mut self, port: (u8, Option<u16>), flows: u64) {
        if self.ports.len() < MOST_PORTS || self.ports.contains_key(&port) {
            *self.ports.entry(port).or_default() += flows;
        }
    }
}

fn insert<K: Hash + Eq, V: Ord>(pairs: &mut Watched<K, V>, pair: K, value: V) {
    let known = pairs.len();
    match pairs.entry(pair) {
        Entry::Occupied(mut values) => {
            let values = values.get_mut();
            if values.len() < SCAN
                && let Err(at) = values.binary_search(&value)
            {
                values.insert(at, value);
            }
        }
        Entry::Vacant(pair) if known < MOST_PAIRS => {
            pair.insert(vec![value]);
        }
        Entry::Vacant(_) => {}
    }
}

/// Those that tried so many that it is a scan, in order.
fn scans<K: Copy + Ord, V>(pairs: &Watched<K, V>) -> impl Iterator<Item = K> + use<K, V> {
    let many = pairs.iter().filter(|(_, values)| values.len() >= SCAN);
    let mut many: Vec<K> = many.map(|(pair, _)| *pair).collect();
    many.sort_unstable();
    many.into_iter()
}
