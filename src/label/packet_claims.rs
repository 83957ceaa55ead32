//! Rules for packets: which packets they claim, what that makes of the flows, and labels of packets that have
//! their own.
//!
//! It takes three looks at an output: at the flows, for what their packets may be of ([`PacketRules::add_flows`],
//! and [`PacketRules::add_errors`] for what ICMP errors quote); at the packets, to count those that are claimed
//! ([`PacketRules::count`]); and, when the flows are labeled, at the packets again, to write down each claim
//! ([`PacketRules::label`]).

use std::collections::HashMap;

use arrow::array::{Array, AsArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::TimestampMicrosecondType;
use foldhash::fast::FixedState;

use super::captures::Captures;
use super::columns::Value;
use super::flows::{Basis, Flows};
use super::host_set::HostSet;
use super::hosts::parse_mac;
use super::interval::Interval;
use super::labeler::Labeler;
use super::matching;
use super::model::Rule;
use super::packet_rows::{PacketHit, PacketRows};
use super::verdict::{End, FlowFacts, PacketCount, State, Verdict};
use crate::batch::{int32, int64, text};
use crate::error::{Error, Result};

/// What rules said of a flow for whose packets there are rules.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The rules for packets: which, state, category.
    of_packets: Vec<(usize, State, Option<i64>)>,
    /// What its packets are that no rule for packets claims: what the other rules say of the flow.
    rest: Rest,
    /// Packets that are surely claimed as an attack.
    attacks: u64,
}

#[derive(Debug, Clone, Default)]
struct Rest {
    hits: Vec<(usize, PacketHit)>,
    /// No rule says anything, and the ground truth vouches for the flow.
    vouched_for: bool,
}

/// What rules for packets claim, by flow.
#[derive(Debug, Clone, Default)]
pub struct PacketClaims(HashMap<i64, OfFlow, FixedState>);

#[derive(Debug, Clone, Default)]
struct OfFlow {
    counts: Vec<PacketCount>,
    /// How many packets are surely claimed by these rules together and by no others.
    together: Vec<(Vec<usize>, u64)>,
    /// Known once the flow was labeled.
    said: Said,
}

impl PacketClaims {
    /// What is claimed of the packets of a flow, by rule.
    pub(super) fn of(&self, flow: i64) -> &[PacketCount] {
        self.0.get(&flow).map_or(&[], |of| of.counts.as_slice())
    }

    /// Packets of a flow that are surely claimed as an attack, when that was said of the flow.
    pub(super) fn attacks(&self, flow: i64, verdict: &Verdict<'_>) -> u64 {
        let Some(of) = self.0.get(&flow) else {
            return 0;
        };
        let is_attack = |rule: &usize| {
            let claim = verdict.claims.iter().find(|claim| claim.rule == *rule);
            let state = claim.map(|claim| claim.state);
            matches!(state, Some(State::Malicious | State::Attempted))
        };
        let together = of.together.iter();
        let attacks = together.filter(|(rules, _)| rules.iter().any(is_attack));
        attacks.map(|(_, packets)| packets).sum()
    }

    /// Keeps what rules said of a flow.
    pub fn keep(&mut self, flow: i64, said: Said) {
        if let Some(of) = self.0.get_mut(&flow) {
            of.said = said;
        }
    }

    fn count(&mut self, flow: i64, rules: &[Touched]) {
        let of = self.0.entry(flow).or_default();
        let sure = rules.iter().filter(|touched| touched.certain);
        let sure: Vec<usize> = sure.map(|touched| touched.rule).collect();
        match of.together.iter_mut().find(|(rules, _)| *rules == sure) {
            Some((_, packets)) => *packets += 1,
            None if sure.is_empty() => {}
            None => of.together.push((sure, 1)),
        }
        for touched in rules {
            let place = of
                .counts
                .iter()
                .position(|count| count.rule == touched.rule);
            let place = place.unwrap_or_else(|| {
                of.counts.push(PacketCount {
                    rule: touched.rule,
                    sure: 0,
                    unsure: 0,
                    quoting: touched.quoting,
                });
                of.counts.len() - 1
            });
            if let Some(count) = of.counts.get_mut(place) {
                count.sure += u64::from(touched.certain);
                count.unsure += u64::from(!touched.certain);
            }
        }
    }
}

