//! Which flow a fragment without a transport header belongs to: that of the first fragment of its
//! datagram.
//!
//! Fragments are not put together here; their bytes count where they are.

use std::net::IpAddr;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::key::{FlowKey, FlowPacket, Side};
use crate::packet::{Tunnels, Vlans};

/// Datagrams that are remembered; of more the oldest half is forgotten.
const MOST: usize = 65_536;
/// After so long without a fragment a datagram is given up, in nanoseconds: RFC 791, 3.2 proposes
/// 15 s and more, Linux takes 30; RFC 8200, 4.5 has 60.
const TIMEOUT_IPV4: i64 = 30_000_000_000;
const TIMEOUT_IPV6: i64 = 60_000_000_000;

/// The datagrams of a stream whose first fragments were seen.
#[derive(Debug)]
pub struct Fragments {
    datagrams: HashMap<Datagram, Known, FixedState>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Datagram {
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    id: u32,
    vlans: Vlans,
    tunnels: Tunnels,
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
        if packets.iter().all(|packet| packet.fragment.is_none()) {
            return;
        }
        packets.retain_mut(|packet| {
            let Some(fragment) = packet.fragment else {
                return true;
            };
            let (src, dst) = packet.ends();
            let datagram = Datagram {
                src,
                dst,
                protocol: packet.key.protocol,
                id: fragment.id,
                vlans: packet.key.vlans,
                tunnels: packet.key.tunnels,
            };
            if fragment.offset == 0 {
                self.make_room();
                let known = Known {
                    key: packet.key,
                    from: packet.from,
                    latest: packet.ts_ns,
                };
                self.datagrams.insert(datagram, known);
                return true;
            }
            let timeout = if src.is_ipv4() {
                TIMEOUT_IPV4
            } else {
                TIMEOUT_IPV6
            };
            match self.datagrams.get_mut(&datagram) {
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
