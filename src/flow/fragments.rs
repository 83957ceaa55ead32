//! Which flow a fragment without a transport header belongs to: that of the first fragment of its
//! datagram.
//!
//! Their bytes count where they are. Datagrams are put together elsewhere (`packet::Reassembly`).

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::key::{FlowKey, FlowPacket, Side};
use crate::packet::{MOST_DATAGRAMS, Part, fragment_timeout};

/// The datagrams of a stream whose first fragments were seen.
#[derive(Debug)]
pub struct Fragments {
    /// By the hashes of what their fragments have in common.
    datagrams: HashMap<u64, Known, FixedState>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    key: FlowKey,
    from: Side,
    /// Latest time of its fragments.
    latest: i64,
    /// The first fragment ended within the transport header, so what follows may still be header.
    headless: bool,
}

impl Default for Fragments {
    fn default() -> Self {
        Self {
            datagrams: HashMap::with_hasher(FixedState::with_seed(0x6672_6167)),
        }
    }
}

impl Fragments {
    /// Gives later fragments among `packets` the keys of their flows. Those whose first fragment was not seen, or
    /// too long ago, are taken out. `firsts` are packet and datagram of each first fragment, in order; a
    /// packet can be that of several, one within the other.
    pub fn resolve(&mut self, packets: &mut Vec<FlowPacket>, mut firsts: &[(u32, u64)]) {
        packets.retain_mut(|packet| {
            let resolved = match packet.datagram {
                Some(datagram) if datagram.part == Part::Later => self.find(datagram.hash, packet),
                Some(datagram) if datagram.part == Part::Headed => {
                    self.insert(datagram.hash, packet);
                    true
                }
                _ => true,
            };
            while let Some(((index, hash), rest)) = firsts.split_first() {
                if *index > packet.index {
                    break;
                }
                firsts = rest;
                if *index == packet.index && resolved {
                    self.insert(*hash, packet);
                }
            }
            resolved
        });
    }

    /// Gives a later fragment the key of its flow.
    fn find(&mut self, hash: u64, packet: &mut FlowPacket) -> bool {
        let timeout = fragment_timeout(packet.key.addresses[0].is_ipv4());
        match self.datagrams.get_mut(&hash) {
            Some(known) if packet.ts_ns.saturating_sub(known.latest) <= timeout => {
                known.latest = known.latest.max(packet.ts_ns);
                *packet = packet.of_flow(known.key, known.from);
                if known.headless {
                    packet.payload_bytes = 0;
                }
                true
            }
            _ => false,
        }
    }

    /// Notes the flow of a datagram.
    fn insert(&mut self, hash: u64, packet: &FlowPacket) {
        self.make_room(hash);
        // After the one that brought the header, repeated fragments still count nothing.
        let part = packet.datagram.map(|datagram| datagram.part);
        let headless = matches!(part, Some(Part::Headless | Part::Headed));
        let known = Known {
            key: packet.key,
            from: packet.from,
            latest: packet.ts_ns,
            headless,
        };
        self.datagrams.insert(hash, known);
    }

    fn make_room(&mut self, hash: u64) {
        if self.datagrams.len() < MOST_DATAGRAMS || self.datagrams.contains_key(&hash) {
            return;
        }
        let mut times: Vec<i64> = self.datagrams.values().map(|known| known.latest).collect();
        let (_, median, _) = times.select_nth_unstable(MOST_DATAGRAMS / 2);
        let median = *median;
        self.datagrams.retain(|_, known| known.latest > median);
    }
}