/// What rules said of a flow for whose packets there are rules.
pub(super) fn said(
    labeler: &Labeler,
    facts: &FlowFacts<'_>,
    verdict: &Verdict<'_>,
    attacks: u64,
) -> Said {
    let of_packets = verdict.claims.iter().filter(|claim| {
        let rule = labeler.rules().get(claim.rule);
        rule.is_some_and(|rule| rule.is_of_packets() || rule.icmp_errors)
    });
    let without = labeler.label(&FlowFacts {
        packets: &[],
        ..*facts
    });
    Said {
        of_packets: of_packets
            .map(|claim| (claim.rule, claim.state, claim.category))
            .collect(),
        rest: Rest {
            hits: without.claims.iter().map(PacketHit::of).collect(),
            vouched_for: without.state == State::Benign,
        },
        attacks,
    }
}

/// A rule that claims a packet.
#[derive(Debug, Clone, Copy)]
struct Touched {
    rule: usize,
    certain: bool,
    quoting: bool,
    episode: usize,
}

/// Which rules may claim the packets of an output.
#[derive(Debug, Clone)]
pub struct PacketRules<'a> {
    labeler: &'a Labeler,
    /// The labeler for looking at flows, of whose packets nothing is known yet.
    basis: Basis<'a>,
    /// By flow.
    flows: HashMap<i64, Vec<usize>, FixedState>,
    /// By capture and packet: ICMP errors that quote a packet of an attack.
    errors: HashMap<(i32, i64), Vec<usize>, FixedState>,
    /// Those that name packets of whatever hosts, for packets without a flow.
    numbered: Vec<usize>,
}

impl<'a> PacketRules<'a> {
    /// The rules of a labeler.
    pub fn new(labeler: &'a Labeler) -> Self {
        let all = labeler.rules().iter().enumerate();
        Self {
            labeler,
            basis: Basis::new(labeler),
            flows: HashMap::default(),
            errors: HashMap::default(),
            numbered: all
                .filter(|(_, rule)| rule.packets.is_some() && is_of_any_host(rule))
                .map(|(number, _)| number)
                .collect(),
        }
    }

    /// Looks at a batch of the flow table.
    pub fn add_flows(&mut self, batch: &RecordBatch) -> Result<()> {
        let flows = Flows::new(&self.basis, batch)?;
        for row in 0..batch.num_rows() {
            let values = |column| flows.value(column, row);
            let rules = self.labeler.for_packets_of(&flows.facts(row, &values)?);
            if !rules.is_empty() {
                self.flows.insert(flows.number(row), rules);
            }
        }
        Ok(())
    }

    /// The columns that [`PacketRules::add_errors`] needs.
    pub const ERROR_COLUMNS: [&'static str; 7] = [
        "capture",
        "packet",
        "quoted_src_ip",
        "quoted_dst_ip",
        "quoted_src_port",
        "quoted_dst_port",
        "quoted_protocol",
    ];

    /// Looks at a batch of the table icmpv4 or icmpv6, for what errors quote.
    pub fn add_errors(&mut self, batch: &RecordBatch) -> Result<()> {
        let (captures, packets) = (int32(batch, "capture")?, int64(batch, "packet")?);
        let [src, dst] = ["quoted_src_ip", "quoted_dst_ip"].map(|name| text(batch, name));
        let [src_ports, dst_ports] =
            ["quoted_src_port", "quoted_dst_port"].map(|name| int32(batch, name));
        let (src, dst, src_ports, dst_ports) = (src?, dst?, src_ports?, dst_ports?);
        let protocols = int32(batch, "quoted_protocol")?;
        for row in 0..batch.num_rows() {
            let (Some(from), Some(to)) = (address(src, row), address(dst, row)) else {
                continue;
            };
            let port = |ports: &Int32Array| {
                ports
                    .is_valid(row)
                    .then(|| u16::try_from(ports.value(row)).ok())
                    .flatten()
            };
            let ends = (
                End::new(from, port(src_ports)),
                End::new(to, port(dst_ports)),
            );
            let protocol = u8::try_from(protocols.value(row)).unwrap_or(0);
            let mut facts = FlowFacts::new(ends, protocol, (0, 0), &|_| Value::Null);
            facts.capture = usize::try_from(captures.value(row)).ok();
            let mut rules = self.labeler.candidates_at_any_time(&facts);
            rules.retain(|number| {
                let rule = self.labeler.rules().get(*number);
                rule.is_some_and(|rule| matching::is_quoted(rule, &facts))
            });
            if !rules.is_empty() {
                let key = (captures.value(row), packets.value(row));
                self.errors.insert(key, rules);
            }
        }
        Ok(())
    }

