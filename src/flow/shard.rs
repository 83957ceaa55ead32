//! A share of the flow table: the flows whose keys hash to it.
//!
//! Packets reach a shard in order, and a flow is touched by one shard only, so nothing here
//! depends on the number of threads.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use netcap_proto::NO_FLOW;

use super::key::FlowPacket;
use super::lifecycle::{EndReason, Ended, Flow, Joined, Rules};

/// Flows by key. They lie outside of the table, whose free places would cost as much as a flow each.
#[derive(Debug, Default)]
pub(super) struct Shard {
    flows: HashTable<Box<Flow>>,
}

impl Shard {
    pub(super) fn len(&self) -> usize {
        self.flows.len()
    }

    /// Adds a packet; gives the number of its flow, if it has one. A flow that ends before it goes to `ended`.
    pub(super) fn add(&mut self, packet: &FlowPacket, rules: &Rules, ended: &mut Ended) -> i64 {
        let entry = self.flows.entry(
            packet.hash,
            |flow| flow.first_packet.key == packet.key,
            |flow| flow.first_packet.hash,
        );
        match entry {
            Entry::Vacant(entry) => {
                let flow = Box::new(Flow::new(packet));
                entry.insert(flow).get().id
            }
            Entry::Occupied(mut entry) => {
                let flow = entry.get_mut();
                if let Some((reason, next)) = flow.successor(packet, rules) {
                    let mut old = std::mem::replace(flow, Box::new(next));
                    old.end(reason);
                    ended.push(old);
                    return flow.id;
                }
                let id = flow.id;
                match flow.join(packet, rules) {
                    Joined::GoesOn => id,
                    Joined::LeftOut => NO_FLOW,
                    Joined::AsLast => {
                        ended.push(entry.remove().0);
                        id
                    }
                }
            }
        }
    }

    /// Takes out the flows that no packet can join any more at `now`.
    pub(super) fn expire(&mut self, now: i64, rules: &Rules, ended: &mut Ended) {
        let policy = &rules.policy;
        let reason = match policy.idle_ns {
            Some(_) => EndReason::Idle,
            None => EndReason::Active,
        };
        let over = self.flows.extract_if(|flow| flow.is_over(now, policy));
        ended.extend(over.map(|flow| with_reason(flow, reason)));
    }

    /// Takes out the flows that have been idle longest, until there are `most`.
    pub(super) fn shrink(&mut self, most: usize, ended: &mut Ended) {
        let excess = self.flows.len().saturating_sub(most);
        if excess == 0 {
            return;
        }
        let mut ages: Vec<(i64, i64)> = self.flows.iter().map(|f| (f.end_ns, f.id)).collect();
        let (_, last, _) = ages.select_nth_unstable(excess - 1);
        let last = *last;
        let out = self.flows.extract_if(|flow| (flow.end_ns, flow.id) <= last);
        ended.extend(out.map(|flow| with_reason(flow, EndReason::Memory)));
    }

    /// Takes out all flows. Those that were over at `now` ended for that reason, whether they
    /// were looked for before or not.
    pub(super) fn finish(&mut self, now: i64, rules: &Rules, ended: &mut Ended) {
        self.expire(now, rules, ended);
        let rest = std::mem::take(&mut self.flows).into_iter();
        ended.extend(rest.map(|flow| with_reason(flow, EndReason::EndOfInput)));
    }
}

fn with_reason(mut flow: Box<Flow>, reason: EndReason) -> Box<Flow> {
    flow.end(reason);
    flow
}
