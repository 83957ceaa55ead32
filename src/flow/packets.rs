//! The packets of a batch, by the shards of their flows.
//!
//! A worker puts each packet beside the others of its shard, which then goes through them one after the other in
//! memory: picked out of the whole batch, each would be waited for. Fragments lie apart, since those after the first
//! get the key of their flow, and with it their shard, when all batches before are known.

use hashbrown::HashSet;

use super::fragments::Fragments;
use super::key::FlowPacket;

/// A fixed number, whatever the number of threads.
pub(super) const SHARDS: usize = 64;

/// Packets of a block, which has the size that is given out whole.
const BLOCK: usize = 8192 / size_of::<FlowPacket>();

/// Packets of one shard, in blocks: as one piece each would keep the memory of the batch in which it had most.
pub(super) type Share = Vec<Vec<FlowPacket>>;

/// Packets of a batch that belong to flows.
#[derive(Debug)]
pub struct FlowPackets {
    /// Of each shard, in order.
    shares: Vec<Share>,
    /// Blocks for other packets.
    free: Vec<Vec<FlowPacket>>,
    /// Fragments, in order.
    fragments: Vec<FlowPacket>,
}

impl Default for FlowPackets {
    fn default() -> Self {
        Self {
            shares: vec![Share::new(); SHARDS],
            free: Vec::new(),
            fragments: Vec::new(),
        }
    }
}

impl FlowPackets {
    /// Packets whose keys are those of their flows, in order.
    pub fn of_flows(packets: impl IntoIterator<Item = FlowPacket>) -> Self {
        let mut all = Self::default();
        packets.into_iter().for_each(|packet| all.share(packet));
        all
    }

    /// Empties it, and keeps its memory for others.
    pub fn clear(&mut self) {
        for share in &mut self.shares {
            self.free.append(share);
        }
        self.free.iter_mut().for_each(Vec::clear);
        self.fragments.clear();
    }

    /// Adds a packet after those before.
    #[inline]
    pub fn push(&mut self, packet: FlowPacket) {
        if packet.datagram.is_some() {
            self.fragments.push(packet);
        } else {
            self.share(packet);
        }
    }

    #[inline]
    fn share(&mut self, packet: FlowPacket) {
        let Some(share) = self.shares.get_mut(packet.hash as usize % SHARDS) else {
            return;
        };
        match share.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(packet),
            _ => {
                let free = self.free.pop();
                let mut block = free.unwrap_or_else(|| Vec::with_capacity(BLOCK));
                block.push(packet);
                share.push(block);
            }
        }
    }

    /// All packets, in order; the batch has `length` with those that belong to no flow.
    pub fn in_order(&self, length: usize) -> Vec<&FlowPacket> {
        let mut all = vec![None; length];
        let shared = self.shares.iter().flatten().flatten();
        for packet in shared.chain(&self.fragments) {
            if let Some(slot) = all.get_mut(packet.index as usize) {
                *slot = Some(packet);
            }
        }
        all.into_iter().flatten().collect()
    }

    /// Fragments, in order.
    pub fn fragments(&self) -> &[FlowPacket] {
        &self.fragments
    }

    /// Gives each fragment to the flow that it belongs to, and takes those out that belong to none that is known.
    /// `firsts` as [`Fragments::resolve`] takes them.
    pub fn resolve(&mut self, known: &mut Fragments, firsts: &[(u32, u64)]) {
        if self.fragments.is_empty() && firsts.is_empty() {
            return;
        }
        self.take_out(firsts);
        let mut fragments = std::mem::take(&mut self.fragments);
        known.resolve(&mut fragments, firsts);
        let mut touched = [false; SHARDS];
        for packet in fragments.drain(..) {
            touched[packet.hash as usize % SHARDS] = true;
            self.share(packet);
        }
        self.fragments = fragments;
        let shares = self.shares.iter_mut().zip(touched);
        let mut packets: Vec<FlowPacket> = Vec::new();
        for (share, _) in shares.filter(|(_, touched)| *touched) {
            packets.extend(share.iter().flatten());
            packets.sort_by_key(|packet| packet.index);
            let slots = share.iter_mut().flatten();
            slots
                .zip(packets.drain(..))
                .for_each(|(slot, packet)| *slot = packet);
        }
    }

    /// Puts packets that have a first fragment in them to the fragments, though they are none themselves: what a
    /// tunnel brought whole.
    fn take_out(&mut self, firsts: &[(u32, u64)]) {
        let is_there = |index: u32| {
            let found = self.fragments.binary_search_by_key(&index, |p| p.index);
            found.is_ok()
        };
        let indexes = firsts.iter().map(|(index, _)| *index);
        let missing: HashSet<u32> = indexes.filter(|index| !is_there(*index)).collect();
        if missing.is_empty() {
            return;
        }
        for block in self.shares.iter_mut().flatten() {
            let found = block.extract_if(.., |packet| missing.contains(&packet.index));
            self.fragments.extend(found);
        }
        self.fragments.sort_by_key(|packet| packet.index);
    }

    /// The packets of each shard, in blocks, in order.
    pub(super) fn shares(&self) -> &[Share] {
        &self.shares
    }
}

#[cfg(test)]
mod tests {
    use netcap_proto::Symbols;

    use super::FlowPackets;
    use crate::flow::{FlowPacket, Fragments, PacketPlace};
    use crate::packet::{Datagram, Facts, Ip, Part};

    /// A packet of UDP, or a part of one.
    fn packet(index: u32, part: Option<Part>) -> FlowPacket {
        let mut symbols = Symbols::default();
        let [src, dst] = ["10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap());
        let mut facts = Facts::default();
        facts.enter_ip(Ip {
            src,
            dst,
            src_symbol: symbols.ip(src),
            dst_symbol: symbols.ip(dst),
            protocol: 17,
            ttl: 64,
            packet_bytes: 40,
            payload_bytes: 20,
            fragment: None,
        });
        facts.datagram = part.map(|part| Datagram { hash: 7, part });
        facts.ports = (part != Some(Part::Later)).then_some((1000, 53));
        let place = PacketPlace {
            capture: 0,
            packet: i64::from(index) + 1,
        };
        FlowPacket::new(&facts, index, place, 0, 60).unwrap()
    }

    fn resolved(parts: &[Option<Part>]) -> Vec<Vec<u32>> {
        let mut packets = FlowPackets::default();
        let all = (0..).zip(parts);
        all.for_each(|(index, part)| packets.push(packet(index, *part)));
        packets.resolve(&mut Fragments::default(), &[(1, 7)]);
        assert!(packets.fragments().is_empty());
        let shares = packets.shares().iter().map(|share| {
            let packets = share.iter().flatten();
            packets.map(|packet| packet.index).collect()
        });
        shares
            .filter(|share: &Vec<u32>| !share.is_empty())
            .collect()
    }

    #[test]
    fn fragments_come_in_order_among_the_packets_of_their_flow() {
        let (first, later) = (Some(Part::First), Some(Part::Later));
        let mut parts = vec![None, first, None, later];
        parts.resize(200, None);
        let one_flow: Vec<u32> = (0..200).collect();
        assert_eq!(resolved(&parts), [one_flow]);
        // Before its first fragment none has a flow.
        assert_eq!(resolved(&[later, first, None]), [[1, 2]]);
    }

    /// The packet that completes a datagram in which a tunnel brought the first fragment of another.
    #[test]
    fn first_fragments_may_lie_in_what_is_no_fragment() {
        let later = Some(Part::Later);
        assert_eq!(resolved(&[None, None, None, later]), [[0, 1, 2, 3]]);
    }
}