    /// Counts the packets of a batch of the table packet that rules claim.
    pub fn count(&self, batch: &RecordBatch, claims: &mut PacketClaims) -> Result<()> {
        let packets = Packets::new(batch)?;
        let mut touched = Vec::new();
        for row in 0..batch.num_rows() {
            self.touched(&packets, row, &mut touched);
            if let Some(flow) = packets.flow(row).filter(|_| !touched.is_empty()) {
                claims.count(flow, &touched);
            }
        }
        Ok(())
    }

    /// Writes down what is claimed of the packets of a batch of the table packet.
    pub fn label(
        &self,
        batch: &RecordBatch,
        claims: &PacketClaims,
        rows: &mut PacketRows,
    ) -> Result<()> {
        let packets = Packets::new(batch)?;
        let mut touched = Vec::new();
        for row in 0..batch.num_rows() {
            self.touched(&packets, row, &mut touched);
            let key = (packets.capture.value(row), packets.packet.value(row));
            let flow = packets.flow(row);
            let of_flow = flow.and_then(|flow| claims.0.get(&flow));
            if touched.is_empty() {
                // It is not what others of its flow are.
                if let Some(of) = of_flow {
                    let rest = &of.said.rest;
                    let verdict = self.labeler.label_packet(rest.hits.iter().copied());
                    let verdict = verdict.unwrap_or_else(|| match rest.vouched_for {
                        true => Verdict::vouched_for(),
                        false => Verdict::unknown(),
                    });
                    rows.push_inherited(self.labeler, key, &verdict, of.said.attacks);
                }
                continue;
            }
            let hits = touched.iter().filter_map(|touched| {
                // Refinements look at the flow.
                let (state, category) = match of_flow {
                    None => self.base(touched)?,
                    Some(of) => {
                        let mut said = of.said.of_packets.iter();
                        let (_, state, category) = said.find(|(rule, ..)| *rule == touched.rule)?;
                        (*state, *category)
                    }
                };
                let hit = PacketHit {
                    state,
                    category,
                    certain: touched.certain,
                    episode: touched.episode,
                    grey: false,
                };
                Some((touched.rule, hit))
            });
            if let Some(verdict) = self.labeler.label_packet(hits) {
                let attacks = of_flow.map_or(0, |of| of.said.attacks);
                // What has addresses of its own waits, with all that rules say of them.
                if !rows.waits(key) {
                    rows.push(self.labeler, key, flow, &verdict, attacks);
                }
            }
        }
        Ok(())
    }

    fn base(&self, touched: &Touched) -> Option<(State, Option<i64>)> {
        let base = self.labeler.rules().get(touched.rule)?.variants.first()?;
        Some((base.state?, base.category))
    }

    /// The rules that claim a packet.
    fn touched(&self, packets: &Packets<'_>, row: usize, touched: &mut Vec<Touched>) {
        touched.clear();
        let (capture, packet) = (packets.capture.value(row), packets.packet.value(row));
        let ts_ns = packets.ts_ns.value(row);
        let flow = packets.flow(row);
        let of_flow = flow.and_then(|flow| self.flows.get(&flow));
        // What has no flow has no hosts here; ARP and the like are looked at in their own tables.
        let without = flow.is_none().then_some(&self.numbered);
        for number in of_flow.into_iter().chain(without).flatten() {
            let Some(rule) = self.labeler.rules().get(*number) else {
                continue;
            };
            let here = usize::try_from(capture).ok();
            let elsewhere = |captures: &Captures| !captures.contains(here);
            if rule.captures.as_ref().is_some_and(elsewhere) {
                continue;
            }
            let number_of = u64::try_from(packet).unwrap_or(0);
            if rule
                .packets
                .as_ref()
                .is_none_or(|numbers| numbers.contains(number_of))
            {
                touched.extend(at(*number, rule, ts_ns, false));
            }
        }
        for number in self.errors.get(&(capture, packet)).into_iter().flatten() {
            if let Some(rule) = self.labeler.rules().get(*number) {
                touched.extend(at(*number, rule, ts_ns, true));
            }
        }
    }
}

