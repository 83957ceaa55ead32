//! The flow table: shards, and the stream's time.

use netcap_proto::NO_FLOW;
use rayon::prelude::*;

use super::lifecycle::{Ended, Rules};
use super::packets::{FlowPackets, SHARDS};
use super::policy::Policy;
use super::shard::Shard;

/// So many flows are given at a time at the end.
const PIECE: usize = 16_384;

/// The flows of a stream under one policy.
#[derive(Debug)]
pub struct FlowTable {
    rules: Rules,
    shards: Vec<Shard>,
    /// The latest median time of a batch: a time that no single wild time stamp can move.
    now: i64,
    /// When idle flows were last looked for.
    swept: i64,
}

impl FlowTable {
    /// An empty table, which keeps the first `early` packets of each flow.
    pub fn new(policy: Policy, early: usize) -> Self {
        Self {
            rules: Rules { policy, early },
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            now: i64::MIN,
            swept: i64::MIN,
        }
    }

    /// Adds the packets of a batch, with the keys of the policy's rule. `times` are those of all packets
    /// of the batch. Gives the flow of each packet of the batch, and the flows that ended, in order of
    /// their numbers.
    pub fn batch(&mut self, packets: &FlowPackets, times: &[i64]) -> (Vec<i64>, Ended) {
        let sweep = self.advance(times);
        let (rules, now) = (self.rules, self.now);
        let most = rules.policy.max_flows.map(|most| {
            let share = most.div_ceil(SHARDS as u64);
            usize::try_from(share).unwrap_or(usize::MAX)
        });
        let results: Vec<(Vec<(u32, i64)>, Ended)> = self
            .shards
            .par_iter_mut()
            .zip(packets.shares())
            .map(|(shard, share)| {
                let mut ended = Vec::new();
                let flows = share
                    .iter()
                    .flatten()
                    .map(|packet| (packet.index, shard.add(packet, &rules, &mut ended)))
                    .collect();
                if sweep {
                    shard.expire(now, &rules, &mut ended);
                }
                if let Some(most) = most {
                    shard.shrink(most, &mut ended);
                }
                (flows, ended)
            })
            .collect();
        let mut flows = vec![NO_FLOW; times.len()];
        let mut ended = Vec::new();
        for (of_packets, mut gone) in results {
            for (index, flow) in of_packets {
                if let Some(slot) = flows.get_mut(index as usize) {
                    *slot = flow;
                }
            }
            ended.append(&mut gone);
        }
        ended.sort_unstable_by_key(|flow| flow.id);
        (flows, ended)
    }

    /// Moves the stream's time to the batch's median, and tells whether it is time to look for
    /// flows that are over. Looking only frees memory: a flow's time-out is decided by its own
    /// packets.
    fn advance(&mut self, times: &[i64]) -> bool {
        let mut times = times.to_vec();
        if times.is_empty() {
            return false;
        }
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        self.now = self.now.max(*median);
        let policy = &self.rules.policy;
        let limit = policy.idle_ns.unwrap_or(policy.active_ns);
        let due = self.now.saturating_sub(self.swept) > limit / 4;
        if due {
            self.swept = self.now;
        }
        due
    }

    /// Flows that go on.
    pub fn len(&self) -> usize {
        self.shards.iter().map(Shard::len).sum()
    }

    /// No flow goes on.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The input has ended: gives all flows to `take` in pieces, in order of their numbers. Each
    /// piece is made when it is asked for, since the rows of all of them would take many times the
    /// memory of the flows.
    pub fn finish<E>(&mut self, mut take: impl FnMut(Ended) -> Result<(), E>) -> Result<(), E> {
        let mut ended = Vec::with_capacity(self.len());
        for shard in &mut self.shards {
            shard.finish(self.now, &self.rules, &mut ended);
        }
        ended.sort_unstable_by_key(|flow| flow.id);
        let mut ended = ended.into_iter();
        loop {
            let piece: Ended = ended.by_ref().take(PIECE).collect();
            if piece.is_empty() {
                return Ok(());
            }
            take(piece)?;
        }
    }
}
