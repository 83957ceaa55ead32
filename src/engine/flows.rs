//! The flow tables of a run: one of netcap's own policy, which says the flow of every row, and one
//! for each other policy whose table is wanted. Which flow a packet belongs to is found batch after batch;
//! rows of flows that ended are made of several pieces at the same time.

use std::sync::Mutex;

use netcap_proto::{FLOW, FLOW_PACKET, Symbols, Table};
use rayon::prelude::*;

use super::Options;
use super::rows::{Rows, finish};
use super::worker::Decoded;
use crate::error::Result;
use crate::flow::{
    Ended, FlowPacket, FlowPackets, FlowRows, FlowTable, Fragments, KeyRule, Policy,
};

/// The flows of a stream.
pub(super) struct Flows {
    fragments: Fragments,
    own: Flowing,
    others: Vec<Flowing>,
    /// Those of packets around tunnels, and of their fragments.
    outer: Option<(Fragments, Flowing)>,
}

impl Flows {
    pub(super) fn new(options: &Options) -> Self {
        let early = if options.tables.has(FLOW_PACKET.name) {
            options.first_packets
        } else {
            0
        };
        let [own, others @ .., outer] = Policy::of_tables(options.policy);
        let wants_outer = options.tables.has(outer.0.name);
        Self {
            fragments: Fragments::default(),
            own: Flowing::new(own, early, options.tables.has(FLOW.name)),
            others: others
                .into_iter()
                .filter(|(table, _)| options.tables.has(table.name))
                .map(|other| Flowing::new(other, 0, true))
                .collect(),
            outer: wants_outer.then(|| (Fragments::default(), Flowing::new(outer, 0, true))),
        }
    }

    /// Adds a batch; gives the flow of each of its packets, and the flows that ended to `all`.
    pub(super) fn batch(&mut self, decoded: &mut Decoded, all: &mut Vec<EndedFlows>) -> Vec<i64> {
        for other in &mut self.others {
            let rule = other.policy.key;
            let packets = decoded.flow_packets.in_order(decoded.times.len());
            let packets: Vec<FlowPacket> = packets
                .into_par_iter()
                .filter(|packet| !packet.is_later_fragment())
                .filter_map(|packet| packet.under(rule))
                .collect();
            other.batch(&FlowPackets::of_flows(packets), &decoded.times, all);
        }
        if let Some((fragments, outer)) = &mut self.outer {
            let (mut packets, firsts) = with_fragments(decoded);
            fragments.resolve(&mut packets, &firsts);
            outer.batch(&FlowPackets::of_flows(packets), &decoded.times, all);
        }
        decoded
            .flow_packets
            .resolve(&mut self.fragments, &decoded.firsts);
        debug_assert_eq!(self.own.policy.key, KeyRule::Full);
        self.own.batch(&decoded.flow_packets, &decoded.times, all)
    }

    /// The stream has ended: gives all flows that went on to `take`, some at a time.
    pub(super) fn finish(
        &mut self,
        mut take: impl FnMut(Vec<EndedFlows>) -> Result<()>,
    ) -> Result<()> {
        let outer = self.outer.as_mut().map(|outer| &mut outer.1);
        let others = self.others.iter_mut().chain(outer);
        for flowing in std::iter::once(&mut self.own).chain(others) {
            flowing.finish(&mut take)?;
        }
        Ok(())
    }
}

/// The packets around tunnels, and all later fragments, which may belong to them, in order; and the first
/// fragments among them, as [`Fragments::resolve`] takes them.
fn with_fragments(decoded: &Decoded) -> (Vec<FlowPacket>, Vec<(u32, u64)>) {
    let outer = &decoded.outer_packets;
    let first = |packet: &FlowPacket| Some((packet.index, packet.datagram?.hash));
    let firsts: Vec<(u32, u64)> = outer.iter().filter_map(first).collect();
    // A first fragment that completes its datagram is there already.
    let is_there = |packet: &&FlowPacket| {
        let found = firsts.binary_search_by_key(&packet.index, |first| first.0);
        found.is_ok()
    };
    let fragments = decoded.flow_packets.fragments().iter();
    let fragments = fragments.filter(|packet| !is_there(packet));
    let fragments = fragments.filter_map(FlowPacket::as_later_fragment);
    let mut packets: Vec<FlowPacket> = outer.iter().copied().chain(fragments).collect();
    packets.sort_by_key(|packet| packet.index);
    (packets, firsts)
}

