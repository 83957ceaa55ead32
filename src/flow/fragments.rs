//! Which flow a fragment without a transport header belongs to: that of the first fragment of its
//! datagram.
//!
//! Fragments are not put together here; their bytes count where they are.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::key::{FlowKey, FlowPacket, Side};

/// Datagrams that are remembered; of more the oldest half is forgotten.
const MOST: usize = 65_536;
/// After so long without a fragment a datagram is given up, in nanoseconds: RFC 791, 3.2 proposes
/// 15 s and more, Linux takes 30; RFC 8200, 4.5 has 60.
const TIMEOUT_IPV4: i64 = 30_000_000_000;
const TIMEOUT_IPV6: i64 = 60_000_000_000;

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
}

impl Default for Fragments {
    fn default() -> Self {
        Self {
            datagrams: HashMap::with_hasher(FixedState::with_seed(0x6672_6167)),
        }
    }
}

impl Fragments {
    /// Gives later fragments the keys of their flows. Those whose first fragment was not seen, or
    /// too long ago, are taken out.
    pub fn resolve(&mut self, packets: &mut Vec<FlowPacket>) {
        if packets.iter().all(|packet| packet.datagram.is_none()) {
            return;
        }
        packets.retain_mut(|packet| {
            let Some(datagram) = packet.datagram else {
                return true;
            };
            if datagram.first {
                self.make_room();
                let known = Known {
                    key: packet.key,
                    from: packet.from,
                    latest: packet.ts_ns,
                };
                self.datagrams.insert(datagram.hash, known);
                return true;
            }
            let timeout = if packet.key.addresses[0].is_ipv4() {
                TIMEOUT_IPV4
            } else {
                TIMEOUT_IPV6
            };
            match self.datagrams.get_mut(&datagram.hash) {
                Some(known) if packet.ts_ns.saturating_sub(known.latest) <= timeout => {
                    known.latest = known.latest.max(packet.ts_ns);
                    *packet = packet.of_flow(known.key, known.from);
                    true
                }
                _ => false,
            }
        });
    }

    fn make_room(&mut self) {
        if self.datagrams.len() < MOST {
            return;
        }
        let mut times: Vec<i64> = self.datagrams.values().map(|known| known.latest).collect();
        let (_, median, _) = times.select_nth_unstable(MOST / 2);
        let median = *median;
        self.datagrams.retain(|_, known| known.latest > median);
    }
}
