//! The flow table: shards, and the stream's time.

use netcap_proto::NO_FLOW;
use rayon::prelude::*;

use super::key::FlowPacket;
use super::lifecycle::{Ended, PacketPlace, Rules};
use super::policy::Policy;
use super::shard::Shard;

/// A fixed number, whatever the number of threads.
const SHARDS: usize = 64;

/// So many flows are given at a time at the end.
const PIECE: usize = 16_384;

/// A packet of a shard. What is needed first is looked up while the packets are gone through in order: a
/// shard's lie far from each other in memory.
struct Shared<'p> {
    packet: &'p FlowPacket,
    hash: u64,
    index: u32,
    place: PacketPlace,
}

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

    /// Adds the packets of a batch, in order, with the keys of the policy's rule. `place` gives
    /// capture and number of the packet with an index; `times` are those of all packets of the
    /// batch. Gives the flow of each packet of the batch, and the flows that ended, in order of
    /// their numbers.
    pub fn batch(
        &mut self,
        packets: &[FlowPacket],
        times: &[i64],
        place: impl Fn(u32) -> (i32, i64),
    ) -> (Vec<i64>, Ended) {
        let fair = packets.len() / SHARDS;
        let mut shares: Vec<Vec<Shared<'_>>> = (0..SHARDS)
            .map(|_| Vec::with_capacity(fair + fair / 2))
            .collect();
        for packet in packets {
            if let Some(share) = shares.get_mut(packet.hash as usize % SHARDS) {
                let (capture, number) = place(packet.index);
                share.push(Shared {
                    packet,
                    hash: packet.hash,
                    index: packet.index,
                    place: PacketPlace {
                        capture,
                        packet: number,
                    },
                });
            }
        }
        let sweep = self.advance(times);
        let (rules, now) = (self.rules, self.now);
        let most = rules.policy.max_flows.map(|most| {
            let share = most.div_ceil(SHARDS as u64);
            usize::try_from(share).unwrap_or(usize::MAX)
        });
        let results: Vec<(Vec<i64>, Ended)> = self
            .shards
            .par_iter_mut()
            .zip(&shares)
            .map(|(shard, share)| {
                let mut ended = Vec::new();
                let flows = share
                    .iter()
                    .map(|shared| {
                        shard.add(shared.packet, shared.hash, shared.place, &rules, &mut ended)
                    })
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
        for ((ids, mut gone), share) in results.into_iter().zip(shares) {
            for (shared, id) in share.into_iter().zip(ids) {
                if let Some(slot) = flows.get_mut(shared.index as usize) {
                    *slot = id;
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