/// Labels rows that have no flow, by their addresses and time: a batch of a table with `src_ip` and `dst_ip`.
pub fn label_without_flow(
    labeler: &Labeler,
    batch: &RecordBatch,
    rows: &mut PacketRows,
) -> Result<()> {
    let flows = int64(batch, "flow")?;
    if flows.null_count() == 0 {
        return Ok(());
    }
    let (captures, packets) = (int32(batch, "capture")?, int64(batch, "packet")?);
    let (src, dst) = (text(batch, "src_ip")?, text(batch, "dst_ip")?);
    let ts = batch
        .column_by_name("ts")
        .and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
    let ts = ts.ok_or_else(|| Error::new("there is no usable column ts"))?;
    let macs = ["src_mac", "dst_mac"].map(|name| text(batch, name).ok());
    let protocols = int32(batch, "protocol").ok();
    for row in (0..batch.num_rows()).filter(|row| flows.is_null(*row)) {
        let mac = |texts: Option<&StringArray>| {
            texts
                .filter(|texts| texts.is_valid(row))
                .and_then(|texts| parse_mac(texts.value(row)))
        };
        let (Some(from), Some(to)) = (address(src, row), address(dst, row)) else {
            continue;
        };
        let end = |ip, texts| End {
            ip,
            port: None,
            mac: mac(texts),
        };
        let [src_mac, dst_mac] = macs;
        let at = ts.value(row).saturating_mul(1000);
        let protocol = protocols
            .filter(|p| p.is_valid(row))
            .and_then(|p| u8::try_from(p.value(row)).ok());
        let ends = (end(from, src_mac), end(to, dst_mac));
        let mut facts = FlowFacts::new(ends, protocol.unwrap_or(NO_PROTOCOL), (at, at), &|_| {
            Value::Null
        });
        facts.capture = usize::try_from(captures.value(row)).ok();
        facts.packet = u64::try_from(packets.value(row)).ok();
        let key = (captures.value(row), packets.value(row));
        rows.wait(key, &labeler.label(&facts));
    }
    Ok(())
}

/// Reserved by IANA: what is not of IP has no protocol of IP.
const NO_PROTOCOL: u8 = 255;

fn is_of_any_host(rule: &Rule) -> bool {
    let any = HostSet::any();
    *rule.attackers.addresses() == any && *rule.victims.addresses() == any
}

/// Whether a rule claims a packet of that time, and how surely.
fn at(number: usize, rule: &Rule, ts_ns: i64, quoting: bool) -> Option<Touched> {
    let margin = |interval: &Interval| {
        let inside = ts_ns
            .saturating_sub(interval.start)
            .min(interval.end.saturating_sub(ts_ns));
        (
            inside.saturating_sub(interval.unsure),
            inside.saturating_add(interval.unsure),
        )
    };
    let all = rule.time.iter().enumerate();
    let (episode, (sure, perhaps)) = all
        .map(|(n, interval)| (n, margin(interval)))
        .max_by_key(|(n, m)| (*m, std::cmp::Reverse(*n)))?;
    (perhaps >= 0).then_some(Touched {
        rule: number,
        certain: sure >= 0,
        quoting,
        episode,
    })
}

/// A batch of the table packet.
struct Packets<'a> {
    capture: &'a Int32Array,
    packet: &'a Int64Array,
    flow: &'a Int64Array,
    ts_ns: &'a Int64Array,
}

impl<'a> Packets<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self> {
        Ok(Self {
            capture: int32(batch, "capture")?,
            packet: int64(batch, "packet")?,
            flow: int64(batch, "flow")?,
            ts_ns: int64(batch, "ts_ns")?,
        })
    }

    fn flow(&self, row: usize) -> Option<i64> {
        self.flow.is_valid(row).then(|| self.flow.value(row))
    }
}

fn address(texts: &StringArray, row: usize) -> Option<std::net::IpAddr> {
    texts
        .is_valid(row)
        .then(|| texts.value(row).parse().ok())
        .flatten()
}