/// The flows of one policy.
struct Flowing {
    name: &'static str,
    policy: Policy,
    early: usize,
    /// Rows are wanted.
    wanted: bool,
    table: FlowTable,
}

impl Flowing {
    fn new((table, policy): (&'static Table, Policy), early: usize, wanted: bool) -> Self {
        Self {
            name: table.name,
            policy,
            early,
            wanted: wanted || early > 0,
            table: FlowTable::new(policy, early),
        }
    }

    /// Adds packets of a batch; gives the flow of each packet of the batch, and the flows that ended to `all`.
    fn batch(
        &mut self,
        packets: &FlowPackets,
        times: &[i64],
        all: &mut Vec<EndedFlows>,
    ) -> Vec<i64> {
        let (flows, ended) = self.table.batch(packets, times);
        all.extend(self.pieces(ended));
        flows
    }

    /// Flows that ended, so many at a time that rows can be made of several pieces at once.
    fn pieces(&self, ended: Ended) -> impl Iterator<Item = EndedFlows> {
        let (table, policy, early) = (self.name, self.policy, self.early);
        let mut ended = if self.wanted { ended } else { Ended::new() }.into_iter();
        std::iter::from_fn(move || {
            let flows: Ended = ended.by_ref().take(PIECE).collect();
            (!flows.is_empty()).then_some(EndedFlows {
                table,
                policy,
                early,
                flows,
            })
        })
    }

    fn finish(&mut self, take: &mut impl FnMut(Vec<EndedFlows>) -> Result<()>) -> Result<()> {
        let mut table = std::mem::replace(&mut self.table, FlowTable::new(self.policy, self.early));
        table.finish(|flows| take(self.pieces(flows).collect()))
    }
}

/// Flows of a piece.
const PIECE: usize = 512;

/// Flows of one policy that ended, in order, as their table is to have them.
pub(super) struct EndedFlows {
    table: &'static str,
    policy: Policy,
    early: usize,
    flows: Ended,
}

/// What makes rows of flows that ended. It keeps its memory for the next.
#[derive(Default)]
pub(super) struct RowMakers(Mutex<Vec<RowMaker>>);

#[derive(Default)]
struct RowMaker {
    rows: FlowRows,
    symbols: Symbols,
}

impl RowMakers {
    /// The rows of pieces, in their order. Many flows end at once when they are looked for, so pieces and not
    /// batches are shared among the threads.
    pub(super) fn rows(&self, ended: Vec<EndedFlows>) -> Result<Vec<Rows>> {
        ended
            .into_par_iter()
            .map(|piece| {
                let free = self.0.lock().ok().and_then(|mut makers| makers.pop());
                let mut maker = free.unwrap_or_default();
                let rows = maker.rows(&piece);
                if let Ok(mut makers) = self.0.lock() {
                    makers.push(maker);
                }
                rows
            })
            .collect()
    }
}

impl RowMaker {
    fn rows(&mut self, ended: &EndedFlows) -> Result<Rows> {
        let EndedFlows {
            table,
            policy,
            early,
            flows,
        } = ended;
        let least = policy.least_packets;
        for flow in flows.iter().filter(|flow| flow.packets() >= least) {
            self.rows.push(flow, *policy, *early, &mut self.symbols);
        }
        let packets = finish(&mut self.rows.packets, &mut Symbols::default())?;
        let flows = finish(&mut self.rows.flows, &mut self.symbols)?;
        Ok(vec![(*table, flows), (FLOW_PACKET.name, packets)])
    }
}
